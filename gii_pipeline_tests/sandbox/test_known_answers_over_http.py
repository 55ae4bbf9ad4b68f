"""The whole pipeline, from HTTP to the edition's tables, recovers what is true of a world."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.workflow import Workflow
from gii_pipeline.profiles import read_profile
from gii_pipeline.sandbox import serving
from gii_pipeline.sandbox.servers.serving import KEY_VARIABLE
from gii_pipeline.sandbox.truth import answers
from gii_pipeline_tests.commands import CACHE
from gii_pipeline_tests.ranking.chain import EditionTables
from gii_pipeline_tests.sandbox.test_known_answers import assert_recovered

EDITION = "2025"
SEED, SCALE = 3, 0.002


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_pipeline_recovers_a_world_over_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    with serving(tmp_path / "made", seed=SEED, scale=SCALE, port=None) as served:
        workflow = Workflow(Pipeline(read_profile("sandbox"), tmp_path / "root", cache_root=Path(os.environ[CACHE])))
        for step in workflow.plan([EDITION]):
            workflow.run(step)
        pipeline = workflow.pipeline
    tables = {name: pd.read_parquet(pipeline.store.existing_edition(name, EDITION)) for name in EditionTables._fields}
    assert_recovered(EditionTables(**tables), answers(SEED, SCALE, pipeline.editions[EDITION]))
    assert_requests_and_credits_are_told(workflow)
    assert not list(files_with(served.environment[KEY_VARIABLE], [tmp_path / "root", tmp_path / "dagster"]))


def assert_requests_and_credits_are_told(workflow: Workflow) -> None:
    """OpenAlex takes one credit a page; the others have no budget."""
    for table, credits_a_request in (("raw_publications", 1.0), ("raw_vc_deals", 0.0)):
        event = workflow.instance.get_latest_materialization_event(dg.AssetKey(table))
        assert event is not None
        assert event.asset_materialization is not None
        told: dict[str, Any] = {name: value.value for name, value in event.asset_materialization.metadata.items()}
        assert told["requests_kept"] > 0
        assert told["credits_used"] == told["requests_kept"] * credits_a_request


def files_with(key: str, folders: Iterable[Path]) -> Iterator[Path]:
    """Everything that the run wrote, databases of events and logs of steps among it, that holds a key."""
    written = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in written)
    assert any(path.name == "manifest.jsonl" for path in written)
    yield from (path for path in written if key.encode() in path.read_bytes())
