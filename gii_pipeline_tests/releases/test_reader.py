"""Reading a release through `gii_pipeline.open_release`: cheap to import, the same types in every edition."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gii_pipeline
from gii_pipeline import contracts, releases
from gii_pipeline.releases import Release, open_release
from gii_pipeline.releases.reader import arrow_file
from gii_pipeline_tests.releases.small_edition import RELEASE_TABLES, write_and_release

HEAVY = {"dagster", "great_expectations", "geopandas", "pandas", "duckdb", "rasterio", "scipy", "numba"}


@pytest.fixture
def opened(published: Path) -> Release:
    return open_release(published)


def loaded_after(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter has loaded after the code."""
    script = f"{code}\nimport sys\nprint(*sorted(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_reader_imports_nothing_heavy() -> None:
    assert loaded_after("from gii_pipeline import open_release") == set()


def test_opening_and_reading_arrow_loads_no_frame_library(published: Path) -> None:
    code = f"from gii_pipeline import open_release\nopen_release({str(published)!r}).arrow('ranking_size')"
    assert loaded_after(code) == set()


def test_reading_a_frame_loads_pandas_and_no_more(published: Path) -> None:
    code = f"from gii_pipeline import open_release\nopen_release({str(published)!r}).table('ranking_size')"
    assert loaded_after(code) == {"pandas"}


def test_arrow_reads_memory_of_its_own(opened: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of Arrow that drops a Python object while the interpreter ends aborts the process (SIGABRT)."""
    given: list[object] = []
    opens = pq.ParquetFile.__init__

    def spied(self: pq.ParquetFile, source: object, **options: Any) -> None:
        given.append(source)
        opens(self, source, **options)

    monkeypatch.setattr(pq.ParquetFile, "__init__", spied)
    opened.arrow("ranking_size")
    assert [type(source) for source in given] == [pa.BufferReader]
    before = pa.total_allocated_bytes()
    large = arrow_file(bytes(1_000_000))
    assert pa.total_allocated_bytes() - before >= large.size()


def test_every_public_name_is_there() -> None:
    assert gii_pipeline.open_release is open_release
    assert all(getattr(releases, name) is not None for name in releases.__all__)
    for module in (gii_pipeline, releases):
        with pytest.raises(AttributeError, match="no_such_name"):
            _ = module.no_such_name


def test_tables_come_as_pandas_arrow_and_geodataframe(opened: Release) -> None:
    assert set(opened.tables) == {*RELEASE_TABLES, "ranking"}
    for name in opened.tables:
        arrow, frame = opened.arrow(name), opened.table(name)
        assert isinstance(arrow, pa.Table)
        assert isinstance(frame, pd.DataFrame)
        assert list(frame.columns) == arrow.column_names
        assert len(frame) == arrow.num_rows
    footprints = opened.geo()
    assert isinstance(footprints, gpd.GeoDataFrame)
    assert footprints.geometry.is_valid.all()


def test_a_root_may_be_a_path_or_text(published: Path) -> None:
    assert open_release(str(published)).folder == open_release(published).folder == published / "releases" / "v2025.2"


def test_a_release_says_what_it_is(opened: Release) -> None:
    assert (str(opened.version), opened.label, opened.maturity, opened.withdrawn) == ("v2025.2", "2025", "final", None)
    assert opened.settings["radius_km"]["value"] == 15.0
    assert opened.lock["code"] == {"ranking": "0.1.0"}


def test_types_do_not_depend_on_which_values_are_null(tmp_path: Path) -> None:
    """Edition 2017 has no figure for deals and no previous edition: the columns are there all the same."""
    write_and_release(tmp_path, "2017")
    write_and_release(tmp_path, "2025")
    old, new = (open_release(tmp_path, label) for label in ("2017", "2025"))
    for name in new.tables:
        assert old.table(name).dtypes.to_dict() == new.table(name).dtypes.to_dict()
        assert old.arrow(name).schema.equals(new.arrow(name).schema)
    assert str(old.table("ranking_size")["vc_deals_rank"].dtype) == "Int32"
    assert old.table("ranking_size")["vc_deals_rank"].isna().all()
    assert str(old.table("ranking_size")["rank"].dtype) == "int32"


def test_units_and_descriptions_come_with_arrow(opened: Release) -> None:
    field = opened.arrow("ranking_size").schema.field("intensity_score")
    column = next(c for c in contracts.load("ranking_size").columns if c.name == "intensity_score")
    assert field.metadata[b"description"].decode() == column.description
