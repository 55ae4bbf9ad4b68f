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

from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.rows import NoOptions, joined, people_rows


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: NoOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one a funding round; `dropped` is no_company (no such permalink) or no_date."""
    del options
    rounds = reading.table(
        con,
        reading.named(files, "rounds"),
        ["company_permalink", "funding_round_permalink", "funding_round_type", "funded_at"],
    )
    companies = reading.table(
        con, reading.named(files, "companies"), ["permalink", "country_code", "state_code", "city"]
    )
    return people_rows(
        con,
        f"""(
            SELECT r.*, c.*, try_strptime(r.funded_at, '%d-%m-%Y') AS funded_on
            FROM ({rounds}) r LEFT JOIN ({companies}) c ON lower(r.company_permalink) = lower(c.permalink)
        )""",
        record_id="funding_round_permalink",
        year="year(funded_on)",
        record_type="funding_round_type",
        dropped="CASE WHEN permalink IS NULL THEN 'no_company' WHEN funded_on IS NULL THEN 'no_date' END",
        person_seq="CASE WHEN permalink IS NULL THEN 0 ELSE 1 END",
        people="CASE WHEN permalink IS NULL THEN 0 ELSE 1 END",
        city="city",
        admin="state_code",
        economy="country_code",
        address=joined("city", "state_code", "country_code"),
    )
