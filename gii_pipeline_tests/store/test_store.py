"""A partition is the old file or the new one; the same table is the same bytes; a lock travels with its table."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gii_pipeline.errors import InputError, MissingYearsError
from gii_pipeline.store import LOCK_KEY, Lock, Store, read_lock, split_label, write_parquet


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_table_gives_the_same_bytes_however_it_came_to_be(tmp_path: Path) -> None:
    frame = pd.DataFrame({"place": ["Łódź", "Oslo"], "people": [3, 4]})
    table = pa.table({"place": ["Łódź", "Oslo"], "people": [3, 4]})
    write_parquet(pa.Table.from_pandas(frame, schema=table.schema), tmp_path / "a.parquet")
    write_parquet(pa.concat_tables([table[:1], table[1:]]), tmp_path / "b.parquet")
    assert _sha256(tmp_path / "a.parquet") == _sha256(tmp_path / "b.parquet")


def test_a_written_table_carries_no_pandas_block(tmp_path: Path) -> None:
    write_parquet(pa.Table.from_pandas(pd.DataFrame({"people": [1]})), tmp_path / "a.parquet")
    assert b"pandas" not in pq.read_schema(tmp_path / "a.parquet").metadata


def test_a_table_with_a_geometry_is_geoparquet(tmp_path: Path) -> None:
    square = shapely.box(8, 47, 9, 48)
    write_parquet(pa.table({"cluster_id": ["x"], "geometry": [shapely.to_wkb(square)]}), tmp_path / "a.parquet")
    frame = gpd.read_parquet(tmp_path / "a.parquet")
    assert frame.crs == "OGC:CRS84"
    assert frame.geometry[0].equals(square)
    geo = json.loads(pq.read_schema(tmp_path / "a.parquet").metadata[b"geo"])
    assert geo["columns"]["geometry"]["bbox"] == [8, 47, 9, 48]


def test_an_empty_table_with_a_geometry_is_geoparquet_too(tmp_path: Path) -> None:
    write_parquet(pa.table({"geometry": pa.array([], pa.binary())}), tmp_path / "a.parquet")
    assert len(gpd.read_parquet(tmp_path / "a.parquet")) == 0


def test_promotion_replaces_a_partition_and_staging_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for people in (1, 2):
        with store.staging() as folder:
            write_parquet(pa.table({"people": [people]}), folder / "patents.parquet")
            store.promote({folder / "patents.parquet": store.core("patents", 2024)})
    assert pq.read_table(store.core("patents", 2024)).column("people").to_pylist() == [2]
    assert list((tmp_path / ".staging").iterdir()) == []


def test_what_a_killed_process_staged_is_swept_and_what_a_living_one_stages_is_not(tmp_path: Path) -> None:
    staging = "import sys, time; from pathlib import Path; from gii_pipeline.store import Store\n"
    staging += "with Store(Path(sys.argv[1])).staging() as folder: print(folder, flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", staging, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        with Store(tmp_path).staging() as ours:
            assert set((tmp_path / ".staging").iterdir()) == {theirs, ours}
        other.kill()
    with Store(tmp_path).staging() as ours:
        assert list((tmp_path / ".staging").iterdir()) == [ours]


def test_a_staged_file_that_is_gone_promotes_none_of_the_others(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.staging() as folder:
        write_parquet(pa.table({"people": [1]}), folder / "patents.parquet")
        targets = {
            folder / "patents.parquet": store.core("patents", 2024),
            folder / "gone.parquet": store.core("locations", 2024),
        }
        with pytest.raises(FileNotFoundError):
            store.promote(targets)
    assert not store.core("patents", 2024).exists()


def test_missing_years_are_all_named_with_the_command_that_makes_them(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_parquet(pa.table({"people": [1]}), store.core("patents", 2021))
    with pytest.raises(MissingYearsError, match=r"`patents` lacks data years 2020,2022.*gii ingest --years 2020,2022"):
        store.core_years("patents", [2020, 2021, 2022])


def test_an_edition_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Edition 2024@2025 has no table `points`"):
        Store(tmp_path).existing_edition("points", "2024@2025")


def test_labels_and_paths_of_partitions() -> None:
    store = Store(Path("root"))
    assert split_label("2025") == (2025, 2025)
    assert split_label("2024@2025") == (2024, 2025)
    assert store.partition("points", "2024@2025") == Path(
        "root/editions/points/edition=2024/method=2025/part-0.parquet"
    )
    assert store.partition("patents", "2024") == Path("root/core/patents/data_year=2024/part-0.parquet")


def test_a_lock_is_read_back_from_the_table_that_carries_it(tmp_path: Path) -> None:
    lock = Lock({"ror": {"all": ("ab", "cd")}}, settings="s", code={"points": "ab"}, contracts={"patents": "1.0.0"})
    write_parquet(pa.table({"people": [1]}), tmp_path / "a.parquet", {LOCK_KEY: lock.to_bytes()})
    assert read_lock(tmp_path / "a.parquet") == lock


def test_a_table_without_a_lock_is_refused(tmp_path: Path) -> None:
    write_parquet(pa.table({"people": [1]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="carries no lock"):
        read_lock(tmp_path / "a.parquet")


HASHES = st.text("0123456789abcdef", min_size=4, max_size=4)
LOCKS = st.builds(
    Lock,
    st.dictionaries(
        st.sampled_from(["ror", "openalex", "regpat"]),
        st.dictionaries(st.sampled_from(["all", "2023", "2024"]), st.lists(HASHES, max_size=3).map(tuple), max_size=2),
        max_size=2,
    ),
)


@given(st.lists(LOCKS, max_size=4), st.randoms())
def test_merging_locks_does_not_depend_on_their_order(locks: list[Lock], random: object) -> None:
    shuffled = list(locks)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert Lock().with_sources_of(locks).to_bytes() == Lock().with_sources_of(shuffled).to_bytes()


@given(LOCKS, LOCKS)
def test_a_merged_lock_holds_every_hash_of_both(a: Lock, b: Lock) -> None:
    merged = Lock().with_sources_of([a, b]).sources
    for lock in (a, b):
        for source, years in lock.sources.items():
            for year, hashes in years.items():
                assert set(hashes) <= set(merged[source][year])
