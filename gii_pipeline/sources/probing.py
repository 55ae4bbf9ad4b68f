"""Probing: asking a source for its smallest real answer, and comparing it with what its reader expects.

Belongs here: one page or the head of one file per role, the reader run on it, what differs, and the record of it.
Does not: fetching for a table. What a probe asked for is thrown away.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

import duckdb

from gii_pipeline import memory, verified
from gii_pipeline import scratch as temporary
from gii_pipeline.archive import Archive, Patience
from gii_pipeline.errors import GiiError, InputError
from gii_pipeline.profiles import Fetch, Input
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.fetching import FETCHERS
from gii_pipeline.sources.fields import fields
from gii_pipeline.sources.gathering import asked
from gii_pipeline.sources.heads import head_at
from gii_pipeline.sources.readers.files import explained
from gii_pipeline.wording import some

_PATIENCE: Final = Patience(attempts=2, connect_s=10, read_s=60)
_PLACE: Final = ("institution_id", "city", "address", "economy", "latitude", "organisations")
_RASTERS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_LISTED: Final = 5


@dataclass(frozen=True)
class Probe:
    """What came of asking a source.

    asked: what was requested, as `gathering.asked` has it. fields: role -> field -> type, of the answers. records: that
    the reader gave. differs: what is not as the reader expects it, a sentence each. notes: what else is to be known.
    """

    name: str
    at: str
    asked: Mapping[str, Any]
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    records: int = 0
    differs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        """One sentence for a person."""
        if self.differs:
            return f"tested on {self.at[:10]}, and its response differs: " + "; ".join(self.differs)
        read = f", {self.records:,} records read" if self.records else ""
        notes = "".join(f"; {note}" for note in self.notes)
        return f"tested live on {self.at[:10]}: matches what the reader expects{read}{notes}"


def recorded(folder: Path, name: str, source: Input) -> Probe | None:
    """The last probe of a source; None where it was never asked, or for something else."""
    path = folder / f"{name}.json"
    if verified.damage(path):
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    found = Probe(**{**kept, "differs": tuple(kept["differs"]), "notes": tuple(kept["notes"])})
    return found if found.asked == asked(source) else None


def probe(folder: Path, name: str, source: Input, data_year: int | None) -> Probe:
    """Ask a source now, and record what came of it. data_year: of what is requested by year."""
    before = recorded(folder, name, source)
    with temporary.folder("probe") as scratch:
        found = _Asking(name, source, data_year, Path(scratch)).probe()
    if before and not before.differs and not found.differs:
        found = _compared(found, before)
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / f".{name}.{os.getpid()}"
    staged.write_text(json.dumps(asdict(found), indent=1, sort_keys=True), encoding="utf-8")
    verified.replace(staged, folder / f"{name}.json")
    return found


def _compared(now: Probe, before: Probe) -> Probe:
    """With the fields that came, went or have another type since the last probe."""
    differs, notes = list(now.differs), list(now.notes)
    for role, then in before.fields.items():
        fields_now = now.fields.get(role, {})
        if not fields_now or not then:
            continue
        gone = sorted(then.keys() - fields_now.keys())
        new = sorted(fields_now.keys() - then.keys())
        other = [f"{name} ({then[name]}, now {fields_now[name]})" for name in then if _other(then, fields_now, name)]
        since = f"since {before.at[:10]}, {role}"
        differs += [f"{since} lacks {some(gone, _LISTED)}"] if gone else []
        differs += [f"{since} has other types: {some(other, _LISTED)}"] if other else []
        notes += [f"{since} has new fields: {some(new, _LISTED)}"] if new else []
    return replace(now, differs=tuple(differs), notes=tuple(notes))


def _other(then: Mapping[str, str], now: Mapping[str, str], name: str) -> bool:
    unsaid = {"null", "string"}  # of JSON whose values are all missing
    return name in now and now[name] != then[name] and not {now[name], then[name]} <= unsaid


@dataclass
class _Asking:
    """One source being asked. partial: whether any answer is only the head of a file."""

    name: str
    source: Input
    data_year: int | None
    scratch: Path
    partial: bool = False

    def probe(self) -> Probe:
        files: dict[str, list[Path]] = {}
        differs: list[str] = []
        for role, given in self.source.files.items():
            try:
                files[role] = [self._answer(role, given)] if isinstance(given, Fetch) else _local(given)
            except GiiError as error:
                differs.append(f"{role}: {error}")
        listed: dict[str, dict[str, str]] = {}
        records, notes = 0, []
        if not differs:
            with memory.connect() as con:
                if self.source.reader in SOURCES:
                    listed = {role: fields(con, files[role][0]) for role in self.source.fetches()}
                try:
                    with explained(self.name):
                        records, differs = self._read(con, files)
                except GiiError as error:
                    differs = [str(error)]
                differs += self._unselected(listed)
        if self.partial:
            notes.append("only the beginnings of its files were read")
        told = tuple(" ".join(each.replace(f"{self.scratch}{os.sep}", "").split()) for each in differs)
        return Probe(
            self.name, datetime.now(UTC).isoformat(timespec="seconds"), asked(self.source), listed, records, told,
            tuple(notes),
        )  # fmt: skip

    def _answer(self, role: str, fetch: Fetch) -> Path:
        """The first page of a list, or the smallest of the files or its head."""
        client, archive = FETCHERS[fetch.fetch], Archive(self.scratch / "asked")
        options = client.parsed(fetch.options).model_copy(update={"patience": _PATIENCE})
        with client.connection(archive, options, self.data_year) as http:
            if client.listed is None:
                return client.begin(archive, http, options, self.data_year).first.path
            parts = client.parts(archive, http, options, self.data_year).parts
            part = min(parts, key=lambda part: part.expected.bytes or 0)
            (folder := self.scratch / role).mkdir()
            path, whole = head_at(http, part.request, folder)
        self.partial |= not whole
        return path

    def _read(self, con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]]) -> tuple[int, list[str]]:
        """How many records the reader gives, and what it does not find."""
        if self.source.reader not in SOURCES:
            return 0, [each for paths in files.values() for path in paths for each in _of_raster(path)]
        reader = SOURCES[self.source.reader]
        if reader.metric is None and self.name == "institutions":
            rows = reader.institutions(con, files, self.source.options).fetchall()
            return len(rows), [] if rows else ["the response has no institution"]
        rows_of = reader.people(con, files, self.source.options)
        rows_of.create_view("probed", replace=True)
        place = " OR ".join(f"{column} IS NOT NULL" for column in _PLACE)
        [(read, records, dated, placed)] = con.sql(
            "SELECT coalesce(sum(source_rows), 0), count(*) FILTER (WHERE record_id IS NOT NULL AND source_rows > 0), "
            f"count(year), count(*) FILTER (WHERE {place}) FROM probed"
        ).fetchall()
        return int(records), list(self._lacking(int(read), int(records), int(dated), int(placed)))

    def _unselected(self, listed: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
        """Fields that a client asks for by name, and that no record of the answer has."""
        for role, request in asked(self.source).items():
            there = {name.partition(".")[0].removesuffix("[]") for name in listed.get(role, {})}
            wanted = str(request.get("select") or "").split(",") if there else []
            if missing := [name for name in wanted if name and name not in there]:
                yield f"{role}: no record has {some(missing, _LISTED)}"

    def _lacking(self, read: int, records: int, dated: int, placed: int) -> Iterator[str]:
        joined = self.partial and SOURCES[self.source.reader].joins  # heads of tables that need not meet
        if not read:
            if not joined:
                yield "the response has no record"
        elif not records:
            yield f"none of {read:,} rows has an id"
        elif not joined:
            if not dated:
                yield f"none of {records:,} records has a readable year"
            if not placed:
                yield f"none of {records:,} records has an address, an institution or coordinates"


def _local(patterns: tuple[Path, ...]) -> list[Path]:
    found = [path for pattern in patterns for path in sorted(pattern.parent.glob(pattern.name)) if path.is_file()]
    if not found:
        raise InputError(f"{', '.join(map(str, patterns))} does not exist")
    return found


def _of_raster(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(b"PK"):
        with suppress(BadZipFile), ZipFile(path) as archive:
            if not any(name.lower().endswith((".tif", ".tiff")) for name in archive.namelist()):
                yield f"{path.name} has no GeoTIFF"
    elif start not in _RASTERS:
        yield f"{path.name} is not a GeoTIFF: it begins with {start!r}"


__all__ = ["Probe", "probe", "recorded"]
