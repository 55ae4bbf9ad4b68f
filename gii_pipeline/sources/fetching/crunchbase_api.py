"""The Crunchbase API v4: funding rounds announced in one year, page by page.

Belongs here: the search, paging by the last uuid, 200 calls a minute. Does not: which investment types count as a deal;
the reader's options say that.

Licensed data: every page stays in the archive of who fetched it. SOURCES.md, Crunchbase API v4.
"""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import Field

from gii_pipeline.archive import (
    Archive,
    Entry,
    HttpClient,
    Key,
    Listing,
    PageFacts,
    Patience,
    Request,
    Terms,
    fetch_list,
)
from gii_pipeline.sources.fetching.options import KeyedOptions, connect, needed_year, terms_of

LICENCE = "Crunchbase data licence"
FIELDS = (
    "identifier",
    "announced_on",
    "money_raised",
    "investment_type",
    "investment_stage",
    "funded_organization_identifier",
    "funded_organization_location",
    "funded_organization_categories",
    "is_equity",
    "updated_at",
)


class CrunchbaseOptions(KeyedOptions):
    """query: further predicates, as the API writes them, e.g. one on `investment_type`."""

    base_url: str = "https://api.crunchbase.com/v4/data"
    field_ids: tuple[str, ...] = FIELDS
    query: tuple[dict[str, Any], ...] = ()
    limit: int = Field(default=1000, ge=1, le=1000)
    key_variable: str = "CRUNCHBASE_API_KEY"
    per_second: float = Field(default=200 / 60, gt=0)
    patience: Patience = Patience(rate_limit_wait_s=2)


class _Entity(msgspec.Struct):
    uuid: str


class _Page(msgspec.Struct):
    count: int
    entities: list[_Entity]


_decoder = msgspec.json.Decoder(_Page)


def fetch(archive: Archive, options: CrunchbaseOptions, data_year: int | None) -> list[Entry]:
    """The pages of the funding rounds announced in `data_year`."""
    with opened(archive, options, data_year) as http:
        return fetch_list(archive, http, *paged(http, options, data_year))


def opened(archive: Archive, options: CrunchbaseOptions, data_year: int | None) -> HttpClient:
    """The connection to the API."""
    key = Key(options.key_variable, "X-cb-user-key", required=True)
    return connect(archive, _terms(options, data_year), options, key=key)


def paged(http: HttpClient, options: CrunchbaseOptions, data_year: int | None) -> tuple[Terms, Listing]:
    """The list, by pages."""
    del http
    year = needed_year("crunchbase_api", data_year)
    return _terms(options, data_year), Listing(
        name=f"funding_rounds {year}",
        request=lambda after: _request(options, year, after),
        read=lambda body: _read(body, options.limit),
        ids=lambda body: [entity.uuid for entity in _decoder.decode(body).entities],
    )


def _terms(options: CrunchbaseOptions, data_year: int | None) -> Terms:
    return terms_of("crunchbase_api", options, LICENCE, needed_year("crunchbase_api", data_year))


def _request(options: CrunchbaseOptions, year: int, after: str | None) -> Request:
    announced = {
        "type": "predicate",
        "field_id": "announced_on",
        "operator_id": "between",
        "values": [f"{year}-01-01", f"{year}-12-31"],
    }
    body = {
        "field_ids": list(options.field_ids),
        "query": [announced, *options.query],
        "order": [{"field_id": "announced_on", "sort": "asc"}],
        "limit": options.limit,
    }
    url = f"{options.base_url.rstrip('/')}/searches/funding_rounds"
    return Request(url, body=body if after is None else {**body, "after_id": after})


def _read(body: bytes, limit: int) -> PageFacts:
    """There is no next token: the next page begins behind the last uuid, and a page that is not full is the last."""
    page = _decoder.decode(body)
    ends = len(page.entities) < limit
    return PageFacts(len(page.entities), None if ends else page.entities[-1].uuid, page.count)
