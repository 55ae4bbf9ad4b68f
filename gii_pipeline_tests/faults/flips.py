"""Flipped bits: one bit of one file, over every kind of file; found, or without any effect on a result.

`gii verify` looks after each flip, in this process: it makes the same comparison as every read. What it does not find
must leave tables, releases and the plan as they are. Some of the flips, over every kind, are followed by a whole `gii
run`, which reads the file, or makes it again.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

from gii_pipeline.verified import SUFFIX
from gii_pipeline_tests.commands import CACHE
from gii_pipeline_tests.faults.outcomes import Table
from gii_pipeline_tests.faults.world import EDITION, Ended, World, done, fresh

KINDS: dict[str, tuple[str, ...]] = {
    "archive": ("archive/*/[0-9a-f][0-9a-f]/*",),
    "manifest": ("archive/*/manifest.jsonl",),
    "input list": ("raw/**/inputs*.json",),
    "counts of a retrieval": ("raw/**/retrieval-*.json",),
    "extract": ("extracts/**/*.parquet",),
    "counts of an extract": ("extracts/**/*.json",),
    "core table": ("core/**/*.parquet",),
    "footer of a core table": ("core/**/*.parquet",),
    "edition table": ("editions/**/*.parquet",),
    "note of a recipe": ("core/**/.*.made", "editions/**/.*.made"),
    "record": ("core/**/*.record", "editions/**/*.record", "extracts/**/*.record", "raw/**/*.record", "cache/*.record"),
    "table of a release": ("releases/v*/*.parquet",),
    "CSV, Excel, SQLite, GeoJSON of a release": tuple(
        f"releases/v*/*.{ending}" for ending in ("csv", "xlsx", "sqlite", "geojson")
    ),
    "page of a release": ("releases/v*/report/**/*.*", "releases/v*/*.md"),
    "package, lock, contracts of a release": ("releases/v*/*.json", "releases/v*/*.yaml", "releases/v*/*.cff"),
    "latest version, embargo": ("releases/*.json", "releases/embargoed/*.json"),
    "cache": ("cache/*.parquet",),
    "history of runs": ("dagster/**/*.db",),
}
FOOTER = "footer of a core table"
TABLES = ("core/**/*.parquet", "editions/**/*.parquet", "releases/v*/**/*")
RANKING = f"editions/ranking_size/edition={EDITION}/method={EDITION}/part-0.parquet"
RUN = ("run", "--edition", EDITION)
PLAN = ("plan", "--edition", EDITION, "--json")
EMBARGO = ("release", "embargo", f"v{EDITION}.1", "--until", "2020-01-01")


def flips(runs: int, number: int, chance: random.Random, scratch: Path, table: Table) -> None:
    """Flip one bit at a time, kind after kind; the first `runs` flips are followed by a run."""
    made = fresh(scratch / "whole")
    done(made, *RUN)
    done(made, *EMBARGO)  # of the past, so that there is a marker
    if shared := os.environ.get(CACHE):
        shutil.copytree(shared, made.root / "cache", dirs_exist_ok=True)
    world = World(made.folder, own_cache=True)
    right, ranking = world.files(*TABLES), world.content(RANKING)
    files = {kind: _files(world.root, patterns) for kind, patterns in KINDS.items()}
    copy = world.copy(scratch / "flipped")
    plan = _steps(copy.gii(*PLAN))
    if (looked := copy.looked()) != ("survived", ""):
        raise SystemExit(f"`gii verify` finds something before anything is flipped: {looked}")
    for turn in range(number):
        kind = list(KINDS)[turn % len(KINDS)]
        inside = chance.choice(files[kind])
        at, bit = _flip(copy.root / inside, chance, footer=kind == FOOTER)
        outcome, told = _looked(copy, right, plan)
        table.note(f"flip: {kind}", outcome, f"{inside}, byte {at}, bit {bit}: {told}")
        if turn < runs:
            outcome, told = _run(copy, ranking)
            table.note("flip, then a run", outcome, f"{inside}, byte {at}, bit {bit}: {told}")
            shutil.rmtree(copy.folder)
            world.copy(copy.folder)
        else:
            shutil.copy2(world.root / inside, copy.root / inside)


def _flip(path: Path, chance: random.Random, *, footer: bool) -> tuple[int, int]:
    content = bytearray(path.read_bytes())
    first = len(content) - 8 - int.from_bytes(content[-8:-4], "little") if footer else 0
    at, bit = chance.randrange(first, len(content)), chance.randrange(8)
    content[at] ^= 1 << bit
    path.chmod(0o644)
    path.write_bytes(content)
    return at, bit


def _looked(copy: World, right: dict[str, str], plan: object) -> tuple[str, str]:
    outcome, told = copy.looked()
    if outcome != "survived":
        return outcome, told
    if copy.files(*TABLES) != right:
        return "silent", "verify found nothing"
    planned = copy.gii(*PLAN)
    if planned.traceback:
        return "traceback", planned.said[-2000:]
    if planned.code:
        return "detected", planned.said
    return ("survived", "") if _steps(planned) == plan else ("silent", f"another plan: {planned.said}")


def _steps(planned: Ended) -> object:
    """What a plan would do and why; what it estimates depends on the moment."""
    return json.loads(planned.said)["steps"]


def _run(copy: World, ranking: str) -> tuple[str, str]:
    """What a person meets who simply runs the edition again."""
    ended = copy.gii(*RUN)
    if ended.traceback:
        return "traceback", ended.said[-2000:]
    if ended.code:
        return "detected", ""
    same = copy.content(RANKING) == ranking
    return ("survived", "") if same else ("silent", "another ranking")


def _files(root: Path, patterns: tuple[str, ...]) -> list[Path]:
    found = {path for pattern in patterns for path in root.glob(pattern) if path.is_file() and path.stat().st_size}
    recorded = any(pattern.endswith(SUFFIX) for pattern in patterns)
    return sorted(path.relative_to(root) for path in found if recorded or path.suffix != SUFFIX)
