"""The formats that files are known to come in, so that a file in the wrong place is named for what it is.

Belongs here: first bytes, and columns that only one source's table has, with the reader and role that take it.
Does not: reading them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

MAGIC: Final = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"PAR1": "parquet",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"Rar!": "rar",
    b"\xd0\xcf\x11\xe0": "xls",
    b"%PDF": "pdf",
}
UNREADABLE: Final = {
    "7z": "a 7z archive cannot be read as a stream. Unpack it and name the unpacked files",
    "bzip2": "a bzip2 archive cannot be read as a stream. Unpack it and name the unpacked files",
    "xz": "an xz archive cannot be read as a stream. Unpack it and name the unpacked files",
    "rar": "a rar archive cannot be read. Unpack it and name the unpacked files",
    "xls": "a workbook of Excel before 2007 (.xls) cannot be read. Save it as .xlsx for the reader `table`, or export "
    "it again as text",
    "pdf": "a PDF document is not a table. Request the data as CSV",
    "zip": "a zip archive, but this reader needs plain files. Unpack it and name the unpacked files",
}


class Format(NamedTuple):
    """A table of one source: what it is called, where it belongs, and columns that together only it has."""

    title: str
    reader: str
    role: str
    columns: frozenset[str]


def _format(title: str, reader: str, role: str, columns: str) -> Format:
    return Format(title, reader, role, frozenset(columns.lower().split("|")))


TABLES: Final = (
    _format("Web of Science, tab-delimited", "web_of_science", "records", "UT|PT|AU|C1"),
    _format(
        "Web of Science, columns in words",
        "web_of_science",
        "records",
        "UT (Unique WOS ID)|Publication Type|Authors|Addresses",
    ),
    _format("Scopus CSV", "scopus", "records", "EID|Authors|Affiliations|Source title"),
    _format("OECD REGPAT, inventors", "regpat", "inventors", "inv_name|inv_share|reg_share"),
    _format("OECD REGPAT, applicants", "regpat", "applicants", "app_name|app_share|reg_share"),
    _format("OECD REGPAT, IPC", "regpat", "years", "pct_nbr|prio_year|ipc"),
    _format("PATSTAT tls201_appln", "patstat", "applications", "appln_id|appln_auth|appln_kind"),
    _format("PATSTAT tls206_person", "patstat", "persons", "person_id|person_name|person_ctry_code"),
    _format("PATSTAT tls207_pers_appln", "patstat", "links", "person_id|appln_id|invt_seq_nr"),
    _format("PATSTAT tls211_pat_publn", "patstat", "publications", "pat_publn_id|publn_auth|appln_id"),
    _format("PATSTAT tls226_person_orig", "patstat", "originals", "person_orig_id|person_id|address_freeform"),
    _format("PatentsView g_pct_data", "patentsview_tables", "pct", "patent_id|pct_doc_number|pct_doc_type"),
    _format("PatentsView pg_pct_data", "patentsview_tables", "pregrant_pct", "pgpub_id|pct_doc_number|pct_doc_type"),
    _format("PatentsView g_inventor_disambiguated", "patentsview_tables", "inventors", "patent_id|inventor_id"),
    _format("PatentsView g_location_disambiguated", "patentsview_tables", "locations", "location_id|disambig_country"),
    _format(
        "Crunchbase's companies.csv of 2015",
        "crunchbase_export_2015",
        "companies",
        "permalink|category_list|funding_total_usd|founded_at",
    ),
    _format(
        "Crunchbase's rounds2.csv of 2015",
        "crunchbase_export_2015",
        "rounds",
        "company_permalink|funding_round_permalink|funded_at|funding_round_code",
    ),
    _format(
        "Crunchbase's funding rounds of 2013",
        "crunchbase_export",
        "rounds",
        "company_permalink|company_country_code|funding_round_type|funded_at",
    ),
    _format(
        "Crunchbase's funding rounds of 2016",
        "crunchbase_export",
        "rounds",
        "funding_round_uuid|company_uuid|announced_on",
    ),
    _format("Crunchbase's bulk funding_rounds.csv", "crunchbase_export", "rounds", "uuid|investment_type|org_uuid"),
    _format(
        "a search of Crunchbase Pro", "crunchbase_export", "rounds", "Transaction Name|Funding Type|Announced Date"
    ),
    _format("PitchBook's deals", "table", "people", "Deal ID|Deal Date|Deal Type"),
    _format("Form D submissions", "sec_form_d", "sets", "ACCESSIONNUMBER|SUBMISSIONTYPE|FILING_DATE"),
    _format("Form D issuers", "sec_form_d", "sets", "ACCESSIONNUMBER|ENTITYNAME|STATEORCOUNTRY"),
    _format("Form D offerings", "sec_form_d", "sets", "ACCESSIONNUMBER|INDUSTRYGROUPTYPE"),
    _format("the CSV of the ROR data dump", "ror", "organizations", "names.types.ror_display|locations.geonames_id"),
)
_BOM: Final = b"\xef\xbb\xbf"
_CONTENTS: Final = (
    (re.compile(rb"\s*FN (Clarivate|Thomson|ISI)"), "Web of Science as tagged plain text", "web_of_science", "records"),
    (re.compile(rb"\s*<(!doctype )?html", re.IGNORECASE), "an HTML page, perhaps an error saved as data", None, ""),
    (re.compile(rb"(?s)\s*<\?xml.{0,4000}<wo-"), "WIPO's PCT XML", "wipo_pct_xml", "gazettes"),
    (re.compile(rb"\s*<(\?xml|[a-z-]+[ >])"), "an XML document", None, ""),
    (
        re.compile(rb'(?s)\s*[\[{].{0,4000}"entities".{0,4000}funding_round'),
        "pages of Crunchbase's API",
        "crunchbase_api",
        "rounds",
    ),
    (re.compile(rb"(?s)\s*[\[{].{0,4000}openalex\.org/"), "objects of OpenAlex as JSON", "openalex_works", "works"),
    (re.compile(rb"(?s)\s*[\[{].{0,4000}ror\.org/"), "organizations of ROR as JSON", "ror", "organizations"),
    (re.compile(rb'\s*(\[\s*)?\{\s*"'), "JSON", None, ""),
)


def table_named(columns: Iterable[str]) -> Format | None:
    """The source's table that has such a header."""
    present = {name.lower() for name in columns}
    return next((known for known in TABLES if known.columns <= present), None)


def looks_like(start: bytes, columns: Iterable[str] = ()) -> str:
    """What a file in the wrong place is, as the end of a message; empty when it is nothing known.

    start: its first bytes, decompressed. columns: its header.
    """
    if known := table_named(columns):
        return f" It looks like {known.title} (reader `{known.reader}`, role `{known.role}`)."
    for pattern, title, reader, role in _CONTENTS:
        if pattern.match(start.removeprefix(_BOM)):
            return f" It looks like {title}{f' (reader `{reader}`, role `{role}`)' if reader else ''}."
    return ""


def content_named(start: bytes) -> tuple[str, str] | None:
    """The reader and role of a source's own file that is not a table, by its first bytes; None for any other."""
    found = next(
        ((reader, role) for pattern, _, reader, role in _CONTENTS if pattern.match(start.removeprefix(_BOM))), None
    )
    return (found[0], found[1]) if found and found[0] else None
