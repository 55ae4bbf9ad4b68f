"""Any file at an address: the ROR dump, a GeoNames dump, GHS-POP tiles, or what a reader takes and no client serves.

Belongs here: the addresses. Does not: what the files hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from gii_pipeline.archive import Archive, Entry, Expected, Request, fetch_file
from gii_pipeline.archive.integrity import Format
from gii_pipeline.sources.fetching.options import NAME, FetchOptions, connect, needed_year, terms_of


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
            raise ValueError("sha256 goes with a single url")
        return self


def fetch(archive: Archive, options: FileUrlOptions, data_year: int | None) -> list[Entry]:
    """The files, in the order of their addresses."""
    yearly = any("{data_year}" in url for url in options.url)
    year = needed_year("file_url", data_year) if yearly else None
    terms = terms_of(options.source, options, options.licence, year)
    expected = Expected(sha256=options.sha256, format=options.format)
    with connect(archive, terms, options) as http:
        return [fetch_file(archive, http, terms, Request(url), expected) for url in _addresses(options.url, year)]


def _addresses(urls: Sequence[str], year: int | None) -> list[str]:
    return [url.replace("{data_year}", str(year)) for url in urls]
