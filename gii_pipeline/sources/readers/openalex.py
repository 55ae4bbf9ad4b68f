"""Objects of OpenAlex as a table: JSON lines, Parquet (the snapshot's parts), pages of the API, or single objects.

Belongs here: telling these formats apart, and SQL that reads the given columns of each.
Does not: what the columns mean (see `openalex_works`, `openalex_institutions`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from gii_pipeline.sources.readers import files as reading

_PAGE = re.compile(rb'^\s*\{\s*"(meta|results|group_by)"\s*:')
_OBJECT_BYTES = 33_554_432  # of a work with thousands of authors; a thread's buffer is twice this
_LEAST_PAGE_BYTES = 4_194_304


def scan(paths: list[Path], columns: Mapping[str, str], parquet: Mapping[str, str] | None = None) -> str:
    """SQL for the columns (name -> DuckDB type) of the objects in all files, whatever their format.

    parquet: SQL for a column of a Parquet part, where a cast to its type is not enough. A column that a file does not
    have is null. Of an object that came on two pages of the API, the one updated last.
    """
    scans: dict[tuple[str, str], list[Path]] = {}
    for path in paths:
        scans.setdefault(_format(path), []).append(path)
    parts = []
    for (form, compression), group in sorted(scans.items()):
        if form == "parquet":
            parts += [_parquet(path, columns, parquet or {}) for path in group]
        else:
            parts.append((_pages if form == "page" else _lines)(group, compression, columns))
    return " UNION ALL BY NAME ".join(parts)


def _format(path: Path) -> tuple[str, str]:
    """(lines | page | parquet, compression)."""
    if reading.magic(path) == "parquet":
        return "parquet", ""
    with reading.opened(path) as file:
        start = file.read(4096)
    return ("page" if _PAGE.match(start) else "lines"), reading.compression(path)


def _lines(paths: list[Path], compression: str, columns: Mapping[str, str]) -> str:
    types = ", ".join(f"{name}: {reading.quoted(kind)}" for name, kind in columns.items())
    return (
        f"SELECT * FROM read_json({reading.file_list(paths)}, format = 'newline_delimited', columns = {{{types}}}, "
        f"compression = '{compression}', maximum_object_size = {_OBJECT_BYTES})"
    )


def _pages(paths: list[Path], compression: str, columns: Mapping[str, str]) -> str:
    entity = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    pages = (
        f"SELECT unnest(results) AS entity FROM read_json({reading.file_list(paths)}, format = 'unstructured', "
        f"columns = {{results: {reading.quoted(f'STRUCT({entity})[]')}}}, compression = '{compression}', "
        f"maximum_object_size = {max(_LEAST_PAGE_BYTES, *map(reading.unpacked_bytes, paths))})"
    )
    return (
        f"SELECT unnest(entity) FROM ({pages}) "
        "QUALIFY row_number() OVER (PARTITION BY entity.id ORDER BY entity.updated_date DESC NULLS LAST) = 1"
    )


def _parquet(path: Path, columns: Mapping[str, str], expressions: Mapping[str, str]) -> str:
    present = set(reading.parquet_columns(path))
    selected = ", ".join(
        f"{f'({expressions.get(name, name)})' if name in present else 'NULL'}::{kind} AS {name}"
        for name, kind in columns.items()
    )
    return f"SELECT {selected} FROM {reading.parquet(path)}"
