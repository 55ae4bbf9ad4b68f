"""The fields of a file as it came, whatever its form, so that two vintages of a source can be compared.

Belongs here: listing names and types. Does not: which of them a reader needs, or what they mean.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from gii_pipeline.errors import InputError
from gii_pipeline.sources.inspecting import seems_a_header
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.table_files import SUFFIXES, tables

_OBJECTS: Final = 500
_BYTES: Final = 1_000_000
_LARGEST_LINE: Final = 16_000_000
_ENOUGH_BYTES: Final = 2_000_000
_MANY: Final = 3
_BOM: Final = b"\xef\xbb\xbf"
_ELEMENT: Final = re.compile(rb"<(?:\w+:)?([A-Za-z][\w.-]*)")
_TAG: Final = re.compile(rb"^([A-Z][A-Z0-9]) ", re.MULTILINE)


def fields(con: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    """Field -> type; fields within fields as `authorships[].institutions[].ror`, members of an archive by their names.

    Empty for a form that nobody can list, such as an archive of XML; the reader says whether it reads it.
    """
    try:
        members = reading.unpacked(con, [path], (*SUFFIXES, ".xml"))
        listed = [(member, dict(_of_file(con, member))) for member in members]
    except (InputError, duckdb.Error, OSError):
        return {}
    if len(listed) == 1:
        return listed[0][1]
    return {f"{member.stem}.{name}": kind for member, found in listed for name, kind in found.items()}


def _of_file(con: duckdb.DuckDBPyConnection, path: Path) -> Iterator[tuple[str, str]]:
    if reading.magic(path) == "parquet":
        for field in reading.parquet_schema(path):
            yield from _of_arrow(field.name, field.type)
        return
    with reading.opened(path) as file:
        start = file.read(_BYTES).removeprefix(_BOM).lstrip()
    if start[:1] in (b"{", b"["):
        yield from _of_json(con, path)
    elif start.startswith(b"<"):
        yield from ((name.decode(), "element") for name in sorted(set(_ELEMENT.findall(start))))
    elif start.startswith(b"FN "):
        yield from ((name.decode(), "tag") for name in sorted(set(_TAG.findall(start))))
    else:
        [table, *_] = tables(con, path, seems_a_header)
        yield from ((name, "text") for name in table.columns)


def _of_arrow(name: str, kind: pa.DataType) -> Iterator[tuple[str, str]]:
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _of_arrow(f"{name}.{field.name}", field.type)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _of_arrow(f"{name}[]", kind.value_type)
    else:
        yield name, str(kind)


def _of_json(con: duckdb.DuckDBPyConnection, path: Path) -> Iterator[tuple[str, str]]:
    """The fields of the first objects; what an API's page has around its results is not a field."""
    start = _start(con, path)
    largest = 67_108_864 if start == path else max(start.stat().st_size, _BYTES)
    objects = con.sql(
        f"FROM read_json({reading.file_list([start])}, compression = '{reading.compression(start)}', "
        f"hive_partitioning = false, sample_size = {_OBJECTS}, maximum_object_size = {largest})"
    )
    # DuckDB would look at all objects again for a table of none.
    nothing = ", ".join(
        f"NULL::{t} AS {reading.column(n)}" for n, t in zip(objects.columns, objects.types, strict=True)
    )
    schema = con.sql(f"SELECT {nothing}").to_arrow_table().schema
    if "results" in schema.names and pa.types.is_list(results := schema.field("results").type):
        yield from ((name.removeprefix("[]."), kind) for name, kind in _of_arrow("", results))
        return
    for field in schema:
        yield from _of_arrow(field.name, field.type)


def _start(con: duckdb.DuckDBPyConnection, path: Path) -> Path:
    """The first objects of JSON lines, as a file; of other forms the file itself.

    DuckDB would unpack twice the size of the largest object that may come before it looks at the first.
    """
    with reading.opened(path) as file:
        line = file.readline(_LARGEST_LINE)
        if not _is_object(line):
            return path
        lines, size = [line.removeprefix(_BOM)], len(line)
        # A line of the largest size is cut.
        while (
            len(lines) < _OBJECTS
            and size < _ENOUGH_BYTES
            and 0 < len(line := file.readline(_LARGEST_LINE)) < _LARGEST_LINE
        ):
            lines.append(line)
            size += len(line)
    found = reading.scratch(con) / f"start-{secrets.token_hex(8)}.json"
    found.write_bytes(b"".join(lines))
    return found


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def of_unit(con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]]) -> dict[str, dict[str, str]]:
    """Role -> the fields of its files together; of many files of JSON, the first, middle and last are read.

    The pages of an API's list are such files: each is an answer to the same question.
    """
    return {
        role: {name: kind for path in _looked_at(paths) for name, kind in fields(con, path).items()}
        for role, paths in files.items()
    }


def _looked_at(paths: list[Path]) -> list[Path]:
    if len(paths) <= _MANY or not (_is_json(paths[0]) and _is_json(paths[-1])):
        return paths
    return [paths[0], paths[len(paths) // 2], paths[-1]]


def _is_json(path: Path) -> bool:
    return reading.magic(path) in {"gzip", "zstd", "none"} and reading.first_sign(path) in (b"{", b"[")
