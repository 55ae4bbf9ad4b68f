"""Fetching: what to ask each source for, one short module a source, over the archive's shared machinery.

Belongs here: addresses, queries, paging rules, limits and refusals of a source. Does not: HTTP, retry, keeping (see
`archive`), or what the records mean (see `readers`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from gii_pipeline.archive import Archive, Entry, HttpClient
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

T = TypeVar("T")


@dataclass(frozen=True)
class Fetcher:
    """One client: its options, and the function that asks.

    opened, listed: of a client of whole files, the connection, and which files there are; both are None where answers
    are pages of a list.
    """

    name: str
    options: type[FetchOptions]
    run: Callable[[Archive, Any, int | None], list[Entry]]
    opened: Callable[[Archive, Any, int | None], HttpClient] | None = None
    listed: Callable[[Archive, HttpClient, Any, int | None], Listed] | None = None

    def fetch(self, archive: Archive, options: FetchOptions | Mapping[str, Any], data_year: int | None) -> list[Entry]:
        """The entries that serve a data year, in the source's order; None for what serves every year.

        InputError for options that are wrong or a key that is not set, FetchStoppedError when the source refuses,
        TransientError when it does not answer. What was fetched until then is kept.
        """
        return self.run(archive, self.parsed(options), data_year)

    def connection(self, archive: Archive, options: FetchOptions, data_year: int | None) -> HttpClient:
        """The connection of a client of whole files. Raises InputError for one of lists."""
        return self._of_files(self.opened)(archive, options, data_year)

    def parts(self, archive: Archive, http: HttpClient, options: FetchOptions, data_year: int | None) -> Listed:
        """Which files there are, for a client of whole files. Raises InputError for one of lists."""
        return self._of_files(self.listed)(archive, http, options, data_year)

    def _of_files(self, part: T | None) -> T:
        if part is None:
            raise InputError(f"The client `{self.name}` fetches pages of a list, not files.")
        return part

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
        Fetcher("crunchbase_api", crunchbase_api.CrunchbaseOptions, crunchbase_api.fetch),
        Fetcher("file_url", file_url.FileUrlOptions, file_url.fetch, file_url.opened, file_url.listed),
        Fetcher("openalex_api", openalex_api.OpenalexApiOptions, openalex_api.fetch),
        Fetcher(
            "openalex_snapshot",
            openalex_snapshot.SnapshotOptions,
            openalex_snapshot.fetch,
            openalex_snapshot.opened,
            openalex_snapshot.listed,
        ),
        Fetcher("sec_form_d", sec_form_d.FormDOptions, sec_form_d.fetch),
        Fetcher("uspto_odp", uspto_odp.OdpOptions, uspto_odp.fetch),
    )
}

__all__ = ["FETCHERS", "FetchOptions", "Fetcher", "Listed", "Part"]
