"""Sources: how the records of each source become rows that the geocoder takes.

Belongs here: the registry of readers (`readers/`), and the clients that ask a source for files (`fetching/`).
Does not: where an address lies, or what an edition counts.
"""

from __future__ import annotations

from gii_pipeline.sources.readers import (
    crunchbase_api,
    crunchbase_export,
    crunchbase_export_2015,
    openalex_institutions,
    openalex_works,
    patentsview_flat,
    patentsview_tables,
    patstat,
    regpat,
    ror,
    scopus,
    sec_form_d,
    table,
    web_of_science,
    wipo_pct_xml,
)
from gii_pipeline.sources.readers.deal_types import DealOptions
from gii_pipeline.sources.readers.files import explained
from gii_pipeline.sources.readers.rows import INSTITUTION_COLUMNS, PEOPLE_COLUMNS, NoOptions, Options
from gii_pipeline.sources.readers.table_options import DealsTableOptions, TableOptions
from gii_pipeline.sources.source import Gone, Source

_CRUNCHBASE = "Data from Crunchbase (www.crunchbase.com)"
_OPENALEX = (
    "Priem, J., Piwowar, H., & Orr, R. (2022). OpenAlex: A fully-open index of scholarly works. arXiv:2205.01833"
)

_PATENTSVIEW = "PatentsView, U.S. Patent and Trademark Office (www.patentsview.org)"

_TABLE = Source(
    read=table.people,
    options=TableOptions,
    extract_version=4,
    roles={"people": "any table: CSV, TSV, Excel, Parquet, JSON; the option `columns` maps its columns"},
    metric=None,
    licence="the user's",
    names_organisations=True,
    citation="The user's own table",
)

SOURCES: dict[str, Source] = {
    "crunchbase_api": Source(
        read=crunchbase_api.people,
        options=DealOptions,
        extract_version=3,
        roles={"rounds": "pages of searches/funding_rounds of the API v4"},
        metric="vc_deals",
        licence="Crunchbase Terms of Service",
        citation=f"{_CRUNCHBASE}, API v4",
    ),
    "crunchbase_export": Source(
        read=crunchbase_export.people,
        options=DealOptions,
        extract_version=3,
        roles={"rounds": "funding rounds of 2013 or 2016, of the bulk export, or of a search of Crunchbase Pro"},
        metric="vc_deals",
        licence="Crunchbase Terms of Service",
        citation=f"{_CRUNCHBASE}, CSV export",
    ),
    "crunchbase_export_2015": Source(
        read=crunchbase_export_2015.people,
        options=DealOptions,
        extract_version=3,
        roles={"rounds": "rounds2.csv", "companies": "companies.csv"},
        joins=True,
        metric="vc_deals",
        licence="CC-BY-NC-4.0",
        shares_records=True,
        citation=f"{_CRUNCHBASE}, Crunchbase Data Export of December 2015",
    ),
    "deals_table": Source(
        read=table.people,
        options=DealsTableOptions,
        extract_version=4,
        roles={"deals": "any table of deals; PitchBook's columns by default"},
        metric="vc_deals",
        licence="the vendor's",
        citation="Table of deals of the profile's vendor",
    ),
    "openalex_institutions": Source(
        read=openalex_institutions.institutions,
        options=NoOptions,
        roles={"institutions": "institutions as JSON lines, Parquet or pages of the API"},
        metric=None,
        licence="CC0-1.0",
        shares_records=True,
        citation=_OPENALEX,
    ),
    "openalex_works": Source(
        read=openalex_works.people,
        options=openalex_works.OpenalexOptions,
        roles={"works": "works as JSON lines, JSON arrays, Parquet or pages of the API"},
        optional_roles={
            "deleted_ids": "works/deleted_ids.csv of the snapshot",
            "merged_ids": "merged_ids/works/*.csv.gz of the snapshot of before 2026",
        },
        extract_version=3,
        lacks=openalex_works.lacks,
        gone={"deleted_ids": Gone(("work_id", "id"), "deleted"), "merged_ids": Gone(("id", "work_id"), "merged")},
        columns=openalex_works.COLUMNS,
        metric="scientific_publications",
        licence="CC0-1.0",
        shares_records=True,
        citation=_OPENALEX,
    ),
    "patentsview_flat": Source(
        read=patentsview_flat.people,
        options=patentsview_flat.PatentsviewFlatOptions,
        roles={"inventors": "inventors_flat.csv: patent_id, inventor_sequence, city, state, country"},
        extract_version=3,
        metric="pct_applications",
        licence="CC-BY-4.0",
        shares_records=True,
        citation=_PATENTSVIEW,
    ),
    "patentsview_tables": Source(
        read=patentsview_tables.people,
        options=NoOptions,
        roles={
            "pct": "g_pct_data.tsv, plain or zipped",
            "inventors": "g_inventor_disambiguated.tsv",
            "locations": "g_location_disambiguated.tsv",
        },
        optional_roles={
            "assignees": "g_assignee_disambiguated.tsv, for the organisations",
            "technology": "g_wipo_technology.tsv, for technical fields",
            "pregrant_pct": "pg_pct_data.tsv, for applications that are not granted yet",
            "pregrant_inventors": "pg_inventor_disambiguated.tsv",
            "pregrant_locations": "pg_location_disambiguated.tsv",
            "pregrant_assignees": "pg_assignee_disambiguated.tsv",
            "pregrant_technology": "pg_wipo_technology.tsv",
            "crosswalk": "pg_granted_pgpubs_crosswalk.tsv: which application became which patent",
        },
        extract_version=3,
        joins=True,
        metric="pct_applications",
        licence="CC-BY-4.0",
        shares_records=True,
        citation=_PATENTSVIEW,
    ),
    "patstat": Source(
        read=patstat.people,
        options=NoOptions,
        roles={"applications": "tls201_appln", "links": "tls207_pers_appln", "persons": "tls206_person"},
        optional_roles={
            "publications": "tls211_pat_publn",
            "originals": "tls226_person_orig",
            "technology": "tls230_appln_techn_field",
            "ipc": "tls209_appln_ipc, where there is no tls230",
        },
        extract_version=3,
        joins=True,
        metric="pct_applications",
        licence="EPO PATSTAT licence",
        citation="EPO Worldwide Patent Statistical Database (PATSTAT Global), European Patent Office",
    ),
    "regpat": Source(
        read=regpat.people,
        options=regpat.RegpatOptions,
        roles={"inventors": "PCT_Inv_reg.txt"},
        optional_roles={
            "years": "PCT_IPC.txt, for app_year or prio_year, and for technical fields",
            "applicants": "PCT_App_reg.txt, for the organisations that applied",
        },
        extract_version=4,
        metric="pct_applications",
        licence="OECD terms of use",
        citation="OECD, REGPAT database",
    ),
    "ror": Source(
        read=ror.institutions,
        options=NoOptions,
        roles={"organizations": "the ROR data dump (JSON, plain or zipped) or a flat CSV of it"},
        metric=None,
        licence="CC0-1.0",
        shares_records=True,
        citation="Research Organization Registry (ror.org), data dump, doi:10.5281/zenodo.6347574",
    ),
    "scopus": Source(
        read=scopus.people,
        options=scopus.ScopusOptions,
        roles={"records": "CSV exports with affiliations"},
        extract_version=2,
        metric="scientific_publications",
        licence="Elsevier terms of use",
        citation="Scopus, Elsevier",
    ),
    "sec_form_d": Source(
        read=sec_form_d.people,
        options=DealOptions,
        extract_version=3,
        roles={"sets": "quarterly Form D data sets (zip)"},
        joins=True,
        metric="vc_deals",
        licence="public domain",
        shares_records=True,
        citation="U.S. Securities and Exchange Commission, Form D Data Sets",
    ),
    "web_of_science": Source(
        read=web_of_science.people,
        options=web_of_science.WebOfScienceOptions,
        roles={"records": "exports of full records, tab-delimited or plain text"},
        extract_version=4,
        lacks=web_of_science.lacks,
        metric="scientific_publications",
        licence="Clarivate terms of use",
        citation="Web of Science, Clarivate",
    ),
    "wipo_pct_xml": Source(
        read=wipo_pct_xml.people,
        options=NoOptions,
        roles={"gazettes": "weekly PCT bibliographic XML (tar.gz, zip or xml)"},
        extract_version=3,
        metric="pct_applications",
        licence="WIPO terms of use",
        citation="World Intellectual Property Organization, PCT bibliographic data",
    ),
    "table": _TABLE,
    "local": _TABLE,  # an older name for it
}

__all__ = ["INSTITUTION_COLUMNS", "PEOPLE_COLUMNS", "SOURCES", "Options", "Source", "explained"]
