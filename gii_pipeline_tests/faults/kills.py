"""Kills: SIGKILL at a random moment of each stage, then a look at the root and the same command again."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from gii_pipeline_tests.faults.outcomes import Table
from gii_pipeline_tests.faults.world import EDITION, YEAR, World, done, fresh

STAGES = {
    "fetching and reading": (("ingest", "--years", YEAR), ("core/**/*.parquet", "extracts/**/*.parquet")),
    "ranking": (("backfill", "--editions", EDITION), ("editions/**/*.parquet",)),
    "release": (("release", "make", "--edition", EDITION), ("releases/v*/*.parquet",)),
}
"""Stage -> its command, and the files that must be in the end what they are without a kill."""
OTHER_YEAR = ("ingest", "--years", "2014")


def kills(number: int, chance: random.Random, scratch: Path, table: Table) -> None:
    """Kill the stages in turn; each starts from a root in which the stages before it are done."""
    world = fresh(scratch / "whole")
    for turn, (stage, (command, patterns)) in enumerate(STAGES.items()):
        before = world.copy(scratch / "before")
        seconds = done(world, *command)
        right = world.files(*patterns)
        for _ in range(turn, number, len(STAGES)):
            killed = before.copy(scratch / "killed")
            killed.gii(*command, killed_after=chance.uniform(0.02, 1.0) * seconds)
            table.note(f"kill: {stage}", *_looked_and_repeated(killed, command, patterns, right))
            shutil.rmtree(killed.folder)
        shutil.rmtree(before.folder)
        if turn == 0:
            done(world, *OTHER_YEAR)


def _looked_and_repeated(
    killed: World, command: tuple[str, ...], patterns: tuple[str, ...], right: dict[str, str]
) -> tuple[str, str]:
    looked, again = killed.gii("verify"), killed.gii(*command)
    for ended in (looked, again):
        if ended.traceback:
            return "traceback", ended.said[-2000:]
    if again.code:
        return "detected", again.said
    found = killed.files(*patterns)
    if found != right:
        return "silent", f"other files: {sorted(name for name, _ in found.items() ^ right.items())}"
    return ("detected", looked.said) if looked.code else ("survived", "")
