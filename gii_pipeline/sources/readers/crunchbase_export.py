"""Crunchbase's CSV exports of funding rounds that have the company's place in the round's own row: `rounds`.

Belongs here: the columns of 2013, of 2016, of today's bulk export (funding_rounds.csv) and of a search of Crunchbase
Pro.
Does not: the export of December 2015, whose rounds must be joined to companies (see `crunchbase_export_2015`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from gii_pipeline.sources.readers import dates, delimited, places
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.companies import company, industries
from gii_pipeline.sources.readers.deal_types import CRUNCHBASE, DealOptions, deal_type
from gii_pipeline.sources.readers.rows import joined, people_rows

_NAMES = {
    "round_id": ("funding_round_uuid", "funding_round_permalink", "uuid", "Transaction Name URL"),
    "company": (
        "org_uuid",
        "company_uuid",
        "company_permalink",
        "Organization Name URL",
        "company_name",
        "Organization Name",
    ),
    "company_name": ("org_name", "company_name", "Organization Name"),
    "announced_on": ("announced_on", "funded_at", "Announced Date"),
    "type": ("investment_type", "funding_round_type", "Funding Type"),
    "code": ("funding_round_code",),
    "city": ("city", "company_city"),
    "admin": ("state_code", "company_state_code"),
    "region": ("region", "company_region"),
    "economy": ("country_code", "company_country_code"),
    "located": ("Organization Location",),
    "categories": ("company_category_list", "company_category_code", "Organization Industries"),
    "updated_at": ("updated_at",),
}
_IDS = ("round_id", "company")
_NEEDED = ("company", "announced_on", "type")


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: DealOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one a funding round; `dropped` is no_date or no_id.

    Columns without an id of the round (2013): the id is the company, day and type, numbered.
    """
    paths = reading.named(files, "rounds")
    optional = [name for name in _NAMES if name not in _NEEDED]
    rounds = f"({delimited.renamed(con, paths, _NAMES, optional=optional, ids=_IDS, titled=True)})"
    where = ", ".join(map(str, paths))
    formats = dates.formats_of(con, rounds, "announced_on", where, options.date_formats)
    place = places.place("parts")
    economy = f"coalesce(economy, {place['economy']})"
    return people_rows(
        con,
        f"""(
            SELECT *, {dates.year("announced_on", formats)} AS announced, {places.parts("located")} AS parts,
                CASE WHEN company IS NOT NULL THEN concat_ws('|', company, announced_on, type) END AS named,
                row_number() OVER (PARTITION BY round_id IS NULL, company, announced_on, type) AS nth
            FROM {rounds}
        )""",
        record_id="coalesce(lower(round_id), named || '|' || nth)",
        year="announced",
        year_text="CASE WHEN announced IS NULL THEN announced_on END",
        record_type=deal_type(with_series("type", "code"), CRUNCHBASE),
        source_type="type",
        dropped="CASE WHEN round_id IS NULL AND named IS NULL THEN 'no_id' WHEN announced IS NULL THEN 'no_date' END",
        changed=dates.moment("updated_at", dates.formats_saved_again(con, rounds, "updated_at", paths)),
        city=f"coalesce(city, {place['city']})",
        admin=f"coalesce(admin, {place['admin']})",
        economy=economy,
        address=f"coalesce({joined('city', 'coalesce(region, admin)', 'economy')}, {place['address']})",
        organisations=company("company_name", economy, "company"),
        fields=industries("categories"),
    )


def with_series(type_: str, code: str) -> str:
    """SQL for a round's type; the exports of 2015 and 2016 call every series `venture`, and give its letter apart."""
    lettered = f"{type_} = 'venture' AND regexp_full_match({code}, '[A-La-l]')"
    return f"CASE WHEN {lettered} THEN 'series_' || {code} ELSE {type_} END"
