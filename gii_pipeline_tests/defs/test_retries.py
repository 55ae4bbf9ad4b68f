"""A step is tried once: how often a source is asked again is decided in one place, its client's patience."""

import dagster as dg
import pytest

from gii_pipeline.defs.failing import failing_clearly, failure_of
from gii_pipeline.errors import GiiError, InputError, TransientError


@pytest.mark.parametrize("error", [TransientError("reset"), InputError("a column is missing")])
def test_a_step_that_fails_is_not_tried_again_whatever_its_policy(error: GiiError) -> None:
    tried: list[int] = []

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=3, delay=0.01))
    def fetched(context: dg.AssetExecutionContext) -> None:
        tried.append(context.retry_number)
        with failing_clearly():
            raise error

    result = dg.materialize([fetched], raise_on_error=False)
    assert tried == [0]
    (failure,) = (event for event in result.all_events if event.is_step_failure)
    assert str(failure_of(failure)) == str(error)
    assert failure_of(failure).exit_code == error.exit_code
