"""The manifest of a source: one JSON line for everything that was received, only ever appended to.

Belongs here: appending safely beside other processes, fixing a line that a killed process left torn, reading on.
Does not: what the lines mean together; that is the archive.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from filelock import FileLock

from gii_pipeline.archive.entry import Kept, LetGo, Line
from gii_pipeline.verified import sync

logger = logging.getLogger(__name__)

_encoder = msgspec.json.Encoder()
_CHECK = re.compile(rb',"check":"([0-9a-f]{16})"\}\s*$')
_decoder = msgspec.json.Decoder(Line)


class Manifest:
    """The lines of `manifest.jsonl`, read as far as they are whole.

    lines: what was read so far, in the order of writing. broken: numbers (from 1) of lines that are not readable.
    """

    def __init__(self, path: Path, lock: Path) -> None:
        self.path = path
        self.lines: list[Line] = []
        self.broken: list[int] = []
        self._lock = lock
        self._offset = 0

    def read_on(self) -> Iterator[Line]:
        """The whole lines that this or another process has appended since the last call."""
        size = self.path.stat().st_size if self.path.exists() else 0
        if size <= self._offset:
            return
        with self.path.open("rb") as file:
            file.seek(self._offset)
            for raw in file:
                if not raw.endswith(b"\n"):
                    break
                self._offset += len(raw)
                yield from self._decoded(raw)

    def repair(self) -> None:
        """Write the manifest again without its damaged lines. Nothing may write to it meanwhile."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._lock):
            whole = Manifest(self.path, self._lock)
            staged = self._lock.with_name("manifest.staged")
            staged.write_bytes(b"".join(_checked(_encoder.encode(line)) + b"\n" for line in whole.read_on()))
            sync(staged)
            staged.replace(self.path)

    def append(self, line: Line) -> None:
        """Write one line in one piece and onto the disk. A torn last line, left by a killed process, goes first."""
        self._append(_checked(_encoder.encode(line)) + b"\n")

    def _append(self, raw: bytes) -> None:
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._lock):
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                _drop_torn_line(file, self.path)
                os.write(file, raw)
                os.fsync(file)
            finally:
                os.close(file)

    def adopt(self, lines: Iterable[bytes]) -> None:
        """Append the lines of another machine that are not here yet."""
        known = set(self.lines_in(self.path.read_bytes())) if self.path.exists() else set()
        if new := [raw for raw in lines if raw not in known]:
            self._append(b"".join(new))

    @staticmethod
    def lines_in(content: bytes) -> list[bytes]:
        """The lines that are whole and as they were written."""
        return [raw for raw in content.splitlines(keepends=True) if raw.endswith(b"\n") and _read(raw) is not None]

    @staticmethod
    def kept_by(lines: Iterable[bytes]) -> dict[str, int]:
        """The sha256 and size of all bytes that lines name, and that no later line lets go."""
        kept: dict[str, int] = {}
        for line in map(_read, lines):
            if isinstance(line, Kept):
                kept[line.sha256] = line.bytes
            elif isinstance(line, LetGo):
                kept.pop(line.sha256, None)
        return kept

    def _decoded(self, raw: bytes) -> Iterator[Line]:
        line = _read(raw)
        if line is None:
            self.broken.append(len(self.lines) + len(self.broken) + 1)
        else:
            self.lines.append(line)
            yield line


def _read(raw: bytes) -> Line | None:
    """What a line says; None where it is damaged."""
    try:
        line: Line = _decoder.decode(_unchecked(raw))
    except (msgspec.MsgspecError, ValueError):
        return None
    return line


def _checked(raw: bytes) -> bytes:
    """A line with the first digits of its own sha256 as its last field."""
    return raw[:-1] + b',"check":"' + _digest(raw) + b'"}'


def _unchecked(raw: bytes) -> bytes:
    """The line without its check; ValueError when it has another. Lines of earlier versions have none."""
    found = _CHECK.search(raw)
    if found is None:
        return raw
    line = raw[: found.start()] + b"}"
    if _digest(line) != found[1]:
        raise ValueError
    return line


def _digest(raw: bytes) -> bytes:
    return hashlib.sha256(raw).hexdigest()[:16].encode()


def _drop_torn_line(file: int, path: Path) -> None:
    size = os.fstat(file).st_size
    whole = _end_of_last_line(file, size)
    if whole < size:
        logger.warning("%s: a torn last line (%d bytes) of a killed process is taken away", path, size - whole)
        os.ftruncate(file, whole)


def _end_of_last_line(file: int, size: int, step: int = 4096) -> int:
    end = size
    while end > 0:
        start = max(0, end - step)
        os.lseek(file, start, os.SEEK_SET)
        newline = os.read(file, end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
