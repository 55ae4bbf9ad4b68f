"""The USPTO Open Data Portal: one table of PatentsView's bulk download.

Belongs here: the table's address and the portal's limits: a key, one request at a time, five seconds after a 429,
twenty downloads of one file per year. Does not: what the columns mean.

The portal redirects to a signed address on another host, which does not get the key. SOURCES.md, Patents. CC BY 4.0.
"""

from __future__ import annotations

from pydantic import Field

from gii_pipeline.archive import Archive, Entry, Expected, HttpClient, Key, Patience, Request, Terms
from gii_pipeline.sources.fetching.options import NAME, KeyedOptions, connect, terms_of
from gii_pipeline.sources.fetching.parts import Listed, Part, fetch_parts

LICENCE = "CC-BY-4.0"


class OdpOptions(KeyedOptions):
    """table: a PatentsView table, e.g. `g_pct_data`, `g_inventor_disambiguated`, `g_location_disambiguated`."""

    table: str = Field(pattern=NAME)
    base_url: str = "https://api.uspto.gov/api/v1"
    product: str = Field(default="PVGPATDIS", pattern=NAME)
    key_variable: str = "USPTO_API_KEY"
    per_second: float = Field(default=1, gt=0)
    patience: Patience = Patience(rate_limit_wait_s=5)


def fetch(archive: Archive, options: OdpOptions, data_year: int | None) -> list[Entry]:
    """The table's zip; it serves every year."""
    one_at_a_time = archive.shelf("uspto_odp").busy("one request at a time")
    with opened(archive, options, data_year) as http, one_at_a_time:
        return fetch_parts(archive, http, listed(archive, http, options, data_year))


def opened(archive: Archive, options: OdpOptions, data_year: int | None) -> HttpClient:
    """The connection to the portal."""
    del data_year
    return connect(archive, _terms(options), options, key=Key(options.key_variable, "X-API-KEY", required=True))


def listed(archive: Archive, http: HttpClient, options: OdpOptions, data_year: int | None) -> Listed:
    """The table's zip, whose size the portal says with its bytes only."""
    del archive, http, data_year
    base = options.base_url.rstrip("/")
    request = Request(f"{base}/datasets/products/files/{options.product}/{options.table}.tsv.zip")
    return Listed([Part(_terms(options), request, Expected(format="zip"))])


def _terms(options: OdpOptions) -> Terms:
    return terms_of("uspto_odp", options, LICENCE, None)
