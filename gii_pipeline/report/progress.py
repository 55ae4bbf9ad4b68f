"""Progress of long work: a live display on a terminal, plain lines elsewhere.

Belongs here: how steps that start and end are shown. Does not: running them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from gii_pipeline.report.plain import plain

PLAIN_WIDTH = 140


def console(*, stderr: bool = False) -> Console:
    """The console of a command: as wide as the terminal, or wide enough for a log where there is none."""
    found = PlainConsole(stderr=stderr)
    return found if found.is_terminal else PlainConsole(stderr=stderr, width=PLAIN_WIDTH)


class PlainConsole(Console):
    """Strings are text: no markup, no emoji codes, nothing that a terminal obeys. Styles come as `rich.text.Text`."""

    def __init__(self, *, stderr: bool, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401
        """Every string that is printed or stands in a table comes through here."""
        return super().render_str(plain(text), **options)


class Event(Protocol):
    """A step and whether it `started`, `succeeded` or `failed`."""

    @property
    def step(self) -> str: ...

    @property
    def state(self) -> str: ...


class Reporter:
    """Shows the runs of one command, one after the other."""

    def __init__(self, console: Console, runs: int) -> None:
        self.console = console
        self.live = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[step]}", style="dim", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self.all = self.live.add_task("runs", total=runs, step="")

    def follow(self, title: str, events: Iterable[Event]) -> None:
        """Show one run's events until it ends; what it raises passes through."""
        started = time.monotonic()
        self.live.update(self.all, description=title)
        for event in events:
            self.live.update(self.all, step=event.step if event.state == "started" else "")
        self.live.advance(self.all)
        took = (f"  {time.monotonic() - started:.1f} s", "dim")
        self.console.print(Text.assemble(plain(title), took))


@contextmanager
def reporting(console: Console, runs: int) -> Iterator[Reporter]:
    reporter = Reporter(console, runs)
    with reporter.live:
        yield reporter
