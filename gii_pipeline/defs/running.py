"""Running a job's partition in this process, and reporting how it goes.

Belongs here: what a command at a terminal needs to run the same jobs that the Dagster page runs.
Does not: which partitions to run, or how a terminal shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

import dagster as dg

from gii_pipeline.defs.failing import failure_of
from gii_pipeline.defs.instance import home_of, open_record, readable_history
from gii_pipeline.defs.lifelines import alive
from gii_pipeline.defs.publishing import WARNINGS

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
State = Literal["started", "doing", "succeeded", "failed"]
STATES: dict[str, State] = {"STEP_START": "started", "STEP_SUCCESS": "succeeded", "STEP_FAILURE": "failed"}


@dataclass(frozen=True)
class StepEvent:
    """A step of a run has started, is doing something, or ended well or not.

    step: its name, or what it is doing. steps: of the run, in all. rows: of the tables it made.
    """

    step: str
    state: State
    steps: int = 0
    rows: int | None = None


Follow = Callable[[StepEvent], None]


def run_partition(
    definitions: dg.Definitions,
    job: str,
    partition: str,
    instance: dg.DagsterInstance,
    *,
    assets: Sequence[str] | None = None,
    follow: Follow,
    warnings: list[str],
) -> None:
    """Run one partition of a job.

    assets: those of the job that are made, all unless named.
    follow: gets its step events as they come. warnings: those of the tables' contracts are added to it.
    Raises the error of the steps that failed, with their messages and the exit code of the first.
    """
    resolved, run_id = definitions.resolve_job_def(job), str(uuid4())
    if assets is not None:
        resolved = resolved.get_subset(asset_selection={dg.AssetKey(name) for name in assets})
    with readable_history(), alive(home_of(), run_id), open_record(instance, run_id) as record:
        instance.add_event_listener(run_id, _Events(follow, record.show, len(resolved.nodes)))
        result = resolved.execute_in_process(
            partition_key=partition, run_config=QUIET, instance=instance, run_id=run_id, raise_on_error=False
        )
    warnings += _warnings(result, partition)
    if not result.success:
        raise failure_of(
            result.all_events, f"Job `{job}` of {partition} failed before its first step. See the run in `gii dev`."
        )


def _warnings(result: dg.ExecuteInProcessResult, partition: str) -> Iterator[str]:
    """What the rules of severity warning found that failed."""
    for event in result.all_events:
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            check = event.asset_check_evaluation_data
            for told in str(check.metadata[WARNINGS].value).splitlines() if WARNINGS in check.metadata else ():
                yield f"{check.asset_key.to_user_string()} {partition}: {told}"


class _Events:
    """Turns Dagster's events into those that a terminal shows."""

    def __init__(self, follow: Follow, show: Callable[[], None], steps: int) -> None:
        self._follow, self._show, self._steps = follow, show, steps
        self._rows: dict[str, int] = {}

    def __call__(self, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None or not event.step_key:
            return
        if event.is_step_materialization:
            rows = event.step_materialization_data.materialization.metadata.get("dagster/row_count")
            if rows is not None:
                self._rows[event.step_key] = self._rows.get(event.step_key, 0) + int(str(rows.value))
        if state := STATES.get(event.event_type_value):
            self._show()
            self._follow(StepEvent(event.step_key, state, self._steps, self._rows.get(event.step_key)))
