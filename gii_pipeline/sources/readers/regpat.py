"""OECD REGPAT: PCT applications by inventor and region (`inventors`: PCT_Inv_reg), and their years (`years`: PCT_IPC).

Belongs here: the columns of old and new editions, and the shares of inventors and regions.
Does not: the regions' codes; the address is located like any other.

A row is one inventor × region of the inventor's address, so the weight of a row is Inv_share × Reg_share. The number of
a PCT application is that of its publication, WO and the year first.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import duckdb

from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.rows import Options, joined, people_rows

_REQUIRED = ("pct_nbr", "inv_name", "address", "ctry_code", "reg_share", "inv_share")
_OPTIONAL = ("city", "person_id", "reg_code")


class RegpatOptions(Options):
    """year: of publication (from the number), or of the application or its priority (from the role `years`)."""

    year: Literal["publication", "app_year", "prio_year"] = "publication"


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: RegpatOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an inventor × region; a record's weights are scaled to add up to 1, since shares are rounded."""
    rows = reading.table(con, reading.named(files, "inventors"), _REQUIRED, optional=_OPTIONAL, delimiter="|")
    weighted = f"""(
        SELECT *, inv_share::DOUBLE * reg_share::DOUBLE AS weight,
            dense_rank() OVER (PARTITION BY pct_nbr ORDER BY person_id, inv_name, address, ctry_code) AS person_seq
        FROM ({rows})
    )"""
    numbered = f"""(
        SELECT *, max(person_seq) OVER record AS listed, sum(weight) OVER record AS total,
            round(1 / min(inv_share::DOUBLE) OVER record) AS people,
            row_number() OVER (PARTITION BY pct_nbr, person_seq ORDER BY reg_code) AS address_seq
        FROM {weighted} WINDOW record AS (PARTITION BY pct_nbr)
    )"""
    source, year = _dated(con, files, options, numbered)
    return people_rows(
        con,
        source,
        record_id="pct_nbr",
        year=year,
        record_type="'pct'",
        dropped=f"CASE WHEN {year} IS NULL THEN 'no_date' WHEN NOT total > 0 THEN 'no_share' END",
        person_seq="person_seq",
        address_seq="address_seq",
        people="greatest(people, listed)",
        people_truncated="people > listed",
        fraction="weight / nullif(total, 0)",
        city="city",
        economy="trim(ctry_code)",
        address=joined("address", "city", "trim(ctry_code)"),
    )


def _dated(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: RegpatOptions, rows: str
) -> tuple[str, str]:
    """The rows with a year, and SQL for it."""
    if options.year == "publication":
        return rows, "try_cast(regexp_extract(pct_nbr, '^WO([12][0-9]{3})', 1) AS INTEGER)"
    years = reading.table(con, reading.named(files, "years"), ["pct_nbr", options.year], delimiter="|")
    by_number = f"SELECT pct_nbr, min(try_cast({options.year} AS INTEGER)) AS dated FROM ({years}) GROUP BY pct_nbr"
    return f"(SELECT rows.*, dated FROM {rows} rows LEFT JOIN ({by_number}) USING (pct_nbr))", "dated"
