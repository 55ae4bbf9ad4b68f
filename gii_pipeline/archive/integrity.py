"""Integrity: whether a file is whole, and what it is said to be.

Belongs here: the checks that each format carries in itself. Does not: what the content means.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec
from isal import igzip, isal_zlib

from gii_pipeline.archive.objects import chunks
from gii_pipeline.archive.request import looks_like_html

Format = Literal["gzip", "zip", "parquet", "html", "any"]

_BY_SUFFIX: dict[str, Format] = {".gz": "gzip", ".zip": "zip", ".parquet": "parquet", ".html": "html", ".htm": "html"}
LOOKED_AT = 65_536
_TABLES = frozenset({".csv", ".tsv", ".tab", ".txt"})
_DELIMITER = re.compile(r"[,;\t|]")
_STARTS = {".json": ("{", "["), ".jsonl": ("{", "["), ".ndjson": ("{", "["), ".xml": ("<",)}
_SAID_OF_ERRORS = frozenset({"error", "errors", "message", "detail", "status", "code", "title", "type", "reason"})
_MAGIC: dict[Format, bytes] = {"gzip": b"\x1f\x8b", "zip": b"PK", "parquet": b"PAR1"}


def format_of(name: str) -> Format:
    """The format that a file's name promises."""
    return _BY_SUFFIX.get(PurePosixPath(name).suffix.lower(), "any")


def broken_promise(start: bytes, promised: Format, content_type: str | None = None) -> str | None:
    """Why the first bytes (256 are enough) cannot be of the promised format at all; None when they can."""
    if promised != "html" and looks_like_html(content_type, start):
        return "the response is an HTML page instead of data: the source has moved, is retired or requires a login"
    magic = _MAGIC.get(promised, b"")
    if start[: len(magic)] != magic[: len(start)]:
        return f"the response is not a {promised} file; it starts with {start[:60]!r}"
    return None


def implausible(path: Path, name: str) -> str | None:
    """Why a whole file cannot be the data that its name promises; None when it can.

    Gateways and quotas answer with a status of 200 and a sentence or an error in JSON. A table has a header and a row,
    and its header is not prose; JSON and XML begin as such.
    """
    with path.open("rb") as file:
        start = file.read(LOOKED_AT)
    if not start.strip():
        return "the response is empty"
    text, suffix = start.decode("utf-8", "replace").lstrip("\ufeff \r\n\t"), PurePosixPath(name).suffix.lower()
    shown = f"it starts with {text[:60]!r}"
    if _is_error(start):
        return f"the response is an error instead of data; {shown}"
    if suffix in _TABLES:
        lines = text.replace("\0", "").splitlines()  # UTF-16 has a zero beside each letter
        if text.startswith(("{", "[")) or len(lines) < 2 or (" " in lines[0] and not _DELIMITER.search(lines[0])):
            return f"the response is not a table; {shown}"
    if suffix in _STARTS and not text.startswith(_STARTS[suffix]):
        return f"the response is not {suffix.removeprefix('.')}; {shown}"
    return None


def _is_error(start: bytes) -> bool:
    """Whether a whole answer is a JSON object of nothing but an error."""
    try:
        found = msgspec.json.decode(start)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return isinstance(found, dict) and bool(found) and {str(key).lower() for key in found} <= _SAID_OF_ERRORS


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
        with igzip.open(path) as file:
            for _ in chunks(file):
                pass
    except (EOFError, OSError, isal_zlib.IsalError) as error:  # type: ignore[misc]  # its stub calls it a value
        return f"the gzip file is truncated or damaged ({error})"
    return None


def _zip_damage(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            member = archive.testzip()
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error) as error:
        return f"the zip file is truncated or damaged ({error})"
    except (NotImplementedError, RuntimeError) as error:  # a method that nobody here reads, or a password
        return f"the zip file cannot be unpacked ({error})"
    return f"the zip file's member {member} is damaged" if member else None


def _parquet_damage(path: Path) -> str | None:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 4))
        whole = size >= 12 and file.read(4) == b"PAR1"
    return None if whole else "the Parquet file is truncated"
