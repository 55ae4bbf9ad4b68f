"""Objects of OpenAlex as a table, out of JSON lines, JSON arrays, Parquet parts, pages of the API or single objects.

Belongs here: telling these formats apart, and SQL that reads the given columns of each.
Does not: what the columns mean (see `openalex_works`, `openalex_institutions`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import files as reading

_BOM = b"\xef\xbb\xbf"
_PAGE = re.compile(rb'\s*\{\s*"(meta|results|group_by)"\s*:')
_OBJECT_ON_A_LINE = re.compile(rb'\s*\{[ \t]*"id"\s*:')
_RESULTS: Final = re.compile(r'"results"\s*:\s*\[\s*')
_BETWEEN: Final = re.compile(r"[\s,]*")
_DECODER: Final = json.JSONDecoder()
_FIRST_OBJECTS: Final = 20
_OBJECT_BYTES: Final = 33_554_432  # of a work with thousands of authors; a thread's buffer is twice this
_LEAST_PAGE_BYTES: Final = 4_194_304


def scan(paths: list[Path], columns: Mapping[str, str]) -> str:
    """SQL for the columns (name -> DuckDB type) of the objects in all files, whatever their format.

    A column that a file does not have is null, and so is a field within a column.
    """
    scans: dict[tuple[str, str], list[Path]] = {}
    for path in paths:
        scans.setdefault(_format(path), []).append(path)
    parts = []
    for (form, compression), group in sorted(scans.items()):
        if form == "parquet":
            parts += [_parquet(path, columns) for path in group]
        elif form == "page":
            parts.append(_pages(group, compression, columns))
        else:
            parts.append(_objects(group, form, compression, columns))
    return " UNION ALL BY NAME ".join(parts)


def refuse_others(
    con: duckdb.DuckDBPyConnection, files: Mapping[Path, Path], kind: str, fields: tuple[str, ...]
) -> None:
    """Raise InputError where a file has objects and none has one of the fields that objects of its kind have.

    files: file -> what of it can be read; of a Parquet file of which only some columns came the others are holes.
    """
    for path, readable in files.items():
        if any(_value(first, [field]) is not None for first in _first_objects(path) for field in fields):
            continue
        objects = scan([readable], {"id": "VARCHAR", **dict.fromkeys(fields, "JSON")})
        known = " OR ".join(f"{field} IS NOT NULL" for field in fields)
        if not _has(con, objects, known) and _has(con, objects, "true"):
            raise InputError(
                f"{path}: it has no {kind} of OpenAlex; no object has one of {', '.join(fields)}. It is of another "
                f"kind, or an error that a server answered with: name another file in the profile, or fetch it again"
            )


def _has(con: duckdb.DuckDBPyConnection, rows: str, condition: str) -> bool:
    return bool(con.sql(f"FROM ({rows}) WHERE {condition} LIMIT 1").fetchall())


def lacks(con: duckdb.DuckDBPyConnection, path: Path, field: str) -> bool:
    """Whether no object of the file has the field (`primary_location.source.is_core`), though some could.

    An object could have a field if it has what the field is part of.
    """
    *parents, _ = names = field.split(".")
    if any(_value(first, names) is not None for first in _first_objects(path)):
        return False
    kind = "JSON"
    for name in reversed(names[1:]):
        kind = f"STRUCT({reading.column(name)} {kind})"
    # `id` besides, see _pages.
    objects = scan([path], {"id": "VARCHAR", names[0]: kind})
    value, parent = (".".join(map(reading.column, each)) for each in (names, parents or names[:1]))
    return not _has(con, objects, f"{value} IS NOT NULL") and _has(con, objects, f"{parent} IS NOT NULL")


def _first_objects(path: Path) -> list[Any]:
    """Some objects at the start of a page or of JSON lines, for questions that most files answer at once.

    None of another form, and none where the start is broken: reading it all says what is wrong.
    """
    form, _ = _format(path)
    if form not in {"page", "newline_delimited"}:
        return []
    try:
        with reading.opened(path) as file:
            text = file.read(_LEAST_PAGE_BYTES).decode(errors="replace")
    except OSError:  # truncated, or damaged
        return []
    start = _RESULTS.search(text) if form == "page" else _BETWEEN.match(text)
    return list(islice(objects_of(text[start.end() :]), _FIRST_OBJECTS)) if start else []


def objects_of(text: str) -> Iterator[Any]:
    """The JSON values of a text, separated by commas and blanks, up to its end or the first incomplete one."""
    at = 0
    while (gap := _BETWEEN.match(text, at)) and gap.end() < len(text):
        try:
            found, at = _DECODER.raw_decode(text, gap.end())
        except (ValueError, RecursionError):  # truncated, or nested more deeply than any record is
            return
        yield found


def _value(found: object, names: list[str]) -> object:
    """A field within fields of a decoded object; None where one of them does not exist."""
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _format(path: Path) -> tuple[str, str]:
    """(parquet | page | array | newline_delimited | unstructured, compression)."""
    if reading.magic(path) == "parquet":
        return "parquet", ""
    with reading.opened(path) as file:
        start = file.read(4096)
    return _form(path, start), reading.compression(path)


def _form(path: Path, start: bytes) -> str:
    """The form of a file of JSON by its first bytes, and by its first object where these do not say."""
    text = start.removeprefix(_BOM)
    if text.lstrip().startswith(b"["):
        return "array"
    if _PAGE.match(text):
        return "page"
    # Only the format `unstructured` of DuckDB passes over a byte-order mark.
    lines = "unstructured" if text != start else "newline_delimited"
    if _OBJECT_ON_A_LINE.match(text):
        return lines
    on_a_line, keys = _first_object(path)
    if "results" in keys and "authorships" not in keys:
        return "page"
    return lines if on_a_line else "unstructured"


def _first_object(path: Path) -> tuple[bool, set[str]]:
    """Whether the first object is on a line of its own, and its keys; none where the file is blank."""
    with reading.opened(path) as file:
        line = b""
        while not line.strip() and (more := file.readline()):
            line = more.removeprefix(_BOM)
        if not line.strip():
            return True, set()
        try:
            return True, _keys(json.loads(line))
        except RecursionError as error:
            raise InputError(f"{path}: its first object is nested too deeply for any record. Fetch it again") from error
        except ValueError:
            text = (line + file.read(_OBJECT_BYTES)).decode(errors="replace").lstrip()
    try:
        return False, _keys(json.JSONDecoder().raw_decode(text)[0])
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: neither JSON nor Parquet; it begins with {text[:40]!r}. OpenAlex's objects are read as JSON "
            "lines, a JSON array, pages of the API or Parquet: name such a file in the profile, or fetch it again"
        ) from error


def _keys(value: object) -> set[str]:
    return set(value) if isinstance(value, dict) else set()


def _objects(paths: list[Path], form: str, compression: str, columns: Mapping[str, str]) -> str:
    types = ", ".join(f"{name}: {reading.quoted(kind)}" for name, kind in columns.items())
    return (
        f"SELECT * FROM read_json({reading.file_list(paths)}, format = '{form}', columns = {{{types}}}, "
        f"compression = '{compression}', hive_partitioning = false, maximum_object_size = {_OBJECT_BYTES})"
    )


def _pages(paths: list[Path], compression: str, columns: Mapping[str, str]) -> str:
    entity = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    largest = max(_LEAST_PAGE_BYTES, *map(reading.unpacked_bytes, paths))
    # DuckDB 2.0 reads JSON ten to thirty times as slowly for an only column as for two: `meta` is requested too.
    pages = (
        f"SELECT unnest(results) AS entity FROM read_json({reading.file_list(paths)}, format = 'unstructured', "
        f"columns = {{meta: 'JSON', results: {reading.quoted(f'STRUCT({entity})[]')}}}, "
        f"compression = '{compression}', hive_partitioning = false, maximum_object_size = {largest}) "
        "WHERE meta IS NOT NULL OR results IS NOT NULL"
    )
    return f"SELECT unnest(entity) FROM ({pages})"


def _parquet(path: Path, columns: Mapping[str, str]) -> str:
    schema = reading.parquet_schema(path)
    selected = ", ".join(
        f"({_projected(reading.column(name), _field(path, schema, name), duckdb.sqltype(kind))})::{kind} AS {name}"
        for name, kind in columns.items()
    )
    return f"SELECT {selected} FROM {reading.parquet(path)}"


def _field(path: Path, within: pa.Schema | pa.StructType, name: str) -> pa.DataType | None:
    found = [field.type for field in within if field.name == name]
    if len(found) > 1:
        raise InputError(f"{path}: the column {name} is there {len(found)} times")
    return found[0] if found else None


def _projected(value: str, have: pa.DataType | None, want: DuckDBPyType, depth: int = 0) -> str:
    """SQL for what a reader wants of a Parquet column; fields that the file lacks, at any depth, are null."""
    if have is None:
        return "NULL"
    parts = [(str(name), kind) for name, kind in want.children] if want.id in {"struct", "list"} else []
    inner = [(name, kind) for name, kind in parts if isinstance(kind, DuckDBPyType)]
    if want.id == "struct" and pa.types.is_struct(have):
        there = {field.name: field.type for field in have}
        fields = (
            f"{name}: {_projected(f'{value}.{reading.column(name)}', there.get(name), kind, depth)}::{kind}"
            for name, kind in inner
        )
        return f"{{{', '.join(fields)}}}"
    if want.id == "list" and (pa.types.is_list(have) or pa.types.is_large_list(have)):
        element = f"e{depth}"
        inside = _projected(element, have.value_type, inner[0][1], depth + 1)
        return value if inside == element else f"list_transform({value}, lambda {element}: {inside})"
    return value
