"""What may pass is tried again, later each time; what a person must mend, or a programmer, is not."""

import dagster as dg
import pytest

from gii_pipeline.defs.failing import RETRIES, failing_clearly, failure_of
from gii_pipeline.errors import InputError, TransientError


@pytest.mark.parametrize(
    ("error", "tries", "told"),
    [
        (TransientError("reset"), 4, "reset"),
        (InputError("a column is missing"), 1, "a column is missing"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
    ],
)
def test_what_may_pass_is_tried_again_and_what_stays_wrong_is_not(
    monkeypatch: pytest.MonkeyPatch, error: Exception, tries: int, told: str
) -> None:
    monkeypatch.setattr("gii_pipeline.defs.failing.RETRIES", dg.RetryPolicy(max_retries=3, delay=0.01))
    tried: list[int] = []

    @dg.asset
    def fetched(context: dg.AssetExecutionContext) -> None:
        tried.append(context.retry_number)
        with failing_clearly(context.retry_number):
            raise error

    result = dg.materialize([fetched], raise_on_error=False)
    assert tried == list(range(tries))
    (failure,) = (event for event in result.all_events if event.is_step_failure)
    assert told in str(failure_of(failure))
    assert failure_of(failure).exit_code == getattr(error, "exit_code", 1)


def test_waiting_grows_from_try_to_try() -> None:
    assert RETRIES.backoff is dg.Backoff.EXPONENTIAL
    assert RETRIES.calculate_delay(1) < RETRIES.calculate_delay(3)
