"""Faults: kills over every stage, flipped bits over every kind of file, hostile answers (`benchmarks/faults.py`).

Each fault ends in one of three ways. survived: the result is what it is without the fault. detected: one message of the
pipeline, and no result. silent: another result, or a traceback. The last must not happen.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gii_pipeline.archive import Archive, Expected, HttpClient, Patience, Request, Terms, fetch_file
from gii_pipeline.errors import GiiError
from gii_pipeline.store import read_parquet
from gii_pipeline.store.content import content_sha256
from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.archive.clock import PatientClock
from gii_pipeline_tests.archive.server import Reply, Server
from gii_pipeline_tests.commands import CACHE

EDITION = 2015
RANKING = f"editions/ranking_size/edition={EDITION}/method={EDITION}/part-0.parquet"
KINDS = {
    "archive": "archive/*/[0-9a-f][0-9a-f]/*",
    "manifest": "archive/*/manifest.jsonl",
    "input list": "raw/**/inputs.json",
    "extract": "extracts/**/*.parquet",
    "counts of an extract": "extracts/**/*.json",
    "core table": "core/**/*.parquet",
    "edition table": "editions/**/*.parquet",
    "record": "[ce]*/**/*.record",
    "release": "releases/v*/*",
    "cache": "cache/*.parquet",
}
GII = [sys.executable, "-c", "from gii_pipeline.cli import process; process()"]
STAGES = {"release": "releases/*", "ranking": "editions/*", "ingest": "core/*", "fetch": "raw/*"}
RUN = ("run", "--edition", str(EDITION))


@dataclass
class Table:
    """How the faults of each sort ended."""

    rows: dict[str, Counter[str]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def note(self, sort: str, outcome: str, told: str = "") -> None:
        self.rows.setdefault(sort, Counter())[outcome] += 1
        if outcome == "silent":
            self.told.append(f"{sort}: {told}")

    @property
    def silent(self) -> int:
        return sum(row["silent"] for row in self.rows.values())

    def __str__(self) -> str:
        head = "| fault | tried | survived | detected | silent |\n|---|---:|---:|---:|---:|"
        lines = [
            f"| {sort} | {row.total()} | {row['survived']} | {row['detected']} | {row['silent']} |"
            for sort, row in self.rows.items()
        ]
        return "\n".join([head, *lines, *self.told])


@dataclass(frozen=True)
class World:
    """The tiny world, and a root that a whole run has filled."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root"

    def environment(self) -> dict[str, str]:
        own = {"GII_PROFILE": str(self.folder / "world" / "tiny.yaml"), "GII_ROOT": str(self.root)}
        if (self.root / "cache").is_dir():
            own[CACHE] = ""
        return {**{name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}, **own}

    def gii(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*GII, *arguments], env=self.environment(), capture_output=True, text=True, check=False, timeout=600
        )

    def copy(self, folder: Path) -> World:
        shutil.copytree(self.folder, folder, symlinks=True)
        return World(folder)

    def ranking(self) -> str:
        return content_sha256(read_parquet(self.root / RANKING))


def make_world(folder: Path) -> World:
    tiny_world.write(folder / "world")
    world = World(folder)
    done = world.gii(*RUN)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    if os.environ.get(CACHE):
        shutil.copytree(os.environ[CACHE], world.root / "cache")
    return world


def kills(world: World, number: int, chance: random.Random, scratch: Path, table: Table) -> None:
    """Kill a first run at a random moment of it, then run again: the ranking must be the same."""
    right = world.ranking()
    began = time.monotonic()
    fresh = scratch / "whole"
    tiny_world.write(fresh / "world")
    World(fresh).gii(*RUN)
    length = time.monotonic() - began
    shutil.rmtree(fresh)
    for _ in range(number):
        folder = scratch / "killed"
        tiny_world.write(folder / "world")
        killed = World(folder)
        with subprocess.Popen([*GII, *RUN], env=killed.environment(), stdout=-3, stderr=-3) as process:
            time.sleep(chance.uniform(0.05, 1.0) * length)
            stage = _stage(killed.root)
            process.send_signal(signal.SIGKILL)
        looked = killed.gii("verify")
        again = killed.gii(*RUN)
        same = again.returncode == 0 and killed.ranking() == right
        well = same and "Traceback" not in looked.stdout + looked.stderr + again.stderr
        table.note(f"kill: {stage}", "survived" if well else "silent", again.stderr[-300:])
        shutil.rmtree(folder)


def _stage(root: Path) -> str:
    """How far a run had come."""
    for name, pattern in STAGES.items():
        if list(root.glob(pattern)):
            return name
    return "start"


def flips(world: World, number: int, chance: random.Random, scratch: Path, table: Table) -> None:
    """Flip one bit of a file, then look and run: found, or made again, or of no effect on any result."""
    right = world.ranking()
    files = {kind: _files(world.root, pattern) for kind, pattern in KINDS.items()}
    kinds = [kind for kind, found in files.items() if found]
    copy = world.copy(scratch / "flipped")
    for turn in range(number):
        kind = kinds[turn % len(kinds)]
        inside = chance.choice(files[kind])
        path = copy.root / inside
        content = bytearray(path.read_bytes())
        at, bit = chance.randrange(len(content)), chance.randrange(8)
        content[at] ^= 1 << bit
        path.chmod(0o644)
        path.write_bytes(content)
        table.note(f"flip: {kind}", *_looked(copy, right, f"{inside}, byte {at}, bit {bit}"))
        shutil.copy2(world.root / inside, path)
    shutil.rmtree(copy.folder)


def _looked(copy: World, right: str, what: str) -> tuple[str, str]:
    """`gii verify` in this process, which is what every read does to the file it reads."""
    from gii_pipeline.cli.verifying import look

    try:
        problems = [problem for looked in look(copy.root) for problem in looked.problems]
    except GiiError:
        return "detected", ""
    except Exception as error:  # noqa: BLE001 - a traceback is what is looked for
        return "silent", f"{what}: {type(error).__name__}: {error}"
    if problems:
        return "detected", ""
    return ("survived", "") if copy.ranking() == right else ("silent", what)


def _files(root: Path, pattern: str) -> list[Path]:
    found = [path.relative_to(root) for path in root.glob(pattern) if path.is_file() and path.stat().st_size]
    return [path for path in sorted(found) if path.suffix != ".record" or "record" in pattern]


def hostile(number: int, chance: random.Random, scratch: Path, table: Table) -> None:
    """Fetch from a server whose status, header or body makes no sense: an error of the pipeline, nothing kept."""
    answers = list(_answers(chance))
    good = b"a,b\n1,2\n"
    for turn in range(number):
        sort, reply = answers[turn % len(answers)]
        root = scratch / f"hostile-{turn}"
        with Server(lambda _, reply=reply: reply) as server:  # type: ignore[misc]
            archive = Archive(root, clock=PatientClock())
            patience = Patience(attempts=2, read_s=5)
            try:
                with HttpClient("host", patience=patience, per_second=1e6, clock=archive.clock) as http:
                    request = Request(f"{server.url}/x.csv")
                    kept = fetch_file(archive, http, Terms("host", ""), request, Expected()).path.read_bytes()
                table.note(f"answer: {sort}", "survived" if kept == good else "silent", f"{reply} was kept")
            except GiiError:
                table.note(f"answer: {sort}", "detected")
            except Exception as error:  # noqa: BLE001 - a traceback is what is looked for
                table.note(f"answer: {sort}", "silent", f"{reply}: {type(error).__name__}: {error}")


def _answers(chance: random.Random) -> Iterator[tuple[str, Reply]]:
    good = b"a,b\n1,2\n"
    for status in (201, 202, 203, 204, 206, 300, 304, 400, 402, 404, 418, 451, 500, 599, 600, 999):
        yield "status", Reply(b"x,y\n1,2\n", status)
    for value in ("10" * 20, "9" * 400, "\xb2", "-5", "NaN", "1e9", "soon", "Fri, 31 Dec 9999 23:59:59 GMT"):
        yield "Retry-After", Reply(b"", chance.choice((429, 503)), {"Retry-After": value})
    for value in ("\xb2", "5, 6", "9" * 400, "-1", "8.0"):
        yield "Content-Length", Reply(good, 200, {"Content-Length": value}, length=None)
    elsewhere = f"http://{'a' * 99}.example/"
    for value in ("http://[", "http://127.0.0.1:99999/", "file:///etc", "//", elsewhere, "\xff"):
        yield "redirect", Reply(b"", chance.choice((301, 302, 303, 307, 308)), {"Location": value})
    for body in (b"", b" ", b"Try later", b"Try later\nor not\n", b'{"error": 1}', b"<!doctype html>", b"[]", b"null"):
        yield "body", Reply(body, 200, {"Content-Type": chance.choice(("text/csv", "text/plain", "application/json"))})


def campaign(folder: Path, kill: int, flip: int, hostility: int, seed: int) -> Table:
    """All faults, and how they ended. The same seed tries the same bits and answers."""
    chance, table = random.Random(seed), Table()
    steps: list[tuple[int, Callable[[], None]]] = [(hostility, lambda: hostile(hostility, chance, folder, table))]
    if kill or flip:
        world = make_world(folder / "world-of-faults")
        steps += [
            (flip, lambda: flips(world, flip, chance, folder, table)),
            (kill, lambda: kills(world, kill, chance, folder, table)),
        ]
    for number, step in steps:
        if number:
            step()
    return table
