from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gii_pipeline.counting import connect
from gii_pipeline.counting.engine import read_core
from gii_pipeline.errors import InputError


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


def test_the_years_of_a_core_table_are_read_together_and_folders_give_no_column(tmp_path: Path) -> None:
    files = [tmp_path / "economy=US" / f"data_year={year}.parquet" for year in (2020, 2021)]
    files[0].parent.mkdir()
    for number, file in enumerate(files):
        pd.DataFrame({"record_id": [f"record {number}"]}).to_parquet(file)
    assert sorted(read_core(connect(), files).to_pandas()["record_id"]) == ["record 0", "record 1"]
    assert read_core(connect(), files[:1]).columns == ("record_id",)
