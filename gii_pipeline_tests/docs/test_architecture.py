"""The page on the architecture agrees with the code: assets, jobs, rooms."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from gii_pipeline.defs.definitions import build
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.profiles import read_profile
from gii_pipeline.store import EDITION_TABLES
from gii_pipeline_tests.docs.pages import ROOT

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SAID = {"the profile's sources": set(), "every edition table": set(EDITION_TABLES)}
"""What a table is made from where the page does not list names."""


def test_the_tables_are_made_from_what_dagster_says(tmp_path: Path) -> None:
    graph = build(Pipeline(read_profile("open"), tmp_path)).resolve_asset_graph()
    assets = [graph.get(key) for key in graph.toposorted_asset_keys]
    made = {
        (node.group_name, node.key.to_user_string()): {key.to_user_string() for key in node.parent_keys}
        for node in assets
    }
    assert written() == made


def test_the_jobs_are_those_of_dagster(tmp_path: Path) -> None:
    definitions = build(Pipeline(read_profile("open"), tmp_path))
    named = set(re.findall(r"^\| `(\w+)` \| an? .* \| .* \| .* \|$", TEXT, re.MULTILINE))
    assert {job.name for job in definitions.jobs or []} == named


def test_every_room_is_on_the_page() -> None:
    rooms = {path.parent.name for path in (ROOT / "gii_pipeline").glob("*/__init__.py")}
    assert [room for room in sorted(rooms) if f"`{room}`" not in TEXT] == []


@pytest.mark.parametrize("page", ["runbook", "backfill"])
def test_schedules_and_sensors_are_called_as_on_the_page(page: str, tmp_path: Path) -> None:
    definitions = build(Pipeline(read_profile("open"), tmp_path))
    known = {each.name for each in [*(definitions.schedules or []), *(definitions.sensors or [])]}
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(annual_\w+|\w+_when_\w+)`", text))
    assert named <= known
    assert page != "runbook" or named == known


def written() -> dict[tuple[str, str], set[str]]:
    rows = re.findall(r"^\| (raw|core|edition|release) \| (.+) \| (.+) \|$", TEXT, re.MULTILINE)
    return {
        (layer, table): SAID.get(origin, set(re.findall(r"`(\w+)`", origin)))
        for layer, tables, origin in rows
        for table in re.findall(r"`(\w+)`", tables)
    }


def test_every_package_is_in_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rooms = {".".join(path.parent.relative_to(ROOT).parts) for path in ROOT.glob("gii_pipeline/**/__init__.py")}
    assert set(project["tool"]["setuptools"]["packages"]) == rooms | {"gii_pipeline.data_contracts"}
