"""Running a job's partition in this process, and telling how it goes.

Belongs here: what a command at a terminal needs to run the same jobs that the Dagster page runs.
Does not: which partitions to run, or how a terminal shows them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

import dagster as dg
from filelock import FileLock
from sqlalchemy.exc import DatabaseError

from gii_pipeline.defs.failing import failure_of
from gii_pipeline.errors import DamagedError, GiiError

POLL_SECONDS = 0.1
OWN_INSTANCE = "telemetry: {enabled: false}\nnux: {enabled: false}\n"
"""Nothing is sent to Dagster's makers, and its page opens without their invitation."""

State = Literal["started", "succeeded", "failed"]
STATES: dict[str, State] = {"STEP_START": "started", "STEP_SUCCESS": "succeeded", "STEP_FAILURE": "failed"}


@dataclass(frozen=True)
class StepEvent:
    """A step of a run has started, or ended well or not."""

    step: str
    state: State


def instance_of(root: Path) -> dg.DagsterInstance:
    """The Dagster instance of DAGSTER_HOME, or one under the root, so that the page shows what commands ran."""
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(root / "dagster")))
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    if not settings.exists():
        settings.write_text(OWN_INSTANCE, encoding="utf-8")
    with FileLock(home / "instance.lock"), readable_history():  # two processes that make a new SQLite at once break it
        return dg.DagsterInstance.get()


@contextmanager
def readable_history() -> Iterator[None]:
    """Within it, what SQLite says of a damaged history of runs is a DamagedError."""
    try:
        yield
    except DatabaseError as error:
        if not any(said in str(error.orig) for said in ("malformed", "not a database", "encrypted")):
            raise
        raise DamagedError(
            f"The history of runs in {os.environ.get('DAGSTER_HOME')} is damaged ({error.orig}). No table depends on "
            "it: run `gii verify --repair`, which sets it aside, then what you ran again."
        ) from error


def run_partition(
    definitions: dg.Definitions, job: str, partition: str, instance: dg.DagsterInstance, warnings: list[str]
) -> Iterator[StepEvent]:
    """Run one partition of a job, giving its step events as they come.

    warnings: those of the tables' contracts are added to it.
    Raises the error of the step that failed, with its message and exit code.
    """
    run_id = str(uuid4())
    with readable_history(), ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            definitions.resolve_job_def(job).execute_in_process,
            partition_key=partition,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=instance,
            run_id=run_id,
            raise_on_error=False,
        )
        yield from _events(instance, run_id, running)
    result = running.result()
    warnings += _warnings(result, partition)
    if not result.success:
        raise _error(result, job, partition)


def _warnings(result: dg.ExecuteInProcessResult, partition: str) -> Iterator[str]:
    """What the rules of severity warning found that failed."""
    for event in result.all_events:
        if event.event_type_value != "ASSET_CHECK_EVALUATION":
            continue
        check = event.asset_check_evaluation_data
        if not check.passed and check.severity == dg.AssetCheckSeverity.WARN:
            observed = check.metadata.get("observed")
            told = f" Observed: {observed.value}." if observed and observed.value is not None else ""
            yield f"{check.asset_key.to_user_string()} {partition}: {check.check_name}: {check.description}{told}"


def _events(
    instance: dg.DagsterInstance, run_id: str, running: Future[dg.ExecuteInProcessResult]
) -> Iterator[StepEvent]:
    cursor: str | None = None
    while True:
        ended = running.done()
        connection = instance.get_records_for_run(run_id, cursor=cursor)
        cursor = connection.cursor
        for record in connection.records:
            event = record.event_log_entry.dagster_event
            if event is not None and event.step_key and event.event_type_value in STATES:
                yield StepEvent(event.step_key, STATES[event.event_type_value])
        if ended and not connection.has_more:
            return
        if not connection.records:
            time.sleep(POLL_SECONDS)


def _error(result: dg.ExecuteInProcessResult, job: str, partition: str) -> GiiError:
    failures = [event for event in result.all_events if event.is_step_failure]
    if not failures:
        return GiiError(f"Job `{job}` of {partition} failed before its first step; see the run in `dagster dev`.")
    return failure_of(failures[0])
