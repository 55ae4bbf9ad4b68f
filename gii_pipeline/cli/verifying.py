"""The files that `gii verify` reads and `--repair` sets aside.

Belongs here: every kind of file that lies under a root, read again and compared with what was written.
Does not: how a file is compared (`verified`, `releases.verify`), or making anything again.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from gii_pipeline import verified
from gii_pipeline.archive import Archive
from gii_pipeline.archive.entry import Kept
from gii_pipeline.errors import GiiError
from gii_pipeline.releases import verify as damaged_files
from gii_pipeline.releases import versions
from gii_pipeline.releases.shelf import POINTER
from gii_pipeline.remote import WorkingCopy, inspection
from gii_pipeline.remote.inspection import Found
from gii_pipeline.store import Store
from gii_pipeline.store.lock import NOTE_SUFFIX
from gii_pipeline.verified import SUFFIX, Problem

ASIDE = "damaged"
COMPARED = ("archive", "raw", "extracts", "core", "editions", "releases", "cache", "quarantine", ASIDE)
"""The folders whose files are compared with what was written."""
TURNED_AWAY = "Run the data year or edition again: it writes the failing rows again."
_IN_BUCKET = "`gii verify --repair` stores it again from this machine, or lets the next run make or fetch it again."
_NOTE = (
    "The table next to it has the same information about its first run. After you set it aside, the next "
    "run writes it again."
)
_POINTER = (
    "It is not read, because the list of versions takes precedence. After you set it aside, the next "
    "release writes it again."
)


@dataclass
class Looked:
    """What was read of one kind of file, and what is wrong with it."""

    kind: str
    files: int = 0
    bytes: int = 0
    problems: list[Problem] = field(default_factory=list)

    def read(self, path: Path) -> None:
        self.files += 1
        self.bytes += path.stat().st_size if path.is_file() else 0


def look(root: Path, cache: Path | None = None) -> Iterator[Looked]:
    """Read everything under a root that a result depends on, kind by kind. cache: where caches lie, if elsewhere."""
    kinds: dict[str, Callable[[Path], Iterator[tuple[Path, Problem | None]]]] = {
        "archive": _archive,
        "input lists": _recorded("raw", _of_list),
        "extracts": _recorded("extracts", lambda _root, _path: "The next `gii ingest` reads its unit again."),
        "core tables": _recorded("core", _of_partition),
        "edition tables": _recorded("editions", _of_partition),
        "releases": _releases,
        "caches": _recorded(str(cache or "cache"), lambda _root, _path: "The next run rebuilds it."),
        "quarantined rows": _recorded("quarantine", lambda _root, _path: TURNED_AWAY),
        "history of runs": _history,
    }
    for kind, reading in kinds.items():
        looked = Looked(kind)
        for path, problem in reading(root):
            looked.read(path)
            if problem:
                looked.problems.append(problem)
        yield looked


def look_in_bucket(root: Path) -> tuple[list[Looked], list[Found]]:
    """The same of the bucket that a root is a copy of, and the published files that are damaged there."""
    copy = WorkingCopy.at(root)
    if copy is None:
        return [], []
    kinds: dict[str, Looked] = {}
    damaged = []
    for found in inspection.look(copy):
        folder = found.path.relative_to(root).parts[0]
        looked = kinds.setdefault(folder, Looked(f"bucket: {folder}"))
        looked.files, looked.bytes = looked.files + 1, looked.bytes + found.named.bytes
        if found.damage:
            damaged.append(found)
            says = f"{found.damage} in the bucket, as {copy.bucket.where(found.named)}"
            looked.problems.append(Problem(found.path, says, _IN_BUCKET, aside=False))
    releases = Looked("bucket: releases")
    for version in (one.version for one in versions(copy.address) if not one.discarded):
        releases.files += 1
        for said in damaged_files(copy.address, str(version)):
            remedy = f"Restore it from a copy, or `gii release withdraw {version} --because damaged` and make the next."
            releases.problems.append(Problem(root / "releases" / str(version), f"has {said}", remedy, aside=False))
    return [*kinds.values(), releases], damaged


def repair_in_bucket(root: Path, damaged: list[Found]) -> None:
    """Store again what this machine has; what it lacks is made again, or fetched again from its source."""
    if copy := WorkingCopy.at(root):
        archive = Archive(root)
        for path in inspection.repair(copy, damaged):
            shelf = archive.shelf(path.parent.parent.name)
            shelf.read_on()
            kept = next(line for line in shelf.manifest.lines if isinstance(line, Kept) and line.sha256 == path.name)
            shelf.let_go(shelf.entry(kept), archive.clock.timestamp(), "damaged in the object store")
        copy.push()


def set_aside(root: Path, problems: list[Problem]) -> list[Path]:
    """Move damaged files below `damaged/`, where nothing reads them, and take damaged lines out of manifests."""
    moved = []
    for problem in problems:
        if problem.path.name == "manifest.jsonl":
            Archive(root).shelf(problem.path.parent.name).manifest.repair()
            moved.append(problem.path)
        elif problem.aside and problem.path.exists():
            inside = problem.path.is_relative_to(root)
            target = root / ASIDE / (problem.path.relative_to(root) if inside else problem.path.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            problem.path.replace(target)
            verified.record_of(problem.path).unlink(missing_ok=True)
            moved.append(problem.path)
    return moved


def not_compared(root: Path) -> list[str]:
    """What else lies under a root, and was written without a hash."""
    found = (path.name for path in root.iterdir()) if root.is_dir() else ()
    return sorted(name for name in found if name not in COMPARED and not name.startswith("."))


def _archive(root: Path) -> Iterator[tuple[Path, Problem | None]]:
    archive = Archive(root)
    problems = {problem.path: problem for problem in archive.verify()}
    for folder in sorted(archive.folder.glob("*/")):
        for path in archive.shelf(folder.name).objects.all():
            yield path, problems.pop(path, None)
    yield from problems.items()


def _recorded(
    folder: str, remedy: Callable[[Path, Path], str]
) -> Callable[[Path], Iterator[tuple[Path, Problem | None]]]:
    """The files below a folder, each with its record beside it."""

    def reading(root: Path) -> Iterator[tuple[Path, Problem | None]]:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not path.name.startswith(".") and path.suffix != SUFFIX:
                reason = verified.damage(path)
                yield path, Problem(path, reason, remedy(root, path)) if reason else None
            elif path.suffix == SUFFIX and not path.with_suffix("").exists():
                table = path.with_suffix("")
                yield table, Problem(table, "is missing", remedy(root, table), aside=False)
            elif path.suffix == NOTE_SUFFIX:
                yield path, None if verified.unsealed(path.read_bytes()) else Problem(path, verified.CHANGED, _NOTE)

    return reading


def _of_list(_root: Path, path: Path) -> str:
    year = re.fullmatch(r"data_year=(\d+)", path.parent.name)
    return f"After you set it aside, `gii ingest --years {year[1] if year else 'YEARS'}` lists the files again."


def _of_partition(root: Path, path: Path) -> str:
    parts = path.relative_to(root).parts
    named = dict(part.split("=", 1) for part in parts if "=" in part)
    edition, method = named.get("edition"), named.get("method")
    partition = named.get("data_year") or (edition if edition == method else f"{edition}@{method}")
    try:
        return Store(root).remedy(parts[1], str(partition))
    except ValueError:
        return "The pipeline did not write it. Delete it."


def _releases(root: Path) -> Iterator[tuple[Path, Problem | None]]:
    pointer = root / "releases" / POINTER
    if pointer.is_file():
        yield pointer, None if verified.unsealed(pointer.read_bytes()) else Problem(pointer, verified.CHANGED, _POINTER)
    try:
        listed = [one for one in versions(root) if not one.discarded]
    except GiiError as error:
        yield root / "releases", Problem(root / "releases", "cannot be listed", str(error), aside=False)
        return
    for one in listed:
        folder = root / "releases" / str(one.version)
        try:
            problems = damaged_files(root, str(one.version))
        except GiiError as error:
            problems = [str(error)]
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            yield path, None
        remedy = (
            f"Restore it from a copy, or run `gii release withdraw {one.version} --because damaged` and "
            f"make the next version."
        )
        yield from (
            (folder, Problem(folder, f"differs from the published file: {said}", remedy, aside=False))
            for said in problems
        )


def _history(root: Path) -> Iterator[tuple[Path, Problem | None]]:
    """Dagster's own SQLite files, where the runs are kept under the root."""
    for path in sorted((root / "dagster").rglob("*.db")):
        reason = _sqlite_damage(path)
        remedy = "It contains only the history of runs: after you set it aside, the next run starts a new one."
        yield path, Problem(path, reason, remedy) if reason else None


def _sqlite_damage(path: Path) -> str | None:
    locked = "" if os.access(path.parent, os.W_OK) else "&immutable=1"  # even a reader writes beside the file otherwise
    path.open("rb").close()  # without the right to read it nothing can be said
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{locked}", uri=True)) as connection:
            [said] = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        return f"is damaged ({error})"
    return None if said == "ok" else f"is damaged ({said})"
