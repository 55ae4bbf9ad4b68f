"""Failing clearly: an error that a person can fix becomes a Dagster failure that says so, and back.

Belongs here: the way from a GiiError to `dg.Failure` and from a failed step to a GiiError.
Does not: the messages, which are those of the room that noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import dagster as dg

from gii_pipeline.defs.costs import Meter
from gii_pipeline.errors import GiiError
from gii_pipeline.machine import refusals_told


@contextmanager
def failing_clearly() -> Iterator[Meter]:
    """Within it, a GiiError fails the step with its message, and Dagster does not try the step again.

    How often a source is asked again is its client's patience alone: retries of retries multiply. Returns the meter of
    the step's costs.
    """
    try:
        with refusals_told():
            yield Meter()
    except GiiError as error:
        raise dg.Failure(
            description=str(error), metadata={"exit_code": error.exit_code}, allow_retries=False
        ) from error


def failure_of(events: Iterable[dg.DagsterEvent], otherwise: str) -> GiiError:
    """The error of a run, out of its events: the message of every step that failed, and the exit code of the first.

    otherwise: the message where the run failed before any step.
    """
    failures = [_failure(event) for event in events if event.is_step_failure]
    told = GiiError("\n\n".join(dict.fromkeys(map(str, failures))) or otherwise)
    told.exit_code = failures[0].exit_code if failures else GiiError.exit_code
    return told


def _failure(event: dg.DagsterEvent) -> GiiError:
    """The error of a failed step: its message, and its exit code where it was one that a person can fix."""
    data = event.step_failure_data
    failure, error = data.user_failure_data, data.error
    told = GiiError(
        failure.description if failure else f"Step `{event.step_key}` crashed.\n{error and error.to_string()}"
    )
    code = failure.metadata.get("exit_code") if failure else None
    told.exit_code = code.value if code and isinstance(code.value, int) else 1
    return told
