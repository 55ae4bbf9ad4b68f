"""Crunchbase's CSV exports of funding rounds that carry the company's place in the round's own row: `rounds`.

Belongs here: the columns of 2013, of 2016 and of today's daily export.
Does not: the export of December 2015, whose rounds must be joined to companies (see `crunchbase_export_2015`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.rows import NoOptions, day, joined, kind, people_rows

_NAMES = {
    "round_id": ("funding_round_uuid", "funding_round_permalink", "uuid"),
    "company": ("org_uuid", "company_uuid", "company_permalink", "company_name"),
    "announced_on": ("announced_on", "funded_at"),
    "type": ("investment_type", "funding_round_type"),
    "city": ("city", "company_city"),
    "admin": ("state_code", "company_state_code"),
    "economy": ("country_code", "company_country_code"),
    "updated_at": ("updated_at",),
}
_OPTIONAL = ("round_id", "updated_at")


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: NoOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one a funding round; `dropped` is no_date.

    A round that comes twice under one id counts once, as it was updated last. Columns without an id of the round
    (2013): the id is the company, day and type, numbered.
    """
    del options
    rounds = reading.renamed(con, reading.named(files, "rounds"), _NAMES, optional=_OPTIONAL)
    return people_rows(
        con,
        f"""(
            SELECT *, {day("announced_on", "%Y-%m-%d", "%d-%m-%Y", "%m/%d/%Y")} AS announced,
                concat_ws('|', company, announced_on, type) AS named, row_number() OVER (
                    PARTITION BY round_id, CASE WHEN round_id IS NULL THEN named END ORDER BY updated_at DESC NULLS LAST
                ) AS nth
            FROM ({rounds}) QUALIFY round_id IS NULL OR nth = 1
        )""",
        record_id="coalesce(round_id, concat_ws('|', named, nth))",
        year="year(announced)",
        record_type=kind("type", "undisclosed"),
        dropped="CASE WHEN announced IS NULL THEN 'no_date' END",
        city="city",
        admin="admin",
        economy="economy",
        address=joined("city", "admin", "economy"),
    )
