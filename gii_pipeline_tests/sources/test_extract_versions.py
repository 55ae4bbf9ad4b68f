"""What a reader gives for the same files changes together with its `extract_version`, or kept extracts are stale."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from gii_pipeline.sources import SOURCES

FORM_D: Final = {
    "FORMDSUBMISSION.tsv": (
        "ACCESSIONNUMBER\tFILE_NUM\tFILING_DATE\tSUBMISSIONTYPE\tTESTORLIVE\n"
        "a1\t021-1\t29-MAR-2022\tD\tLIVE\na2\t021-1\t02-MAY-2022\tD/A\tLIVE\na3\t021-3\tsoon\tD\tTEST\n"
    ),
    "ISSUERS.tsv": (
        "ACCESSIONNUMBER\tIS_PRIMARYISSUER_FLAG\tCIK\tENTITYNAME\tSTREET1\tCITY\tSTATEORCOUNTRY\t"
        "STATEORCOUNTRYDESCRIPTION\tZIPCODE\n"
        "a1\tYES\t7\tAcme\t1 Main\tAUSTIN\tTX\tTEXAS\t78701\na2\tYES\t7\tAcme\t1 Main\tDALLAS\tTX\tTEXAS\t75201\n"
        "a3\tYES\t8\tByte\t\tOSLO\tQ8\tNORWAY\t\n"
    ),
    "OFFERING.tsv": (
        "ACCESSIONNUMBER\tINDUSTRYGROUPTYPE\tISEQUITYTYPE\tISDEBTTYPE\tISPOOLEDINVESTMENTFUNDTYPE\t"
        "ISTENANTINCOMMONTYPE\tISMINERALPROPERTYTYPE\tISOPTIONTOACQUIRETYPE\tISBUSINESSCOMBINATIONTRANS\n"
        "a1\tBiotechnology\ttrue\t\t\t\t\t\t\na2\tBiotechnology\ttrue\t\t\t\t\t\t\na3\tOil and Gas\ttrue\t\t\t\t\t\t\n"
    ),
}
GAZETTE: Final = (
    "<wo-published-application><wo-bibliographic-data><publication-reference><document-id><country>WO</country>"
    "<doc-number>2019/105044</doc-number><kind>A1</kind><date>20190829</date></document-id></publication-reference>"
    '<parties><applicants/><inventors><inventor sequence="1"><addressbook lang="en"><name>DOE, Ann</name><address>'
    "<address-1>Storgata 1, 0155 Oslo</address-1><country>NO</country></address></addressbook></inventor>"
    '<inventor sequence="2"><addressbook lang="en"><name>ROE, Bea</name></addressbook></inventor></inventors>'
    "</parties></wo-bibliographic-data></wo-published-application>"
)
WORKS: Final = [
    {
        "id": "https://openalex.org/W1",
        "publication_year": 2020,
        "type": "article",
        "is_retracted": False,
        "primary_location": {"source": {"is_core": True}},
        "primary_topic": {"field": {"display_name": "Medicine"}, "domain": {"display_name": "Health Sciences"}},
        "authorships": [
            {
                "author": {"id": "https://openalex.org/A1"},
                "institutions": [
                    {"id": "https://openalex.org/I1", "ror": "https://ror.org/a", "country_code": "FR"},
                    {"id": "https://openalex.org/I2", "ror": None, "country_code": "DE", "display_name": "Uni"},
                ],
                "raw_affiliation_strings": ["Lab, Lyon, France"],
                "countries": ["FR", "DE"],
            }
        ],
    },
    {"id": "https://openalex.org/W2", "publication_year": None, "type": "letter", "authorships": []},
]
ROUNDS: Final = {
    "count": 2,
    "entities": [
        {
            "uuid": "u1",
            "properties": {
                "investment_type": "series_b",
                "announced_on": "2024-01-01",
                "funded_organization_location": [
                    {"value": "Oslo", "location_type": "city"},
                    {"value": "Norway", "location_type": "country"},
                ],
            },
        },
        {"uuid": "u2", "properties": {"investment_type": "grant", "announced_on": "2024"}},
    ],
}
PEOPLE: Final = (
    "record_id,year,record_type,city,economy,latitude,longitude\n"
    "1,2020,seed,Oslo,NO,59.9,10.7\n2,20,grant,Lyon,FR,,\n,2020,seed,Oslo,NO,,\n"
)


@dataclass(frozen=True)
class Corpus:
    """Files by role, text or members of a zip; the hash of what the reader gives for them at its extract version."""

    version: int
    sha256: str
    files: Mapping[str, str | Mapping[str, str]]
    options: Mapping[str, Any] = field(default_factory=dict)


CORPORA: Final[Mapping[str, Corpus]] = {
    "crunchbase_api": Corpus(3, "aa9e1f68235a4e14", {"rounds": json.dumps(ROUNDS)}),
    "crunchbase_export": Corpus(
        3,
        "a501d30e78b9513b",
        {
            "rounds": "uuid,name,updated_at,country_code,state_code,region,city,investment_type,announced_on,org_uuid,"
            "org_name\n"
            "u1,Seed,2024-01-01 08:00:00,USA,CA,California,Oakland,seed,2024-01-01,o1,Acme\n"
            "u2,B,2024-03-01 08:00:00,GBR,,England,London,series_b,,o2,Byte\n"
            ",?,,,,,,,2024-05-05,,\n"
        },
    ),
    "crunchbase_export_2015": Corpus(
        3,
        "1449df0b8f3e690e",
        {
            "rounds": "company_permalink,funding_round_permalink,funding_round_type,funded_at\n"
            "/organization/a,r1,venture,02-12-2014\n/organization/nobody,r3,seed,01-01-2013\n"
            "/ORGANIZATION/A,r4,angel,2014\n",
            "companies": "permalink,country_code,state_code,city\n/organization/a,FRA,A8,Paris\n",
        },
    ),
    "deals_table": Corpus(
        4,
        "e09daeed223d2360",
        {
            "deals": "Search: VC deals,,,,,,\n\nDeal ID,Companies,Deal Date,Deal Type,Company City,"
            "Company State/Province,Company Country/Territory/Region\n"
            '1-1T,"A, Inc.",05-Jan-2024,Early Stage VC,Palo Alto,California,United States\n'
            "2-2T,B,,Seed Round,Berlin,,Germany\n"
        },
    ),
    "local": Corpus(4, "f630ac8fc9c0c159", {"people": PEOPLE}),
    "openalex_works": Corpus(3, "83854b9399c69896", {"works": "".join(json.dumps(work) + "\n" for work in WORKS)}),
    "patentsview_flat": Corpus(
        3,
        "27891c336d161e7c",
        {
            "inventors": "patent_id,inventor_sequence,city,state,country\n"
            "1,0,Graz,,AT\n1,1,Austin,TX,US\n2,0,,,\n,0,Oslo,,NO\n"
        },
        {"undated_year": 2014},
    ),
    "patentsview_tables": Corpus(
        3,
        "d0f726d0fa762cc8",
        {
            "pct": "patent_id\tpublished_or_filed_date\tpct_371_date\tpct_doc_number\tpct_doc_type\n"
            "100\t2015-01-08\t2016-01-01\tWO2015/000001\two_grant\n100\t2014-06-30\t\tPCT/US2014/000001\t"
            "pct_application\n102\t2015-02-08\t\tWO2015/000002\two_grant\n",
            "inventors": "patent_id\tinventor_sequence\tinventor_id\tlocation_id\n100\t1\ti-b\tl2\n100\t0\ti-a\tl1\n",
            "locations": "location_id\tdisambig_city\tdisambig_state\tdisambig_country\tlatitude\tlongitude\tcounty\n"
            "l1\tGraz\t\tAT\t47.07\t15.43\t\nl2\tAustin\tTX\tUS\t30.27\t-97.74\tTravis\n",
        },
    ),
    "patstat": Corpus(
        3,
        "81e14b20aa606a7e",
        {
            "applications": "appln_id,appln_auth,appln_kind,earliest_publn_year,nb_inventors\n"
            "901,WO,W ,2022,2\n902,WO,W ,9999,1\n904,EP,A ,2020,1\n",
            "links": "person_id,appln_id,applt_seq_nr,invt_seq_nr\n71,901,1,2\n72,901,0,1\n71,902,0,1\n",
            "persons": "person_id,person_name,person_address,person_ctry_code,psn_sector\n"
            '71,A,"1 Rue X, 69001 Lyon",FR,INDIVIDUAL\n72,B,"Austin, TX 78701",US,COMPANY\n',
        },
    ),
    "regpat": Corpus(
        4,
        "ba8c2a7b1520fd06",
        {
            "inventors": "pct_nbr|app_nbr|appln_id|person_id|inv_name|address|city|postal_code|reg_code|ctry_code|"
            "reg_share|inv_share\r\n"
            "WO2024000001|a|1|11|X|Rue 1|Lyon|69001|FRK26|FR|1|0.5\r\n"
            "WO2024000001|a|1|12|Y||Oslo||NO081|NO|0.5|0.5\r\nWO2024000001|a|1|12|Y||Oslo||NO082|NO|0.5|0.5\r\n"
        },
    ),
    "scopus": Corpus(
        2,
        "5be02a1b09c8ce81",
        {
            "records": "Authors,Author(s) ID,Title,Year,Affiliations,Authors with affiliations,Document Type,EID\n"
            '"Doe J.; Roe R.","1; 2",T,2023,"CERN, Geneva, Switzerland; UiO, Oslo, Norway","Doe J., UiO, Oslo, Norway, '
            'CERN, Geneva, Switzerland; Roe R., CERN, Geneva, Switzerland",Article,E1\n'
            ",,T,,,,Erratum,E2\n"
        },
    ),
    "sec_form_d": Corpus(3, "fadf4fc57d0e9bf7", {"sets": FORM_D}),
    "table": Corpus(4, "f630ac8fc9c0c159", {"people": PEOPLE}),
    "web_of_science": Corpus(
        4,
        "33a472cd2c28d1d8",
        {
            "records": "FN Clarivate Analytics Web of Science\nVR 1.0\nPT J\nAU Doe, A\n   Roe, B\nAF Doe, Ann\n"
            "   Roe, Bea\nDT Article; Early Access\nC1 [Doe, Ann; Roe, Bea] Univ Oslo, Dept Phys, Oslo, Norway.\n"
            "   [Roe, Bea] ACME Labs, Ithaca, NY 14850 USA.\nWC Physics, Applied\nEA JUN 2021\nDA 2023-05-06\n"
            "UT WOS:1\nER\n\nPT J\nAU Poe, C\nDT Meeting Abstract\nPY 07\nUT WOS:2\nER\n\nEF\n"
        },
    ),
    "wipo_pct_xml": Corpus(3, "b2d29785ac8703e4", {"gazettes": GAZETTE}),
}


def written(folder: Path, role: str, content: str | Mapping[str, str]) -> Path:
    if isinstance(content, str):
        path = folder / role
        path.write_bytes(content.encode())
        return path
    path = folder / f"{role}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return path


def hash_of_extract(reader: str, corpus: Corpus, folder: Path) -> str:
    source = SOURCES[reader]
    files = {role: [written(folder, role, content)] for role, content in corpus.files.items()}
    with duckdb.connect() as con:
        rows = source.extracted(con, files, source.parsed(corpus.options))
        told = rows.select("to_json(COLUMNS(*))").order("ALL").fetchall()
    assert len(told) > 1
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


@pytest.mark.parametrize("reader", CORPORA)
def test_a_reader_that_gives_other_rows_has_another_extract_version(reader: str, tmp_path: Path) -> None:
    corpus, version = CORPORA[reader], SOURCES[reader].extract_version
    found = hash_of_extract(reader, corpus, tmp_path)
    if version == corpus.version:
        assert found == corpus.sha256, (
            f"{reader} gives other rows than before for the same files, so extracts that are kept go on with the old "
            f"ones. Raise its extract_version in gii_pipeline/sources/__init__.py to {version + 1}, and write "
            f"{version + 1} and {found!r} here."
        )
    assert (version, found) == (corpus.version, corpus.sha256), f"Write {version} and {found!r} here."


def test_every_reader_of_records_has_a_corpus() -> None:
    assert set(CORPORA) == {name for name, source in SOURCES.items() if source.read.__name__ == "people"}
