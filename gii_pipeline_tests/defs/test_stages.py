"""Stages of an edition: each runs when its own recipe is new, reads only what that names, and stops what follows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from unittest.mock import patch

import dagster as dg
import numpy as np
import pytest
import rasterio

from gii_pipeline import fingerprints
from gii_pipeline.defs import editions
from gii_pipeline.defs.inputs import EditionInputs
from gii_pipeline.defs.instance import instance_of
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.stages import STAGES
from gii_pipeline.errors import InputError
from gii_pipeline.profiles import read_profile
from gii_pipeline.releases import versions
from gii_pipeline_tests.code import forget, with_code
from gii_pipeline_tests.commands import Gii, Outcome

EDITION = ("--edition", "2015")
FINDING = {
    *("editions.book", "sources.gathering", "store.layout", "store.lock", "store.parquet"),
    *("counting.engine", "memory", "scratch"),
}
"""What finds an input and reads it, on either engine: the recipe has what comes of it."""


@contextmanager
def modules_run() -> Iterator[set[str]]:
    """Gets the name of every module of ours of which a function runs."""
    found: set[str] = set()

    def look(frame: FrameType, event: str, _argument: object) -> None:
        name = frame.f_globals.get("__name__", "")
        if event == "call" and name.startswith("gii_pipeline.") and frame.f_code.co_name != "<module>":
            found.add(name)

    sys.setprofile(look)
    try:
        yield found
    finally:
        sys.setprofile(None)


def test_every_module_that_a_stage_runs_is_in_its_recipe(finished_tiny_root: Path) -> None:
    """And every table, record and raster that it reads: a stage is refused any other."""
    pipeline = Pipeline(read_profile(finished_tiny_root / "world" / "tiny.yaml"), finished_tiny_root / "root")
    unnamed = {}
    for stage in STAGES:
        inputs = EditionInputs(pipeline, "2015", stage)
        inputs.recipes.lock(stage)
        with modules_run() as run:
            made = editions.STEPS[stage.name](inputs)
        assert set(made) == set(stage.tables)
        named = fingerprints._reached(stage.code) | {f"gii_pipeline.{name}" for name in FINDING}
        unnamed[stage.name] = sorted(name for name in run - named if fingerprints._counts(name))
    assert unnamed == {stage.name: [] for stage in STAGES}


def steps(gii: Gii) -> dict[str, str]:
    """Stage of the newest run of the job `ranking` -> whether it made its tables."""
    with patch.dict(os.environ, {"DAGSTER_HOME": str(gii.root / "dagster")}), instance_of(gii.root) as instance:
        (run,) = instance.get_runs(dg.RunsFilter(job_name="ranking"), limit=1)
        shown = [
            (event.step_key, event.step_materialization_data.materialization.metadata)
            for entry in instance.all_logs(run.run_id)
            if (event := entry.dagster_event) and event.is_step_materialization
        ]
    return {
        str(step).removeprefix("make_"): "unchanged" if "unchanged" in metadata else "made" for step, metadata in shown
    }


def run(gii: Gii) -> Outcome:
    outcome = gii("run", *EDITION)
    assert outcome.code == 0, outcome.err
    return outcome


@pytest.fixture
def _code_as_it_is() -> Iterator[None]:
    yield
    forget()


@pytest.mark.slow
@pytest.mark.usefixtures("_code_as_it_is")
def test_a_stage_whose_content_stays_stops_what_follows(tiny: Gii, monkeypatch: pytest.MonkeyPatch) -> None:
    with_code(monkeypatch, "gii_pipeline.clusters.naming", "CHANGED = 1")
    planned = " ".join(tiny("plan", *EDITION).out.split())
    assert "ranking 2015 stale code of clusters, rank changes and rank stability changed; metrics, " in planned
    assert "points" not in planned
    outcome = run(tiny)
    assert "unchanged" in outcome.out
    assert "Warning: cluster_footprints 2015: footprint_of_four_cells" in outcome.out
    assert "Warning: ranking_size 2015: as_long_as_the_edition_ranks" in outcome.out
    ran = {"clusters", "rank_changes", "rank_stability"}
    behind = {"metrics", "ranking", "contributions", "agreement", "composition"}
    assert steps(tiny) == {**dict.fromkeys(ran, "made"), **dict.fromkeys(behind, "unchanged")}

    with_code(monkeypatch, "gii_pipeline.ranking.agreement", "CHANGED = 1")
    assert "Warning: ranking_size 2015: as_long_as_the_edition_ranks" in run(tiny).out
    assert steps(tiny) == {"agreement": "made"}
    assert [str(listed.version) for listed in versions(tiny.root)] == ["v2015.1"]
    assert tiny("plan", *EDITION).out.count("there") == 3


@pytest.mark.slow
def test_a_replaced_raster_counts_nothing_again_and_a_run_that_broke_off_goes_on(
    tiny: Gii, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tiny.profile.parent / "population.tif"
    with rasterio.open(path) as raster:
        profile, people = raster.profile, raster.read(1)
    with rasterio.open(path, "w", **profile) as raster:
        raster.write(np.where(people > 0, 2 * people, people), 1)

    def broken(_inputs: EditionInputs) -> editions.Frames:
        raise InputError("The power went out.")

    with monkeypatch.context() as broken_off:
        broken_off.setitem(editions.STEPS, "agreement", broken)
        outcome = tiny("run", *EDITION)
    assert (outcome.code, "The power went out." in outcome.err) == (InputError.exit_code, True)
    made = {"clusters", "metrics", "ranking", "rank_stability"}
    assert {step for step, what in steps(tiny).items() if what == "made"} >= made
    assert not {"points", "coverage"} & set(steps(tiny))
    planned = " ".join(tiny("plan", *EDITION).out.split())
    assert "stale agreement was made from another cluster_metrics and ranking_size" in planned
    run(tiny)
    assert steps(tiny) == {"agreement": "made"}
    assert [str(listed.version) for listed in versions(tiny.root)] == ["v2015.1", "v2015.2"]
