"""Lists: the pages of one query, followed from cursor to cursor, each kept as soon as it is here.

Belongs here: going on where a killed fetch stopped, the ends of a list, and whether its pages add up to a whole.
Does not: what a source's pages look like (`sources.fetching`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gii_pipeline.archive.archive import Archive
from gii_pipeline.archive.client import CLIENT
from gii_pipeline.archive.download import moved_too_far
from gii_pipeline.archive.entry import Closed, Entry, Kept
from gii_pipeline.archive.http import HttpClient
from gii_pipeline.archive.request import Answer, Request, Terms
from gii_pipeline.archive.shelf import Attempt, Shelf, work_name
from gii_pipeline.errors import InputError


@dataclass(frozen=True)
class PageFacts:
    """What a page says of itself: its records, the cursor of the next page (None at the end), the list's total."""

    records: int
    next: str | None
    total: int


@dataclass(frozen=True)
class Listing:
    """How a source's list is requested and read.

    request: the page behind a cursor; None gives the first. read, ids: ValueError when the bytes are not such a page.
    stop: from the headers of a page that has a next one, why not to ask for it; None to continue.
    credits: from the headers of a page, what it cost of the source's budget; None where it does not say.
    moving_tolerance_pct: by how much the total may be missed by a list whose total changed while it was read; one
    whose total stood still must be met exactly.
    """

    name: str
    request: Callable[[str | None], Request]
    read: Callable[[bytes], PageFacts]
    ids: Callable[[bytes], list[str]]
    stop: Callable[[Mapping[str, str], PageFacts], str | None] = lambda _headers, _facts: None
    credits: Callable[[Mapping[str, str]], float | None] = lambda _headers: None
    moving_tolerance_pct: float = 0.5


def fetch_list(archive: Archive, http: HttpClient, terms: Terms, listing: Listing) -> list[Entry]:
    """All pages of a list, in order: from the archive when a complete reading may be used, otherwise fetched.

    A reading that was cut off continues with the first page that is missing. One whose pages do not add up is rejected,
    and the next call begins again.
    """
    return _Reading(archive, http, terms, listing, archive.shelf(terms.source)).entries()


@dataclass(frozen=True)
class Begun:
    """A list whose first page is here: what it costs, as that page shows.

    requests, bytes, credits: for the pages that were not here before, all 0 where all were. first: the page.
    """

    requests: int
    bytes: int
    credits: float
    first: Entry


def begin_list(archive: Archive, http: HttpClient, terms: Terms, listing: Listing) -> Begun:
    """Ask for the first page of a list unless it is here; `fetch_list` continues behind it."""
    return _Reading(archive, http, terms, listing, archive.shelf(terms.source)).begun()


@dataclass(frozen=True)
class _Reading:
    archive: Archive
    http: HttpClient
    terms: Terms
    listing: Listing
    shelf: Shelf

    @property
    def query(self) -> str:
        return self.listing.request(None).fingerprint

    @property
    def _work(self) -> str:
        return f"{self.listing.name} {self.query}"

    def entries(self) -> list[Entry]:
        if (complete := self._complete()) and self._usable(complete):
            return [self.shelf.entry(kept) for kept in complete.in_order]
        self._refuse_offline()
        with self.shelf.busy(self._work):
            if not ((complete := self._complete()) and self._usable(complete)):
                complete = self._read(complete)
            return [self.shelf.entry(kept) for kept in complete.in_order]

    def begun(self) -> Begun:
        if (complete := self._complete()) and self._usable(complete):
            return Begun(0, 0, 0, self.shelf.entry(complete.in_order[0]))
        with self.shelf.busy(self._work):
            number, request = self._number(), self.listing.request(None)
            here = next((len(attempt.pages) for attempt in self._attempts() if attempt.number == number), 0)
            if not here:
                self._refuse_offline()
            first = self._page(number, 1, request, {request.fingerprint})
        pages = -(-(first.total or 0) // max(first.records or 0, 1)) if first.next is not None else 1
        left = max(pages - here, 0)
        return Begun(left, left * first.bytes, left * (first.credits or 0), self.shelf.entry(first))

    def _refuse_offline(self) -> None:
        if self.archive.offline:
            raise InputError(
                f"{self.terms.source}: the list {self.listing.request(None).address} is not complete in the archive "
                f"{self.archive.folder}. Fetch it with "
                f"`{self.archive.resume_command(self.terms.data_year)}` without --offline."
            )

    def _attempts(self) -> list[Attempt]:
        return self.shelf.attempts(self.listing.name, self.query)

    def _complete(self) -> Attempt | None:
        """The newest complete reading whose bytes are all there."""
        return next((a for a in reversed(self._attempts()) if a.complete and self._is_whole(a)), None)

    def _is_whole(self, attempt: Attempt) -> bool:
        return all(self.shelf.holds(kept) for kept in attempt.in_order)

    def _usable(self, attempt: Attempt) -> bool:
        return attempt.closed is not None and self.archive.usable(attempt.closed.closed_at)

    def _read(self, before: Attempt | None) -> Attempt:
        """Read the list to its end, in the attempt that is open (or has lost pages), or in a new one."""
        number = self._number()
        kept = list(self._pages(number))
        reason = self._incomplete(kept) or (self._moved(before, kept) if before else None)
        self._close(number, kept, reason or "")
        if reason:
            raise self.http.stopped(self.listing.request(None), f"{reason}. The next run reads it again")
        return self._attempts()[-1]

    def _number(self) -> int:
        """Of the attempt that continues: the open one, the one that has lost pages, or a new one."""
        attempts = self._attempts()
        last = attempts[-1] if attempts else None
        goes_on = last and (last.closed is None or (last.complete and not self._is_whole(last)))
        return last.number + (not goes_on) if last else 1

    def _pages(self, number: int) -> Iterator[Kept]:
        cursor: str | None = None
        seen: set[str] = set()
        page, received, last = 1, 0, frozenset[str]()
        while True:
            request = self.listing.request(cursor)
            seen.add(request.fingerprint)
            kept = self._page(number, page, request, seen)
            received += kept.records or 0
            ids = frozenset(self._ids(kept))
            if kept.next is not None and (reason := self._endless(kept, received, new=len(ids - last))):
                self._close(number, [], reason)
                raise self.http.stopped(request, f"page {page} {reason}: the list does not end")
            yield kept
            if (cursor := kept.next) is None:
                return
            page, last = page + 1, ids

    def _endless(self, kept: Kept, received: int, *, new: int) -> str | None:
        """Why the list is not followed beyond a page: it brings nothing new, or more came than there is."""
        if not new:
            return "has no record that was not on the previous page"
        total = kept.total or 0
        if received > total * (1 + self.listing.moving_tolerance_pct / 100):
            return f"brings the {received:,}th record of a list of {total:,}, and names a next one"
        return None

    def _ids(self, kept: Kept) -> list[str]:
        return self.listing.ids(self.shelf.verified(kept.sha256, str(kept.data_year or "YEARS")).read_bytes())

    def _page(self, number: int, page: int, request: Request, seen: set[str]) -> Kept:
        """The page as kept before in this attempt, or asked for now."""
        attempt = next((a for a in self._attempts() if a.number == number), Attempt(number))
        known = attempt.pages.get(page)
        if known and (known.address, known.request) == (request.address, request.content) and self.shelf.holds(known):
            return known
        answer = self.http.page(request)
        facts = self._facts(request, answer)
        if facts.next is not None and self.listing.request(facts.next).fingerprint in seen:
            raise self.http.stopped(request, f"page {page} leads back to an earlier page (cursor {facts.next})")
        kept = self._keep(number, page, request, answer, facts)
        if facts.next is not None and (reason := self.listing.stop(answer.headers, facts)):
            raise self.http.stopped(self.listing.request(facts.next), reason)
        return kept

    def _facts(self, request: Request, answer: Answer) -> PageFacts:
        if answer.is_html:
            raise self.http.stopped(
                request, "the response is an HTML page instead of JSON: moved, retired or overloaded"
            )
        try:
            return self.listing.read(answer.body)
        except (ValueError, RecursionError) as error:
            raise self.http.stopped(request, f"the response is not a page of this source ({error})") from None

    def _keep(self, number: int, page: int, request: Request, answer: Answer, facts: PageFacts) -> Kept:
        staged, sha256, size = self.shelf.objects.write(f"{work_name(self._work)}.part", [answer.body])
        kept = Kept(
            source=self.terms.source,
            address=request.address,
            request=request.content,
            retrieved_at=self.http.clock.timestamp(),
            status=answer.status,
            bytes=size,
            sha256=sha256,
            records=facts.records,
            licence=self.terms.licence,
            client=CLIENT,
            content_type=answer.content_type,
            data_year=self.terms.data_year,
            listing=self.listing.name,
            query=self.query,
            attempt=number,
            page=page,
            next=facts.next,
            total=facts.total,
            credits=self.listing.credits(answer.headers),
        )
        self.shelf.keep(staged, kept)
        return kept

    def _close(self, number: int, pages: list[Kept], rejected: str) -> None:
        self.shelf.note(
            Closed(
                listing=self.listing.name,
                query=self.query,
                attempt=number,
                closed_at=self.http.clock.timestamp(),
                pages=len(pages),
                records=_records(pages),
                bytes=sum(kept.bytes for kept in pages),
                data_year=self.terms.data_year,
                rejected=rejected,
            )
        )

    def _incomplete(self, pages: list[Kept]) -> str | None:
        """Why the pages are not the complete list, each record once; None when they are."""
        if not _records(pages) and not self.terms.allow_empty:
            return "it has no records; if that is correct, set `allow_empty: true` in the profile"
        totals = {kept.total or 0 for kept in pages}
        received, total = _records(pages), pages[-1].total or 0
        allowed = 0.0 if len(totals) == 1 else total * self.listing.moving_tolerance_pct / 100
        if abs(received - total) > allowed:
            return f"its {len(pages)} pages have {received:,} records, but the source reports {total:,}"
        repeated = received - self._distinct(pages)
        if repeated > allowed:
            return f"{repeated:,} of its records are on two pages: the list changed while it was read"
        return None

    def _distinct(self, pages: list[Kept]) -> int:
        hashes = [np.fromiter(map(hash, self._ids(kept)), dtype=np.int64) for kept in pages]
        return len(np.unique(np.concatenate(hashes)))

    def _moved(self, before: Attempt, pages: list[Kept]) -> str | None:
        old, tolerance = before.in_order, self.terms.tolerance_pct
        return moved_too_far("records", _records(old), _records(pages), tolerance) or moved_too_far(
            "bytes", sum(kept.bytes for kept in old), sum(kept.bytes for kept in pages), tolerance
        )


def _records(pages: list[Kept]) -> int:
    return sum(kept.records or 0 for kept in pages)
