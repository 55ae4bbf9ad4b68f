"""`gii profile init` looks at a file and writes a profile that runs, with its guesses named."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from gii_pipeline.cli import app
from gii_pipeline.errors import InputError
from gii_pipeline.profiles import Profile, read_profile
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.inspecting import guessed, inspect

STARTUPS = (
    "Sr. No.,Startup Name,Date dd/mm/yyyy,City  Location,Industry Vertical,InvestmentnType,Amount in USD\n"
    "1,Acme,09/01/2020,Bengaluru,E-Tech,Private Equity Round,1\n"
    "2,Byte,13/01/2020,Gurgaon,Transport,Series C,2\n"
    "1,Cee,14/02/2012,Pune,FinTech,Seed Round,3\n"
)


def written(folder: Path, text: str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def init(file: Path, *arguments: str) -> tuple[Profile, str, str]:
    """The profile, what it says, and what the command says."""
    output = file.with_suffix(".yaml")
    result = CliRunner().invoke(app, ["profile", "init", str(file), "--output", str(output), *arguments])
    assert result.exit_code == 0, result.output
    return read_profile(output), output.read_text(encoding="utf-8"), result.output


def test_a_table_of_deals_becomes_a_profile_with_its_guesses_named(tmp_path: Path) -> None:
    profile, text, told = init(written(tmp_path, STARTUPS))
    source = profile.metrics["vc_deals"]
    assert source.options["columns"] == {
        "date": "Date dd/mm/yyyy",
        "record_type": "InvestmentnType",
        "city": "City  Location",
        "organisation": "Startup Name",
        "industry": "Industry Vertical",
        "record_id": ["Startup Name", "Date dd/mm/yyyy", "InvestmentnType"],
    }
    assert "economy: no column contains an economy" in told
    for line in ("#   Sr. No.: 1, 2", "#   Private Equity Round -> private_equity, 1", "#   Series C -> late, 1"):
        assert line in text
    [(year, edition)] = profile.editions.items()
    deals = edition.metrics["vc_deals"]
    assert (year, deals.window.value, deals.record_types.value) == (2021, (2016, 2020), ("seed", "late"))
    assert {getattr(edition, name).tag for name in ("radius_km", "min_weight", "population_year")} == {"A"}
    with duckdb.connect() as con:
        files = {role: list(paths) for role, paths in source.local_files().items()}
        people = SOURCES["table"].people(con, files, source.options)
        assert people.aggregate("count(*)").fetchall() == [(3,)]


def test_a_table_of_people_keeps_its_records_together(tmp_path: Path) -> None:
    text = 'doi;Journal;Year;Author;Affiliation\n10/a;J;2019;X;"Oslo, Norway"\n10/a;J;2019;Y;"Lyon, France"\n'
    profile, _, told = init(written(tmp_path, text))
    options = profile.metrics["scientific_publications"].options
    assert options["columns"] == {
        "record_id": "doi",
        "year": "Year",
        "address": "Affiliation",
        "record_type": {"value": "article"},
    }
    assert "1 records of scientific_publications, 2019-2019" in told
    assert "no column contains a type" in told


def test_dates_without_proof_get_a_format_to_correct(tmp_path: Path) -> None:
    profile, text, told = init(written(tmp_path, STARTUPS.replace("13/01", "03/01").replace("14/02", "04/02")))
    assert profile.metrics["vc_deals"].options["date_formats"] == ["%d/%m/%Y"]
    assert "date_formats: a guess, correct it" in told
    assert "# ! date_formats: a guess" in text


@pytest.mark.parametrize(
    ("name", "text", "reader", "role"),
    [
        ("savedrecs.txt", "PT\tAU\tC1\tUT\tPY\tDT\nJ\tX\t\tWOS:1\t2020\tArticle\n", "web_of_science", "records"),
        ("tagged.txt", "FN Clarivate Analytics Web of Science\nVR 1.0\nEF\n", "web_of_science", "records"),
        ("reg.txt", "pct_nbr|inv_name|address|ctry_code|reg_share|inv_share\n", "regpat", "inventors"),
        ("pro.csv", "Transaction Name,Transaction Name URL,Organization Name,Funding Type,Announced Date\n", "", ""),
        (
            "rounds2.csv",
            "company_permalink,funding_round_permalink,funding_round_type,funding_round_code,funded_at\n",
            "crunchbase_export_2015",
            "rounds",
        ),
    ],
)
def test_a_file_of_a_known_source_gets_its_reader(tmp_path: Path, name: str, text: str, reader: str, role: str) -> None:
    profile, *_ = init(written(tmp_path, text, name))
    [source] = profile.metrics.values()
    assert source.reader == (reader or "crunchbase_export")
    assert (role or "rounds") in source.files


def test_what_a_table_counts_towards_is_asked_where_nothing_says_it(tmp_path: Path) -> None:
    path = written(tmp_path, "record_id,year,city,economy\n1,2020,Oslo,NO\n")
    with pytest.raises(InputError, match=r"do not show what its records are.*Set --metric: vc_deals"):
        inspect(path)
    profile, *_ = init(path, "--metric", "pct_applications")
    assert list(profile.metrics) == ["pct_applications"]
    with pytest.raises(InputError, match="already exists"):
        CliRunner().invoke(app, ["profile", "init", str(path), "-o", str(path)], catch_exceptions=False)


def test_a_workbook_of_pitchbook_is_known(tmp_path: Path) -> None:
    columns = ["Deal ID", "Companies", "Company ID", "Deal Date", "Deal Type", "Company City", "HQ Location"]
    assert guessed(columns) == {
        "record_id": "Deal ID",
        "date": "Deal Date",
        "record_type": "Deal Type",
        "city": "Company City",
        "address": "HQ Location",
        "organisation": "Companies",
        "organisation_id": "Company ID",
    }
