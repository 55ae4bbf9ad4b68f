"""The made-up patents as PatentsView's tables: tab-separated, quoted, zipped.

Belongs here: the tables of granted patents (`g_…`) of every data year, and those of the applications that became these
patents (`pg_…`), with the crosswalk. Each names the same PCT publications, which count once.
Does not: the portal that hands them out (see `servers.uspto`).
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gii_pipeline.sandbox import behind, shapes
from gii_pipeline.sandbox.plan import YEARS
from gii_pipeline.sandbox.records import Chunk, hash_unit
from gii_pipeline.sandbox.world import World

METRIC = "pct_applications"
ZIP_DATE = (2026, 6, 2, 0, 0, 0)
FILED_DAYS_BEFORE = 548
PCT_COLUMNS = [
    "patent_id", "published_or_filed_date", "pct_371_date", "pct_102_date", "filed_country", "application_kind",
    "pct_doc_number", "pct_doc_type",
]  # fmt: skip


def write_table(world: World, table: str, path: Path) -> None:
    """One table of the world as `<table>.tsv` in a zip."""
    member = zipfile.ZipInfo(f"{table}.tsv", ZIP_DATE)
    member.compress_type = zipfile.ZIP_DEFLATED
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(member, "w", force_zip64=True) as file,
    ):
        for number, rows in enumerate(TABLES[table](world)):
            text = rows.to_csv(sep="\t", index=False, header=number == 0, quoting=1, lineterminator="\n")
            file.write(text.encode())


def _locations(world: World) -> Iterator[pd.DataFrame]:
    places = world.geography.places
    yield pd.DataFrame(
        {
            "location_id": _location_ids(np.arange(len(places))),
            "disambig_city": places["place"],
            "disambig_state": places["admin"].where(places["economy"] == "US"),
            "disambig_country": places["economy"],
            "latitude": places["latitude"],
            "longitude": places["longitude"],
            "county": None,
            "state_fips": None,
            "county_fips": None,
        }
    )


def _inventors(world: World) -> Iterator[pd.DataFrame]:
    for chunk, _ in _chunks(world):
        patent = patent_ids(chunk)[chunk.record]
        yield pd.DataFrame(
            {
                "patent_id": patent,
                "inventor_sequence": chunk.person_seq - 1,
                "inventor_id": [f"fl:in_ln:madeup-{p}-{s}" for p, s in zip(patent, chunk.person_seq, strict=True)],
                "disambig_inventor_name_first": "Inventor",
                "disambig_inventor_name_last": [f"{p}-{s}" for p, s in zip(patent, chunk.person_seq, strict=True)],
                "gender_code": None,
                "location_id": _location_ids(chunk.place),
            }
        )


def _pct_data(world: World) -> Iterator[pd.DataFrame]:
    """Two rows a PCT application, as PatentsView has them: its filing, and its publication a year and a half later."""
    for chunk, counts in _chunks(world):
        if not counts:
            continue
        filed = (_days(chunk) - FILED_DAYS_BEFORE).astype(str)
        common = {"patent_id": patent_ids(chunk), "pct_371_date": None, "pct_102_date": None, "filed_country": "WO"}
        filings = {
            "published_or_filed_date": filed,
            "application_kind": None,
            "pct_doc_number": [
                f"PCT/US{date[:4]}/{chunk.year}{n:06d}" for date, n in zip(filed, chunk.number, strict=True)
            ],
            "pct_doc_type": "pct_application",
        }
        publications = {
            "published_or_filed_date": _days(chunk).astype(str),
            "application_kind": "A",
            "pct_doc_number": publication_numbers(chunk),
            "pct_doc_type": "wo_grant",
        }
        rows = pd.concat([pd.DataFrame({**common, **dates}) for dates in (filings, publications)])
        yield rows.sort_values(["patent_id", "pct_doc_type"], kind="stable")[PCT_COLUMNS]


def _patents(world: World) -> Iterator[pd.DataFrame]:
    for chunk, _ in _chunks(world):
        ids = patent_ids(chunk)
        yield pd.DataFrame(
            {
                "patent_id": ids,
                "patent_type": "utility",
                "patent_date": _days(chunk).astype(str),
                "patent_title": [f"Made-up invention {id_}" for id_ in ids],
                "wipo_kind": "B2",
                "num_claims": chunk.number % 20 + 1,
                "withdrawn": 0,
                "filename": None,
            }
        )


def _assignees(world: World) -> Iterator[pd.DataFrame]:
    """One applicant a patent, at its own place; a natural person is not an organisation."""
    for chunk, _ in _chunks(world):
        applicant = behind.applicants(chunk)
        person = behind.is_person(applicant)
        names = {number: behind.applicant_name(world, number) for number in np.unique(applicant).tolist()}
        yield pd.DataFrame(
            {
                "patent_id": patent_ids(chunk),
                "assignee_sequence": 0,
                "assignee_id": [f"madeup-{number:05d}" for number in applicant.tolist()],
                "disambig_assignee_organization": pd.Series(applicant).map(names).where(~person),
                "assignee_type": np.where(person, 5, 2),
                "location_id": _location_ids(behind.applicant_place(world, applicant)),
            }
        )


def _technology(world: World) -> Iterator[pd.DataFrame]:
    for chunk, _ in _chunks(world):
        yield pd.DataFrame(
            {
                "patent_id": patent_ids(chunk),
                "wipo_field_sequence": 0,
                "wipo_field_id": behind.technical_fields(chunk),
            }
        )


def _of_applications(table: Callable[[World], Iterator[pd.DataFrame]]) -> Callable[[World], Iterator[pd.DataFrame]]:
    """The twin of a table of patents, by the number of the application."""

    def rows(world: World) -> Iterator[pd.DataFrame]:
        for frame in table(world):
            yield frame.assign(patent_id=_application_ids(frame["patent_id"])).rename(columns={"patent_id": "pgpub_id"})

    return rows


def _crosswalk(world: World) -> Iterator[pd.DataFrame]:
    for chunk, _ in _chunks(world):
        ids = pd.Series(patent_ids(chunk))
        yield pd.DataFrame(
            {
                "pgpub_id": _application_ids(ids),
                "patent_id": ids,
                "application_id": ids + 6_000_000,
                "current_pgpub_id_flag": 1,
                "current_patent_id_flag": 1,
            }
        )


def _application_ids(patents: pd.Series[int]) -> pd.Series[int]:
    return patents + 20_200_000_000


TABLES: dict[str, Callable[[World], Iterator[pd.DataFrame]]] = {
    "g_inventor_disambiguated": _inventors,
    "g_location_disambiguated": _locations,
    "g_patent": _patents,
    "g_pct_data": _pct_data,
    "g_assignee_disambiguated": _assignees,
    "g_wipo_technology": _technology,
    "pg_pct_data": _of_applications(_pct_data),
    "pg_inventor_disambiguated": _of_applications(_inventors),
    "pg_location_disambiguated": _locations,
    "pg_assignee_disambiguated": _of_applications(_assignees),
    "pg_granted_pgpubs_crosswalk": _crosswalk,
}


def _chunks(world: World) -> Iterator[tuple[Chunk, bool]]:
    """The patents of every data year, and whether they have a PCT application."""
    for year in YEARS:
        for chunk in world.records(METRIC, year):
            yield chunk, True
        for chunk, _ in world.uncounted(METRIC, year, {"no_pct": shapes.PATENTS_WITHOUT_PCT}):
            yield chunk, False


def patent_ids(chunk: Chunk) -> NDArray[np.int64]:
    return 10_000_000 + (chunk.year - 2010) * 1_000_000 + chunk.number


def publication_numbers(chunk: Chunk) -> list[str]:
    """The numbers under which WIPO published the applications."""
    return [f"WO{chunk.year}/{number:06d}" for number in chunk.number.tolist()]


def _days(chunk: Chunk) -> NDArray[np.datetime64]:
    days = 1 + np.floor(hash_unit(chunk.number, 500 + chunk.year) * 364).astype(int)
    return np.datetime64(f"{chunk.year - 1}-12-31") + days


def _location_ids(places: NDArray[np.int64]) -> list[str | None]:
    return [f"{place:08x}-16c8-11ed-9b5f-1234bde3cd05" if place >= 0 else None for place in places.tolist()]
