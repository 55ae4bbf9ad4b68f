"""Streaming: every part of a source is fetched, read and deleted, so that the disk holds what readers gave.

Belongs here: which sources can be read so, and reading a part as soon as it is here.
Does not: which parts there are (`fetching`), or what an extract is (`extracts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from gii_pipeline import memory, scratch
from gii_pipeline.archive import Archive, Entry, HttpClient, Request, fetch_file
from gii_pipeline.archive.download import known_file
from gii_pipeline.archive.entry import Kept, Line
from gii_pipeline.archive.integrity import format_of
from gii_pipeline.archive.ranges import Wanted, fetch_columns
from gii_pipeline.errors import GiiError, InputError
from gii_pipeline.profiles import Fetch, Input
from gii_pipeline.sources import SOURCES, Source
from gii_pipeline.sources.extracts import Extracts, RawFile, Unit
from gii_pipeline.sources.fetching import FETCHERS, Listed, Part
from gii_pipeline.sources.progress import Parts
from gii_pipeline.sources.readers import leaves
from gii_pipeline.sources.readers.rows import Options
from gii_pipeline.sources.working import in_processes, worth
from gii_pipeline.spark import on_executors

READ = "deleted after it was read, as `keep: extract` in the profile says"
BROKEN = "deleted because it could not be read"


def unstreamable(source: Input) -> str:
    """Why a source's files cannot be deleted one by one as they are read; empty where they can."""
    if (reader := SOURCES.get(source.reader)) is None or (role := streamed_role(source)) is None:
        return "extracts are made of fetched files: name a client under `files`, or keep raw files"
    fetch = source.fetches()[role].fetch
    if reader.joins or set(source.files) - {role} - set(reader.gone):
        return f"the reader `{source.reader}` reads several files together: keep raw files"
    if fetch in FETCHERS and FETCHERS[fetch].listed is None:
        return f"the client `{fetch}` fetches pages of a list, not files: keep raw files"
    return ""


def streamed_role(source: Input) -> str | None:
    """The role whose files are units by themselves, where a client fetches them."""
    role = next(iter(SOURCES[source.reader].roles))
    return role if isinstance(source.files.get(role), Fetch) else None


@dataclass(frozen=True)
class Taking:
    """Reading parts as they come: by which reader and options, and where extracts are kept."""

    reader: str
    role: str
    given: Mapping[str, Any]
    extracts: Extracts

    @property
    def source(self) -> Source:
        return SOURCES[self.reader]

    @property
    def options(self) -> Options:
        return self.source.parsed(self.given)

    def unit(self, entry: Entry) -> Unit:
        file = RawFile(entry.path, entry.sha256, entry.address, entry.records)
        return Unit(self.reader, {self.role: (file,)})

    def has(self, entry: Entry) -> bool:
        """Whether what the reader gave for an entry is here, as it was written."""
        return self.extracts.kept(self.unit(entry), self.options) is not None

    def made(self, entry: Entry) -> int:
        """The bytes of what the reader gave for an entry."""
        path = self.extracts.path(self.unit(entry), self.options)
        return path.stat().st_size if path.is_file() else 0

    def known(self, archive: Archive, part: Part) -> bool:
        """Whether a part was read before, so that nothing of it is requested."""
        shelf = archive.shelf(part.terms.source)
        known = known_file(shelf, self._request(part), part.expected, self.has)
        return known is not None and self.has(shelf.entry(known))

    def newest(self, archive: Archive, part: Part) -> Kept | None:
        """What the archive knows of a part as it was before."""
        request = self._request(part)
        return archive.shelf(part.terms.source).newest(request.address, request.content)

    def one(self, archive: Archive, http: HttpClient, part: Part) -> Entry:
        """Fetch a part, read it, and delete it. A part that cannot be read is deleted too, and fetched again."""
        entry = self._fetched(archive, http, part)
        shelf = archive.shelf(part.terms.source)
        if not self.has(entry):
            try:
                self._read(entry)
            except InputError as error:
                shelf.let_go(entry, archive.clock.timestamp(), BROKEN)
                raise InputError(str(error).replace(str(entry.path), entry.address)) from error
        if entry.here:
            shelf.let_go(entry, archive.clock.timestamp(), READ)
        return entry

    def _fetched(self, archive: Archive, http: HttpClient, part: Part) -> Entry:
        if wanted := self._wanted(part):
            return fetch_columns(archive, http, part.terms, part.request, part.expected, wanted=wanted, enough=self.has)
        return fetch_file(archive, http, part.terms, part.request, part.expected, enough=self.has)

    def _request(self, part: Part) -> Request:
        wanted = self._wanted(part)
        return wanted.request(part.request) if wanted else part.request

    def _wanted(self, part: Part) -> Wanted | None:
        """The columns of a part that are requested; None where all of it is."""
        columns, name = self.source.columns, part.request.address.partition("?")[0]
        if columns is None or (part.expected.format or format_of(name)) != "parquet":
            return None
        return Wanted(leaves.name_of(columns), partial(leaves.leaves, columns=columns))

    def _read(self, entry: Entry) -> None:
        with scratch.folder("taking") as folder, memory.connect(Path(folder)) as connection:
            self.extracts.extract(connection, self.unit(entry), self.options)


@dataclass(frozen=True)
class _Alone:
    """One part by a worker of its own, over a connection of its own."""

    archive: Archive
    fetch: Fetch
    data_year: int | None
    taking: Taking
    workers: int = 1

    def __call__(self, part: Part) -> Entry:
        client = FETCHERS[self.fetch.fetch]
        options = client.parsed(self.fetch.options)
        paced = options.model_copy(update={"per_second": options.per_second / self.workers})
        with client.connection(self.archive, paced, self.data_year) as http:
            return self.taking.one(self.archive, http, part)


@dataclass(frozen=True)
class _Away:
    """One part on another machine: its bytes are in a folder there, and the manifest's lines come back."""

    alone: _Alone

    def __call__(self, asked: tuple[Part, Kept | None]) -> tuple[list[Line], GiiError | None]:
        """The lines of what was done, and what stopped it. asked: a part, and what is known of it as it was before."""
        part, before = asked
        with scratch.folder("taking") as folder:
            archive = self.alone.archive.elsewhere(Path(folder))
            shelf, stopped = archive.shelf(part.terms.source), None
            if before:
                shelf.note(before)
            try:
                replace(self.alone, archive=archive)(part)
            except GiiError as error:
                stopped = error
            return shelf.manifest.lines[before is not None :], stopped


def stream(
    archive: Archive, source: Input, data_year: int | None, extracts: Extracts, engine: str = "duckdb"
) -> dict[str, list[Entry]]:
    """Role -> entries, as `gather` gives them for a source whose files are kept, of one whose files are not."""
    role = streamed_role(source)
    if role is None or (why := unstreamable(source)):
        raise InputError(f"keep: extract: {why}")
    fetch = source.fetches()[role]
    client, taking = FETCHERS[fetch.fetch], Taking(source.reader, role, source.options, extracts)
    options, began = client.parsed(fetch.options), archive.clock.timestamp()
    with client.connection(archive, options, data_year) as http:
        listed = client.parts(archive, http, options, data_year)
        with listed.stands(archive):
            entries = _taken(_Alone(archive, fetch, data_year, taking), http, listed, engine)
        if any(entry.retrieved_at >= began for entry in entries):
            listed.standing()
    return {role: entries}


def _taken(alone: _Alone, http: HttpClient, listed: Listed, engine: str) -> list[Entry]:
    """Every part, in the order of the list: those not read yet by several workers, where these are worth it."""
    taking, archive = alone.taking, alone.archive
    left = [part for part in listed.parts if not taking.known(archive, part)]
    size = sum(part.expected.bytes or 0 for part in left)
    progress, workers = Parts(taking.reader, len(left), size), worth(len(left), size, engine)
    if workers > 1 and not archive.offline:
        _spread(replace(alone, workers=workers), left, progress, engine)
    entries = []
    for part in listed.parts:
        entries.append(taking.one(archive, http, part))
        if workers == 1 and part in left:
            progress.finished(entries[-1].bytes)
    return entries


def _spread(alone: _Alone, left: list[Part], progress: Parts, engine: str) -> None:
    """Take parts by several workers. Processes write the manifest in turn; of executors, this process alone does."""
    if engine != "spark":
        in_processes(alone, left, alone.workers, lambda part: progress.finished(part.expected.bytes or 0))
        return

    def done(asked: tuple[Part, Kept | None], brought: tuple[list[Line], GiiError | None]) -> None:
        (part, _), (lines, stopped) = asked, brought
        for line in lines:
            alone.archive.shelf(part.terms.source).note(line)
        if stopped:
            raise stopped
        progress.finished(part.expected.bytes or 0)

    asked = [(part, alone.taking.newest(alone.archive, part)) for part in left]
    on_executors(_Away(alone), asked, alone.workers, alone.taking.extracts.folder, done)
