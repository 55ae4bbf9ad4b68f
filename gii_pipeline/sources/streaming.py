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
from gii_pipeline.archive import Archive, Entry, HttpClient, fetch_file
from gii_pipeline.archive.download import known_file
from gii_pipeline.archive.integrity import format_of
from gii_pipeline.archive.ranges import Wanted, fetch_columns
from gii_pipeline.errors import InputError
from gii_pipeline.profiles import Fetch, Input
from gii_pipeline.sources import SOURCES, Source
from gii_pipeline.sources.extracts import Extracts, RawFile, Unit
from gii_pipeline.sources.fetching import FETCHERS, Listed, Part
from gii_pipeline.sources.progress import Parts
from gii_pipeline.sources.readers import leaves
from gii_pipeline.sources.readers.rows import Options
from gii_pipeline.sources.working import in_processes, worth

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
        """Whether a part was read before, so that nothing of it is asked for."""
        shelf = archive.shelf(part.terms.source)
        wanted = self._wanted(part)
        request = wanted.request(part.request) if wanted else part.request
        known = known_file(shelf, request, part.expected, self.has)
        return known is not None and self.has(shelf.entry(known))

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

    def _wanted(self, part: Part) -> Wanted | None:
        """The columns of a part that are asked for; None where all of it is."""
        columns, name = self.source.columns, part.request.address.partition("?")[0]
        if columns is None or (part.expected.format or format_of(name)) != "parquet":
            return None
        return Wanted(leaves.name_of(columns), partial(leaves.leaves, columns=columns))

    def _read(self, entry: Entry) -> None:
        with scratch.folder("taking") as folder, memory.connect(Path(folder)) as connection:
            self.extracts.extract(connection, self.unit(entry), self.options)


@dataclass(frozen=True)
class _Alone:
    """One part in a process of its own, over a connection of its own."""

    archive: Archive
    fetch: Fetch
    data_year: int | None
    taking: Taking
    processes: int = 1

    def __call__(self, part: Part) -> Entry:
        client = FETCHERS[self.fetch.fetch]
        options = client.parsed(self.fetch.options)
        paced = options.model_copy(update={"per_second": options.per_second / self.processes})
        with client.connection(self.archive, paced, self.data_year) as http:
            return self.taking.one(self.archive, http, part)


def stream(archive: Archive, source: Input, data_year: int | None, extracts: Extracts) -> dict[str, list[Entry]]:
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
            entries = _taken(_Alone(archive, fetch, data_year, taking), http, listed)
        if any(entry.retrieved_at >= began for entry in entries):
            listed.standing()
    return {role: entries}


def _taken(alone: _Alone, http: HttpClient, listed: Listed) -> list[Entry]:
    """Every part, in the order of the list: those not read yet in several processes, where these are worth it."""
    taking, archive = alone.taking, alone.archive
    left = [part for part in listed.parts if not taking.known(archive, part)]
    size = sum(part.expected.bytes or 0 for part in left)
    progress, processes = Parts(taking.reader, len(left), size), worth(len(left), size)
    if processes > 1:
        paced = replace(alone, processes=processes)
        in_processes(paced, left, processes, lambda part: progress.finished(part.expected.bytes or 0))
    entries = []
    for part in listed.parts:
        entries.append(taking.one(archive, http, part))
        if processes == 1 and part in left:
            progress.finished(entries[-1].bytes)
    return entries
