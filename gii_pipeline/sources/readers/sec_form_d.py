"""SEC Form D data sets (`sets`, quarterly zips): notices of exempt offerings, a stand-in for deals in the US.

Belongs here: submissions, issuers and offerings joined; amendments collapsed into their offering; EDGAR's place codes.
Does not: whether an offering is venture capital; its type is that of its industry group, where that is none of venture
capital, else of the securities that it sells (see `deal_types`).

An offering is the file number that its notices share; a notice without one is an offering of its own. It counts in the
year of its first notice (form D), at the place that its last notice gives. The notices of one file number must be among
the files to be collapsed; an amendment whose first notice is in another quarter's set is dropped, since the offering
counts there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import dates, delimited
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.companies import company, industries
from gii_pipeline.sources.readers.deal_types import FORM_D_INDUSTRIES, FORM_D_SECURITIES, DealOptions
from gii_pipeline.sources.readers.rows import joined, people_rows, word

_COLUMNS = {
    "formdsubmission": ["ACCESSIONNUMBER", "FILE_NUM", "FILING_DATE", "SUBMISSIONTYPE", "TESTORLIVE"],
    "issuers": ["ACCESSIONNUMBER", "IS_PRIMARYISSUER_FLAG", "CITY", "STATEORCOUNTRY", "STATEORCOUNTRYDESCRIPTION"],
    "offering": ["ACCESSIONNUMBER", "INDUSTRYGROUPTYPE", "ISEQUITYTYPE", "ISDEBTTYPE"],
}
_OPTIONAL = {
    "formdsubmission": [],
    "issuers": ["ISSUER_SEQ_KEY", "CIK", "ENTITYNAME", "STREET1", "STREET2", "ZIPCODE"],
    "offering": [
        "ISBUSINESSCOMBINATIONTRANS",
        *(flag for flag in FORM_D_SECURITIES if flag not in _COLUMNS["offering"]),
    ],
}
_STATES = (
    "'AL', 'AK', 'AZ', 'AR', 'CA', 'CO', 'CT', 'DE', 'DC', 'FL', 'GA', 'HI', 'ID', 'IL', 'IN', 'IA', 'KS', "
    "'KY', 'LA', 'ME', 'MD', 'MA', 'MI', 'MN', 'MS', 'MO', 'MT', 'NE', 'NV', 'NH', 'NJ', 'NM', 'NY', 'NC', "
    "'ND', 'OH', 'OK', 'OR', 'PA', 'RI', 'SC', 'SD', 'TN', 'TX', 'UT', 'VT', 'VA', 'WA', 'WV', 'WI', 'WY'"
)
_TERRITORIES = "'AS', 'GU', 'MP', 'PR', 'VI'"
_PROVINCE = "(regexp_full_match(STATEORCOUNTRY, 'A[0-9]|B0') OR upper(STATEORCOUNTRYDESCRIPTION) LIKE '%, CANADA')"


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: DealOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an offering.

    `dropped` is no_id, test, pooled_fund, business_combination, amendment or no_date.
    """
    sets = reading.named(files, "sets")
    submissions, issuers, offerings = _tables(con, sets)
    where = ", ".join(map(str, sets))
    formats = dates.formats_of(con, f"({submissions})", "FILING_DATE", where, options.date_formats)
    economy, admin = _economy(), _admin()
    return people_rows(
        con,
        f"""(
            SELECT *, min(filed_on) FILTER (WHERE SUBMISSIONTYPE = 'D') OVER offering AS announced,
                bool_or(SUBMISSIONTYPE = 'D') OVER offering AS whole, count(*) OVER offering AS notices
            FROM (SELECT *, coalesce(FILE_NUM, ACCESSIONNUMBER) AS number,
                {dates.date("FILING_DATE", formats)} AS filed_on FROM ({submissions}))
            LEFT JOIN {delimited.once(offerings, ["ACCESSIONNUMBER"], sets)} USING (ACCESSIONNUMBER)
            LEFT JOIN (
                FROM ({issuers}) QUALIFY row_number() OVER (
                    PARTITION BY ACCESSIONNUMBER
                    ORDER BY coalesce({_yes("IS_PRIMARYISSUER_FLAG")}, false) DESC,
                        try_cast(ISSUER_SEQ_KEY AS INTEGER), CITY
                ) = 1
            ) USING (ACCESSIONNUMBER)
            WINDOW offering AS (PARTITION BY number)
            QUALIFY number IS NULL OR row_number() OVER (
                PARTITION BY number ORDER BY filed_on DESC NULLS LAST, ACCESSIONNUMBER DESC
            ) = 1
        )""",
        record_id="number",
        year="year(coalesce(announced, filed_on))",
        year_text="CASE WHEN coalesce(announced, filed_on) IS NULL THEN FILING_DATE END",
        record_type=_type(),
        source_type=_printed(),
        dropped=f"""CASE WHEN number IS NULL THEN 'no_id' WHEN upper(TESTORLIVE) = 'TEST' THEN 'test'
            WHEN {_type()} = 'pooled_fund' THEN 'pooled_fund'
            WHEN {_yes("ISBUSINESSCOMBINATIONTRANS")} THEN 'business_combination'
            WHEN NOT whole THEN 'amendment' WHEN announced IS NULL THEN 'no_date' END""",
        source_rows="CASE WHEN number IS NULL THEN 1 ELSE notices END",
        city="CITY",
        admin=admin,
        economy=economy,
        address=joined("STREET1", "STREET2", "CITY", "STATEORCOUNTRYDESCRIPTION", "ZIPCODE"),
        postcode="ZIPCODE",
        organisations=company("ENTITYNAME", economy, "CIK"),
        fields=industries("INDUSTRYGROUPTYPE", "[|]"),
    )


def _tables(con: duckdb.DuckDBPyConnection, sets: list[Path]) -> list[str]:
    """SQL for the submissions, issuers and offerings of all quarters."""
    members: dict[str, list[Path]] = {name: [] for name in _COLUMNS}
    for path in sets:
        found: dict[str, list[Path]] = {}
        for member in reading.unpacked(con, [path], (".tsv",)):
            found.setdefault(member.stem.lower(), []).append(member)
        if missing := [name for name in _COLUMNS if name not in found]:
            raise InputError(
                f"{path}: it has no {', '.join(f'{name.upper()}.tsv' for name in missing)}. Fetch it again"
            )
        for name in _COLUMNS:
            members[name] += found[name]
    return [
        delimited.table(con, members[name], columns, optional=_OPTIONAL[name], ids=["ACCESSIONNUMBER", "FILE_NUM"])
        for name, columns in _COLUMNS.items()
    ]


def _type() -> str:
    """SQL for our type: of the industry where that is not venture capital, else of the first security that decides."""
    group = word("INDUSTRYGROUPTYPE")
    industries = " ".join(f"WHEN {group} = '{name}' THEN '{meant}'" for name, meant in FORM_D_INDUSTRIES.items())
    securities = " ".join(f"WHEN {_yes(flag)} THEN '{meant}'" for flag, (_, meant) in FORM_D_SECURITIES.items())
    return f"CASE {industries} {securities} ELSE 'undisclosed' END"


def _printed() -> str:
    """SQL for the securities that are sold and the industry group, as the form has them."""
    flags = ", ".join(
        f"CASE WHEN {_yes(flag)} THEN '{printed}' END" for flag, (printed, _) in FORM_D_SECURITIES.items()
    )
    return f"nullif(concat_ws('; ', {flags}, INDUSTRYGROUPTYPE), '')"


def _economy() -> str:
    """SQL for the economy of an EDGAR code: states, territories, Canada's provinces (A0 to B0) and Z4, else by name."""
    return f"""CASE WHEN STATEORCOUNTRY IN ({_STATES}) OR STATEORCOUNTRY = 'X1' THEN 'US'
        WHEN STATEORCOUNTRY IN ({_TERRITORIES}) THEN STATEORCOUNTRY
        WHEN {_PROVINCE} OR STATEORCOUNTRY = 'Z4' THEN 'CA'
        WHEN STATEORCOUNTRY <> 'XX' THEN STATEORCOUNTRYDESCRIPTION END"""


def _admin() -> str:
    return f"""CASE WHEN STATEORCOUNTRY IN ({_STATES}) THEN STATEORCOUNTRY
        WHEN {_PROVINCE} THEN trim(split_part(STATEORCOUNTRYDESCRIPTION, ',', 1)) END"""


def _yes(flag: str) -> str:
    return f"lower({flag}) IN ('true', '1', 'yes', 'y')"
