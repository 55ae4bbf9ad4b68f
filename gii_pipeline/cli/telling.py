"""What several commands print besides their result, so that nobody has to look for it.

Belongs here: printing. Does not: finding out (`defs`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from gii_pipeline.defs.pipeline import Pipeline


def say(out: Console, lines: Iterable[str], kind: str = "") -> None:
    """Print lines as the text that they are, without breaks of their own. kind: `Note` or `Warning`, before each."""
    for line in lines:
        out.print(f"{kind}: {line}" if kind else line, soft_wrap=True, highlight=False, markup=False)


def show_idle_waivers(
    pipeline: Pipeline, labels: Sequence[str] = (), told: Sequence[str] = (), *, stderr: bool = False
) -> None:
    """The waivers of the profile that allow nothing in these editions, except those that contracts reported."""
    from gii_pipeline.defs.waived import idle_waivers
    from gii_pipeline.report.progress import console

    say(console(stderr=stderr), idle_waivers(pipeline, labels, told), "Warning")
