"""A version is what its inputs give: compared by content, whatever library wrote the files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gii_pipeline.errors import InputError, ReleaseError
from gii_pipeline.releases import open_release, rebuild
from gii_pipeline.store import LOCK_KEY, Store
from gii_pipeline.store.content import content_sha256
from gii_pipeline_tests.releases.small_edition import (
    RELEASE_TABLES,
    SHENZHEN,
    lock,
    tables,
    write_and_release,
    write_edition,
)

Lock = Mapping[str, Any]


def test_a_rebuild_from_the_locked_inputs_finds_the_same_content(published: Path) -> None:
    asked = []

    def recompute(label: str, found: Lock, scratch: Path) -> None:
        asked.append((label, found["sources"]["openalex"]["2023"]))
        write_edition(scratch, label, by=lock())

    rebuilt = rebuild(published, "v2025.1", recompute)
    assert asked == [("2025", ["a" * 64])]
    assert rebuilt.same
    assert set(rebuilt.equal) == set(RELEASE_TABLES)


def test_a_rebuild_by_another_writer_finds_the_same_content(published: Path) -> None:
    """Another format version, page size, compression and dictionary: other bytes, the same tables."""

    def recompute(label: str, _found: Lock, scratch: Path) -> None:
        for name, table in tables(label).items():
            path = Store(scratch).edition(name, label)
            path.parent.mkdir(parents=True)
            pq.write_table(
                table.replace_schema_metadata({LOCK_KEY: lock().to_bytes()}),
                path,
                version="1.0",
                compression="gzip",
                use_dictionary=False,
                row_group_size=2,
                store_schema=False,
            )
            assert path.read_bytes() != (published / "releases" / "v2025.1" / f"{name}.parquet").read_bytes()

    assert rebuild(published, "v2025.1", recompute).same


def test_a_rebuild_names_the_tables_that_come_out_differently(published: Path) -> None:
    def recompute(label: str, _found: Lock, scratch: Path) -> None:
        made = tables(label, grown={SHENZHEN: 1.3})
        del made["contributions"]
        write_edition(scratch, label, made)

    rebuilt = rebuild(published, "v2025.1", recompute)
    assert not rebuilt.same
    assert {"points", "cluster_metrics", "ranking_size", "rank_history", "contributions"} <= set(rebuilt.different)
    assert {"clusters", "cluster_members", "cluster_footprints"} <= set(rebuilt.equal)


def test_a_rebuild_that_makes_nothing_says_so(published: Path) -> None:
    with pytest.raises(ReleaseError, match=r"Rebuilding v2025\.1 made no table of edition 2025"):
        rebuild(published, "v2025.1", lambda *_: None)


def test_a_rebuild_quotes_the_history_that_the_version_quoted(tmp_path: Path) -> None:
    """A later revision of an earlier edition does not change what an older version should hold."""
    write_and_release(tmp_path, "2024")
    write_and_release(tmp_path, "2025")
    write_and_release(tmp_path, "2024", digest="e", grown={SHENZHEN: 1.2})
    assert open_release(tmp_path, "v2025.1").lock["history"] == {"2024": "v2024.1"}
    assert rebuild(tmp_path, "v2025.1", lambda label, _, scratch: write_edition(scratch, label)).same


VALUES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.float64(): st.floats(),
    pa.string(): st.text(),
    pa.bool_(): st.booleans(),
    pa.binary(): st.binary(),
}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_content_does_not_depend_on_chunks_or_on_what_lies_under_a_null(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(VALUES, key=str)))
    values = data.draw(st.lists(st.none() | VALUES[kind], max_size=8))
    cut = data.draw(st.integers(0, len(values)))
    whole = pa.table({"a": pa.array(values, kind)})
    parts = pa.table({"a": pa.chunked_array([pa.array(values[:cut], kind), pa.array(values[cut:], kind)])})
    sliced = pa.table({"a": pa.array([None, *values], kind).slice(1)})
    large = {pa.string(): pa.large_string(), pa.binary(): pa.large_binary()}.get(kind, kind)
    same = [whole, parts, sliced, whole.cast(pa.schema([("a", large)])), whole.replace_schema_metadata({"by": "me"})]
    assert len({content_sha256(table) for table in same}) == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.none() | st.text(max_size=3), max_size=5), st.lists(st.none() | st.text(max_size=3), max_size=5))
def test_other_values_have_another_hash(one: list[str | None], other: list[str | None]) -> None:
    hashes = [content_sha256(pa.table({"a": pa.array(values, pa.string())})) for values in (one, other)]
    assert (hashes[0] == hashes[1]) == (one == other)


def test_names_types_and_order_of_columns_are_content() -> None:
    one, two = pa.array([1, 2], pa.int32()), pa.array([3, 4], pa.int32())
    shapes = [
        {"a": one, "b": two},
        {"b": two, "a": one},
        {"a": one, "c": two},
        {"a": one, "b": two.cast(pa.int64())},
        {"a": one.take([1, 0]), "b": two.take([1, 0])},
    ]
    assert len({content_sha256(pa.table(shape)) for shape in shapes}) == len(shapes)


def test_a_type_that_no_released_table_has_is_refused() -> None:
    with pytest.raises(InputError, match="column when is of type date32"):
        content_sha256(pa.table({"when": pa.array([1], pa.date32())}))
