"""Any file that is a table, as columns of text: delimited, Parquet, JSON lines and arrays, workbooks, also packed.

Belongs here: telling the forms apart, the header of each, and SQL for its columns.
Does not: which column is which (see `table_options`, `table`).
"""

from __future__ import annotations

import csv
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import delimited, text
from gii_pipeline.sources.readers import files as reading

SUFFIXES: Final = (
    *reading.DELIMITED,
    ".json",
    ".jsonl",
    ".ndjson",
    ".parquet",
    ".xlsx",
    ".xlsm",
    ".ods",
    ".xls",
    ".gz",
)
_OBJECT_BYTES: Final = 67_108_864
_IN_WORKBOOKS: Final = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")
IsHeader = Callable[[list[str]], bool]


@dataclass(frozen=True)
class Table:
    """One table of a file: its column names, and SQL for columns of it, by what stands after SELECT.

    nested: the columns that are lists or structs, of Parquet. repeated: the names, in small letters, that its header
    has more than once; `columns` numbers them.
    """

    name: str
    columns: list[str]
    select: Callable[[str], str]
    nested: frozenset[str] = frozenset()
    repeated: frozenset[str] = frozenset()


def tables(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    is_header: IsHeader,
    *,
    delimiter: str | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
) -> Iterator[Table]:
    """The tables of a file: one, but for an archive of several files.

    is_header: whether the names of a record, of those at the top of a text or sheet, are the header. Where none is,
    the first record is taken for it.
    """
    if _is_workbook(path):
        yield _of_sheet(con, path, is_header, sheet)
        return
    for member in reading.unpacked(con, [path], SUFFIXES):
        if member != path and _is_workbook(member):
            yield _of_sheet(con, member, is_header, sheet)
        else:
            yield _of_file(con, _as_utf8(con, member, encoding), is_header, delimiter)


def _as_utf8(con: duckdb.DuckDBPyConnection, path: Path, encoding: str | None) -> Path:
    """The file, or a copy of it in UTF-8 where it is text in another encoding: one that is named, or JSON in UTF-16."""
    if reading.magic(path) == "parquet":
        return path
    start = reading.start_of(path)
    known = text.unicode_of(start)
    if not encoding and not (known and start.decode(known, "ignore").lstrip("\ufeff \r\n\t")[:1] in ("{", "[")):
        return path
    return text.transcoded(reading.opened, path, encoding or str(known), reading.scratch(con))


def _of_file(con: duckdb.DuckDBPyConnection, path: Path, is_header: IsHeader, delimiter: str | None) -> Table:
    if reading.magic(path) == "parquet":
        schema = reading.parquet_schema(path)
        nested = frozenset(field.name for field in schema if pa.types.is_nested(field.type))
        return Table(path.name, list(schema.names), lambda s: f"(SELECT {s} FROM {reading.parquet(path)})", nested)
    if reading.first_sign(path) in (b"{", b"["):
        return _of_json(con, path)
    head, separator = _header(path, is_header, delimiter)
    return Table(
        path.name,
        delimited.unique(head.names),
        lambda s: delimited.scan(con, path, separator, head, lambda _: s),
        repeated=frozenset(name for name, times in Counter(map(str.casefold, head.names)).items() if times > 1),
    )


def _header(path: Path, is_header: IsHeader, delimiter: str | None) -> tuple[text.Header, str]:
    """The header, and the separator that gives it, or else most columns."""
    separators = [delimiter] if delimiter else list(text.SEPARATORS)
    for separator in separators:
        if head := text.header(reading.opened, path, separator, is_header):
            return head, separator
    first = {separator: text.Header(delimited.header(path, separator), 0) for separator in separators}
    separator = max(first, key=lambda key: len(first[key].names))
    return first[separator], separator


def _of_json(con: duckdb.DuckDBPyConnection, path: Path) -> Table:
    given = f"{reading.file_list([path])}, compression = '{reading.compression(path)}', hive_partitioning = false"
    is_array = reading.first_sign(path) == b"["
    form = f"format = '{'array' if is_array else 'unstructured'}', maximum_object_size = {_OBJECT_BYTES}"
    found = con.sql(f"DESCRIBE FROM read_json({given}, {form}, records = true, maximum_depth = 1, sample_size = -1)")
    columns = [str(name) for name, *_ in found.fetchall()]
    types = ", ".join(f"{reading.quoted(name)}: 'VARCHAR'" for name in columns)
    return Table(path.name, columns, lambda s: f"(SELECT {s} FROM read_json({given}, {form}, columns = {{{types}}}))")


def _is_workbook(path: Path) -> bool:
    kind = reading.magic(path)
    if kind != "zip":
        return kind == "xls"
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name in _IN_WORKBOOKS for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def _of_sheet(con: duckdb.DuckDBPyConnection, path: Path, is_header: IsHeader, sheet: str | None) -> Table:
    """The table of the sheet named, or of the only one that has the header."""
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        names = [sheet] if sheet else list(workbook.sheet_names)
        if sheet and sheet not in workbook.sheet_names:
            raise InputError(f"{path}: there is no sheet {sheet!r}. It has: {', '.join(workbook.sheet_names)}")
        rows = {
            name: [[_cell(value) for value in row] for row in workbook.get_sheet_by_name(name).to_python()]
            for name in names
        }
    except (CalamineError, OSError) as error:
        raise InputError(f"{path}: the workbook cannot be read: {error}. Save it again without a password") from error
    filled = {name: found for name, found in rows.items() if any(map(any, found))}
    heads = {
        name: at
        for name, found in filled.items()
        for at in [next((n for n, row in enumerate(found[: text.TITLE_ROWS]) if is_header(row)), None)]
        if at is not None
    }
    if len(heads) > 1:
        raise InputError(
            f"{path}: the sheets {', '.join(map(repr, heads))} all have the columns. Choose one in the profile "
            "(`options: {sheet: NAME}`), or save them as separate files"
        )
    if not filled:
        raise InputError(f"{path}: every sheet is empty")
    name, at = next(iter(heads.items()), (next(iter(filled)), 0))
    return _of_file(con, _saved(con, path, name, filled[name][at:]), is_header, ",")


def _saved(con: duckdb.DuckDBPyConnection, path: Path, sheet: str, rows: list[list[str]]) -> Path:
    saved = reading.scratch(con) / f"{path.stem}-{abs(hash((str(path), sheet)))}.csv"
    with saved.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(row for row in rows if any(row))
    return saved


def _cell(value: object) -> str:
    """A cell as text: dates as ISO 8601, whole numbers without a fraction."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value).strip()
