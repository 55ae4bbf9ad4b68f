"""The whole pipeline, from HTTP to the edition's tables, recovers what is true of a world."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.workflow import Workflow
from gii_pipeline.profiles import read_profile
from gii_pipeline.ranking.stage import EditionTables
from gii_pipeline.sandbox import serving
from gii_pipeline.sandbox.truth import answers
from gii_pipeline_tests.sandbox.test_known_answers import assert_recovered

EDITION = "2025"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("seed", "scale"), [(1, 0.001), (3, 0.005)])
def test_pipeline_recovers_a_world_over_http(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, scale: float
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    with serving(tmp_path / "made", seed=seed, scale=scale, port=None):
        workflow = Workflow(Pipeline(read_profile("sandbox"), tmp_path / "root"))
        for step in workflow.plan([EDITION]):
            for _ in workflow.run(step):
                pass
        pipeline = workflow.pipeline
    tables = {name: pd.read_parquet(pipeline.store.existing_edition(name, EDITION)) for name in EditionTables._fields}
    assert_recovered(EditionTables(**tables), answers(seed, scale, pipeline.editions[EDITION]))
