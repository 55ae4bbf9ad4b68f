"""A step is tried once: how often a source is asked again is decided in one place, its client's patience."""

import dagster as dg
import pytest

from gii_pipeline.defs.failing import failing_clearly, failure_of
from gii_pipeline.errors import ContractError, GiiError, InputError, TransientError


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
    told = failure_of(result.all_events, "not told")
    assert (str(told), told.exit_code) == (str(error), error.exit_code)


def test_every_step_that_failed_is_told_once() -> None:
    @dg.asset
    def patents() -> None:
        with failing_clearly():
            raise ContractError("patents: a key occurs twice")

    @dg.asset
    def population() -> None:
        with failing_clearly():
            raise TransientError("population: reset")

    @dg.asset
    def deals() -> None:
        with failing_clearly():
            raise TransientError("population: reset")

    @dg.asset(deps=[patents])
    def clusters() -> None:
        raise AssertionError

    result = dg.materialize([patents, population, deals, clusters], raise_on_error=False)
    told = failure_of(result.all_events, "not told")
    assert sorted(str(told).split("\n\n")) == ["patents: a key occurs twice", "population: reset"]
    assert told.exit_code in {ContractError.exit_code, TransientError.exit_code}


def test_a_run_that_failed_before_its_first_step_says_so() -> None:
    told = failure_of([], "failed before its first step")
    assert (str(told), told.exit_code) == ("failed before its first step", 2)
