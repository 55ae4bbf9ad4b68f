"""Parts: the files that a client fetches, known by address before any of them is here.

Belongs here: what is known of a part, and fetching parts one by one.
Does not: which parts a source has (each client), or reading a part as soon as it is here (see `sources.streaming`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gii_pipeline.archive import Archive, Entry, Expected, HttpClient, Request, Terms, fetch_file
from gii_pipeline.errors import GiiError
from gii_pipeline.sources.progress import Parts


@dataclass(frozen=True)
class Part:
    """One file of a source: what it is requested with, and what its list says of it."""

    terms: Terms
    request: Request
    expected: Expected


@dataclass(frozen=True)
class Listed:
    """The parts of a source. standing: raises what is wrong where the list was replaced since it was read."""

    parts: list[Part]
    standing: Callable[[], None] = lambda: None

    @contextmanager
    def stands(self, archive: Archive) -> Iterator[None]:
        """Within it parts are fetched; a list that was replaced meanwhile is the reason of whatever fails."""
        try:
            yield
        except GiiError:
            if not archive.offline:
                self.standing()
            raise


def fetch_parts(archive: Archive, http: HttpClient, listed: Listed) -> list[Entry]:
    """Every part, whole; those that are here already are not asked for."""
    began, size = archive.clock.timestamp(), sum(part.expected.bytes or 0 for part in listed.parts)
    progress, entries = Parts(http.source, len(listed.parts), size), list[Entry]()
    with listed.stands(archive):
        for part in listed.parts:
            entries.append(fetch_file(archive, http, part.terms, part.request, part.expected))
            progress.finished(entries[-1].bytes)
    if any(entry.retrieved_at >= began for entry in entries):
        listed.standing()
    return entries
