"""Downloads: one file, resumed where it was interrupted, and kept only when it is complete.

Belongs here: ranges, what of a file is here already, the checks between the last byte and the archive.
Does not: retry and refusal (`http`), formats (`integrity`).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import msgspec
import requests

from gii_pipeline.archive.archive import Archive
from gii_pipeline.archive.client import CLIENT
from gii_pipeline.archive.entry import Entry, Kept
from gii_pipeline.archive.http import AgainError, HttpClient
from gii_pipeline.archive.integrity import Format, broken_promise, damage, format_of, implausible
from gii_pipeline.archive.request import Request, Terms
from gii_pipeline.archive.shelf import Shelf
from gii_pipeline.errors import InputError
from gii_pipeline.verified import sha256_of

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")
_LENGTH = re.compile(r"[0-9]{1,18}")
ROOM_EVERY = 64 << 20
KEPT_FREE = 64 << 20
"""Bytes of the disk that a download leaves free, and after how many it looks again."""


@dataclass(frozen=True)
class Expected:
    """What is known of a file before it is here.

    sha256, bytes, records: as the source's own list says. format: None takes the one that its name promises.
    count: reads the number of records off the file; ValueError when it is not what it should be.
    """

    format: Format | None = None
    sha256: str | None = None
    bytes: int | None = None
    records: int | None = None
    count: Callable[[Path], int] | None = None


def fetch_file(
    archive: Archive,
    http: HttpClient,
    terms: Terms,
    request: Request,
    expected: Expected | None = None,
    *,
    fresh: bool = False,
    enough: Callable[[Entry], bool] = lambda _: False,
) -> Entry:
    """The file at an address: from the archive when it may be used, otherwise downloaded.

    A file that the source lists with the size and records of the one that is here counts as unchanged, refresh or not.
    fresh: ask again whatever is here, unless offline. enough: whether what is needed of a file whose bytes were deleted
    is here, so that they need not come again.
    """
    expected = expected or Expected()
    shelf = archive.shelf(terms.source)
    if archive.offline:
        return shelf.entry(known_file(shelf, request, expected, enough) or missing_file(archive, terms, request))
    with shelf.busy(request.address) as name:
        known, part = known_file(shelf, request, expected, enough), _Part(shelf.objects.work, name)
        if known and not fresh and (expected.bytes is not None or archive.usable(known.retrieved_at)):
            part.tidy()
            return shelf.entry(known)
        download = _Download(archive, shelf, http, terms, request, expected, part)
        return http.retrying(request, download.run)


def known_file(
    shelf: Shelf, request: Request, expected: Expected, enough: Callable[[Entry], bool] = lambda _: False
) -> Kept | None:
    """The entry that is here already, if it is what the source's list says."""
    known = shelf.newest(request.address, request.content)
    if known is None or not (shelf.holds(known) or enough(shelf.entry(known))):
        return None
    if (expected.sha256 or known.sha256) != known.sha256:
        return None
    listed = (known.bytes, known.records) if expected.bytes is None else (expected.bytes, expected.records)
    return known if (known.bytes, known.records) == listed else None


def missing_file(archive: Archive, terms: Terms, request: Request) -> NoReturn:
    """Raise InputError for a file that is not here, and say where it was if it was deleted on purpose."""
    shelf = archive.shelf(terms.source)
    known = shelf.newest(request.address, request.content)
    gone = shelf.gone(known.sha256) if known else None
    why = f" ({gone.why}, on {gone.let_go_at[:10]})" if gone else ""
    raise InputError(
        f"{terms.source}: {request.address} is {'no longer' if gone else 'not'} in the archive {archive.folder}{why}. "
        f"Fetch it with `{archive.resume_command(terms.data_year)}` without --offline."
    )


class _Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a file in the making. validator: the ETag or date that names this version of it."""

    validator: str | None = None
    etag: str | None = None
    total: int | None = None
    status: int = 200
    content_type: str | None = None


class _Part:
    """A file in the making, and next to it what is known of it, so that another process can continue."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.part"
        self._facts = folder / f"{name}.json"

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def facts(self) -> _Progress:
        try:
            return msgspec.json.decode(self._facts.read_bytes(), type=_Progress)
        except (FileNotFoundError, msgspec.MsgspecError):
            return _Progress()

    def restart(self, facts: _Progress) -> None:
        """Bytes of another version go before the facts of the new one come."""
        self.drop()
        self._facts.write_bytes(msgspec.json.encode(facts))

    def tidy(self) -> None:
        """Take away what a killed process left of a part that it had already kept."""
        if not self.path.exists():
            self.drop()

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)
        self._facts.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Download:
    archive: Archive
    shelf: Shelf
    http: HttpClient
    terms: Terms
    request: Request
    expected: Expected
    part: _Part

    @property
    def format(self) -> Format:
        return self.expected.format or format_of(self.request.address.partition("?")[0])

    def run(self) -> Entry:
        """One try: the rest of the file, then the checks."""
        if not self._is_complete():
            self._receive()
        self._check()
        return self._keep()

    def _is_complete(self) -> bool:
        facts = self.part.facts
        return facts.total is not None and self.part.size == facts.total

    def _receive(self) -> None:
        offset = self.part.size if self.part.facts.validator else 0
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers |= {"Range": f"bytes={offset}-", "If-Range": self.part.facts.validator or ""}
        with self.http.open(self.request, headers, accept=(206, 416) if offset else ()) as response:
            try:
                self._append(response, offset)
            except AgainError as again:
                raise AgainError(
                    again.reason, progress=self.part.size - offset >= self.http.patience.stall_bytes
                ) from None
        total = self.part.facts.total
        if total is not None and self.part.size != total:
            raise AgainError(f"it ended after {self.part.size} of {total} bytes")

    def _append(self, response: requests.Response, offset: int) -> None:
        """Write what comes behind what is there, or from the start where the server does not resume."""
        if response.status_code == 416 or (response.status_code == 206 and not self._continues(response, offset)):
            self.part.drop()
            raise AgainError("it cannot be resumed")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise self.http.stopped(self.request, "the file is encoded, although an unencoded one was requested")
        if response.status_code != 206:
            self.part.restart(_facts_of(response))
        self._write(response)

    def _continues(self, response: requests.Response, offset: int) -> bool:
        """Whether a partial answer is of the same version, and begins where the part ends."""
        found, facts = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "")), self.part.facts
        return (
            found is not None
            and int(found[1]) == offset
            and found[2] in ("*", str(facts.total))
            and facts.validator in (response.headers.get("ETag"), response.headers.get("Last-Modified"))
        )

    def _write(self, response: requests.Response) -> None:
        clock, patience = self.http.clock, self.http.patience
        since, received, checked = clock.monotonic(), 0, self.part.size > 0
        self._room(self.part.facts.total or 0)
        left = ROOM_EVERY
        with self.part.path.open("ab") as file:
            for chunk in self.http.chunks(response):
                if (left := left - len(chunk)) < 0:
                    self._room(self.part.size)
                    left = ROOM_EVERY
                if not checked:
                    self._refuse(chunk, response.headers.get("Content-Type"))
                    checked = True
                file.write(chunk)
                received += len(chunk)
                if clock.monotonic() - since > patience.stall_s:
                    if received < patience.stall_bytes:
                        raise AgainError("the download stalled")
                    since, received = clock.monotonic(), 0

    def _room(self, size: int) -> None:
        """Stop before the disk is full, or before a file is larger than the archive may take."""
        free, most = shutil.disk_usage(self.part.path.parent).free, self.archive.max_disk
        needed = max(0, size - self.part.size)
        if needed + KEPT_FREE > free:
            raise self.http.stopped(
                self.request,
                f"the file has {size:,} bytes or more, and {free:,} are free under {self.archive.folder}: free "
                f"some space",
            )
        if most is not None and size > most:
            raise self.http.stopped(
                self.request, f"the file has {size:,} bytes or more, and GII_MAX_DISK allows {most:,}: raise it"
            )

    def _refuse(self, start: bytes, content_type: str | None) -> None:
        if reason := broken_promise(start, self.format, content_type):
            self.part.drop()
            raise self.http.stopped(self.request, reason)

    def _check(self) -> None:
        with self.part.path.open("rb") as file:
            self._refuse(file.read(256), self.part.facts.content_type)
        if reason := implausible(self.part.path, self.request.address.partition("?")[0]):
            self.part.drop()
            raise self.http.stopped(self.request, reason)
        if reason := self._damage():
            self.part.drop()
            raise AgainError(reason, damaged=True)
        if reason := self._moved():
            self.part.drop()
            raise self.http.stopped(self.request, reason)

    def _records(self) -> int | None:
        if self.expected.count is None:
            return self.expected.records
        try:
            return self.expected.count(self.part.path)
        except (ValueError, RecursionError) as error:
            self.part.drop()
            raise self.http.stopped(self.request, f"the file is not the expected one ({error})") from None

    def _moved(self) -> str | None:
        """Why a file that replaces another is not taken."""
        records, tolerance = self._records(), self.terms.tolerance_pct
        known = self.shelf.newest(self.request.address, self.request.content)
        if known is None:
            return None
        return moved_too_far("records", known.records, records, tolerance) or moved_too_far(
            "bytes", known.bytes, self.part.size, tolerance
        )

    def _damage(self) -> str | None:
        if self.expected.bytes not in (None, self.part.size):
            return f"it has {self.part.size} bytes, but its list says {self.expected.bytes}"
        if self.expected.sha256 and sha256_of(self.part.path) != self.expected.sha256:
            return f"its sha256 is not {self.expected.sha256}"
        return damage(self.part.path, self.format)

    def _keep(self) -> Entry:
        facts = self.part.facts
        kept = Kept(
            source=self.terms.source,
            address=self.request.address,
            request=self.request.content,
            retrieved_at=self.http.clock.timestamp(),
            status=facts.status,
            bytes=self.part.size,
            sha256=sha256_of(self.part.path),
            records=self._records(),
            licence=self.terms.licence,
            client=CLIENT,
            content_type=facts.content_type,
            data_year=self.terms.data_year,
            etag=facts.etag,
        )
        entry = self.shelf.keep(self.part.path, kept)
        self.part.drop()
        return entry


def moved_too_far(what: str, before: int | None, after: int | None, tolerance_pct: float) -> str | None:
    """Why a refresh is not taken; None when it may be."""
    if before is None or after is None or abs(after - before) * 100 <= tolerance_pct * before:
        return None
    return (
        f"its {what} changed from {before:,} to {after:,}, by more than {tolerance_pct:g} %; the old entry stays. "
        "If the change is correct, increase `refresh_tolerance_pct` in the profile and limit it with `allowed_until`"
    )


def _facts_of(response: requests.Response) -> _Progress:
    etag = response.headers.get("ETag")
    strong = etag if etag and not etag.startswith("W/") else None
    length = response.headers.get("Content-Length", "")
    return _Progress(
        validator=strong or (None if etag else response.headers.get("Last-Modified")),
        etag=etag,
        total=int(length) if _LENGTH.fullmatch(length) else None,
        status=response.status_code,
        content_type=response.headers.get("Content-Type"),
    )
