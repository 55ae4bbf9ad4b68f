from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gii_pipeline.counting import connect, count
from gii_pipeline.counting.engine import read_core
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.errors import InputError
from gii_pipeline_tests.counting.core_rows import CORE, LOCATIONS, packed

YEARS = (2018, 2019, 2020)
METRICS = ("pct_applications", "scientific_publications")


@pytest.fixture
def spark() -> Iterator[Any]:
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17: install Debian's package `openjdk-17-jre-headless`")
    connection = connect("spark")
    yield connection
    connection._session.stop()


def _edition() -> Edition:
    edition = wipo_book()[2024]
    rule = edition.merge_rule.model_copy(update={"value": "distance_and_ties"})
    return edition.model_copy(update={"merge_rule": rule})


def _write(folder: Path) -> None:
    """A file a table and year, of random records with one to five people near a few towns, across the date line."""
    rng = np.random.default_rng(7)
    towns = [packed(48.8606, 2.3376), packed(-16.85, 179.9999), packed(1.3, 103.8), packed(-33.4489, -70.6693)]
    where: list[tuple[Any, ...]] = []
    for year in YEARS:
        for metric in METRICS:
            rows: list[tuple[Any, ...]] = []
            for record in range(200):
                people = int(rng.integers(1, 6))
                seen: set[int | None] = set()
                for person in range(people):
                    place = int(rng.choice(towns)) + int(rng.integers(0, 300)) if rng.random() < 0.95 else None
                    kind = "article" if record % 4 else "review"
                    rows.append(
                        (f"{metric}{year}{record}", year, kind, person, 1, 1 / people, place not in seen, place)
                    )
                    seen.add(place)
                where += [(place, year, f"Town {place % 97}", None, "AA", person) for place in seen if place]
            pd.DataFrame(rows, columns=list(CORE)).astype(CORE).to_parquet(folder / f"{metric}-{year}.parquet")
    frame = pd.DataFrame(where, columns=["location_id", "data_year", "place", "admin", "economy", "people"])
    frame = frame.drop_duplicates(["location_id", "data_year"]).astype(LOCATIONS)
    for year in YEARS:
        frame[frame["data_year"] == year].to_parquet(folder / f"locations-{year}.parquet")


@pytest.mark.slow
def test_spark_counts_what_duckdb_counts(tmp_path: Path, spark: Any) -> None:
    folder = tmp_path / "economy=ZZ" / "data_year=1900"  # of the file system, no column
    folder.mkdir(parents=True)
    _write(folder)
    counted = {}
    for connection in (connect(), spark):
        tables = {
            name: read_core(connection, [folder / f"{name}-{year}.parquet" for year in YEARS])
            for name in (*METRICS, "locations")
        }
        counted[connection.name] = count(tables, tables["locations"], _edition())
    assert counted["pyspark"].points.num_rows > 30
    assert counted["pyspark"].points.equals(counted["duckdb"].points)
    assert counted["pyspark"].totals == counted["duckdb"].totals
    assert counted["pyspark"].ties is not None
    assert counted["duckdb"].ties is not None
    pd.testing.assert_frame_equal(counted["pyspark"].ties, counted["duckdb"].ties)


def test_an_unknown_engine_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"no engine 'polars'\. Choose duckdb or spark"):
        connect("polars")


def test_a_core_table_without_files_is_refused() -> None:
    with pytest.raises(InputError, match="no files"):
        read_core(connect(), [])


def test_duckdb_keeps_within_the_memory_of_the_run_and_shows_no_bar_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GII_MEMORY", "2000MiB")
    settings = "current_setting('memory_limit'), current_setting('enable_progress_bar')"
    found = connect(spill=tmp_path).raw_sql(f"select {settings}").fetchall()
    assert found == [("1.1 GiB", False)]
