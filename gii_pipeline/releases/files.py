"""The files of a version that are made for one kind of reader: CSV, GeoJSON, the lock as JSON.

Belongs here: those formats, the same bytes for the same tables. Does not: Parquet (see `store`).
"""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

_FORMULA = r"^[=+\-@\t\r]"
DEGREES_DECIMALS = 6  # about 0.1 m


def write_csv(table: pa.Table, path: Path) -> None:
    """UTF-8 with a header; a null is an empty field, numbers are written so that they read back the same.

    A text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    for index, column in enumerate(table.columns):
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            table = table.set_column(
                index, table.schema.field(index), pc.replace_substring_regex(column, _FORMULA, r"'\0")
            )
    pa_csv.write_csv(table, path, pa_csv.WriteOptions(quoting_style="needed"))


def write_geojson(footprints: pa.Table, path: Path) -> None:
    """GeoJSON (RFC 7946) of a table with WKB in `geometry`: one feature a row, the other columns its properties."""
    import shapely  # noqa: PLC0415

    shapes = shapely.from_wkb(footprints["geometry"].to_pylist())
    shapes = shapely.orient_polygons(shapely.transform(shapes, lambda points: points.round(DEGREES_DECIMALS)))
    rows = footprints.drop_columns("geometry").to_pylist()
    features = [
        {"type": "Feature", "id": row.get("cluster_id"), "properties": row, "geometry": json.loads(text)}
        for row, text in zip(rows, shapely.to_geojson(shapes), strict=True)
    ]
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False, allow_nan=False) for feature in features)
    path.write_text(f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n', encoding="utf-8")
