"""Flipped bits: one bit of one file, over every kind of file; found, or without any effect on a result.

`gii verify` looks after each flip, in this process: it makes the same comparison as every read. Some of the flips,
over every kind, are followed by a whole `gii run`, which reads the file, or makes it again.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

from gii_pipeline.cli.verifying import look
from gii_pipeline.errors import GiiError
from gii_pipeline.verified import SUFFIX
from gii_pipeline_tests.commands import CACHE
from gii_pipeline_tests.faults.outcomes import Table
from gii_pipeline_tests.faults.world import EDITION, World, done, fresh

KINDS = {
    "archive": "archive/*/[0-9a-f][0-9a-f]/*",
    "manifest": "archive/*/manifest.jsonl",
    "input list": "raw/**/inputs.json",
    "counts of a retrieval": "raw/**/retrieval-*.json",
    "extract": "extracts/**/*.parquet",
    "counts of an extract": "extracts/**/*.json",
    "core table": "core/**/*.parquet",
    "edition table": "editions/**/*.parquet",
    "record": "[ce]*/**/*.record",
    "release": "releases/v*/*",
    "cache": "cache/*.parquet",
}
TABLES = ("core/**/*.parquet", "editions/**/*.parquet", "releases/v*/*.parquet")
RANKING = f"editions/ranking_size/edition={EDITION}/method={EDITION}/part-0.parquet"
RUN = ("run", "--edition", EDITION)


def flips(runs: int, number: int, chance: random.Random, scratch: Path, table: Table) -> None:
    """Flip one bit at a time, kind after kind; the first `runs` flips are followed by a run."""
    made = fresh(scratch / "whole")
    done(made, *RUN)
    if shared := os.environ.get(CACHE):
        shutil.copytree(shared, made.root / "cache", dirs_exist_ok=True)
    world = World(made.folder, own_cache=True)
    right, ranking = world.files(*TABLES), world.content(RANKING)
    files = {kind: _files(world.root, pattern) for kind, pattern in KINDS.items()}
    copy = world.copy(scratch / "flipped")
    for turn in range(number):
        kind = list(KINDS)[turn % len(KINDS)]
        inside = chance.choice(files[kind])
        at, bit = _flip(copy.root / inside, chance)
        outcome, told = _looked(copy, right)
        table.note(f"flip: {kind}", outcome, f"{inside}, byte {at}, bit {bit}: {told}")
        if turn < runs:
            outcome, told = _run(copy, ranking)
            table.note("flip, then a run", outcome, f"{inside}, byte {at}, bit {bit}: {told}")
            shutil.rmtree(copy.folder)
            world.copy(copy.folder)
        else:
            shutil.copy2(world.root / inside, copy.root / inside)


def _flip(path: Path, chance: random.Random) -> tuple[int, int]:
    content = bytearray(path.read_bytes())
    at, bit = chance.randrange(len(content)), chance.randrange(8)
    content[at] ^= 1 << bit
    path.chmod(0o644)
    path.write_bytes(content)
    return at, bit


def _looked(copy: World, right: dict[str, str]) -> tuple[str, str]:
    try:
        problems = [problem for looked in look(copy.root) for problem in looked.problems]
    except GiiError as error:
        return "detected", str(error)
    except Exception as error:  # noqa: BLE001 - an error that the pipeline does not know is what is looked for
        return "traceback", f"{type(error).__name__}: {error}"
    if problems:
        return "detected", ""
    return ("survived", "") if copy.files(*TABLES) == right else ("silent", "verify found nothing")


def _run(copy: World, ranking: str) -> tuple[str, str]:
    """What a person meets who simply runs the edition again."""
    ended = copy.gii(*RUN)
    if ended.traceback:
        return "traceback", ended.said[-2000:]
    if ended.code:
        return "detected", ""
    same = copy.content(RANKING) == ranking
    return ("survived", "") if same else ("silent", "another ranking")


def _files(root: Path, pattern: str) -> list[Path]:
    found = [path.relative_to(root) for path in root.glob(pattern) if path.is_file() and path.stat().st_size]
    return [path for path in sorted(found) if path.suffix != SUFFIX or "record" in pattern]
