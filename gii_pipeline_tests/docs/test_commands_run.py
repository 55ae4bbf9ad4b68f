"""Every command that a newcomer or an operator is given as a line to run does run, on a world of four towns."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.commands import Gii
from gii_pipeline_tests.docs.pages import ROOT, commands

EDITIONS = range(2023, 2027)
STANDS_FOR = {
    "Shenzhen": "Graz",
    "Tokyo": "Graz",
    "2020..2025": "2024..2025",
}
REGION = {
    "type": "Feature",
    "properties": {"name": "Styria"},
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[14.5, 46.6], [16.2, 46.6], [16.2, 47.8], [14.5, 47.8], [14.5, 46.6]]],
    },
}
PAGES = [ROOT / "README.md", ROOT / "docs" / "index.md", ROOT / "docs" / "runbook.md"]
"""Those of troubleshooting are run by the test of that page; the other pages have the same ones with other editions."""


@pytest.fixture
def gii(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gii:
    """`gii` where two versions of the newest edition are released, and one of the two before it."""
    monkeypatch.setattr(tiny_world, "YEARS", range(EDITIONS[0] - 2, EDITIONS[-1]))
    path = tiny_world.write(tmp_path / "world")
    profile = yaml.safe_load(path.read_text(encoding="utf-8"))
    edition = profile["editions"].pop(2015)
    profile["editions"] = {year: _ending_with(edition, year - 1) for year in EDITIONS}
    del profile["approval"]
    mine = path.rename(path.with_name("mine.yaml"))
    mine.write_text(yaml.safe_dump(profile), encoding="utf-8")
    regions = json.dumps({"type": "FeatureCollection", "features": [REGION]})
    mine.with_name("regions.geojson").write_text(regions, encoding="utf-8")
    gii = Gii(mine, tmp_path / "root", capsys)
    monkeypatch.chdir(mine.parent)
    for year in EDITIONS[1:]:
        _succeeds(gii, "run", "--edition", str(year))
    deals = pd.read_csv(mine.parent / "vc_deals.csv")
    deals[deals["record_id"] != "vc_deals-2025-Graz-0"].to_csv(mine.parent / "vc_deals.csv", index=False)
    _succeeds(gii, "run", "--edition", "2026")
    return gii


def _ending_with(edition: dict[str, Any], year: int) -> dict[str, Any]:
    written = deepcopy(edition)
    for metric in written["metrics"].values():
        metric["window"]["value"] = [year - 1, year]
    return written


def _succeeds(gii: Gii, *arguments: str) -> None:
    ended = gii(*arguments)
    assert ended.code == 0, f"gii {' '.join(arguments)}: {ended.code}\n{ended.out}\n{ended.err}"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_command_of_the_pages_runs(gii: Gii) -> None:
    written = [command.arguments for page in PAGES for command in commands(page) if command.whole]
    assert len(written) > 25
    for arguments in dict.fromkeys(written):
        _succeeds(gii, *(STANDS_FOR.get(word, word) for word in arguments))
