"""Waits, and addresses that are fit to be seen."""

from __future__ import annotations

import pytest

from gii_pipeline.archive import Patience
from gii_pipeline.archive.pacing import TokenBucket
from gii_pipeline.archive.redaction import Redactor, public_address
from gii_pipeline_tests.archive.clock import PatientClock


def test_no_minute_holds_more_requests_than_allowed() -> None:
    clock = PatientClock()
    bucket = TokenBucket(200 / 60, clock, burst=5)
    moments = []
    for _ in range(1000):
        bucket.take()
        moments.append(clock.monotonic())

    most = max(sum(1 for m in moments if start <= m < start + 60) for start in moments)

    assert most <= 205


def test_a_bucket_that_rested_gives_no_more_than_its_burst() -> None:
    clock = PatientClock()
    bucket = TokenBucket(1, clock, burst=2)
    clock.sleep(1000)
    clock.slept.clear()
    for _ in range(4):
        bucket.take()

    assert sum(clock.slept) == pytest.approx(2, rel=0.01)


def test_backoff_doubles_with_jitter_up_to_its_cap() -> None:
    patience = Patience(backoff_s=1, backoff_cap_s=60)

    assert all(0.5 <= patience.backoff(1) <= 1.5 for _ in range(50))
    assert all(4 <= patience.backoff(4) <= 12 for _ in range(50))
    assert all(30 <= patience.backoff(1000) <= 90 for _ in range(50))
    assert len({patience.backoff(3) for _ in range(50)}) > 40


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("https://host/works?filter=a:b&cursor=*", "https://host/works?filter=a:b&cursor=*"),
        ("https://me:pw@host:8443/a", "https://host:8443/a"),
        ("https://host/a?api_key=x&user_key=y&token=z", "https://host/a?api_key=REDACTED&user_key=REDACTED&token=REDACTED"),
        ("https://host/a?X-Amz-Credential=x&X-Goog-Date=y#part", "https://host/a?X-Amz-Credential=REDACTED&X-Goog-Date=REDACTED"),
        ("https://host/a?monkey=1&keyboard=2", "https://host/a?monkey=1&keyboard=2"),
    ],
)  # fmt: skip
def test_addresses_are_written_without_secrets(address: str, public: str) -> None:
    assert public_address(address) == public


def test_a_key_is_redacted_however_it_is_spelled() -> None:
    redactor = Redactor('a/b+c="é')

    assert redactor.text('a/b+c="é a%2Fb%2Bc%3D%22%C3%A9 a/b+c=\\"\\u00e9') == "REDACTED REDACTED REDACTED"
    assert redactor.data('{"key": "a/b+c="é"}'.encode()) == b'{"key": "REDACTED"}'
    assert "a/b" not in repr(redactor)


def test_a_key_too_short_to_be_one_does_not_damage_data() -> None:
    assert Redactor("e").text("one deal") == "one deal"
