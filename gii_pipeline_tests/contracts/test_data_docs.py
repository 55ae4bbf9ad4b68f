"""Great Expectations' pages of a validation: written for every run, also by runs at the same time."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gii_pipeline import contracts
from gii_pipeline_tests.contracts import world
from gii_pipeline_tests.contracts.world import as_table, judge, records

RUN = """
import sys
from pathlib import Path
from gii_pipeline import contracts
contract = contracts.load("rank_history")
verdicts = [contracts.validate(contract.arrow_schema.empty_table(), contract, partition=sys.argv[1])]
for page in contracts.write_data_docs(verdicts, Path(sys.argv[2])).values():
    assert page.is_file(), page
    print(page)
"""


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def _read(page: Path) -> str:
    parser = _Text()
    parser.feed(page.read_text(encoding="utf-8"))
    return " ".join(parser.words)


def test_a_page_tells_every_judged_rule_and_which_failed(tmp_path: Path) -> None:
    rows = [{**row, "fraction": 1.5} if i == 3 else row for i, row in enumerate(records())]
    verdict = judge("patents", as_table("patents", rows))
    pages = contracts.write_data_docs([verdict], tmp_path)
    text = _read(pages["patents"])
    assert "Failed" in text
    assert f"Evaluated Expectations {len(verdict.results)}" in text
    assert f"Unsuccessful Expectations {len(verdict.errors)}" in text
    assert (tmp_path / "html" / "index.html").is_file()


def test_a_page_shows_notes_as_the_text_that_they_are(tmp_path: Path) -> None:
    notes = {"No location: <img src=x onerror=alert(1)> & $Co, None": "unknown_economy, 1,287 people", "Two": "2"}
    verdict = replace(judge("patents", as_table("patents", records())), notes=notes)
    page = contracts.write_data_docs([verdict], tmp_path)["patents"]
    assert "<img src=x" not in page.read_text(encoding="utf-8")
    text = _read(page)
    assert "Notes 01. No location: <img src=x onerror=alert(1)> & $Co, None unknown_economy, 1,287 people 02." in text


def test_the_page_of_a_table_of_the_wrong_shape_says_what_is_wrong(tmp_path: Path) -> None:
    verdict = judge("patents", as_table("patents", records()).drop(["place"]))
    text = _read(contracts.write_data_docs([verdict], tmp_path)["patents"])
    assert "place missing" in text
    assert "Evaluated Expectations 1" in text


def test_the_pages_of_earlier_runs_stay(tmp_path: Path) -> None:
    first = contracts.write_data_docs([judge("vc_deals", as_table("vc_deals", world.deals()))], tmp_path)
    second = contracts.write_data_docs([judge("patents", as_table("patents", records()))], tmp_path)
    again = contracts.write_data_docs([judge("patents", as_table("patents", records()))], tmp_path)
    pages = {first["vc_deals"], second["patents"], again["patents"]}
    assert len(pages) == 3
    assert all(page.is_file() for page in pages)


def test_pages_of_a_folder_that_goes_away_are_there_before_it_does(tmp_path: Path) -> None:
    with contracts.pages_later():
        stays = contracts.write_data_docs([judge("vc_deals", as_table("vc_deals", world.deals()))], tmp_path / "root")
        with contracts.pages_later():
            goes = contracts.write_data_docs([judge("patents", as_table("patents", records()))], tmp_path / "scratch")
        assert goes["patents"].is_file()
        shutil.rmtree(tmp_path / "scratch")
    assert stays["vc_deals"].is_file()
    assert not (tmp_path / "scratch").exists()


def test_the_index_tells_of_earlier_pages_too_which_failed(tmp_path: Path) -> None:
    broken = [{**row, "fraction": 1.5} if i == 3 else row for i, row in enumerate(records())]
    contracts.write_data_docs([judge("patents", as_table("patents", broken))], tmp_path)
    contracts.write_data_docs([judge("vc_deals", as_table("vc_deals", world.deals()))], tmp_path)
    index = (tmp_path / "html" / "index.html").read_text(encoding="utf-8")
    rows = index.split("<tr>")[1:]
    (patents,) = [row for row in rows if "validations/patents/" in row]
    (deals,) = [row for row in rows if "validations/vc_deals/" in row]
    assert ">failed<" in patents
    assert ">passed<" in deals


def test_the_pages_run_no_script_and_ask_no_other_host(tmp_path: Path) -> None:
    hostile = [
        {**row, "place": "<img src=x onerror=alert(1)>", "fraction": 1.5} if i == 3 else row
        for i, row in enumerate(records())
    ]
    contracts.write_data_docs([judge("patents", as_table("patents", hostile))], tmp_path)
    pages = list((tmp_path / "html").rglob("*.html"))
    assert len(pages) == 2
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text
        assert not re.findall(r"(?:src|link[^>]*href)=[\"']?https?:", text)
        assert "Content-Security-Policy\" content=\"default-src 'none'" in text


@pytest.mark.slow
def test_runs_at_the_same_time_write_their_pages_side_by_side(tmp_path: Path) -> None:
    def run(year: int) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-c", RUN, str(year), str(tmp_path)]
        return subprocess.run(program, check=False, capture_output=True, text=True)

    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(run, range(2022, 2026)))
    assert [done.stderr for done in runs if done.returncode] == []
    pages = {Path(done.stdout.strip()) for done in runs}
    assert len(pages) == 4
    assert all(page.is_file() for page in pages)
    assert "rank_history" in _read(tmp_path / "html" / "index.html")
