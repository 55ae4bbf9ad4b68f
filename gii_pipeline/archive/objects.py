"""Objects: bytes under the sha256 of their content, written once and never changed.

Belongs here: the layout of a source's folder, and making bytes visible under their name all at once.
Does not: where they came from; that is the manifest.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO

from gii_pipeline.remote import is_elsewhere
from gii_pipeline.verified import sync

CHUNK = 1 << 20
READ_ONLY = 0o444

_SHA256 = re.compile(r"[0-9a-f]{64}")


def chunks(file: BinaryIO | BufferedIOBase) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


class Objects:
    """The kept bytes of one source: `<folder>/<sha256[:2]>/<sha256>`; work in progress lies in `<folder>/.work`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / ".work"

    def path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256

    def has(self, sha256: str, size: int) -> bool:
        """Whether the bytes are here, or in the object store of the root, from which they are fetched when read."""
        path = self.path(sha256)
        return path.stat().st_size == size if path.is_file() else is_elsewhere(path)

    def write(self, name: str, content: Iterable[bytes]) -> tuple[Path, str, int]:
        """Write `content` to `.work/<name>`. Returns that path, the sha256 and the number of bytes."""
        self.work.mkdir(parents=True, exist_ok=True)
        staged, digest, size = self.work / name, hashlib.sha256(), 0
        with staged.open("wb") as file:
            for chunk in content:
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        return staged, digest.hexdigest(), size

    def adopt(self, staged: Path, sha256: str) -> Path:
        """Move a finished file of `.work` to its place, onto the disk first; replaces damaged bytes of that name."""
        target = self.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        sync(staged)
        staged.chmod(READ_ONLY)
        staged.replace(target)
        if os.name == "posix":
            sync(target.parent)
        return target

    def all(self) -> Iterator[Path]:
        """Every file of the folder but the manifest and the work in progress."""
        if not self.folder.is_dir():
            return
        for path in sorted(self.folder.rglob("*")):
            inside = path.relative_to(self.folder)
            if path.is_file() and inside.parts[0] != self.work.name and str(inside) != "manifest.jsonl":
                yield path

    def is_in_place(self, path: Path) -> bool:
        return _SHA256.fullmatch(path.name) is not None and path == self.path(path.name)
