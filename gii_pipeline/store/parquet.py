"""Deterministic Parquet: the same table gives the same bytes.

Belongs here: the one way in which this project writes a Parquet file and reads one whole.
Does not: sorting. A caller hands over rows sorted by the table's key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

ROW_GROUP_ROWS = 1_048_576


def write_parquet(table: pa.Table, path: Path, metadata: Mapping[bytes, bytes] | None = None) -> None:
    """Write `table` to a new file at `path`, its folder made if need be.

    metadata: added to the schema's own; a `pandas` block is left out, since it names library versions.
    A binary column `geometry` (WKB, longitude and latitude) makes the file GeoParquet 1.1.
    """
    kept = {key: value for key, value in (table.schema.metadata or {}).items() if key != b"pandas"}
    if "geometry" in table.column_names:
        kept[b"geo"] = json.dumps(_geo(table["geometry"]), sort_keys=True).encode()
    table = table.replace_schema_metadata({**kept, **(metadata or {})})
    with _writer(path, table.schema) as writer:
        writer.write_table(table, row_group_size=ROW_GROUP_ROWS)


def no_pattern(path: Path | str) -> str:
    """A path in which DuckDB sees no pattern: `*`, `?` and `[` stand for themselves."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def read_parquet(path: Path) -> pa.Table:
    """One file as it is: the names of the folders above it give no column."""
    with pq.ParquetFile(path) as file:
        return file.read()


def write_batches(
    batches: Iterable[pa.RecordBatch], path: Path, schema: pa.Schema, metadata: Mapping[bytes, bytes] | None = None
) -> None:
    """Write record batches as they come, for tables that are larger than memory; a row group each.

    schema: what the columns are cast to, by name; metadata: added to the schema's own.
    """
    schema = schema.with_metadata({**(schema.metadata or {}), **(metadata or {})})
    with _writer(path, schema) as writer:
        for batch in batches:
            writer.write_table(pa.Table.from_batches([batch]).select(schema.names).cast(schema))


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    path.parent.mkdir(parents=True, exist_ok=True)
    return pq.ParquetWriter(path, schema, compression="zstd", write_page_index=True)


def _geo(geometry: pa.ChunkedArray) -> dict[str, object]:
    """The `geo` block of https://geoparquet.org/releases/v1.1.0; without a `crs` it means OGC:CRS84."""
    shapes = shapely.from_wkb(geometry.to_numpy(zero_copy_only=False))
    column: dict[str, object] = {
        "encoding": "WKB",
        "geometry_types": sorted({shape.geom_type for shape in shapes}),
        "edges": "planar",
    }
    if len(shapes):
        column["bbox"] = [float(bound) for bound in shapely.total_bounds(shapes)]
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
