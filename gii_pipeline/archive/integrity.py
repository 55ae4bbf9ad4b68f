"""Integrity: whether a file is whole, and what it is said to be.

Belongs here: the checks that each format carries in itself. Does not: what the content means.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Literal

from gii_pipeline.archive.objects import chunks
from gii_pipeline.archive.request import looks_like_html

Format = Literal["gzip", "zip", "parquet", "html", "any"]

_BY_SUFFIX: dict[str, Format] = {".gz": "gzip", ".zip": "zip", ".parquet": "parquet", ".html": "html", ".htm": "html"}
_MAGIC: dict[Format, bytes] = {"gzip": b"\x1f\x8b", "zip": b"PK", "parquet": b"PAR1"}


def format_of(name: str) -> Format:
    """The format that a file's name promises."""
    return _BY_SUFFIX.get(PurePosixPath(name).suffix.lower(), "any")


def broken_promise(start: bytes, promised: Format, content_type: str | None = None) -> str | None:
    """Why the first bytes (256 are enough) cannot be of the promised format at all; None when they can."""
    if promised != "html" and looks_like_html(content_type, start):
        return "an HTML page came where data was promised: the source has moved, is retired or wants a login"
    magic = _MAGIC.get(promised, b"")
    if start[: len(magic)] != magic[: len(start)]:
        return f"what came is no {promised} file; it starts with {start[:60]!r}"
    return None


def damage(path: Path, promised: Format) -> str | None:
    """Why a file of the promised format is not whole; None when it is. Reads all of it, in pieces."""
    match promised:
        case "gzip":
            return _gzip_damage(path)
        case "zip":
            return _zip_damage(path)
        case "parquet":
            return _parquet_damage(path)
        case _:
            return None


def _gzip_damage(path: Path) -> str | None:
    try:
        with gzip.open(path) as file:
            for _ in chunks(file):
                pass
    except (EOFError, OSError, zlib.error) as error:
        return f"the gzip file is cut off or damaged ({error})"
    return None


def _zip_damage(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            member = archive.testzip()
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error) as error:
        return f"the zip file is cut off or damaged ({error})"
    return f"the zip file's member {member} is damaged" if member else None


def _parquet_damage(path: Path) -> str | None:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 4))
        whole = size >= 12 and file.read(4) == b"PAR1"
    return None if whole else "the Parquet file is cut off"
