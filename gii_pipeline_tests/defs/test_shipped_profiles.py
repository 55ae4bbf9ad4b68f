"""The profiles `open` and `licensed` as they are shipped, from files in their sources' own formats to a release.

Two things are others: the addresses (stand-ins on this machine), and the edition, which has two years and few records.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from gii_pipeline import open_release
from gii_pipeline.profiles.reading import SHIPPED
from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.archive.server import FileHost, Server, Service
from gii_pipeline_tests.commands import Gii
from gii_pipeline_tests.sources.fetching.services import Crunchbase, Odp, Sec, Snapshot, funding_round, zipped
from gii_pipeline_tests.sources.readers.test_deals import Notice, form_d

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
YEARS = (2013, 2014)
PLACES = {
    "Austin": ("TX", "TEXAS", "US", "USA", 30.2672, -97.7431),
    "Boulder": ("CO", "COLORADO", "US", "USA", 40.015, -105.2705),
    "Oslo": ("", "", "NO", "Norway", 59.9127, 10.7461),
}
PEOPLE = {"Austin": 11, "Boulder": 9, "Oslo": 8}
"""Records of a town, metric and year, one person each."""
KEY = "a-key-of-this-test"
RECORDS = [
    (number, year, town)
    for number, (year, town) in enumerate(
        ((year, town) for year in YEARS for town, count in PEOPLE.items() for _ in range(count)), start=1
    )
]
"""Number, year and town of every record of a metric."""


def document_of(profile: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((SHIPPED / f"{profile}.yaml").read_text(encoding="utf-8"))
    return document


def plain(text: str) -> str:
    """A setting without its environment variable: the default."""
    return text.rpartition(":-")[2].rstrip("}")


def pointed(profile: str, folder: Path, addresses: Mapping[str, str]) -> Path:
    """A shipped profile that asks at other addresses, with a small edition. addresses: fetcher -> base of its URLs."""
    document = document_of(profile)
    sources = [*document["metrics"].values(), *filter(None, [document.get("institutions")])]
    files = [file for source in sources for file in source["files"].values() if isinstance(file, dict)]
    for file in [*files, *document["population"]["rasters"].values()]:
        fetcher = plain(file["fetch"])
        if fetcher == "file_url":
            file["url"] = addresses[fetcher] + urlsplit(plain(file["url"])).path
        elif fetcher == "sec_form_d":
            file["index_url"] = addresses[fetcher] + "/data-research/sec-markets-data/form-d-data-sets"
        else:
            file |= {"base_url": addresses[fetcher], "per_second": 50}
    document["editions"] = tiny_world.profile()["editions"]
    path = folder / f"{profile}.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


def files_at_addresses(profile: str, folder: Path) -> FileHost:
    """The population layers, and ROR's dump."""
    tiny_world.write(folder)
    raster = zipped("GHS_POP.tif", (folder / "population.tif").read_bytes())
    document = document_of(profile)
    layers = {urlsplit(layer["url"]).path: raster for layer in document["population"]["rasters"].values()}
    ror = (
        urlsplit(plain(document["institutions"]["files"]["organizations"]["url"])).path
        if "institutions" in document
        else "/"
    )
    dump = [
        {
            "id": f"https://ror.org/{town}",
            "names": [{"value": f"University of {town}", "types": ["ror_display"]}],
            "locations": [
                {"geonames_details": {"name": town, "country_code": economy, "lat": latitude, "lng": longitude}}
            ],
        }
        for town, (_, _, economy, _, latitude, longitude) in PLACES.items()
    ]
    return FileHost({**layers, ror: zipped("v2.0-ror-data.json", json.dumps(dump).encode())})


def table(columns: str, rows: Iterator[tuple[object, ...]]) -> bytes:
    lines = ["\t".join(columns.split()), *("\t".join(f'"{value}"' for value in row) for row in rows)]
    return "\n".join([*lines, ""]).encode()


def patents() -> FileHost:
    """PatentsView's tables: every second publication is granted; some granted ones are among the applications, too."""
    granted = [record for record in RECORDS if record[0] % 2]
    applied = [record for record in RECORDS if not record[0] % 2 or record[0] % 5 == 0]
    tables: dict[str, bytes] = {}
    for prefix, document, found in (("g_", "patent_id", granted), ("pg_", "pgpub_id", applied)):
        tables[f"{prefix}pct_data"] = table(
            f"{document} published_or_filed_date pct_371_date pct_doc_number pct_doc_type",
            ((n, f"{year}-05-01", "", f"WO{year}/{n:06d}", "wo_grant") for n, year, _ in found),
        )
        tables[f"{prefix}inventor_disambiguated"] = table(
            f"{document} inventor_sequence inventor_id location_id", ((n, 0, f"i{n}", town) for n, _, town in found)
        )
        tables[f"{prefix}location_disambiguated"] = table(
            "location_id disambig_city disambig_state disambig_country latitude longitude",
            ((town, town, state, economy, *at) for town, (state, _, economy, _, *at) in PLACES.items()),
        )
        tables[f"{prefix}assignee_disambiguated"] = table(
            f"{document} assignee_sequence assignee_id disambig_assignee_organization location_id",
            ((n, 0, town, f"Works of {town}", town) for n, _, town in found),
        )
    tables["g_wipo_technology"] = table(
        "patent_id wipo_field_sequence wipo_field_id", ((n, 0, 9) for n, _, _ in granted)
    )
    tables["pg_granted_pgpubs_crosswalk"] = table("patent_id pgpub_id", ((n, n) for n, _, _ in granted))
    return FileHost({f"/{name}.tsv.zip": zipped(f"{name}.tsv", content) for name, content in tables.items()})


def work(number: int, year: int, town: str, *, core: bool = True, domain: str = "Physical Sciences") -> dict[str, Any]:
    economy = PLACES[town][2]
    institution = {
        "id": f"https://openalex.org/I{len(town)}",
        "display_name": f"University of {town}",
        "ror": f"https://ror.org/{town}",
        "country_code": economy,
        "type": "education",
    }
    printed = f"University of {town}, {town}, {economy}"
    return {
        "id": f"https://openalex.org/W{10 + number}",
        "publication_year": year,
        "type": ("article", "review", "letter")[number % 3],
        "is_retracted": False,
        "is_paratext": False,
        "primary_location": {"source": {"id": "https://openalex.org/S1", "display_name": "A", "is_core": core}},
        "primary_topic": {
            "field": {"display_name": "Chemistry"},
            "domain": {"display_name": domain},
        },
        "authorships": [
            {
                "author_position": "first",
                "author": {"id": f"https://openalex.org/A{number}"},
                "institutions": [institution],
                "countries": [economy],
                "raw_affiliation_strings": [printed],
                "affiliations": [{"raw_affiliation_string": printed, "institution_ids": [institution["id"]]}],
            }
        ],
        "updated_date": "2026-01-01T00:00:00",
    }


def offerings(folder: Path) -> Sec:
    """Form D's sets: only the United States have them."""
    sets: dict[str, bytes] = {}
    for year in YEARS:
        for quarter in range(1, 5):
            notices = [
                Notice(f"{n}", f"021-{n}", f"15-{month}-{year}", city=town.upper(), place=PLACES[town][:2])
                for n, dated, town in RECORDS
                if dated == year and n % 4 == quarter - 1 and PLACES[town][2] == "US"
                for month in (("JAN", "APR", "JUL", "OCT")[quarter - 1],)
            ]
            path = form_d(folder / f"{year}q{quarter}_d.zip", *notices)
            sets[f"/files/structureddata/data/form-d-data-sets/{path.name}"] = path.read_bytes()
    return Sec(sets)


def ranked(gii: Gii) -> dict[str, list[float]]:
    """Cluster -> its counts, as a reader of the release finds them."""
    ran = gii("run", "--edition", "2015")
    assert ran.code == 0, ran.err
    rows = open_release(gii.root).table("ranking_size").set_index("name")
    counts = [f"{metric}_count" for metric in ("pct_applications", "scientific_publications", "vc_deals")]
    return {str(name): [round(float(rows.loc[name, count]), 6) for count in counts] for name in rows.index}


@pytest.fixture
def serve() -> Iterator[Callable[[Service], str]]:
    with ExitStack() as running:
        yield lambda service: running.enter_context(Server(service)).url


def test_the_open_profile_counts_each_publication_work_and_offering_once(
    tmp_path: Path, serve: Callable[[Service], str], gii_on: Callable[[Path], Gii], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USPTO_API_KEY", KEY)
    monkeypatch.setenv("SEC_CONTACT", "engineer@example.org")
    deleted = {**work(0, 2013, "Oslo"), "id": "https://openalex.org/W1"}
    uncounted = [work(900, 2013, "Oslo", core=False), work(901, 2014, "Oslo", domain="Social Sciences")]
    works = [deleted, *uncounted, *(work(*record) for record in RECORDS)]
    snapshot = Snapshot(
        {"updated_date=2026-01-01/part_000.gz": works[::2], "updated_date=2026-01-02/part_000.gz": works[1::2]}
    )
    addresses = {
        "uspto_odp": serve(Odp(KEY, serve(patents()))) + "/api/v1",
        "openalex_snapshot": serve(snapshot),
        "sec_form_d": serve(offerings(tmp_path)),
        "file_url": serve(files_at_addresses("open", tmp_path / "files")),
    }
    found = ranked(gii_on(pointed("open", tmp_path, addresses)))
    assert found == {"Austin": [22, 22, 22], "Boulder": [18, 18, 18], "Oslo": [16, 16, 0]}


def test_the_licensed_profile_reads_its_folder_and_crunchbase(
    tmp_path: Path, serve: Callable[[Service], str], gii_on: Callable[[Path], Gii], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRUNCHBASE_API_KEY", KEY)
    monkeypatch.setenv("GII_LICENSED_DATA", str(tmp_path / "data"))
    for name in ("regpat", "web_of_science"):
        (tmp_path / "data" / name).mkdir(parents=True)
    header = (
        "pct_nbr|app_nbr|appln_id|person_id|inv_name|address|city|postal_code|reg_code|ctry_code|reg_share|inv_share"
    )
    inventors = [f"WO{year}{n:06d}|a|1|{n}|A, B||{town}|||{PLACES[town][2]}|1|1" for n, year, town in RECORDS]
    regpat = tmp_path / "data" / "regpat" / "202602_PCT_Inv_reg.txt"
    regpat.write_text("\r\n".join([header, *inventors, ""]), encoding="utf-8")
    for year in YEARS:
        rows = [
            f"J\tA, B\tA, B\tArticle\t[A, B] Univ {town}, {address(town)}.\t\t{year}\tWOS:{n}\t"
            "Science Citation Index Expanded (SCI-EXPANDED)\tChemistry"
            for n, dated, town in RECORDS
            if dated == year
        ]
        text = "\n".join(["PT\tAU\tAF\tDT\tC1\tRP\tPY\tUT\tWE\tWC", *rows, ""])
        (tmp_path / "data" / "web_of_science" / f"{year}.txt").write_text(text, encoding="utf-8-sig")
    addresses = {
        "crunchbase_api": serve(Crunchbase([deal(*record) for record in RECORDS], KEY)) + "/v4/data",
        "file_url": serve(files_at_addresses("licensed", tmp_path / "files")),
    }
    found = ranked(gii_on(pointed("licensed", tmp_path, addresses)))
    assert found == {"Austin": [22, 22, 22], "Boulder": [18, 18, 18], "Oslo": [16, 16, 16]}


def address(town: str) -> str:
    state, _, _, country, *_ = PLACES[town]
    return f"{town}, {state} 78701 {country}" if state else f"{town}, {country}"


def deal(number: int, year: int, town: str) -> dict[str, Any]:
    """A round of Crunchbase, with the place of its company."""
    made = funding_round(number, year)
    _, region, _, country, *_ = PLACES[town]
    places = [(town, "city"), (region.title(), "region"), ({"USA": "United States"}.get(country, country), "country")]
    return {
        **made,
        "properties": {
            **made["properties"],
            "investment_type": "seed",
            "updated_at": "2026-01-01T00:00:00Z",
            "funded_organization_identifier": {"uuid": f"company-{number}", "value": f"Company {number}"},
            "funded_organization_location": [
                {"value": value, "location_type": kind} for value, kind in places if value
            ],
        },
    }
