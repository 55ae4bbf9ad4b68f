"""What publishing does with a table whose content or recipe is there already; no run, the store alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from gii_pipeline import contracts
from gii_pipeline.defs.costs import Meter
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.publishing import Audit, publish
from gii_pipeline.defs.release import release_edition
from gii_pipeline.errors import GiiError, ReleaseError
from gii_pipeline.profiles import read_profile
from gii_pipeline.store import Lock, Store, made, read_footer, read_lock, write_parquet
from gii_pipeline.verified import damage

TABLE, PARTITION = "geocoding_quality", "2020"
OLD = Lock(
    {"openalex": {"2020": ("ab",)}},
    settings="s",
    code={"geocoding": "1"},
    contracts={TABLE: "1.0.0"},
    inputs={"publications of 2020": "c"},
)
NEWER = replace(OLD, code={"geocoding": "2"})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def _rows(records: int) -> pa.Table:
    row = {
        "metric": "scientific_publications",
        "data_year": 2020,
        "status": "located",
        "economy": "FR",
        "outcome": "city",
        "precision": "city",
        "records": records,
        "people": 2 * records,
        "fraction": float(records),
        "share_pct": 100.0,
    }
    return pa.Table.from_pylist([row], schema=contracts.load(TABLE).arrow_schema)


def _publish(store: Store, rows: pa.Table, lock: Lock) -> Path:
    audit = Audit(PARTITION, {"data_year": 2020, "retrieved_year": 2026})
    results = list(publish(store, audit, {TABLE: rows}, lock, meter=Meter()))
    assert [result.passed for result in results if isinstance(result, dg.AssetCheckResult)] == [True]
    return store.partition(TABLE, PARTITION)


def test_equal_content_keeps_file_and_bytes_and_notes_the_new_recipe(store: Store) -> None:
    path = _publish(store, _rows(10), OLD)
    written, content, state = path.read_bytes(), made(path).content, path.stat()
    _publish(store, _rows(10), NEWER)
    assert path.read_bytes() == written
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (state.st_ino, state.st_mtime_ns)
    assert read_footer(path) == OLD
    assert read_lock(path) == NEWER
    assert made(path).content == content
    assert damage(path) is None


def test_another_recipe_with_other_content_replaces_the_file(store: Store) -> None:
    path = _publish(store, _rows(10), OLD)
    before = made(path).content
    _publish(store, _rows(11), NEWER)
    assert made(path).content != before
    assert read_footer(path) == read_lock(path) == NEWER
    assert damage(path) is None


def test_the_same_recipe_with_other_content_is_an_error_and_the_table_stays(store: Store) -> None:
    path = _publish(store, _rows(10), OLD)
    written = path.read_bytes()
    with pytest.raises(GiiError, match=r"geocoding_quality of 2020 .* something outside its recipe"):
        _publish(store, _rows(11), OLD)
    assert path.read_bytes() == written
    assert read_lock(path) == OLD


@pytest.mark.parametrize("again", [OLD, NEWER], ids=["the first", "the noted"])
def test_every_recipe_on_record_counts_as_one_of_the_table(store: Store, again: Lock) -> None:
    _publish(store, _rows(10), OLD)
    path = _publish(store, _rows(10), NEWER)
    with pytest.raises(GiiError, match="something outside its recipe"):
        _publish(store, _rows(11), again)
    assert read_lock(path) == NEWER


def test_a_damaged_table_is_made_again_by_the_recipe_that_it_had(store: Store) -> None:
    path = _publish(store, _rows(10), OLD)
    written = path.read_bytes()
    path.write_bytes(written[:-8] + bytes(8))
    assert _publish(store, _rows(10), OLD).read_bytes() == written
    assert damage(path) is None


def test_an_edition_of_another_version_of_the_pipeline_is_not_released_and_says_what_makes_it_again(
    store: Store,
) -> None:
    pipeline = Pipeline(read_profile("open"), store.root)
    path = store.edition("coverage", "2025")
    with store.staging() as folder:
        older = contracts.load("coverage", pipeline.registry).arrow_schema.empty_table().drop_columns(["metric"])
        write_parquet(older, folder / "coverage.parquet")
        store.promote({folder / "coverage.parquet": path})
    with pytest.raises(ReleaseError, match=r"coverage.*metric missing.*`gii run --edition 2025` to make it again"):
        release_edition(pipeline, "2025")
