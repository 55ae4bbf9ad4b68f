"""What a command says beside the contracts: which waivers were needed, and which years have no record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from gii_pipeline import verified
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.waived import idle_waivers, used_waivers
from gii_pipeline.defs.workflow import Workflow
from gii_pipeline.profiles import read_profile
from gii_pipeline.store import LOCK_KEY, Lock, Made, note, write_parquet
from gii_pipeline_tests import tiny_world

WAIVER = {
    "check": "records_at_least_70_pct_of_previous_year",
    "subject": "patents",
    "partition": "2014",
    "observed": 60.0,
    "reason": "the office moved its year",
    "until": "2999-12-31",
}


@pytest.fixture
def world(tmp_path: Path) -> Path:
    return tiny_world.write(tmp_path / "world")


def pipeline_with(path: Path, *changes: dict[str, Any]) -> Pipeline:
    document = tiny_world.profile() | {"waivers": [{**WAIVER, **changed} for changed in changes]}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return Pipeline(read_profile(path), path.parent / "root")


def make(pipeline: Pipeline, *waivers: dict[str, Any], noted: bool = True) -> None:
    path = pipeline.store.partition("patents", "2014")
    path.parent.mkdir(parents=True)
    write_parquet(pa.table({"record_id": ["1"]}), path, {LOCK_KEY: Lock().to_bytes()})
    if noted:
        note(path, Made("content", Lock(), waivers))


def test_a_waiver_that_a_table_needed_is_used(world: Path) -> None:
    pipeline = pipeline_with(world, {})
    make(pipeline, WAIVER)
    assert used_waivers(pipeline, "2015") == (WAIVER,)
    assert idle_waivers(pipeline, ["2015"]) == []


def test_of_a_table_that_does_not_say_every_waiver_counts_as_used(world: Path) -> None:
    pipeline = pipeline_with(world, {})
    make(pipeline, noted=False)
    assert used_waivers(pipeline, "2015") == (WAIVER,)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "patents 2014: the waiver of records_at_least_70_pct_of_previous_year is not needed: remove it"),
        ({"until": "2020-01-01"}, "expired on 2020-01-01"),
        ({"subject": "patent"}, "no such table, partition or check"),
        ({"partition": "1950"}, "no such table, partition or check"),
        ({"check": "records_are_many"}, "no such table, partition or check"),
    ],
)
def test_a_waiver_that_allows_nothing_is_told_once(world: Path, changed: dict[str, Any], told: str) -> None:
    pipeline = pipeline_with(world, changed)
    make(pipeline)
    [found] = idle_waivers(pipeline, ["2015"])
    assert told in found
    if "Correct it" not in found:
        assert idle_waivers(pipeline, ["2015"], [found]) == []


def test_years_without_records_are_told_before_an_edition_is_ranked(world: Path) -> None:
    pipeline = pipeline_with(world)
    for year, rows in ((2013, []), (2014, ["1"])):
        path = pipeline.store.core("vc_deals", year)
        path.parent.mkdir(parents=True)
        write_parquet(pa.table({"record_id": pa.array(rows, pa.string())}), path, {LOCK_KEY: Lock().to_bytes()})
        verified.record(path)
    [told] = Workflow(pipeline).empty_years("2015")
    assert told.startswith("vc_deals 2013: no record, of 2 years that edition 2015 counts")
