"""Ranges: of a Parquet file at an address, only the column chunks that are needed.

Belongs here: reading the footer, which ranges to ask for, and a local file that has these bytes in their places.
Does not: which columns are needed (see `sources.readers.leaves`).

The local file is as long as the one at the address; what was not asked for is a hole, which takes no disk. Every range
is requested with `If-Match`, so that all of them are of one version, and the sha256 of the file covers the footer and
each of them. A server without strong ETags or ranges gets a request for the complete file.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline.archive.archive import Archive
from gii_pipeline.archive.client import CLIENT
from gii_pipeline.archive.download import KEPT_FREE, Expected, fetch_file, known_file, missing_file, moved_too_far
from gii_pipeline.archive.entry import Entry, Kept
from gii_pipeline.archive.http import AgainError, HttpClient
from gii_pipeline.archive.request import Request, Terms
from gii_pipeline.archive.shelf import Shelf
from gii_pipeline.verified import sha256_of

TAIL: Final = 8
"""Bytes at the end of a Parquet file: the length of its footer, and PAR1."""
MOST_EXTRA: Final = 0.04
"""Of the needed bytes: what may come along where it saves requests."""
_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


@dataclass(frozen=True)
class Wanted:
    """Which leaf columns of a Parquet file are needed. name: the same for the same columns."""

    name: str
    leaves: Callable[[pa.Schema], list[int]]

    def request(self, whole: Request) -> Request:
        """What the manifest finds the columns by: the address of the file, and their name."""
        return Request(whole.url, whole.parameters, {"columns": self.name})


class _NoRangesError(Exception):
    """The server gives no ranges, or does not name the version of what it gives."""


def fetch_columns(
    archive: Archive,
    http: HttpClient,
    terms: Terms,
    request: Request,
    expected: Expected,
    *,
    wanted: Wanted,
    enough: Callable[[Entry], bool] = lambda _: False,
) -> Entry:
    """The columns of a Parquet file at an address; as `fetch_file`, which is used where the server gives no ranges."""
    shelf, columns = archive.shelf(terms.source), wanted.request(request)
    known = known_file(shelf, columns, expected, enough)
    if archive.offline:
        whole = known or known_file(shelf, request, expected, enough)
        return shelf.entry(whole or missing_file(archive, terms, columns))
    if known and (expected.bytes is not None or archive.usable(known.retrieved_at)):
        return shelf.entry(known)
    try:
        with shelf.busy(f"{request.address} {wanted.name}") as name:
            part = shelf.objects.work / f"{name}.part"
            one = _Columns(archive, shelf, http, terms, request, wanted, expected, part)
            return http.retrying(request, one.run)
    except _NoRangesError:
        return fetch_file(archive, http, terms, request, expected, enough=enough)


@dataclass
class _Version:
    """The file at the address, as the first answer names it."""

    etag: str = ""
    total: int = 0
    status: int = 206
    content_type: str | None = None
    fetched: int = 0


@dataclass(frozen=True)
class _Columns:
    archive: Archive
    shelf: Shelf
    http: HttpClient
    terms: Terms
    request: Request
    wanted: Wanted
    expected: Expected
    path: Path
    version: _Version = field(default_factory=_Version)

    def run(self) -> Entry:
        """One try of all ranges: a part that breaks off begins again."""
        self.version.fetched = 0
        try:
            return self._keep(self._receive())
        finally:
            self.path.unlink(missing_ok=True)

    def _receive(self) -> int:
        """Write the footer and the needed ranges into their places; gives the bytes of the needed chunks."""
        self.path.write_bytes(b"")
        tail = self._range(None)
        total = self.version.total
        if self.expected.bytes not in (None, total):
            raise AgainError(f"it has {total} bytes, but its list says {self.expected.bytes}", damaged=True)
        before = self.shelf.newest(self.request.address, self.wanted.request(self.request).content)
        if before and (reason := moved_too_far("bytes", before.bytes, total, self.terms.tolerance_pct)):
            raise self.http.stopped(self.request, reason)
        footer = int.from_bytes(tail[:4], "little") + TAIL
        if tail[4:] != b"PAR1" or footer + 4 > total:
            raise self.http.stopped(self.request, f"the response is not a parquet file; it ends with {tail!r}")
        with self.path.open("r+b") as file:
            file.truncate(total)
            file.write(b"PAR1")
        self._write([(total - footer, total)])
        chunks = self._chunks()
        self._room(sum(end - start for start, end in chunks))
        self._write(merged(chunks))
        return sum(end - start for start, end in chunks)

    def _chunks(self) -> list[tuple[int, int]]:
        try:
            footer = pq.read_metadata(self.path)
            leaves = self.wanted.leaves(footer.schema.to_arrow_schema())
        except (pa.ArrowException, OSError) as error:
            raise AgainError(f"its footer cannot be read ({error})", damaged=True) from None
        if self.expected.records not in (None, footer.num_rows):
            raise AgainError(
                f"it has {footer.num_rows:,} records, but its list says {self.expected.records:,}", damaged=True
            )
        return [
            _place(footer.row_group(group).column(leaf)) for group in range(footer.num_row_groups) for leaf in leaves
        ]

    def _write(self, ranges: Iterable[tuple[int, int]]) -> None:
        for start, end in ranges:
            content = self._range((start, end))
            with self.path.open("r+b") as file:
                file.seek(start)
                file.write(content)

    def _range(self, asked: tuple[int, int] | None) -> bytes:
        """The bytes of a range, or of the tail, which says what version there is."""
        headers = {"Accept-Encoding": "identity", "Range": f"bytes=-{TAIL}"}
        if asked:
            headers |= {"Range": f"bytes={asked[0]}-{asked[1] - 1}", "If-Match": self.version.etag}
        with self.http.open(self.request, headers, accept=(206, 412)) as response:
            if response.status_code == 412:
                raise self.http.stopped(self.request, "it was replaced while its columns were read", 412)
            found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            etag = response.headers.get("ETag", "")
            if response.status_code != 206 or not found or not etag.startswith('"'):
                raise _NoRangesError
            start, last, total = map(int, found.groups())
            if asked is None:
                self.version.etag, self.version.total = etag, total
                self.version.content_type = response.headers.get("Content-Type")
                asked = (total - TAIL, total)
            if (start, last + 1, total, etag) != (*asked, self.version.total, self.version.etag):
                raise AgainError("the response is another range or version than requested", damaged=True)
            content = b"".join(self.http.chunks(response))
        self.version.fetched += len(content)
        if len(content) != asked[1] - asked[0]:
            raise AgainError(f"a range ended after {len(content)} of {asked[1] - asked[0]} bytes")
        return content

    def _room(self, needed: int) -> None:
        free = shutil.disk_usage(self.path.parent).free
        if needed + KEPT_FREE > free:
            raise self.http.stopped(
                self.request,
                f"its columns have {needed:,} bytes, and {free:,} are free under {self.archive.folder}: free "
                f"some space",
            )

    def _keep(self, needed: int) -> Entry:
        return self.shelf.keep(
            self.path,
            Kept(
                source=self.terms.source,
                address=self.request.address,
                request=self.wanted.request(self.request).content,
                retrieved_at=self.http.clock.timestamp(),
                status=self.version.status,
                bytes=self.version.total,
                sha256=sha256_of(self.path),
                records=self.expected.records,
                licence=self.terms.licence,
                client=CLIENT,
                content_type=self.version.content_type,
                data_year=self.terms.data_year,
                etag=self.version.etag,
                fetched=self.version.fetched,
                needed=needed,
            ),
        )


def _place(chunk: pq.ColumnChunkMetaData) -> tuple[int, int]:
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and chunk.dictionary_page_offset is not None:
        start = min(start, chunk.dictionary_page_offset)
    return start, start + chunk.total_compressed_size


def merged(ranges: Iterable[tuple[int, int]], most_extra: float = MOST_EXTRA) -> list[tuple[int, int]]:
    """The ranges in order, those next to each other as one, and the smallest gaps closed while they cost little.

    >>> merged([(0, 100), (101, 200), (500, 600), (600, 650)], most_extra=0.01)
    [(0, 200), (500, 650)]
    """
    ordered = sorted(ranges)
    left = most_extra * sum(end - start for start, end in ordered)
    closed: set[int] = set()
    gaps = [(after[0] - before[1], nth) for nth, (before, after) in enumerate(pairwise(ordered))]
    for gap, nth in sorted(gaps):
        if (left := left - max(0, gap)) < 0:
            break
        closed.add(nth)
    found: list[tuple[int, int]] = []
    for nth, (start, end) in enumerate(ordered):
        if found and nth - 1 in closed:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
