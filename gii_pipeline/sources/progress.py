"""Progress through the parts of a source: how many are done, how fast, and how long it still takes.

Belongs here: the one line that says so, and who wants to see it. Does not: how a terminal shows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Show = Callable[[str], None]
_watching: list[Show] = []


@contextmanager
def watched(show: Show) -> Iterator[None]:
    """Within it, every line of progress in this process is shown."""
    _watching.append(show)
    try:
        yield
    finally:
        _watching.remove(show)


@dataclass
class Parts:
    """The parts of one source on their way. size: bytes of all of them, 0 where nobody says."""

    name: str
    parts: int
    size: int
    done: int = 0
    bytes_done: int = 0
    started: float = field(default_factory=time.monotonic)

    def finished(self, size: int) -> None:
        """One more part is done; whoever watches is told."""
        self.done += 1
        self.bytes_done += size
        for show in _watching:
            show(self.line)

    @property
    def line(self) -> str:
        """`openalex_works: 12 of 20 parts, 1.2 GB of 2.0 GB, 85.0 MB/s, 10 s left`."""
        seconds = max(time.monotonic() - self.started, 1e-9)
        told = f"{self.name}: {self.done:,} of {self.parts:,} parts"
        if not self.size:
            return f"{told}, {readable(self.bytes_done)}"
        left = (self.size - self.bytes_done) * seconds / max(self.bytes_done, 1)
        rate = self.bytes_done / seconds
        return (
            f"{told}, {readable(self.bytes_done)} of {readable(self.size)}, {readable(rate)}/s, {duration(left)} left"
        )


def readable(size: float) -> str:
    """Bytes as people read them: `1.2 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def duration(seconds: float) -> str:
    """Seconds as people read them: `4 h 20 min`."""
    minutes, hours = round(seconds / 60), seconds / 3600
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if hours < 1.5 else f"{minutes // 60} h {minutes % 60:02d} min"
