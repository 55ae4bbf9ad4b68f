"""Leaves: of a Parquet file with nested columns, only the leaf columns that a reader needs.

Belongs here: which leaves a reader's columns are, and a file of these alone. Does not: what they mean.

DuckDB reads a list of structs whole. A part of which only the needed columns were fetched has no others, and of one
that is complete the rest would be most of the work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from duckdb.sqltypes import DuckDBPyType

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import files as reading

_BATCH_ROWS: Final = 16_384


def name_of(columns: Mapping[str, str]) -> str:
    """The same for the same columns (name -> DuckDB type)."""
    return hashlib.sha256(json.dumps(sorted(columns.items())).encode()).hexdigest()[:16]


def leaves(schema: pa.Schema, columns: Mapping[str, str]) -> list[int]:
    """The places of the leaf columns that `columns` (name -> DuckDB type) need, among all leaves of a schema."""
    found, start = list[int](), 0
    for field in schema:
        want = duckdb.sqltype(columns[field.name]) if field.name in columns else None
        found += _leaves(field.type, want, start)
        start += _size(field.type)
    return found


def _leaves(have: pa.DataType, want: DuckDBPyType | None, start: int) -> list[int]:
    """The wanted leaves of a type whose first leaf has the place `start`.

    A struct of which no part is wanted that it has keeps its first leaf, which says where the struct is null.
    """
    if want is None:
        return []
    parts = _parts(have)
    if not parts:
        return [start]
    children = dict(want.children) if want.id in {"struct", "list"} else {}
    found: list[int] = []
    place = start
    for name, kind in parts:
        # What is wanted of nested values as one value, JSON for instance, is all of it.
        wanted = _type(children.get("child" if want.id == "list" else name)) if children else want
        found += _leaves(kind, wanted, place)
        place += _size(kind)
    return found or [start]


def _parts(kind: pa.DataType) -> list[tuple[str, pa.DataType]]:
    """The types within a nested type; none within others."""
    if pa.types.is_struct(kind):
        return [(field.name, field.type) for field in kind]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [("child", kind.value_type)]
    if pa.types.is_map(kind):
        return [("key", kind.key_type), ("value", kind.item_type)]
    return []


def _size(kind: pa.DataType) -> int:
    return sum(_size(part) for _, part in _parts(kind)) or 1


def _type(child: object) -> DuckDBPyType | None:
    return child if isinstance(child, DuckDBPyType) else None


def projected(con: duckdb.DuckDBPyConnection, path: Path, columns: Mapping[str, str]) -> Path:
    """A Parquet file of the needed leaves alone, in the connection's temporary folder; other files as they are.

    Raises InputError where the file is truncated or damaged.
    """
    if reading.magic(path) != "parquet":
        return path
    schema = reading.parquet_schema(path)
    if len(set(schema.names)) < len(schema.names):
        return path
    try:
        with pq.ParquetFile(path) as file:
            wanted = leaves(file.schema.to_arrow_schema(), columns)
            if not wanted or len(wanted) == file.metadata.num_columns:
                return path
            target = reading.scratch(con) / f"{path.name}-{path.stat().st_mtime_ns}-{name_of(columns)}.parquet"
            if not target.exists():
                _write(file, [file.schema.column(leaf).path for leaf in wanted], target)
            return target
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: the Parquet file is truncated or damaged ({error}). Fetch it again") from error


def _write(file: pq.ParquetFile, names: list[str], target: Path) -> None:
    staged = target.with_suffix(".staged")
    schema = file.read_row_groups([], columns=names).schema
    with pq.ParquetWriter(staged, schema, compression="lz4") as writer:
        for batch in file.iter_batches(_BATCH_ROWS, columns=names):
            writer.write_batch(batch)
    staged.replace(target)
