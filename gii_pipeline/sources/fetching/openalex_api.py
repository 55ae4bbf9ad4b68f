"""The OpenAlex API: works of one publication year, or institutions, page by page.

Belongs here: one filter, the selected fields, cursor paging with both ways a list can end, and the daily budget.
Does not: bulk. A world year is more than a free day's budget; that is the snapshot.

Pages, limits and refusals: SOURCES.md, OpenAlex API. CC0. Cite the date of retrieval.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from pydantic import Field

from gii_pipeline.archive import (
    Answer,
    Archive,
    Clock,
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
from gii_pipeline.archive.pacing import moment, number_in, retry_after_s
from gii_pipeline.errors import InputError
from gii_pipeline.sources.fetching.options import KeyedOptions, connect, needed_year, terms_of

logger = logging.getLogger(__name__)

LICENCE = "CC0-1.0"
LONGEST_URL = 8190
CREDITS = "X-RateLimit-Credits-Used"
FILTERS = {
    "works": "type:article|review,primary_location.source.is_core:true,is_retracted:false",
    "institutions": "",
}
IN_COUNTRY = {"works": "institutions.country_code", "institutions": "country_code"}
FIELDS = {
    "works": (
        "id,doi,publication_year,type,language,is_retracted,primary_location,primary_topic,authorships,updated_date"
    ),
    "institutions": "id,ror,display_name,country_code,type,geo",
}


class OpenalexApiOptions(KeyedOptions):
    """What to ask for.

    filter: OpenAlex's own syntax, without the year; None takes the nearest open stand-in for the Science Citation
    Index (METHOD.md section 1). country: only works with an institution there (ISO 3166-1 alpha-2), or institutions
    there. select: fields to receive; None takes those that the reader uses.
    spend_prepaid: continue with the account's prepaid balance when the daily budget is spent.
    """

    base_url: str = "https://api.openalex.org"
    entity: Literal["works", "institutions"] = "works"
    filter: str | None = None
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$")
    select: str | None = None
    per_page: int = Field(default=100, ge=1, le=100)
    spend_prepaid: bool = False
    key_variable: str = "OPENALEX_API_KEY"
    per_second: float = Field(default=10, gt=0, le=10_000)

    @property
    def effective_filter(self) -> str:
        chosen = (FILTERS[self.entity] if self.filter is None else self.filter).strip(", ")
        return ",".join(filter(None, [chosen, f"{IN_COUNTRY[self.entity]}:{self.country}" if self.country else ""]))

    @property
    def effective_select(self) -> str:
        return self.select or FIELDS[self.entity]

    @property
    def asks(self) -> dict[str, Any]:
        """With our own filter and fields where the profile gives none: another release may have others."""
        return {**super().asks, "filter": self.effective_filter, "select": self.effective_select}


class _Meta(msgspec.Struct):
    count: int
    next_cursor: str | None = None


class _Record(msgspec.Struct):
    id: str


class _Page(msgspec.Struct):
    meta: _Meta
    results: list[_Record]


_decoder = msgspec.json.Decoder(_Page)


def fetch(archive: Archive, options: OpenalexApiOptions, data_year: int | None) -> list[Entry]:
    """The pages of the works published in `data_year`, or of all institutions."""
    with opened(archive, options, data_year) as http:
        return fetch_list(archive, http, *paged(http, options, data_year))


def opened(archive: Archive, options: OpenalexApiOptions, data_year: int | None) -> HttpClient:
    """The connection to the API."""
    key, stop = Key(options.key_variable, "Authorization", "Bearer {key}"), _Refusal(archive.clock, options.patience)
    return connect(archive, _terms(options, data_year), options, key=key, stop=stop.reason)


def paged(http: HttpClient, options: OpenalexApiOptions, data_year: int | None) -> tuple[Terms, Listing]:
    """The list, by pages."""
    terms = _terms(options, data_year)
    year = terms.data_year
    return terms, Listing(
        name=options.entity if year is None else f"{options.entity} {year}",
        request=lambda cursor: _request(options, year, cursor),
        read=_read,
        ids=lambda body: [record.id for record in _decoder.decode(body).results],
        stop=_Budget(http.clock, options).reason,
        credits=lambda headers: number_in(headers, CREDITS),
    )


def _terms(options: OpenalexApiOptions, data_year: int | None) -> Terms:
    year = needed_year("openalex_api", data_year) if options.entity == "works" else None
    return terms_of("openalex_api", options, LICENCE, year)


def _request(options: OpenalexApiOptions, year: int | None, cursor: str | None) -> Request:
    chosen = options.effective_filter
    conditions = [f"publication_year:{year}"] * (year is not None) + [chosen] * bool(chosen)
    parameters = {"select": options.effective_select, "per_page": str(options.per_page)}
    if conditions:
        parameters = {"filter": ",".join(conditions), **parameters}
    base = options.base_url.rstrip("/")
    request = Request(f"{base}/{options.entity}", {**parameters, "cursor": cursor or "*"})
    if len(request.full_url) > LONGEST_URL:
        raise InputError(f"The `filter` of openalex_api makes an address of over {LONGEST_URL:,} bytes: shorten it.")
    return request


def _read(body: bytes) -> PageFacts:
    """A list ends with a page that has no next cursor, or with an empty page behind a full one."""
    page = _decoder.decode(body)
    return PageFacts(len(page.results), page.meta.next_cursor if page.results else None, page.meta.count)


@dataclass(frozen=True)
class _Refusal:
    """Why an error answer ends the fetch, where the status alone does not say."""

    clock: Clock
    patience: Patience

    def reason(self, answer: Answer) -> str | None:
        if "Plan upgrade required" in answer.text:
            return "the filter needs a paid plan; change it in the profile"
        spent = "Insufficient budget" in answer.text or answer.headers.get("X-RateLimit-Remaining") == "0"
        now = self.clock.now()
        wait = retry_after_s(answer.headers, now)
        if answer.status != 429 or not spent or (wait is not None and wait <= self.patience.wait_cap_s):
            return None
        return _spent(self.clock, answer.headers, wait)


@dataclass
class _Budget:
    """Reads the budget off every page, and stops before it is gone rather than on a refusal."""

    clock: Clock
    options: OpenalexApiOptions
    announced: bool = False

    def reason(self, headers: Mapping[str, str], facts: PageFacts) -> str | None:
        remaining = number_in(headers, "X-RateLimit-Remaining")
        cost = number_in(headers, CREDITS) or 1
        if remaining is None:
            return None
        self._announce(facts, remaining, cost)
        prepaid = (number_in(headers, "X-RateLimit-Onetime-Remaining") or 0) + (
            number_in(headers, "X-RateLimit-Prepaid-Remaining-USD") or 0
        )
        if remaining >= cost or (self.options.spend_prepaid and prepaid > 0):
            return None
        return _spent(self.clock, headers, None)

    def _announce(self, facts: PageFacts, remaining: float, cost: float) -> None:
        needed = -(-facts.total // self.options.per_page) * cost
        if not self.announced and needed > remaining:
            logger.warning(
                "openalex_api: the whole list costs %d credits and today's budget has %d left; the fetch will stop, "
                "and the same command goes on with it another day. A whole edition needs openalex_snapshot.",
                needed,
                remaining,
            )
        self.announced = True


def _spent(clock: Clock, headers: Mapping[str, str], wait_s: float | None) -> str:
    seconds = number_in(headers, "X-RateLimit-Reset") or wait_s
    when = "at midnight UTC" if seconds is None else f"at {moment(clock.now(), seconds)}"
    return f"the daily budget is spent; it resets {when}"
