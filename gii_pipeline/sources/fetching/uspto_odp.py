"""The USPTO Open Data Portal: one table of PatentsView's bulk download.

Belongs here: the table's address and the portal's limits: a key, one request at a time, five seconds after a 429,
twenty downloads of one file per year. Does not: what the columns mean.

The portal redirects to a signed address on another host, which does not get the key. SOURCES.md, Patents. CC BY 4.0.
"""

from __future__ import annotations

from pydantic import Field

from gii_pipeline.archive import Archive, Entry, Expected, Key, Patience, Request, fetch_file
from gii_pipeline.sources.fetching.options import NAME, KeyedOptions, connect, terms_of

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
    del data_year
    terms = terms_of("uspto_odp", options, LICENCE, None)
    base = options.base_url.rstrip("/")
    request = Request(f"{base}/datasets/products/files/{options.product}/{options.table}.tsv.zip")
    key = Key(options.key_variable, "X-API-KEY", required=True)
    one_at_a_time = archive.shelf(terms.source).busy("one request at a time")
    with connect(archive, terms, options, key=key) as http, one_at_a_time:
        return [fetch_file(archive, http, terms, request, Expected(format="zip"))]
