"""Inspection: whether a bucket has what its pointers name, and what it has that no pointer names.

Belongs here: reading every object again, repairing what can be repaired, and objects without a name.
Does not: what a file contains.

An object without a name is one that a run stored and has not named yet, was killed before it could, or that was
replaced. A run stores again whatever the pointer that it replaces does not name. So an object may go once it is older
than any run takes; the age is the one thing here that a clock decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from gii_pipeline import verified
from gii_pipeline.remote.bucket import Named
from gii_pipeline.remote.working_copy import MANIFEST, WorkingCopy


class Found(NamedTuple):
    """A published file: the object that it is, or one of them, and why that is not what was stored; empty if it is."""

    path: Path
    named: Named
    damage: str


def look(copy: WorkingCopy) -> Iterator[Found]:
    """Every published file, read in the bucket. DamagedError where a pointer is damaged."""
    there = copy.bucket.objects()
    files = {
        copy.root / name: parts
        for group in sorted(copy.bucket.etags())
        for name, parts in copy.bucket.read(group).files.items()
    }
    archived = {path: (named,) for path, named in copy.archived().items()}
    seen: dict[Named, str] = {}
    for path, parts in {**files, **archived}.items():
        for named in parts:
            if named not in seen:
                stored = there.get(named.sha256)
                seen[named] = copy.bucket.damage(named) if stored else "is missing"
            yield Found(path, named, seen[named])


def repair(copy: WorkingCopy, damaged: Iterable[Found]) -> list[Path]:
    """Store again what this machine has, and take other files out of what is published, so that they are made again.

    Returns the archived files that are not here: their lines stay, and somebody has to let them go.
    """
    lost, gone = [], []
    for path, named, _ in damaged:
        if path.name == MANIFEST:
            copy.publish_whole(path)
        elif path.is_file() and verified.sha256_of(path) == named.sha256:
            copy.bucket.upload(path, named)
        elif path.is_relative_to(copy.root / "archive"):
            lost.append(path)
        else:
            gone.append(path)
    copy.forget(gone)
    return lost


def unnamed(copy: WorkingCopy, now: datetime, age: timedelta) -> dict[str, int]:
    """The sha256 and size of each object that nothing names, and that was stored longer ago than `age`."""
    there = copy.bucket.objects()  # before the pointers: what is named in between is not among them
    copy.pull()
    named = {named.sha256 for pointer in copy.published().values() for named in pointer.objects}
    named |= {named.sha256 for named in copy.archived().values()}
    return {
        sha256: stored.bytes for sha256, stored in there.items() if sha256 not in named and now - stored.modified > age
    }
