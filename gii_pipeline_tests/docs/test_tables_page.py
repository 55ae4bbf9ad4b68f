"""docs/tables.md is true: every line of "What is read" is tried, and the lists are those of the code."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import duckdb
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.readers.companies import INDUSTRIES
from gii_pipeline.sources.readers.deal_types import TYPES, VENTURE_EQUITY
from gii_pipeline.sources.readers.table_options import OURS
from gii_pipeline_tests.docs.pages import ROOT
from gii_pipeline_tests.sources.readers.test_deals import ISSUERS, Notice, form_d
from gii_pipeline_tests.sources.readers.test_table import in_every_form, workbook

PAGE: Final = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
Files = Mapping[str, Path]
ROUND_2015: Final = (
    "company_permalink,funding_round_permalink,funding_round_type,funding_round_code,funded_at\n"
    "/c/a,r1,seed,,02-12-2014\n"
)
COMPANY_2015: Final = (
    "permalink,name,category_list,funding_total_usd,country_code,state_code,city,founded_at\n"
    "/c/a,A,Media,1,FRA,,Paris,\n"
)
PITCHBOOK: Final = (
    "Deal ID,Companies,Deal Date,Deal Type,Company City,Company Country/Territory/Region\n"
    "1-1T,A,05-Jan-2024,Seed Round,Paris,France\n"
)


def text(content: str, role: str = "rounds", name: str = "file.csv") -> Callable[[Path], Files]:
    def files(folder: Path) -> Files:
        (folder / name).write_text(content, encoding="utf-8", newline="")
        return {role: folder / name}

    return files


def both(folder: Path) -> Files:
    return {**text(ROUND_2015)(folder), **text(COMPANY_2015, "companies", "companies.csv")(folder)}


def without_a_table(folder: Path) -> Files:
    with zipfile.ZipFile(folder / "q.zip", "w") as archive:
        archive.writestr("Q/ISSUERS.tsv", ISSUERS)
    return {"sets": folder / "q.zip"}


def sheets(*names: str, content: str = PITCHBOOK) -> Callable[[Path], Files]:
    rows = [line.split(",") for line in content.splitlines()]
    return lambda folder: {"people": workbook(folder / "x.xlsx", dict.fromkeys(names, rows))}


def packed(folder: Path) -> Files:
    (folder / "x.7z").write_bytes(b"7z\xbc\xaf\x27\x1c\x00")
    return {"people": folder / "x.7z"}


def old_workbook(folder: Path) -> Files:
    (folder / "x.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    return {"rounds": folder / "x.xls"}


API: Final = {"uuid": "u", "properties": {"announced_on": "2024-01-01", "investment_type": "seed"}}
TRIALS: Final[Mapping[str, tuple[Callable[[Path], Files], str]]] = {
    "export of 2013": (
        text(
            "company_permalink,company_name,company_country_code,company_state_code,company_city,funding_round_type,"
            "funded_at\r/c/a,A,USA,NY,New York,series-a,2012-06-30\r"
        ),
        "",
    ),
    "export of 2015": (both, ""),
    "export of 2016": (
        text(
            "company_name,country_code,funding_round_type,announced_on,company_uuid,funding_round_uuid\n"
            "A,FRA,seed,2016-01-01,c,r\n"
        ),
        "",
    ),
    "bulk export": (text("uuid,investment_type,announced_on,org_uuid\nu,seed,2024-01-01,o\n"), ""),
    "search of Crunchbase Pro": (
        text(
            "Transaction Name URL,Organization Name,Funding Type,Announced Date,Organization Location\n"
            "/r,A,Seed,2024-01-01,Paris\n"
        ),
        "",
    ),
    "any of these CSV saved again by Excel": (
        text(
            '\ufeff"uuid";"investment_type";"announced_on";"org_uuid"\r\n"u";"seed";"31.01.2024";"o; p"\r\n',
        ),
        "",
    ),
    "API v4": (text(json.dumps({"count": 1, "entities": [API]})), ""),
    "companies.csv of 2015 as rounds": (text(COMPANY_2015), "It looks like Crunchbase's companies.csv of 2015"),
    "deals as CSV": (text('"A title\nof two lines"\n' + PITCHBOOK, "people"), ""),
    "deals as a workbook": (sheets("Deals"), ""),
    "deals passed to a Crunchbase reader": (text(PITCHBOOK), "It looks like PitchBook's deals"),
    "quarterly zip": (lambda folder: {"sets": form_d(folder / "q.zip", Notice("a"))}, ""),
    "a zip without one of its tables": (without_a_table, "it has no FORMDSUBMISSION.tsv"),
    ".xlsx with one matching sheet": (sheets("Only"), ""),
    ".xlsx with several matching sheets": (sheets("2023", "2024"), "Choose one in the profile"),
    ".xls passed to a text reader": (old_workbook, "a workbook of Excel before 2007 (.xls)"),
    ".7z": (packed, "a 7z archive cannot be read"),
}
"""The beginning of a line's form -> files, and what the refusal says; empty where they are read."""


def lines(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [row for row in section.splitlines() if row.startswith("|")][2:]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


@pytest.mark.parametrize("line", lines("What is read"), ids=lambda line: f"{line[0]}: {line[1]}")
def test_every_line_of_what_is_read_is_so(line: list[str], tmp_path: Path) -> None:
    _, form, outcome, reader = line
    name = re.findall(r"`(\w+)`", reader)[0]
    if form.startswith("CSV, TSV"):
        assert len(list(in_every_form(tmp_path))) == 11  # which the reader's own test reads
        return
    files, refusal = next(trial for begin, trial in TRIALS.items() if form.startswith(begin))
    given = {role: [path] for role, path in files(tmp_path).items()}
    assert bool(refusal) == outcome.startswith("refused")
    with duckdb.connect() as con:
        if refusal:
            with pytest.raises(InputError, match=re.escape(refusal)):
                SOURCES[name].people(con, given).fetchall()
        else:
            assert len(SOURCES[name].people(con, given).filter("dropped IS NULL").fetchall()) == 1


def test_every_trial_is_a_line_of_the_page() -> None:
    forms = [form for _, form, *_ in lines("What is read")]
    assert all(any(form.startswith(begin) for form in forms) for begin in TRIALS)
    assert len(forms) == len(TRIALS) + 1


def test_the_lists_of_the_page_are_those_of_the_code() -> None:
    listed = [name for cell, _ in lines("Columns") for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(listed) == sorted(OURS)
    assert {re.findall(r"`(\w+)`", cell)[0]: meaning for cell, meaning in lines("Types of deals")} == TYPES
    assert all(f"`{kind}`" in PAGE.split("Editions count venture equity:", 1)[1][:120] for kind in VENTURE_EQUITY)
    assert all(name in " ".join(PAGE.split()) for name in INDUSTRIES)
