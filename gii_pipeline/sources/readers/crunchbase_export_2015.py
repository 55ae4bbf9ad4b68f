"""Crunchbase Data Export of December 2015: `rounds` (rounds2.csv) joined to `companies` (companies.csv).

Belongs here: one row per funding round at the company that received it.
Does not: which funding types an edition counts (`record_type` carries the type).

The rounds mix encodings (some permalinks were encoded twice and join no company), write days first, and spell the same
permalink in either case; the companies carry ISO 3166-1 alpha-3 codes and a few others (see geocoding's economies).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import dates, delimited
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.companies import company, industries
from gii_pipeline.sources.readers.crunchbase_export import with_series
from gii_pipeline.sources.readers.deal_types import CRUNCHBASE, DealOptions, deal_type
from gii_pipeline.sources.readers.rows import joined, people_rows

_ROUNDS = ("company_permalink", "funding_round_permalink", "funding_round_type", "funded_at")
_COMPANIES = ("permalink", "country_code", "state_code", "city")


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: DealOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one a funding round; `dropped` is no_id, no_company (no such permalink) or no_date."""
    rounds = delimited.table(
        con, reading.named(files, "rounds"), _ROUNDS, optional=["funding_round_code"], ids=_ROUNDS[:2]
    )
    funded = dates.year("funded_at", options.date_formats or tuple(f"%d{sign}%m{sign}%Y" for sign in "-/."))
    return people_rows(
        con,
        f"""(
            SELECT r.*, c.*, {funded} AS funded_on
            FROM ({rounds}) r LEFT JOIN ({_companies(con, files)}) c ON lower(r.company_permalink) = lower(c.permalink)
        )""",
        record_id="lower(funding_round_permalink)",
        year="funded_on",
        year_text="CASE WHEN funded_on IS NULL THEN funded_at END",
        record_type=deal_type(with_series("funding_round_type", "funding_round_code"), CRUNCHBASE),
        source_type="funding_round_type",
        dropped="CASE WHEN funding_round_permalink IS NULL THEN 'no_id' WHEN permalink IS NULL THEN 'no_company' "
        "WHEN funded_on IS NULL THEN 'no_date' END",
        person_seq="CASE WHEN permalink IS NULL THEN 0 ELSE 1 END",
        people="CASE WHEN permalink IS NULL THEN 0 ELSE 1 END",
        source_rows="1",
        city="city",
        admin="state_code",
        economy="country_code",
        address=joined("city", "coalesce(region, state_code)", "country_code"),
        organisations=company("name", "country_code", "permalink"),
        fields=industries("category_list"),
    )


def _companies(con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]]) -> str:
    """SQL for the companies, each permalink once.

    Raises InputError where a permalink has two companies.
    """
    paths = reading.named(files, "companies")
    companies = delimited.table(con, paths, _COMPANIES, optional=["name", "region", "category_list"], ids=["permalink"])
    distinct = f"SELECT DISTINCT * FROM ({companies}) WHERE permalink IS NOT NULL"
    repeated = con.sql(
        f"SELECT any_value(permalink) FROM ({distinct}) GROUP BY lower(permalink) HAVING count(*) > 1 LIMIT 3"
    ).fetchall()
    if repeated:
        raise InputError(
            f"{', '.join(map(str, paths))}: {', '.join(repr(permalink) for (permalink,) in repeated)}: each is "
            f"shared by several companies. Correct the file, or use an export of a single day"
        )
    return distinct
