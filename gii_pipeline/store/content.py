"""Content hashes: what a table says, whatever file it is in.

Belongs here: one sha256 over names, types and values of an Arrow table, and of a stored file.
Does not: comparing releases.

A Parquet file names the library that wrote it, so its bytes change with pyarrow. This hash does not: it covers column
names, types, nulls, values and the order of rows, and nothing of schema metadata, chunks or encodings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gii_pipeline.errors import InputError

_FIXED = {pa.int32(): "<i4", pa.int64(): "<i8", pa.float64(): "<f8", pa.bool_(): "<u1"}
_NAMES = {
    pa.int32(): "int32",
    pa.int64(): "int64",
    pa.float64(): "float64",
    pa.bool_(): "bool",
    pa.string(): "string",
    pa.large_string(): "string",
    pa.binary(): "binary",
    pa.large_binary(): "binary",
}


def content_sha256(table: pa.Table) -> str:
    """Sha256 of a table's content; InputError for a column type that no table of a release has.

    >>> one = pa.table({"rank": pa.array([1, 2], pa.int32())})
    >>> content_sha256(one) == content_sha256(pa.concat_tables([one.slice(0, 1), one.slice(1, 1)]))
    True
    """
    digest = hashlib.sha256()
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.type not in _NAMES:
            raise InputError(
                f"column {name} is of type {column.type}; a released table holds {sorted(set(_NAMES.values()))}."
            )
        digest.update(f"{name}\0{_NAMES[column.type]}\0{len(column)}\0".encode())
        for part in _parts(column):
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def file_content(path: Path, *, figures: Collection[bytes]) -> str:
    """Sha256 of what a Parquet file of ours contains: its row groups, one at a time, and the figures in its footer.

    figures: keys of the footer that count like rows.
    """
    with pq.ParquetFile(path) as file:
        said = file.schema_arrow.metadata or {}
        digest = hashlib.sha256(repr([(key, said.get(key)) for key in sorted(figures)]).encode())
        for group in range(file.num_row_groups):
            digest.update(content_sha256(file.read_row_group(group)).encode())
        if file.num_row_groups == 0:
            digest.update(content_sha256(file.schema_arrow.empty_table()).encode())
    return digest.hexdigest()


def _parts(column: pa.ChunkedArray) -> Iterator[np.ndarray]:
    """Validity, then values with every null the same: as numbers, or as lengths and bytes one after the other."""
    yield np.packbits(_numpy(pc.is_valid(column)), bitorder="little")
    if dtype := _FIXED.get(column.type):
        values = _numpy(pc.fill_null(column, False if pa.types.is_boolean(column.type) else 0)).astype(dtype)
        if values.dtype.kind == "f":
            values[np.isnan(values)] = np.nan  # one bit pattern
        yield values
        return
    values = pc.fill_null(column.cast(pa.large_binary()), b"")
    yield _numpy(pc.binary_length(values)).astype("<i8")
    for chunk in filter(len, values.chunks):
        _, ends, text = chunk.buffers()
        bounds = np.frombuffer(ends, dtype="i8", count=len(chunk) + 1, offset=8 * chunk.offset)
        if length := bounds[-1] - bounds[0]:
            yield np.frombuffer(text, dtype="u1", count=length, offset=bounds[0])


def _numpy(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.to_numpy())
