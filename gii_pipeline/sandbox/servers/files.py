"""A file host: whole files or the rest of one, by Range, with ETag and Last-Modified.

Belongs here: making a world's files when they are first asked for, and handing them out. It stands in for Zenodo (the
ROR dump), the JRC (population rasters), and the store that the USPTO redirects to.
Does not: what the files hold.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock

from gii_pipeline import scratch
from gii_pipeline.sandbox import patents, population
from gii_pipeline.sandbox.institutions import ROR_RELEASE, write_ror_dump
from gii_pipeline.sandbox.servers.faults import Fault
from gii_pipeline.sandbox.servers.http import Asked, Reply, http_date, json_reply
from gii_pipeline.sandbox.world import World

Make = Callable[[Path], None]

SIGNED = "/signed"
SIGNATURE = "X-Amz-Signature"
MADE_AT_S = 1_780_358_400.0  # 2026-06-02
ROR_PATH = f"/records/ror/files/{ROR_RELEASE}.zip"
RASTER_PATH = "/ghsl/GHS_POP_E{epoch}_GLOBE_R2023A_4326_30ss_V1_0.tif"
_STAGED = re.compile(r".+\.(\d+)\.staged")
_RANGE = re.compile(r"bytes=(\d+)-$")


class Workshop:
    """A folder in which every file is made once, when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._locks: dict[str, Lock] = {}
        self._lock = Lock()
        folder.mkdir(parents=True, exist_ok=True)
        for left in scratch.abandoned(folder, _STAGED):
            left.unlink(missing_ok=True)

    def file(self, name: str, make: Make) -> Path:
        """The file of a name, made by `make` unless it is there."""
        with self._lock:
            lock = self._locks.setdefault(name, Lock())
        path = self.folder / name
        with lock:
            if not path.exists():
                staged = path.with_name(f"{name}.{os.getpid()}.staged")
                make(staged)
                staged.replace(path)
        return path

    def make_ahead(self, name: str, make: Make) -> None:
        """Make a file that nobody has asked for yet; where that fails, whoever asks learns why."""
        with suppress(OSError):
            self.file(name, make)


class FileHost:
    """The files of a world."""

    def __init__(self, world: World, workshop: Workshop) -> None:
        self._workshop = workshop
        self._files: dict[str, Make] = {
            ROR_PATH: lambda path: write_ror_dump(world, path),
            **{
                RASTER_PATH.format(epoch=epoch): lambda path, epoch=epoch: population.write_raster(  # type: ignore[misc]
                    world, epoch, path
                )
                for epoch in population.EPOCHS
            },
            **{
                f"{SIGNED}/{table}.tsv.zip": lambda path, table=table: patents.write_table(  # type: ignore[misc]
                    world, table, path
                )
                for table in patents.TABLES
            },
        }

    def reply(self, asked: Asked, fault: Fault | None) -> Reply:
        """The file, or its end; 404 for others, 403 for a signed one without its signature, 416 behind the end."""
        if fault in (Fault.RATE_LIMITED, Fault.BUDGET_SPENT):
            wait = "1" if fault is Fault.RATE_LIMITED else "43200"
            return json_reply({"message": "Too many requests"}, 429, {"Retry-After": wait})
        make = self._files.get(asked.path)
        if make is None:
            return Reply(b"Not found\n", 404, {"Content-Type": "text/plain"})
        if asked.path.startswith(SIGNED) and asked.query.get(SIGNATURE) != signature(asked.path):
            return Reply(b"<Error><Code>AccessDenied</Code></Error>", 403, {"Content-Type": "application/xml"})
        return ranged(self._workshop.file(_name(asked.path), make), asked.headers)

    def make_all(self) -> None:
        """Make every file that is not there, before somebody waits for it."""
        for path, make in self._files.items():
            self._workshop.make_ahead(_name(path), make)


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def ranged(path: Path, headers: Mapping[str, str]) -> Reply:
    """A file as a host with Range support hands it out; `bytes=N-` only, as clients that resume ask."""
    size = path.stat().st_size
    etag = f'"{size:x}-{hashlib.sha256(path.name.encode()).hexdigest()[:16]}"'
    facts = {
        "Content-Type": "application/zip" if path.suffix == ".zip" else "application/octet-stream",
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Last-Modified": http_date(MADE_AT_S),
    }
    wanted = _RANGE.fullmatch(headers.get("range", ""))
    if wanted is None or headers.get("if-range", etag) != etag:
        return Reply(headers=facts, file=path)
    begin = int(wanted[1])
    if begin >= size:
        return Reply(b"", 416, {**facts, "Content-Range": f"bytes */{size}"})
    return Reply(
        headers={**facts, "Content-Range": f"bytes {begin}-{size - 1}/{size}"}, status=206, file=path, begin=begin
    )


def signature(path: str) -> str:
    """What the signed address of a file must bear."""
    return hashlib.sha256(f"made-up {path}".encode()).hexdigest()
