"""OECD REGPAT: PCT applications by inventor and region (`inventors`: PCT_Inv_reg), in the columns of every edition.

Belongs here: the shares of inventors and regions; with `years` (PCT_IPC) other years and the technical fields, and with
`applicants` (PCT_App_reg) the organisations.
Does not: the regions' codes; the address is located like any other.

A row is one inventor × region of the inventor's address, so the weight of a row is Inv_share × Reg_share. The number of
a PCT application is that of its publication, WO and the year first.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import duckdb

from gii_pipeline.sources.readers import delimited
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.organisations import organisation, person_key, shared
from gii_pipeline.sources.readers.rows import Options, joined, people_rows
from gii_pipeline.sources.readers.technology import fields_by_symbol

_FIRST_YEAR: Final = 1978  # of the PCT; a number with another in its place has no year
_REQUIRED: Final = ("pct_nbr", "inv_name", "address", "ctry_code", "reg_share", "inv_share")
_OPTIONAL: Final = ("city", "postal_code", "person_id", "reg_code")
_IDS: Final = ("pct_nbr",)


class RegpatOptions(Options):
    """year: of publication (from the number), or of the application or its priority (from the role `years`)."""

    year: Literal["publication", "app_year", "prio_year"] = "publication"


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: RegpatOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an inventor × region; a record's weights are scaled to add up to 1, since shares are rounded.

    `dropped` is no_id, no_wo_number (of another office), no_date or no_share (of one of its inventors or regions).
    """
    rows = delimited.table(con, reading.named(files, "inventors"), _REQUIRED, optional=_OPTIONAL, ids=_IDS)
    weighted = f"""(
        SELECT *, {_share("inv_share")} AS part, {_share("inv_share")} * {_share("reg_share")} AS weight,
            dense_rank() OVER (PARTITION BY pct_nbr ORDER BY person_id, inv_name, address, ctry_code) AS person_seq
        FROM ({rows})
    )"""
    numbered = f"""(
        SELECT *, max(person_seq) OVER record AS listed, sum(weight) OVER record AS total,
            count(weight) OVER record AS weighed,
            round(1 / nullif(min(part) OVER record, 0)) AS people, count(*) OVER record AS source_rows,
            row_number() OVER (PARTITION BY pct_nbr, person_seq ORDER BY reg_code, weight) AS address_seq
        FROM {weighted} WINDOW record AS (PARTITION BY pct_nbr)
    )"""
    source, year = _dated(con, files, options, f"SELECT * FROM {numbered}")
    source = _with_fields(con, files, _with_organisations(con, files, source))
    return people_rows(
        con,
        f"({source})",
        record_id="pct_nbr",
        year=year,
        record_type="'pct'",
        dropped=f"""CASE WHEN pct_nbr IS NULL THEN 'no_id' WHEN NOT starts_with(pct_nbr, 'WO') THEN 'no_wo_number'
            WHEN {year} IS NULL THEN 'no_date'
            WHEN NOT coalesce(total > 0 AND weighed = source_rows, false) THEN 'no_share' END""",
        person_seq="person_seq",
        address_seq="address_seq",
        people="greatest(people, listed)",
        people_truncated="coalesce(people > listed, false)",
        fraction="CASE WHEN total > 0 THEN coalesce(weight, 0) / total ELSE 1 / source_rows END",
        city="city",
        economy="trim(ctry_code)",
        address=joined("address", "city", "trim(ctry_code)"),
        postcode="postal_code",
        year_text=f"CASE WHEN {year} IS NULL THEN pct_nbr END",
        source_rows="""CASE WHEN pct_nbr IS NULL THEN 1
            WHEN person_seq = 1 AND address_seq = 1 THEN source_rows ELSE 0 END""",
        organisations="organisations",
        fields="fields",
    )


def _share(column: str) -> str:
    """SQL for a share, whatever its decimal sign; null for what is none, such as -1, NaN or 50 %."""
    share = f"coalesce(try_cast({column} AS DOUBLE), try_cast(replace({column}, ',', '.') AS DOUBLE))"
    return f"CASE WHEN {share} BETWEEN 0 AND 1 THEN {share} END"


def _dated(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: RegpatOptions, rows: str
) -> tuple[str, str]:
    """The rows with a year, and SQL for it."""
    if options.year == "publication":
        year = "try_cast(substr(pct_nbr, 3, 4) AS INTEGER)"
        return rows, f"CASE WHEN {year} >= {_FIRST_YEAR} THEN {year} END"
    years = delimited.table(con, reading.named(files, "years"), ["pct_nbr", options.year], ids=_IDS)
    by_number = f"SELECT pct_nbr, min(try_cast({options.year} AS INTEGER)) AS dated FROM ({years}) GROUP BY pct_nbr"
    return f"SELECT rows.*, dated FROM ({rows}) rows LEFT JOIN ({by_number}) USING (pct_nbr)", "dated"


def _with_organisations(con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], rows: str) -> str:
    """The rows with all applicants of their application; one who is an inventor of it is an individual."""
    if not (paths := reading.named(files, "applicants", optional=True)):
        return f"SELECT *, NULL AS organisations FROM ({rows})"
    applicants = delimited.table(con, paths, ("pct_nbr", "app_name", "ctry_code"), ids=_IDS)
    inventors = delimited.table(con, reading.named(files, "inventors"), ("pct_nbr", "inv_name"), ids=_IDS)
    is_inventor = "CASE WHEN i.inventor IS NOT NULL THEN false END"
    each = f"""(
        SELECT a.pct_nbr, a.name, {organisation("a.name", "a.economy", known=is_inventor)} AS organisation
        FROM (
            SELECT pct_nbr, app_name AS name, {person_key("app_name")} AS key, min(trim(ctry_code)) AS economy
            FROM ({applicants}) GROUP BY pct_nbr, app_name
        ) a LEFT JOIN (
            SELECT DISTINCT pct_nbr, {person_key("inv_name")} AS inventor FROM ({inventors})
        ) i ON i.pct_nbr = a.pct_nbr AND i.inventor = a.key
    )"""
    applied = f"(SELECT pct_nbr, list(organisation ORDER BY name) AS applied FROM {each} GROUP BY pct_nbr)"
    return f"""SELECT rows.*, {shared("applied")} AS organisations
        FROM ({rows}) rows LEFT JOIN {applied} USING (pct_nbr)"""


def _with_fields(con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], rows: str) -> str:
    """The rows with the technical fields of their application."""
    if not (paths := reading.named(files, "years", optional=True)):
        return f"SELECT *, NULL AS fields FROM ({rows})"
    symbols = delimited.table(con, paths, ["pct_nbr"], optional=["ipc"], ids=_IDS)
    fields = fields_by_symbol(f"(SELECT pct_nbr, ipc AS symbol FROM ({symbols}))", "pct_nbr")
    return f"SELECT rows.*, fields FROM ({rows}) rows LEFT JOIN {fields} USING (pct_nbr)"
