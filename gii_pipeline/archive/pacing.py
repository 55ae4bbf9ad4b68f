"""Pacing: how fast a source is asked, and how long a failed request waits for its next try.

Belongs here: the clock, the token bucket, backoff, what `Retry-After` says. Does not: which failures are tried again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from secrets import SystemRandom

from pydantic import BaseModel, ConfigDict, Field

_random = SystemRandom()
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
FOREVER_S = 10 * 366 * 86_400.0
LONGEST_NUMBER = 2.0**53


class Clock:
    """The machine's clock. Tests give one that does not wait."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def timestamp(self) -> str:
        """Now, ISO 8601 in UTC, as the manifest writes it."""
        return self.now().isoformat(timespec="microseconds")

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Patience(BaseModel):
    """How long to wait for a source, and how often to try again.

    attempts: tries of one request (of a download: without a megabyte gained) before giving up.
    backoff_s: the first wait, doubled each time up to backoff_cap_s, with jitter.
    wait_cap_s: the longest `Retry-After` that is waited for; a longer one stops the fetch.
    rate_limit_wait_s: the shortest wait after a 429.
    page_s: the longest that the body of one API page may take. stall_s: a download that brings less than
    stall_bytes within so many seconds is connected again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    connect_s: float = Field(default=10, gt=0)
    read_s: float = Field(default=60, gt=0)
    attempts: int = Field(default=8, ge=1)
    backoff_s: float = Field(default=1, ge=0)
    backoff_cap_s: float = Field(default=60, ge=0)
    wait_cap_s: float = Field(default=120, ge=0)
    rate_limit_wait_s: float = Field(default=0, ge=0)
    page_s: float = Field(default=180, gt=0)
    stall_s: float = Field(default=60, gt=0)
    stall_bytes: int = Field(default=60_000, ge=1)

    def backoff(self, failures: int) -> float:
        """Seconds before the next try, after so many failures (from 1): between half and one and a half of the mean."""
        mean: float = self.backoff_s * 2 ** min(failures - 1, 30)
        return min(mean, self.backoff_cap_s) * _random.uniform(0.5, 1.5)


class TokenBucket:
    """At most `per_second` requests in the long run, and `burst` at once."""

    def __init__(self, per_second: float, clock: Clock, burst: int = 1) -> None:
        self._per_second = per_second
        self._clock = clock
        self._burst = burst
        self._tokens = float(burst)
        self._filled_at = clock.monotonic()

    def take(self) -> None:
        """Wait until a request is allowed."""
        self._fill()
        if self._tokens < 1:
            self._clock.sleep((1 - self._tokens) / self._per_second)
            self._fill()
        self._tokens -= 1

    def _fill(self) -> None:
        at = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (at - self._filled_at) * self._per_second)
        self._filled_at = at


def number_in(headers: Mapping[str, str], name: str) -> float | None:
    """A header as a number that can be reckoned with; None when it is missing, no number, negative or not finite."""
    value = headers.get(name, "").strip()
    if not _NUMBER.fullmatch(value):
        return None
    return min(float(value), LONGEST_NUMBER)


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that `Retry-After` asks for, as a number or as a date; None when it says nothing readable."""
    if (seconds := number_in(headers, "Retry-After")) is not None:
        return min(seconds, FOREVER_S)
    try:
        until = parsedate_to_datetime(headers.get("Retry-After", "").strip())
        return min(max(0.0, (until - now).total_seconds()), FOREVER_S) if until.tzinfo else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def moment(now: datetime, seconds: float) -> str:
    """The time so many seconds from now, for people: `2026-10-04 00:00 UTC`."""
    if seconds >= FOREVER_S:
        return "a time more than ten years from now"
    return f"{now + timedelta(seconds=seconds):%Y-%m-%d %H:%M} UTC"
