"""SEC Form D data sets (`sets`, quarterly zips): notices of exempt offerings, a stand-in for deals in the US.

Belongs here: submissions, issuers and offerings joined; amendments collapsed into their offering; pooled funds dropped.
Does not: whether an offering is venture capital; `record_type` says equity, debt or other.

An offering is the file number that its notices share. It counts in the year of its first notice (form D), at the place
that its last notice gives. The notices of one file number must be among the files to be collapsed; an amendment whose
first notice is in another quarter's set is dropped, since the offering counts there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.rows import NoOptions, day, joined, people_rows

_COLUMNS = {
    "formdsubmission": ["ACCESSIONNUMBER", "FILE_NUM", "FILING_DATE", "SUBMISSIONTYPE", "TESTORLIVE"],
    "issuers": ["ACCESSIONNUMBER", "IS_PRIMARYISSUER_FLAG", "CITY", "STATEORCOUNTRY", "STATEORCOUNTRYDESCRIPTION"],
    "offering": [
        "ACCESSIONNUMBER",
        "INDUSTRYGROUPTYPE",
        "ISPOOLEDINVESTMENTFUNDTYPE",
        "ISEQUITYTYPE",
        "ISDEBTTYPE",
    ],
}
_IS_STATE = "regexp_full_match(STATEORCOUNTRY, '[A-Z]{2}') AND STATEORCOUNTRY <> 'XX'"
_IN_CANADA = "upper(STATEORCOUNTRYDESCRIPTION) LIKE '%, CANADA'"


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: NoOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an offering; `dropped` is test, pooled_fund, amendment or no_date."""
    del options
    submissions, issuers, offerings = _tables(con, reading.named(files, "sets"))
    return people_rows(
        con,
        f"""(
            SELECT *, min(filed_on) FILTER (WHERE SUBMISSIONTYPE = 'D') OVER offering AS announced,
                bool_or(SUBMISSIONTYPE = 'D') OVER offering AS whole
            FROM (SELECT *, coalesce(FILE_NUM, ACCESSIONNUMBER) AS number,
                {day("FILING_DATE", "%d-%b-%Y", "%Y-%m-%d", "%m/%d/%Y")} AS filed_on FROM ({submissions}))
            LEFT JOIN ({offerings}) USING (ACCESSIONNUMBER)
            LEFT JOIN (
                FROM ({issuers}) QUALIFY row_number() OVER (
                    PARTITION BY ACCESSIONNUMBER ORDER BY upper(IS_PRIMARYISSUER_FLAG) IN ('YES', 'TRUE') DESC, CITY
                ) = 1
            ) USING (ACCESSIONNUMBER)
            WINDOW offering AS (PARTITION BY number)
            QUALIFY row_number() OVER (PARTITION BY number ORDER BY filed_on DESC NULLS LAST, ACCESSIONNUMBER DESC) = 1
        )""",
        record_id="number",
        year="year(coalesce(announced, filed_on))",
        record_type=f"CASE WHEN {_yes('ISEQUITYTYPE')} THEN 'equity' "
        f"WHEN {_yes('ISDEBTTYPE')} THEN 'debt' ELSE 'other' END",
        dropped=f"""CASE WHEN TESTORLIVE = 'TEST' THEN 'test'
            WHEN INDUSTRYGROUPTYPE = 'Pooled Investment Fund' OR {_yes("ISPOOLEDINVESTMENTFUNDTYPE")} THEN 'pooled_fund'
            WHEN NOT whole THEN 'amendment' WHEN announced IS NULL THEN 'no_date' END""",
        city="CITY",
        admin=f"CASE WHEN {_IS_STATE} THEN STATEORCOUNTRY "
        f"WHEN {_IN_CANADA} THEN split_part(STATEORCOUNTRYDESCRIPTION, ',', 1) END",
        economy=f"CASE WHEN {_IS_STATE} THEN 'US' WHEN {_IN_CANADA} THEN 'CA' "
        "WHEN STATEORCOUNTRY <> 'XX' THEN STATEORCOUNTRYDESCRIPTION END",
        address=joined("CITY", "STATEORCOUNTRYDESCRIPTION"),
    )


def _tables(con: duckdb.DuckDBPyConnection, sets: list[Path]) -> list[str]:
    """SQL for the submissions, issuers and offerings of all quarters."""
    members: dict[str, list[Path]] = {name: [] for name in _COLUMNS}
    for path in sets:
        found = {member.stem.lower(): member for member in reading.unpacked(con, [path], (".tsv",))}
        if missing := [name for name in _COLUMNS if name not in found]:
            raise InputError(f"{path}: no {', '.join(f'{name.upper()}.tsv' for name in missing)} in it. Fetch it again")
        for name in _COLUMNS:
            members[name].append(found[name])
    return [reading.table(con, members[name], columns, delimiter="\t") for name, columns in _COLUMNS.items()]


def _yes(flag: str) -> str:
    return f"lower({flag}) IN ('true', '1', 'yes', 'y')"
