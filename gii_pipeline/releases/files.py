"""The files of a version that are made for one kind of reader: CSV, XLSX, SQLite, GeoJSON.

Belongs here: those formats, the same bytes for the same tables. Does not: Parquet (see `store`), or texts (`about`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from gii_pipeline.releases.wide import rounded

DEGREES_DECIMALS = 6  # about 0.1 m
BOM = b"\xef\xbb\xbf"
_FORMULA = r"^[=+\-@\t\r]"
SQLITE_TYPES = {pa.int32(): "INTEGER", pa.int64(): "INTEGER", pa.float64(): "REAL", pa.bool_(): "INTEGER"}


def write_csv(table: pa.Table, path: Path, about: Mapping[str, Any], *, for_excel: bool = False) -> None:
    """UTF-8 with a header; a null is an empty field. Figures are rounded as their unit asks.

    A text that a spreadsheet would take for a formula begins with an apostrophe.
    about: facts of the release; they and the columns go to a file of the same name that ends in `.metadata.json`
    (CSV on the Web). for_excel: with a byte-order mark.
    """
    table = rounded(table)
    table = pa.table([_no_formula(column) for column in table.columns], schema=table.schema)
    with path.open("wb") as file:
        file.write(BOM if for_excel else b"")
        pa_csv.write_csv(table, file, pa_csv.WriteOptions(quoting_style="needed"))
    columns = [{"name": f.name, "titles": f.name, "datatype": str(f.type), **_words(f)} for f in table.schema]
    described = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": path.name,
        "dc:title": about["title"],
        "gii:release": dict(about),
        "tableSchema": {"columns": columns},
    }
    text = json.dumps(described, indent=1, ensure_ascii=False)
    path.with_name(f"{path.name}.metadata.json").write_text(f"{text}\n", encoding="utf-8")


def _no_formula(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring_regex(column, _FORMULA, r"'\0") if pa.types.is_string(column.type) else column


def _words(field: pa.Field) -> dict[str, str]:
    metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    known = {"dc:description": metadata.get("description"), "gii:unit": metadata.get("unit")}
    return {name: word for name, word in known.items() if word}


def write_xlsx(table: pa.Table, path: Path, about: Mapping[str, Any]) -> None:
    """One sheet of the table, one of its columns' descriptions and units, one about the release."""
    import xlsxwriter  # noqa: PLC0415

    options = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
    with xlsxwriter.Workbook(path, options) as book:
        book.set_properties({"title": str(about["title"]), "created": datetime(2000, 1, 1, tzinfo=UTC)})
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet("ranking")
        sheet.freeze_panes(1, 4)
        sheet.autofilter(0, 0, table.num_rows, table.num_columns - 1)
        for place, (field, column) in enumerate(zip(table.schema, rounded(table).columns, strict=True)):
            sheet.set_column(place, place, 30 if pa.types.is_string(field.type) else 13)
            sheet.write(0, place, field.name, bold)
            for row, value in enumerate(column.to_pylist(), 1):
                _write_cell(sheet, row, place, value)
        columns = [(f.name, *(_words(f).get(key, "") for key in ("dc:description", "gii:unit"))) for f in table.schema]
        for name, rows in (("columns", columns), ("about", [(key, str(value)) for key, value in about.items()])):
            sheet = book.add_worksheet(name)
            sheet.set_column(0, 2, 40)
            for row, cells in enumerate(rows):
                for place, cell in enumerate(cells):
                    sheet.write_string(row, place, cell)


def _write_cell(sheet: Any, row: int, place: int, value: object) -> None:  # noqa: ANN401
    """A text is never read as a formula, a number or a link."""
    if isinstance(value, str):
        sheet.write_string(row, place, value)
    elif value is not None:
        sheet.write_number(row, place, value)


def write_sqlite(tables: Mapping[str, pa.Table], path: Path, about: Mapping[str, Any]) -> None:
    """An SQLite database of the tables, and of what the release says of itself in the table `about`."""
    with sqlite3.connect(path) as connection:
        for name, table in tables.items():
            columns = ", ".join(f'"{f.name}" {SQLITE_TYPES.get(f.type, "TEXT")}' for f in table.schema)
            connection.execute(f'CREATE TABLE "{name}" ({columns})')
            places = ", ".join("?" * table.num_columns)
            rows = (tuple(row.values()) for row in table.to_pylist())
            connection.executemany(f'INSERT INTO "{name}" VALUES ({places})', rows)
        connection.execute("CREATE TABLE about (fact TEXT PRIMARY KEY, value TEXT)")
        facts = [(key, str(value)) for key, value in about.items()]
        connection.executemany("INSERT INTO about VALUES (?, ?)", facts)
    connection.close()


def write_geojson(footprints: pa.Table, path: Path, ranking: pa.Table, about: Mapping[str, Any]) -> None:
    """GeoJSON (RFC 7946) of a table with WKB in `geometry`: one feature per row, the other columns its properties.

    ranking: `ranking_size`; each feature has its `rank`, null where the cluster is not ranked, and `is_ranked`.
    about: facts of the release, as the member `gii_release`.
    """
    import shapely  # noqa: PLC0415

    shapes = shapely.from_wkb(footprints["geometry"].to_pylist())
    shapes = shapely.orient_polygons(shapely.transform(shapes, lambda points: points.round(DEGREES_DECIMALS)))
    ranks = dict(zip(ranking["cluster_id"].to_pylist(), ranking["rank"].to_pylist(), strict=True))
    rows = [
        {**row, "rank": ranks.get(row["cluster_id"]), "is_ranked": row["cluster_id"] in ranks}
        for row in rounded(footprints.drop_columns("geometry")).to_pylist()
    ]
    features = [
        {"type": "Feature", "id": row.get("cluster_id"), "properties": row, "geometry": json.loads(text)}
        for row, text in zip(rows, shapely.to_geojson(shapes), strict=True)
    ]
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False, allow_nan=False) for feature in features)
    release = json.dumps(dict(about), ensure_ascii=False)
    text = f'{{"type": "FeatureCollection", "gii_release": {release}, "features": [\n{lines}\n]}}\n'
    path.write_text(text, encoding="utf-8")
