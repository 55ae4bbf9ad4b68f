"""A run whose process was killed is marked failed at the next start; one that is alive is left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg

from gii_pipeline.defs.lifelines import alive, mark_the_dead

HOLDING = (
    "import sys, time; from pathlib import Path; from gii_pipeline.defs.lifelines import alive\n"
    "with alive(Path(sys.argv[1]), sys.argv[2]): print('held', flush=True); time.sleep(600)"
)


@dg.job
def ingest() -> None:
    """A job."""


def test_a_killed_run_is_marked_failed_and_a_living_one_is_not(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        killed, living = (instance.create_run_for_job(ingest, status=dg.DagsterRunStatus.STARTED) for _ in range(2))
        command = [sys.executable, "-c", HOLDING, str(tmp_path), killed.run_id]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process, alive(tmp_path, living.run_id):
            assert process.stdout is not None
            process.stdout.readline()
            assert mark_the_dead(instance, tmp_path) == []
            process.kill()
            process.wait()
            assert mark_the_dead(instance, tmp_path) == [killed.run_id]
            assert mark_the_dead(instance, tmp_path) == []
        states = {run.run_id: run.status for run in instance.get_runs()}
    assert states == {
        killed.run_id: dg.DagsterRunStatus.FAILURE,
        living.run_id: dg.DagsterRunStatus.STARTED,
    }
    assert list((tmp_path / "alive").iterdir()) == []
