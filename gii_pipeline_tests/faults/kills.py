"""Kills: SIGKILL at random moments of each stage, then a look at the root and the same command again.

A command that was killed is started again on the root that it left, and is killed again, until one ends by itself: each
kill meets what the kills before it left, and none is followed by a whole run of its own.
"""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

from gii_pipeline_tests.faults.outcomes import Table
from gii_pipeline_tests.faults.world import EDITION, YEAR, World, done, fresh

STAGES = {
    "fetching and reading": (("ingest", "--years", YEAR), ("core/**/*.parquet", "extracts/**/*.parquet")),
    "ranking": (("backfill", "--editions", EDITION), ("editions/**/*.parquet",)),
    "release": (("release", "make", "--edition", EDITION), ("releases/v*/**/*",)),
}
"""Stage -> its command, and the files that must be in the end what they are without a kill."""
OTHER_YEAR = ("ingest", "--years", "2014")
AT_LEAST_S, AT_MOST = 0.05, 0.25
"""When a command is killed: so many seconds after its start, up to this part of the time that it takes by itself."""
SCRATCH = (".staging/*", "releases/.staging/*")
"""What is gone after a command that ended by itself."""


def kills(number: int, chance: random.Random, scratch: Path, table: Table) -> None:
    """Kill the stages in turn; each starts from a root in which the stages before it are done."""
    world = fresh(scratch / "whole")
    for turn, (stage, (command, patterns)) in enumerate(STAGES.items()):
        before = world.copy(scratch / "before")
        seconds = done(world, *command)
        right = world.files(*patterns)
        moments = [chance.uniform(AT_LEAST_S, AT_MOST * seconds) for _ in range(turn, number, len(STAGES))]
        while moments:
            killed = before.copy(scratch / "killed")
            _until_it_ends(killed, command, moments, table, f"kill: {stage}")
            outcome, told = _finished(killed, command, patterns, right)
            table.note(f"after kills: {stage}", outcome, told)
            shutil.rmtree(killed.folder)
        shutil.rmtree(before.folder)
        if turn == 0:
            done(world, *OTHER_YEAR)


def _until_it_ends(killed: World, command: tuple[str, ...], moments: list[float], table: Table, sort: str) -> None:
    """Start the command and kill it, until no moment is left or it has ended before the next one, which then halves."""
    while moments:
        ended = killed.gii(*command, killed_after=moments[-1])
        if ended.code != -signal.SIGKILL:
            moments[-1] /= 2
            return
        moments.pop()
        table.note(sort, *(("traceback", ended.said[-2000:]) if ended.traceback else killed.looked()))


def _finished(
    killed: World, command: tuple[str, ...], patterns: tuple[str, ...], right: dict[str, str]
) -> tuple[str, str]:
    """Run the command to its end, and compare what it made with what it makes without a kill."""
    again = killed.gii(*command)
    if again.traceback:
        return "traceback", again.said[-2000:]
    if again.code:
        return "detected", again.said
    if (found := killed.files(*patterns)) != right:
        return "silent", f"other files: {sorted(name for name, _ in found.items() ^ right.items())}"
    left = [path for pattern in SCRATCH for path in killed.root.glob(pattern)]
    return ("silent", f"left behind: {left}") if left else ("survived", "")
