"""The head of a file at an address, as a file that a reader can read: enough to see what it is.

Belongs here: asking for the first bytes, and what can be read of a file whose end is missing.
Does not: fetching for a table; the archive keeps complete files only.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from pathlib import Path, PurePosixPath
from typing import Final

from gii_pipeline.archive import HttpClient, Request
from gii_pipeline.sources.readers.openalex import objects_of

HEAD: Final = 1 << 20
WHOLE: Final = 20 << 20
"""A file up to this size is taken whole: the end of a zip archive says what it has."""
_TOTAL: Final = re.compile(r"bytes \d+-\d+/(\d+)")
_ENTRY: Final = struct.Struct("<4s5H3I2H")


def head_at(http: HttpClient, request: Request, folder: Path) -> tuple[Path, bool]:
    """The file at an address in `folder`, and whether it is all of it."""
    start, size = _asked(http, request, HEAD)
    if len(start) < size <= WHOLE:
        start, size = _asked(http, request, WHOLE)
    path = folder / (PurePosixPath(request.url).name or "file")
    if len(start) >= size:
        path.write_bytes(start)
        return path, True
    name, content = readable(path.name, start)
    path = folder / name
    path.write_bytes(content)
    return path, False


def _asked(http: HttpClient, request: Request, most: int) -> tuple[bytes, int]:
    """The first bytes, and how many there are in all."""
    headers = {"Accept-Encoding": "identity", "Range": f"bytes=0-{most - 1}"}

    def try_once() -> tuple[bytes, int]:
        with http.open(request, headers, accept=(206,)) as response:
            body = bytearray()
            for chunk in http.chunks(response):
                body += chunk
                if len(body) >= most:
                    break
            found = _TOTAL.fullmatch(response.headers.get("Content-Range", ""))
            announced = response.headers.get("Content-Length", "")
            whole = int(found[1]) if found else int(announced) if announced.isdecimal() else len(body)
            return bytes(body[:most]), max(whole, len(body))

    return http.retrying(request, try_once)


def readable(name: str, start: bytes) -> tuple[str, bytes]:
    """A name, and the beginning of a file as a file of its own: its complete lines or objects."""
    if start.startswith(b"PK\x03\x04"):
        name, start = _first_member(start)
    elif start.startswith(b"\x1f\x8b"):
        name, start = name.removesuffix(".gz"), zlib.decompressobj(31).decompress(start)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        return name, _whole_objects(start)
    return name, start[: start.rfind(b"\n") + 1] or start


def _first_member(start: bytes) -> tuple[str, bytes]:
    """Name and beginning of the first file of a zip archive whose end, with its list of files, is missing."""
    at = 0
    while len(start) >= at + _ENTRY.size:
        _, _, _, method, _, _, _, packed, _, length, extra = _ENTRY.unpack_from(start, at)
        begins = at + _ENTRY.size + length + extra
        name = start[at + _ENTRY.size : at + _ENTRY.size + length].decode("utf-8", "replace")
        if not name.endswith("/"):
            content = start[begins:]
            return PurePosixPath(name).name, zlib.decompressobj(-15).decompress(content) if method else content
        at = begins + packed
    return "file", b""


def _whole_objects(start: bytes) -> bytes:
    """A JSON array of those of its objects that are complete."""
    text = start.decode("utf-8", "ignore").lstrip("\ufeff \t\r\n")[1:]
    return json.dumps(list(objects_of(text))).encode()
