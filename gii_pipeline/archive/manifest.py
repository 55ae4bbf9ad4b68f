"""The manifest of a source: one JSON line for everything that was received, only ever appended to.

Belongs here: appending safely beside other processes, mending a line that a killed process left torn, reading on.
Does not: what the lines mean together; that is the archive.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from filelock import FileLock

from gii_pipeline.archive.entry import Line

logger = logging.getLogger(__name__)

_encoder = msgspec.json.Encoder()
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

    def append(self, line: Line) -> None:
        """Write one line in one piece and onto the disk. A torn last line, left by a killed process, goes first."""
        raw = _encoder.encode(line) + b"\n"
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._lock):
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                _mend(file, self.path)
                os.write(file, raw)
                os.fsync(file)
            finally:
                os.close(file)

    def _decoded(self, raw: bytes) -> Iterator[Line]:
        try:
            line = _decoder.decode(raw)
        except msgspec.MsgspecError:
            number = len(self.lines) + len(self.broken) + 1
            self.broken.append(number)
            logger.warning("%s, line %d is not readable and is passed over", self.path, number)
        else:
            self.lines.append(line)
            yield line


def _mend(file: int, path: Path) -> None:
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
