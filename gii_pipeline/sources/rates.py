"""Rates: how fast sources were fetched and read under a root, so that the next run can be estimated.

Belongs here: what was measured last, and the rates that ship for what was never measured here.
Does not: estimating (see `defs.estimating`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from gii_pipeline import verified

LEAST: Final = 1_000_000
"""Bytes from which on a measurement says more about the work than about its start."""


@dataclass(frozen=True)
class Rate:
    """What was measured: bytes of the files that went in, bytes that came out, and the seconds that it took.

    fetched: bytes that came over the network, where only some columns of the files were requested.
    """

    bytes: int
    seconds: float
    made: int = 0
    fetched: int | None = None

    @property
    def per_second(self) -> float:
        return self.bytes / max(self.seconds, 1e-9)

    @property
    def fetched_share(self) -> float:
        """Bytes that come for each of the files."""
        return 1 if self.fetched is None else self.fetched / max(self.bytes, 1)

    @property
    def share(self) -> float:
        """Bytes that come out for each that goes in."""
        return self.made / max(self.bytes, 1)


SHIPPED: Final = {
    "fetch": Rate(20_000_000, 1),
    "read": Rate(20_000_000, 1, 6_000_000),
    "stream": Rate(10_000_000, 1, 3_000_000),
}
"""For what was never measured under a root: a network of 160 Mbit/s; `benchmarks/world.py` on two cores."""


@dataclass(frozen=True)
class Rates:
    """The rates measured under one root, by what was done and to what: `read openalex_works`."""

    path: Path

    def note(self, what: str, rate: Rate) -> None:
        """Keep a measurement in place of the one before; too small ones say nothing and are left out."""
        if rate.bytes < LEAST:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f".{self.path.name}.lock")):
            staged = self.path.with_name(f".{self.path.name}.staged")
            staged.write_text(json.dumps({**self._kept(), what: asdict(rate)}, indent=1, sort_keys=True), "utf-8")
            verified.replace(staged, self.path)

    def of(self, done: str, to: str) -> tuple[Rate, bool]:
        """The rate of `fetch`, `read` or `stream` (both in one go), and whether it was measured here."""
        found = self._kept().get(f"{done} {to}")
        if not found:
            return SHIPPED[done], False
        return Rate(int(found["bytes"]), found["seconds"], int(found["made"]), found.get("fetched")), True

    def _kept(self) -> dict[str, dict[str, Any]]:
        if verified.damage(self.path):
            return {}
        kept: dict[str, dict[str, Any]] = json.loads(self.path.read_text(encoding="utf-8"))
        return kept
