"""Archive entries: what is known of one response or file that the archive keeps, and the lines of its manifest.

Belongs here: the fields and their JSON form. Does not: reading or writing them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import msgspec


@dataclass(frozen=True)
class Entry:
    """One response or file, kept as received.

    address: where it came from, without keys or signatures; `file:<name>` for a local file.
    retrieved_at: ISO 8601, UTC. status: of the HTTP answer, None for a local file. bytes, sha256: of what is kept.
    records: how many records it holds, where the source says so. client: this package's version and its HTTP library's.
    data_year: the year it was requested, None when it serves every year. path: where its bytes lie.
    credits: what the answer cost of the source's budget, where the source says so. fetched, needed: of a file of which
    only some columns were requested, the bytes that came, and those of the columns alone.
    """

    source: str
    address: str
    retrieved_at: str
    status: int | None
    bytes: int
    sha256: str
    records: int | None
    licence: str
    client: str
    content_type: str | None
    path: Path
    data_year: int | None = None
    credits: float | None = None
    fetched: int | None = None
    needed: int | None = None

    @property
    def here(self) -> bool:
        """Whether its bytes are in the archive; they may have been deleted once they were read."""
        return self.path.is_file()

    @property
    def name(self) -> str:
        """The file name that the source gives it."""
        return unquote(PurePosixPath(urlsplit(self.address).path).name)


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="kept"):
    """The manifest's line for one response or file.

    request: the body of a POST; together with the address it identifies what was requested.
    origin, mtime_ns: of a local file. etag: as the server named this version.
    listing, query, attempt, page: the place of an API page in its list; next: the cursor it ended with;
    total: how many records it says the complete list has. credits: what it cost of the source's budget.
    fetched, needed: of a file of which only some columns came, as of an Entry; what did not come is zeros in it.
    """

    source: str
    address: str
    retrieved_at: str
    bytes: int
    sha256: str
    client: str
    status: int | None = None
    records: int | None = None
    licence: str = ""
    content_type: str | None = None
    data_year: int | None = None
    request: str = ""
    origin: str | None = None
    mtime_ns: int | None = None
    etag: str | None = None
    listing: str | None = None
    query: str = ""
    attempt: int = 0
    page: int = 0
    next: str | None = None
    total: int | None = None
    credits: float | None = None
    fetched: int | None = None
    needed: int | None = None

    def entry(self, path: Path) -> Entry:
        return Entry(
            source=self.source,
            address=self.address,
            retrieved_at=self.retrieved_at,
            status=self.status,
            bytes=self.bytes,
            sha256=self.sha256,
            records=self.records,
            licence=self.licence,
            client=self.client,
            content_type=self.content_type,
            path=path,
            data_year=self.data_year,
            credits=self.credits,
            fetched=self.fetched,
            needed=self.needed,
        )


class Closed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="closed"):
    """The manifest's line for the end of an API list: all its pages are kept, or it is `rejected` for a reason."""

    listing: str
    query: str
    attempt: int
    closed_at: str
    pages: int
    records: int
    bytes: int
    data_year: int | None = None
    rejected: str = ""


class Failed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="failed"):
    """The manifest's line for an answer that is not data. Its body is not kept."""

    address: str
    failed_at: str
    status: int
    reason: str


class LetGo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="let_go"):
    """The manifest's line for bytes that were deleted on purpose. why: after they were read, or could not be."""

    address: str
    sha256: str
    let_go_at: str
    why: str


Line = Kept | Closed | Failed | LetGo
