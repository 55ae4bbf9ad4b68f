"""A clock that does not wait, and remembers how long it should have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gii_pipeline.archive import Clock


class PatientClock(Clock):
    def __init__(self) -> None:
        self.started = datetime(2026, 10, 3, 22, 0, tzinfo=UTC)
        self.elapsed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        self.elapsed += 1e-6
        return self.started + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.elapsed += seconds
