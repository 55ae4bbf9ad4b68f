"""Roots: what the rest of the pipeline asks of a root, whether or not it is a copy of a bucket.

Belongs here: opening a root by its address, and publishing or fetching where there is a bucket. Does not: how.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from gii_pipeline.remote.working_copy import WorkingCopy

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def opened(root: str | Path, *, files: bool = True) -> Path:
    """The folder of a root: the root itself, or for an address the working copy, with what others have published.

    files: whether files are brought here, or only looked up.
    """
    if not _ADDRESS.match(str(root)):
        if copy := WorkingCopy.at(Path(root).absolute()):
            copy.pull(files=files)
        return Path(root)
    address = re.sub(r"^([a-z0-9]+):/+", r"\1://", str(root))  # Path has made one `/` of two
    return WorkingCopy.made(address, files=files).root


def called(root: Path) -> str:
    """A root as a person names it: its address, where it is a copy of a bucket."""
    copy = WorkingCopy.at(root.absolute())
    return copy.address if copy else str(root)


def publish(root: Path) -> None:
    """Publish what was made under a root since, where the root is a copy of a bucket."""
    if copy := WorkingCopy.at(root):
        copy.push()


def forget(root: Path, paths: Iterable[Path]) -> None:
    """Take files out of what is published, where the root is a copy of a bucket."""
    if copy := WorkingCopy.at(root):
        copy.forget(paths)


def published(folder: Path) -> list[Path]:
    """The files below a folder that the bucket of its root has, wherever they are."""
    copy = WorkingCopy.of(folder)
    names = [name for pointer in copy.published().values() for name in pointer.files] if copy else []
    return [copy.root / name for name in names if (copy.root / name).is_relative_to(folder)] if copy else []


def bring(path: Path) -> bool:
    """Whether a file that is not on this machine is now, because its root is a copy of a bucket that has it."""
    copy = None if "://" in str(path) else WorkingCopy.of(path.parent)  # a release may be read at an address
    return copy is not None and copy.fetch(path)


def is_elsewhere(path: Path) -> bool:
    """Whether the bytes of an archived file, which are not on this machine, lie in the bucket of its root."""
    copy = WorkingCopy.of(path.parent)
    return copy is not None and copy.holds(path)
