"""Folders of `../shared/cases` that are no records of one read: rasters, lists of names, tables, plans, two fetches."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import shapely

import gii_pipeline_tests
from gii_pipeline import verified
from gii_pipeline.defs.inputs import EditionInputs
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.reading import Reading
from gii_pipeline.errors import DamagedError, InputError
from gii_pipeline.geocoding import Gazetteer, read_overrides
from gii_pipeline.geocoding.addresses import ADDRESS_COLUMNS, locate_addresses
from gii_pipeline.geocoding.economies import alpha2, named_economy
from gii_pipeline.geocoding.sphere import distance_km
from gii_pipeline.metrics.population import population, warnings
from gii_pipeline.metrics.rasters import PopulationRaster
from gii_pipeline.profiles import read_profile
from gii_pipeline.sources import INSTITUTION_COLUMNS
from gii_pipeline.sources.checking import check_profile
from gii_pipeline.sources.gathering import gather, pin
from gii_pipeline_tests.cases.test_cases import folders
from gii_pipeline_tests.conftest import SHARED

CASES = SHARED / "cases"
pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason="../shared/cases is not here: its files are not part of the repository"
)
OF_ITS_KIND = {
    "answer_that_is_no_data": "archive/test_hostile_answers.py",
    "html_in_a_value": "contracts/test_data_docs.py",
    "http_headers_out_of_range": "archive/test_hostile_answers.py",
    "mtime_is_in": "defs/test_schedules.py",
    "openalex_manifest_shrunk": "sources/fetching/test_openalex_snapshot.py",
}
"""Folder -> the tests of its kind: answers of servers, pages and clocks that no file can stand for."""


NO_INSTITUTIONS = pd.DataFrame(columns=list(INSTITUTION_COLUMNS))


def rows(name: str, file: str = "expected.csv") -> list[dict[str, str]]:
    with (CASES / name / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_every_folder_is_read_by_the_harness_or_has_a_test() -> None:
    tests = Path(gii_pipeline_tests.__file__).parent
    texts = "".join(path.read_text(encoding="utf-8") for path in tests.rglob("test_*.py"))
    harness = {folder.name for folder in folders()}
    named = {folder.name for folder in CASES.iterdir() if f'"{folder.name}"' in texts or f"{folder.name}/" in texts}
    assert all((tests / file).is_file() for file in OF_ITS_KIND.values())
    assert {folder.name for folder in CASES.iterdir() if folder.is_dir()} - harness - named == set()


def _cases_of(name: str) -> list[object]:
    return (
        [pytest.param(name, row, id=f"{name}-{next(iter(row.values()))}") for row in rows(name)]
        if CASES.is_dir()
        else []
    )


@pytest.mark.parametrize(("name", "row"), [*_cases_of("population_overlap"), *_cases_of("population_rasters")])
def test_people_are_counted_once_or_the_raster_is_named(name: str, row: dict[str, str]) -> None:
    files = next(iter(row.values())).split()
    [outline] = rows(name, "footprint.csv")
    footprints = pd.DataFrame(
        {"cluster_id": ["C"], "name": ["C"], "geometry": [shapely.to_wkb(shapely.from_wkt(outline["wkt"]))]}
    )
    layers = [PopulationRaster(CASES / name / file, 2020) for file in files]
    found = counted(footprints, layers)
    if isinstance(found, str):
        assert row["or"] == "refused", found
        assert any(file in found for file in files)
        return
    people = found["population"].tolist()
    assert people == [pytest.approx(float(row["population"] or row["or"].split()[0]), rel=0.001)]
    assert any("has data for" in said for said in warnings(found)) == row["or"].endswith("a warning")


def counted(footprints: pd.DataFrame, layers: list[PopulationRaster]) -> pd.DataFrame | str:
    """The footprints with their inhabitants, or why there are none."""
    try:
        return footprints.merge(population(footprints, layers, 2020), on="cluster_id")
    except InputError as error:
        return str(error)


@pytest.mark.parametrize(
    ("name", "file"), [("economy_names_of_vendors", "names.csv"), ("edgar_economy_names", "places.csv")]
)
def test_names_of_economies_are_known_as_vendors_write_them(name: str, file: str) -> None:
    names = [(row.get("name") or row["description"], row["expected_economy"]) for row in rows(name, file)]
    written = {form: code or None for name, code in names for form in (name, name.upper())}
    assert {form: alpha2(form) or named_economy(form) for form in written} == written


def test_a_core_table_with_one_bit_flipped_is_not_read(tmp_path: Path) -> None:
    pipeline = Pipeline(read_profile("open"), tmp_path)
    path = pipeline.store.core("vc_deals", 2022)
    path.parent.mkdir(parents=True)
    shutil.copy(CASES / "core_table_one_bit_flipped/whole.parquet", path)
    verified.record(path)
    assert pipeline.store.verified("vc_deals", "2022") == path
    path.write_bytes((CASES / "core_table_one_bit_flipped/one_bit.parquet").read_bytes())
    with pytest.raises(DamagedError, match="vc_deals"):
        pipeline.store.verified("vc_deals", "2022")


def test_a_source_named_like_a_path_is_refused() -> None:
    with pytest.raises(InputError, match="source"):
        check_profile(read_profile(CASES / "source_name_outside_the_root/profile.yaml"), "profile.yaml")


def test_windows_decide_which_years_are_ingested_and_judged(tmp_path: Path) -> None:
    pipeline = Pipeline(read_profile(CASES / "publications_lag/profile.yaml"), tmp_path)
    demanded = EditionInputs(pipeline, "2025").demanded
    for row in rows("publications_lag"):
        assert (row["table"] in demanded.get(int(row["data_year"]), ())) == (row["demanded"] == "yes"), row


def test_a_record_of_two_fetches_counts_in_one_data_year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: Counter[tuple[str, int]] = Counter()
    with duckdb.connect() as connection:
        readings = {}
        for year in (2021, 2022):
            monkeypatch.setenv("FETCHED", str(year))
            pipeline = Pipeline(read_profile(CASES / "cross_year_double_count/profile.yaml"), tmp_path)
            for metric, source in pipeline.profile.metrics.items():
                readings[metric, year] = Reading(pipeline, metric, connection)
                pin(gather(pipeline.archive, source, year), readings[metric, year].pin(year), source)
                readings[metric, year].extracted(year)
        for (_, year), reading in readings.items():
            found = reading.united(year).rows.filter("dropped IS NULL").select("record_id").distinct().fetchall()
            counted.update((str(record), year) for (record,) in found)
    for row in rows("cross_year_double_count"):
        expected = [int(row["counts_in_2021"]), int(row["counts_in_2022"])]
        assert [counted[row["record_id"], year] for year in (2021, 2022)] == expected, row


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "city_and_region_in_one_part",
        "cross_economy_coordinates",
        "one_name_in_two_regions",
        "postcode_with_letters",
        "territory_as_region",
        "ward_city",
    ],
)
def test_addresses_are_located_where_they_are_or_not_at_all(name: str, gazetteer: Gazetteer) -> None:
    wanted = pd.read_csv(CASES / name / "addresses.csv", keep_default_na=False, na_values=[""], dtype={"city": str})
    addresses = (
        wanted.reindex(columns=ADDRESS_COLUMNS)
        .astype(object)
        .where(wanted.reindex(columns=ADDRESS_COLUMNS).notna(), None)
    )
    addresses[["latitude", "longitude"]] = addresses[["latitude", "longitude"]].astype("float64")
    addresses["economy"] = addresses["economy"].map(alpha2, na_action="ignore")
    found = locate_addresses(addresses, gazetteer, NO_INSTITUTIONS, read_overrides(None))
    located = found["latitude"].notna()
    away = distance_km(
        *(found[axis].to_numpy() for axis in ("latitude", "longitude")),
        *(wanted[f"expected_{axis}"].to_numpy() for axis in ("latitude", "longitude")),
    )
    right = (located & (away <= wanted["max_km"]) & (wanted["unlocated"] != "must")) | (
        ~located & (wanted["unlocated"] != "never")
    )
    assert wanted[~right]["id"].tolist() == []
