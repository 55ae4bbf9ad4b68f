"""Progress of long work: a live display on a terminal, plain lines elsewhere.

Belongs here: how steps that start and end are shown. Does not: running them.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from gii_pipeline.report.plain import plain

PLAIN_WIDTH = 80
LONG_SECONDS = 10.0
"""Where nothing moves, a step that took longer has a line of its own."""


def console(*, stderr: bool = False) -> Console:
    """The console of a command: as wide as the terminal, or wide enough for a log where there is none."""
    found = PlainConsole(stderr=stderr)
    return found if found.is_terminal else PlainConsole(stderr=stderr, width=PLAIN_WIDTH)


class PlainConsole(Console):
    """Strings are text: no markup, no emoji codes, nothing that a terminal obeys. Styles come as `rich.text.Text`."""

    def __init__(self, *, stderr: bool = False, width: int | None = None, file: IO[str] | None = None) -> None:
        super().__init__(stderr=stderr, width=width, file=file, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401
        """Every string that is printed or stands in a table comes through here."""
        return super().render_str(plain(text), **options)


class Event(Protocol):
    """A step that `started`, is `doing` something, `succeeded` or `failed`; the steps of its run, and rows it made."""

    @property
    def step(self) -> str: ...

    @property
    def state(self) -> str: ...

    @property
    def steps(self) -> int: ...

    @property
    def rows(self) -> int | None: ...


class Reporter:
    """Shows the runs of one command, one after the other."""

    def __init__(self, console: Console, runs: int) -> None:
        self.console = console
        self.live = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[doing]}", style="dim", markup=False),
            console=console,
            disable=not self.moves,
        )
        self.task = self.live.add_task("", total=runs, doing="")
        self.runs = 0

    @property
    def moves(self) -> bool:
        """Whether the console can show a line that changes."""
        return self.console.is_terminal and not self.console.is_dumb_terminal

    @contextmanager
    def run(self, title: str) -> Iterator[Callable[[Event], None]]:
        """Within it, the events of one run are shown under its title; what is raised passes through."""
        shown = _Run(self, title)
        self.live.update(self.task, description=title, doing="", completed=self.runs)
        try:
            yield shown
        finally:
            self.runs += 1
        self.live.update(self.task, completed=self.runs)
        self.console.print(Text.assemble(plain(title), (f"  {shown.told}", "dim")))


class _Run:
    """One run: how many of its steps are done, and the rows that they made."""

    def __init__(self, reporter: Reporter, title: str) -> None:
        self.reporter, self.title = reporter, title
        self.started = self.step_started = self.told_at = time.monotonic()
        self.done = self.rows = 0

    def __call__(self, event: Event) -> None:
        if event.state == "doing":
            self._tell(event.step)
            return
        if event.state == "started":
            self.step_started = time.monotonic()
            self._show(event, event.step)
            return
        self.done += 1
        self.rows += event.rows or 0
        rows = "" if event.rows is None else f", {event.rows:,} rows"
        self._show(event, f"{event.step}{rows}")
        took = time.monotonic() - self.step_started
        if took >= LONG_SECONDS and not self.reporter.moves:
            self.reporter.console.print(Text(plain(f"{self.title}: {event.step} {event.state}{rows}, {took:.1f} s")))

    def _tell(self, doing: str) -> None:
        """A line that changes; where nothing moves, one from time to time."""
        self.reporter.live.update(self.reporter.task, doing=doing)
        if not self.reporter.moves and time.monotonic() - self.told_at >= LONG_SECONDS:
            self.told_at = time.monotonic()
            self.reporter.console.print(Text(plain(f"{self.title}: {doing}")))

    def _show(self, event: Event, doing: str) -> None:
        share = self.done / max(event.steps, 1)
        self.reporter.live.update(self.reporter.task, completed=self.reporter.runs + min(share, 1), doing=doing)

    @property
    def told(self) -> str:
        rows = f"{self.rows:,} rows, " if self.rows else ""
        return f"{rows}{time.monotonic() - self.started:.1f} s"


@contextmanager
def reporting(runs: int) -> Iterator[Reporter]:
    """What shows the runs of a command on standard error.

    A terminal is drawn on through a descriptor of its own: Dagster redirects that of standard error while a step runs.
    """
    if sys.stderr.isatty():
        with open(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding) as terminal:  # noqa: PTH123
            reporter = Reporter(PlainConsole(file=terminal), runs)
            with reporter.live:
                yield reporter
    else:
        yield Reporter(console(stderr=True), runs)
