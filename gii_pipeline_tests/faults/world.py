"""The tiny world on disk, and `gii` on it in processes that may be killed.

Belongs here: starting `gii` without paying for its imports each time, and what a root contains in the end.
Does not: faults.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gii_pipeline.cli.verifying import look
from gii_pipeline.errors import GiiError
from gii_pipeline.store import read_parquet
from gii_pipeline.store.content import content_sha256
from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.commands import CACHE

EDITION, YEAR = "2015", "2013"
RELEASE = f"releases/v{EDITION}.1"
DATED = {"datapackage.json", "latest.json"}
"""They contain the day of a release."""
LIMIT_SECONDS = 600
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["great_expectations", "gii_pipeline.cli", "gii_pipeline.defs.workflow", "gii_pipeline.defs.definitions"]
)


@dataclass(frozen=True)
class Ended:
    """How a command ended; a negative code is the signal that ended it."""

    code: int
    said: str

    @property
    def traceback(self) -> bool:
        return "Traceback (most recent call last)" in self.said


@dataclass(frozen=True)
class World:
    """A folder with the tiny world's files and a root. own_cache: the index of places lies in the root."""

    folder: Path
    own_cache: bool = False

    @property
    def root(self) -> Path:
        return self.folder / "root"

    def gii(self, *arguments: str, killed_after: float | None = None) -> Ended:
        """Run `gii` in a process of its own, killed after so many seconds if it is still at work then."""
        log = self.folder / "log"
        process = _PROCESSES.Process(target=_gii, args=(self._environment(), arguments, log))
        process.start()
        process.join(LIMIT_SECONDS if killed_after is None else killed_after)
        if process.is_alive():
            process.kill()
            process.join()
        return Ended(int(process.exitcode or 0), log.read_text("utf-8", "replace") if log.exists() else "")

    def copy(self, folder: Path) -> World:
        shutil.copytree(self.folder, folder, symlinks=True)
        return World(folder, self.own_cache)

    def files(self, *patterns: str) -> dict[str, str]:
        return files_of(self.root, *patterns)

    def looked(self) -> tuple[str, str]:
        """What `gii verify` finds, as an outcome, and its words; in this process."""
        try:
            problems = [str(problem) for looked in look(self.root) for problem in looked.problems]
        except GiiError as error:
            return "detected", str(error)
        except Exception as error:  # noqa: BLE001 - an error that the pipeline does not know is what is looked for
            return "traceback", f"{type(error).__name__}: {error}"
        return ("detected", "\n".join(problems)) if problems else ("survived", "")

    def content(self, table: str) -> str:
        """The hash of what a table below the root contains, whatever its file is made from."""
        return content_sha256(read_parquet(self.root / table))

    def _environment(self) -> Mapping[str, str]:
        own = {"GII_PROFILE": str(self.folder / "world" / "tiny.yaml"), "GII_ROOT": str(self.root)}
        return {**own, CACHE: "" if self.own_cache else os.environ.get(CACHE, "")}


def files_of(root: Path, *patterns: str) -> dict[str, str]:
    """The sha256 of each file below a root that fits a pattern, but for those that contain the day."""
    found = {path for pattern in patterns for path in root.glob(pattern)}
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(found)
        if path.is_file() and path.name not in DATED
    }


def fresh(folder: Path) -> World:
    """The tiny world with an empty root."""
    tiny_world.write(folder / "world")
    return World(folder)


def done(world: World, *arguments: str) -> float:
    """Run a command that must succeed; give its seconds."""
    began = time.monotonic()
    ended = world.gii(*arguments)
    if ended.code:
        raise SystemExit(f"gii {' '.join(arguments)} ended with {ended.code}:\n{ended.said}")
    return time.monotonic() - began


def _gii(environment: Mapping[str, str], arguments: tuple[str, ...], log: Path) -> None:
    """In the child: what the command prints goes to the log."""
    from gii_pipeline.cli import process

    os.environ.update(environment)
    os.environ.pop("DAGSTER_HOME", None)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    sys.argv = ["gii", *arguments]
    process()
