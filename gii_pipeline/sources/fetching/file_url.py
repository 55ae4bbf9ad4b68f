"""Any file at an address: the ROR dump, a GeoNames dump, GHS-POP tiles, or what a reader takes and no client serves.

Belongs here: the addresses. Does not: what the files hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from gii_pipeline.archive import Archive, Entry, Expected, HttpClient, Request, Terms
from gii_pipeline.archive.integrity import Format
from gii_pipeline.sources.fetching.options import NAME, FetchOptions, connect, needed_year, terms_of
from gii_pipeline.sources.fetching.parts import Listed, Part, fetch_parts


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class FileUrlOptions(FetchOptions):
    """url: one address or several; `{data_year}` in it stands for the year, and makes it serve that year only.

    source: the name that the archive keeps it under. sha256: as its publisher states it, for a single address.
    format: what the bytes must be; None takes what the name promises (.zip, .gz, .parquet).
    """

    url: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = Field(min_length=1)
    source: str = Field(default="file_url", pattern=NAME)
    licence: str = ""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    format: Format | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.url

    @model_validator(mode="after")
    def _one_hash_one_file(self) -> Self:
        if self.sha256 and len(self.url) > 1:
            raise ValueError("sha256 requires a single url")
        return self


def fetch(archive: Archive, options: FileUrlOptions, data_year: int | None) -> list[Entry]:
    """The files, in the order of their addresses."""
    with opened(archive, options, data_year) as http:
        return fetch_parts(archive, http, listed(archive, http, options, data_year))


def opened(archive: Archive, options: FileUrlOptions, data_year: int | None) -> HttpClient:
    """The connection to the files' server."""
    return connect(archive, _terms(options, data_year), options)


def listed(archive: Archive, http: HttpClient, options: FileUrlOptions, data_year: int | None) -> Listed:
    """The files, whose sizes nobody says."""
    del archive, http
    terms, expected = _terms(options, data_year), Expected(sha256=options.sha256, format=options.format)
    return Listed([Part(terms, Request(url), expected) for url in _addresses(options.url, terms.data_year)])


def _terms(options: FileUrlOptions, data_year: int | None) -> Terms:
    yearly = any("{data_year}" in url for url in options.url)
    year = needed_year("file_url", data_year) if yearly else None
    return terms_of(options.source, options, options.licence, year)


def _addresses(urls: Sequence[str], year: int | None) -> list[str]:
    return [url.replace("{data_year}", str(year)) for url in urls]
