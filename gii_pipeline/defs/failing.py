"""Failing clearly: an error that a person can mend becomes a Dagster failure that says so, and back.

Belongs here: the way from a GiiError to `dg.Failure` and from a failed step to a GiiError.
Does not: the messages, which are those of the room that noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from gii_pipeline.defs.costs import Meter
from gii_pipeline.errors import GiiError, TransientError

RETRIES = dg.RetryPolicy(max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


@contextmanager
def failing_clearly(retry_number: int | None = None) -> Iterator[Meter]:
    """Within it, a GiiError fails the step with its message, and nothing but a transient one lets it be tried again.

    retry_number: how often the step has been tried again; None for one that asks no server. Gives the meter of the
    step's costs.
    """
    try:
        yield Meter()
    except GiiError as error:
        if isinstance(error, TransientError) and retry_number is not None and retry_number < RETRIES.max_retries:
            raise dg.RetryRequested(RETRIES.max_retries, RETRIES.calculate_delay(retry_number + 1)) from error
        raise dg.Failure(
            description=str(error), metadata={"exit_code": error.exit_code}, allow_retries=False
        ) from error


def failure_of(event: dg.DagsterEvent) -> GiiError:
    """The error of a failed step: its message, and its exit code where it was one that a person can mend."""
    data = event.step_failure_data
    failure, error = data.user_failure_data, data.error
    told = GiiError(
        failure.description if failure else f"Step `{event.step_key}` broke down.\n{error and error.to_string()}"
    )
    code = failure.metadata.get("exit_code") if failure else None
    told.exit_code = code.value if code and isinstance(code.value, int) else 1
    return told
