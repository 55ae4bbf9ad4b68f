"""The example of docs/adding-a-source.md works as it is printed."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from gii_pipeline.archive import Archive
from gii_pipeline.profiles import Input
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.fetching import FETCHERS
from gii_pipeline.sources.gathering import gather
from gii_pipeline_tests.archive.server import FileHost, Server

PAGE = Path(__file__).resolve().parents[3] / "docs" / "adding-a-source.md"
GRANTS = b"id,granted_on,city,country\nG1,2024-03-01,Z\xc3\xbcrich,CH\nG2,,Basel,CH\n"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_example_fetches_archives_and_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "grants", SOURCES["local"])  # what the example puts there goes after the test
    monkeypatch.setitem(FETCHERS, "grants", FETCHERS["file_url"])
    monkeypatch.setenv("GRANTS_API_KEY", "gr-0123456789")
    names: dict[str, Any] = {"__name__": "example"}
    for block in blocks("python"):
        exec(compile(block, str(PAGE), "exec", dont_inherit=True), names)  # noqa: S102
    (profile,) = map(yaml.safe_load, blocks("yaml"))
    with Server(FileHost({"/2024.csv.gz": gzip.compress(GRANTS)})) as server:
        asked = profile["metrics"]["vc_deals"]
        asked["files"]["grants"]["base_url"] = server.url

        files = gather(Archive(tmp_path), Input.model_validate(asked), 2024)

    assert server.asked[0].headers["x-api-key"] == "gr-0123456789"
    con = duckdb.connect()
    rows = SOURCES["grants"].people(con, {"grants": [entry.path for entry in files["grants"]]})
    assert rows.select("record_id, year, record_type, dropped, city, economy, fraction").fetchall() == [
        ("G1", 2024, "grant", None, "Zürich", "CH", 1.0),
        ("G2", None, "grant", "no_date", "Basel", "CH", 1.0),
    ]
    assert Archive(tmp_path).verify() == []
