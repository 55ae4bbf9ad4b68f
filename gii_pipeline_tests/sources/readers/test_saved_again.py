"""A source's table that another program saved again, or that was put together of several, gives the same rows."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import duckdb
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.sources import SOURCES, explained
from gii_pipeline_tests.sources.test_extract_versions import CORPORA, Corpus

Rows = Sequence[Sequence[str]]
TABLES: Final = {
    "patentsview_tables": Corpus(
        0,
        "",
        {
            **CORPORA["patentsview_tables"].files,
            "assignees": "patent_id\tassignee_sequence\tassignee_id\tdisambig_assignee_organization\tlocation_id\n"
            "100\t0\ta1\tAcme; Sons, Inc.\tl2\n100\t1\ta2\t\tl1\n",
            "technology": "patent_id\twipo_field_id\n100\t7\n",
            "pregrant_pct": "pgpub_id\tpublished_or_filed_date\tpct_doc_number\tpct_doc_type\n"
            "20150000001\t2015-01-08\tWO2015/000001\two_grant\n20150000003\t2015-03-28\tWO2015/000003\two_grant\n",
            "pregrant_inventors": "pgpub_id\tinventor_sequence\tinventor_id\tlocation_id\n20150000003\t0\ti-d\tm1\n",
            "pregrant_locations": "location_id\tdisambig_city\tdisambig_state\tdisambig_country\tlatitude\tlongitude\n"
            "m1\tOslo\t\tNO\t59.91\t10.75\n",
            "crosswalk": "pgpub_id\tpatent_id\n20150000001\t100\n",
        },
    ),
    "patstat": Corpus(
        0,
        "",
        {
            **CORPORA["patstat"].files,
            "publications": "appln_id,publn_auth,publn_date\n901,WO,2023-01-05\n902,WO,2023-02-25\n",
            "originals": "person_orig_id,person_id,street,city,zip_code,state\n1,72,,Austin,78701,TX\n",
            "technology": "appln_id,techn_field_nr,weight\n901,7,0.5\n901,8,0.5\n",
        },
    ),
    "regpat": Corpus(
        0,
        "",
        {
            "inventors": "pct_nbr|app_nbr|appln_id|person_id|inv_name|address|city|postal_code|reg_code|ctry_code|"
            "reg_share|inv_share\n"
            'WO2024000001|a|1|11|X|Rue 1; "Villa"|Lyon|69001|FRK26|FR|1|0.5\n'
            "WO2024000001|a|1|12|Y||Besançon||NO081|NO|0.5|0.5\nWO2024000001|a|1|12|Y||Besançon||NO082|NO|0.5|0.5\n",
            "years": "pct_nbr|prio_year|app_year|ipc\nWO2024000001|2022|2023|A01B 1/00\n",
            "applicants": "pct_nbr|app_nbr|app_name|ctry_code|reg_share|app_share\nWO2024000001|a|Acme, Inc.|US|1|1\n",
        },
        {"year": "app_year"},
    ),
    "regpat of 2016": Corpus(
        0,
        "",
        {
            "inventors": "PCT_Nbr|PCT_App|Appln_id|Inv_name|Address|Reg_code|Ctry_code|Reg_share|Inv_share\n"
            "WO2010000001|a|1|Müller, A|Straße 1, 80331 München|DE212|DE|0.5|1\n"
            "WO2010000001|a|1|Müller, A|Straße 1, 80331 München|DE21H|DE|0.5|1\n"
        },
    ),
    "crunchbase_export": Corpus(
        0,
        "",
        {
            "rounds": "uuid,name,updated_at,country_code,state_code,region,city,investment_type,announced_on,org_uuid,"
            "org_name\n"
            "u1,Seed,2024-01-31,USA,CA,California,Oakland,seed,2024-01-31,o1,Acme\n"
            "u2,B,2024-03-01,GBR,,England,London,series_b,,o2,Byte\n,?,,,,,,,2024-05-05,,\n"
        },
    ),
    "ror": Corpus(
        0,
        "",
        {
            "organizations": "id,names.types.ror_display,locations.geonames_details.name,"
            "locations.geonames_details.country_code,locations.geonames_details.lat,locations.geonames_details.lng,"
            "locations.geonames_id\n"
            'https://ror.org/a,"Uni of ""Oslo""",Oslo;Bergen,NO;NO,59.91;60.39,10.75;5.32,3143244;3161732\n'
            "https://ror.org/b,Acme,Austin,US,30.27,-97.74,4671654\n"
        },
    ),
    **{name: CORPORA[name] for name in ("crunchbase_export_2015", "patentsview_flat", "scopus")},
}


def table(text: str) -> list[list[str]]:
    """The rows of a table as its source has it: quotes are text between bars."""
    head = text.partition("\n")[0]
    sign = max("|\t,", key=head.count)
    if sign == "|":
        return [line.split(sign) for line in text.splitlines()]
    return list(csv.reader(io.StringIO(text), delimiter=sign))


def written(rows: Rows, sign: str, ends: str = "\r\n", *, quoted: bool = False) -> str:
    out = io.StringIO(newline="")
    in_quotes: Literal[0, 1] = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=sign, lineterminator=ends, quoting=in_quotes).writerows(rows)
    return out.getvalue()


def with_decimal_commas(rows: Rows) -> Rows:
    def cell(text: str) -> str:
        return text.replace(".", ",") if text.replace(".", "", 1).lstrip("-").isdecimal() else text

    return [rows[0], *([cell(text) for text in row] for row in rows[1:])]


def with_days_first(rows: Rows) -> Rows:
    def cell(text: str) -> str:
        year, _, rest = text.partition("-")
        month, _, day = rest.partition("-")
        return f"{day}.{month}.{year}" if len(text) == 10 and len(year) == 4 and rest else text

    return [rows[0], *([cell(text) for text in row] for row in rows[1:])]


def with_unseen_signs(rows: Rows) -> Rows:
    """Zero-width and no-break spaces around the first field, which is an id in these tables or joins them."""
    return [rows[0], *([f"\ufeff{row[0]}\u200b\u00a0" if row[0] else "", *row[1:]] for row in rows[1:])]


def with_headers(rows: Rows) -> Rows:
    """The header above each row, as in files put together; with a byte-order mark, as each of them began."""
    return [line for row in rows[1:] for line in ([f"\ufeff{rows[0][0]}", *rows[0][1:]], row)]


SAVED: Final[Mapping[str, Callable[[Rows], bytes]]] = {
    "by Excel, German": lambda rows: (
        codecs.BOM_UTF8 + written(with_days_first(with_decimal_commas(rows)), ";").encode()
    ),
    "all in quotes, CR": lambda rows: written(rows, ",", "\r", quoted=True).encode(),
    "tabs, UTF-16, put together": lambda rows: written(with_headers(rows), "\t").encode("utf-16"),
    "bars, unseen signs": lambda rows: written(with_unseen_signs(rows), "|", "\n").encode(),
    "Windows-1252, a line for Excel": lambda rows: b"sep=;\r\n" + written(rows, ";").encode("cp1252"),
}


def people(reader: str, folder: Path, files: Mapping[str, bytes], options: Mapping[str, Any]) -> list[Any]:
    source = SOURCES[reader]
    for role, content in files.items():
        (folder / role).write_bytes(content)
    with duckdb.connect() as con, explained():
        listed = {role: [folder / role] for role in files}
        is_of_places = source.read.__name__ == "institutions"
        rows = (
            source.institutions(con, listed) if is_of_places else source.extracted(con, listed, source.parsed(options))
        )
        return rows.order("ALL").fetchall()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_saved_again_gives_the_same_rows(name: str, tmp_path: Path) -> None:
    corpus, reader = TABLES[name], name.partition(" ")[0]
    files = {role: text for role, text in corpus.files.items() if isinstance(text, str)}
    once = people(reader, tmp_path, {role: text.encode() for role, text in files.items()}, corpus.options)
    assert any(row[0] for row in once)
    for how, save in SAVED.items():
        again = {role: save(table(text)) for role, text in files.items()}
        assert people(reader, tmp_path, again, corpus.options) == once, how


def test_form_d_saved_again_gives_the_same_rows(tmp_path: Path) -> None:
    tables = CORPORA["sec_form_d"].files["sets"]
    assert isinstance(tables, Mapping)
    again = {name: written(with_headers(table(text)), ";") for name, text in tables.items()}
    found = []
    for members in (tables, again):
        sets = io.BytesIO()
        with zipfile.ZipFile(sets, "w") as archive:
            for name, text in members.items():
                archive.writestr(name, text.encode())
        found.append(people("sec_form_d", tmp_path, {"sets": sets.getvalue()}, {}))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1,0,Graz,,AT", "city,patent_id,inventor_sequence,state,country"], "a second header further down has the"),
        (["1.23457E+11,0,Graz,,AT"], r"the ids of the column patent_id are rounded, for instance 1\.23457E\+11: diff"),
    ],
)
def test_ids_and_columns_that_are_others_than_they_were_are_refused(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    text = "\n".join(["patent_id,inventor_sequence,city,state,country", *lines])
    with pytest.raises(InputError, match=message):
        people("patentsview_flat", tmp_path, {"inventors": text.encode()}, {"undated_year": 2020})
