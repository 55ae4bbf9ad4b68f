"""Fetching: what to ask each source for, one short module a source, over the archive's shared machinery.

Belongs here: addresses, queries, paging rules, limits and refusals of a source. Does not: HTTP, retry, keeping (see
`archive`), or what the records mean (see `readers`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from gii_pipeline.archive import Archive, Begun, Entry, HttpClient, Listing, Terms, begin_list
from gii_pipeline.errors import InputError
from gii_pipeline.sources.fetching import (
    crunchbase_api,
    file_url,
    openalex_api,
    openalex_snapshot,
    sec_form_d,
    uspto_odp,
)
from gii_pipeline.sources.fetching.options import FetchOptions
from gii_pipeline.sources.fetching.parts import Listed, Part


@dataclass(frozen=True)
class Fetcher:
    """One client: its options, and the function that asks.

    opened: the connection. listed: of a client of complete files, which files there are. paged: of a client whose
    answers are pages of a list, the list. One without them fetches all the same; nobody knows before what it takes.
    by_country: the client that the same records can be requested by country; empty where there is none.
    """

    name: str
    options: type[FetchOptions]
    run: Callable[[Archive, Any, int | None], list[Entry]]
    opened: Callable[[Archive, Any, int | None], HttpClient] | None = None
    listed: Callable[[Archive, HttpClient, Any, int | None], Listed] | None = None
    paged: Callable[[HttpClient, Any, int | None], tuple[Terms, Listing]] | None = None
    by_country: str = ""

    def fetch(self, archive: Archive, options: FetchOptions | Mapping[str, Any], data_year: int | None) -> list[Entry]:
        """The entries that serve a data year, in the source's order; None for what serves every year.

        InputError for options that are wrong or a key that is not set, FetchStoppedError when the source refuses,
        TransientError when it does not answer. What was fetched until then is kept.
        """
        return self.run(archive, self.parsed(options), data_year)

    def connection(self, archive: Archive, options: FetchOptions, data_year: int | None) -> HttpClient:
        """The connection that the files or pages come by. Raises InputError for a client that opens its own."""
        if self.opened is None:
            raise InputError(f"The client `{self.name}` opens its own connection.")
        return self.opened(archive, options, data_year)

    def parts(self, archive: Archive, http: HttpClient, options: FetchOptions, data_year: int | None) -> Listed:
        """Which files there are, for a client of complete files. Raises InputError for one of lists."""
        if self.listed is None:
            raise InputError(f"The client `{self.name}` fetches pages of a list, not files.")
        return self.listed(archive, http, options, data_year)

    def begin(self, archive: Archive, http: HttpClient, options: FetchOptions, data_year: int | None) -> Begun:
        """The first page of a list and what is left of it. Raises InputError for a client of complete files."""
        if self.paged is None:
            raise InputError(f"The client `{self.name}` fetches files, not pages of a list.")
        return begin_list(archive, http, *self.paged(http, options, data_year))

    def parsed(self, options: FetchOptions | Mapping[str, Any]) -> FetchOptions:
        if isinstance(options, self.options):
            return options
        try:
            return self.options.model_validate(options)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            known = ", ".join(self.options.model_fields)
            raise InputError(f"options of the client `{self.name}`: {faults}. Known options: {known}") from error


FETCHERS: dict[str, Fetcher] = {
    fetcher.name: fetcher
    for fetcher in (
        Fetcher(
            "crunchbase_api",
            crunchbase_api.CrunchbaseOptions,
            crunchbase_api.fetch,
            crunchbase_api.opened,
            paged=crunchbase_api.paged,
        ),
        Fetcher("file_url", file_url.FileUrlOptions, file_url.fetch, file_url.opened, file_url.listed),
        Fetcher(
            "openalex_api",
            openalex_api.OpenalexApiOptions,
            openalex_api.fetch,
            openalex_api.opened,
            paged=openalex_api.paged,
            by_country="openalex_api",
        ),
        Fetcher(
            "openalex_snapshot",
            openalex_snapshot.SnapshotOptions,
            openalex_snapshot.fetch,
            openalex_snapshot.opened,
            openalex_snapshot.listed,
            by_country="openalex_api",
        ),
        Fetcher("sec_form_d", sec_form_d.FormDOptions, sec_form_d.fetch, sec_form_d.opened, sec_form_d.listed),
        Fetcher("uspto_odp", uspto_odp.OdpOptions, uspto_odp.fetch, uspto_odp.opened, uspto_odp.listed),
    )
}

__all__ = ["FETCHERS", "FetchOptions", "Fetcher", "Listed", "Part"]
