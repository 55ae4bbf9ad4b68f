"""Inspecting a file of a user: what it is, which of its columns are ours, and which years it has.

Belongs here: the guesses behind `gii profile init`. Does not: writing the profile (see `drafting`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import duckdb

from gii_pipeline import memory
from gii_pipeline.errors import InputError
from gii_pipeline.sources import SOURCES, explained
from gii_pipeline.sources.readers import dates, delimited
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.formats import content_named, table_named
from gii_pipeline.sources.readers.table_files import Table, tables
from gii_pipeline.sources.readers.table_options import OURS, PITCHBOOK

METRICS: Final = {
    "vc_deals": "deal|funding|round|series|investor|invest|raised|valuation|startup|venture",
    "pct_applications": "patent|inventor|pct|applicant|assignee|ipc|appln|publn",
    "scientific_publications": "doi|journal|author|issn|article|publication|affiliation|orcid|abstract",
}
"""Metric -> parts of the names of columns that only its tables have."""

_NOT_GUESSED: Final = frozenset({"dropped", "people_truncated", "people", "fraction"})
_EXAMPLES: Final = 3
_TYPES: Final = 12


@dataclass(frozen=True)
class Inspected:
    """What is known of a file. options: of its reader. notes: what a person should look at, with the column concerned.

    unmapped: columns of the table that are none of ours, with examples. types: type in the table -> ours, records.
    """

    path: Path
    reader: str
    role: str
    metric: str
    options: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unmapped: Mapping[str, Sequence[str]] = field(default_factory=dict)
    types: Sequence[tuple[str, str, int]] = ()
    years: Mapping[int, int] = field(default_factory=dict)
    records: int = 0
    undated: int = 0
    people: int = 0


def inspect(path: Path, metric: str | None = None) -> Inspected:
    """Look at a file.

    Raises InputError where it cannot be read, or where nothing says which metric its records count towards.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with memory.connect() as con, explained(str(path)):
        if reading.magic(path) not in ("zip", "parquet", "xls") and (known := content_named(reading.start_of(path))):
            return _of_source(con, path, *known)
        [table, *_] = tables(con, path, seems_a_header)
        known_table = table_named(table.columns)
        if known_table is not None and known_table.reader != "table":
            return _of_source(con, path, known_table.reader, known_table.role)
        return _of_table(con, path, table, metric)


def _of_source(con: duckdb.DuckDBPyConnection, path: Path, reader: str, role: str) -> Inspected:
    source = SOURCES.get(reader)
    if source is None or source.metric is None:
        raise InputError(
            f"{path}: it has no records of a metric. It is a file for the reader `{reader}`, role `{role}`"
        )
    needed = tuple(
        f"files: the reader also needs `{name}`: {what}" for name, what in source.roles.items() if name != role
    )
    found = Inspected(path, reader, role, source.metric, notes=needed)
    return found if needed else _counted(con, found)


def seems_a_header(record: list[str]) -> bool:
    """Whether a record is the header of a table of records: several of its cells seem to be columns of ours."""
    return len(guessed(record)) > 1


def guessed(columns: Sequence[str]) -> dict[str, str]:
    """Our column -> the table's that seems to be it, each once: by our name, a known spelling, a part of one."""
    found: dict[str, str] = {}
    words = {name: _word(name) for name in columns if name.strip()}
    for fits in _FITS:
        for ours in OURS:
            if ours in found or ours in _NOT_GUESSED:
                continue
            free = [name for name in words if name not in found.values()]
            match = next((name for name in free if fits(words[name], ours)), None)
            if match is not None:
                found[ours] = match
    if set(PITCHBOOK.values()) & set(columns):
        found |= {ours: theirs for ours, theirs in PITCHBOOK.items() if theirs in columns}
    return {ours: found[ours] for ours in OURS if ours in found}


_FITS: Final[tuple[Callable[[str, str], bool], ...]] = (
    lambda word, ours: word == ours,
    lambda word, ours: word in OURS[ours],
    lambda word, ours: not {ours, *OURS[ours]}.isdisjoint(word.split("_")),
    lambda word, ours: bool(get_close_matches(word, [name for name in OURS[ours] if len(name) > 5], 1, 0.85)),
)
"""Whether a column's word is one of ours, the surest sign first: our name, a known spelling, a part of one, a slip."""


def _word(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


def _metric_of(path: Path, table: Table, metric: str | None) -> str:
    names = " ".join(map(_word, table.columns))
    scores = {name: len(re.findall(parts, names)) for name, parts in METRICS.items()}
    best = max(scores, key=lambda name: scores[name])
    if metric is None and (not scores[best] or sorted(scores.values())[-2] == scores[best]):
        raise InputError(
            f"{path}: its columns do not show what its records are ({', '.join(table.columns)[:500]}). Set --metric: "
            f"{', '.join(METRICS)}"
        )
    return metric or best


def _of_table(con: duckdb.DuckDBPyConnection, path: Path, table: Table, metric: str | None) -> Inspected:
    metric = _metric_of(path, table, metric)
    columns: dict[str, Any] = dict(guessed(table.columns))
    if "address" in columns and {"city", "economy"} <= set(columns):
        del columns["address"]  # which the parts say better
    options: dict[str, Any] = {"columns": columns}
    notes: list[str] = []
    rows = table.select(", ".join(f"{delimited.value(name)} AS {reading.column(name)}" for name in table.columns))
    if metric == "vc_deals":
        options["rows"] = "records"
        notes += _identified(con, rows, columns)
    elif "record_id" not in columns:
        columns["record_id"] = {"row": True}
        notes.append("record_id: no column looks like an id, so each row is a separate record")
    notes += _dated(con, rows, path, options)
    if not {"economy", "address", "latitude"} & set(columns):
        notes.append("economy: no column contains an economy. Map one, or set the same for all: economy: {value: IN}")
    if "record_type" not in columns and metric != "pct_applications":
        columns["record_type"] = {"value": "venture" if metric == "vc_deals" else "article"}
        notes.append("record_type: no column contains a type, so all records get this one; editions filter by it")
    told = {name for there in columns.values() for name in ([there] if isinstance(there, str) else there)}
    unmapped = {name: _examples(con, rows, name) for name in table.columns if name not in told}
    return _counted(con, Inspected(path, "table", "people", metric, options, tuple(notes), unmapped))


def _identified(con: duckdb.DuckDBPyConnection, rows: str, columns: dict[str, Any]) -> list[str]:
    """Make sure that the id identifies a deal; what was done, as notes."""
    parts = [columns[name] for name in ("organisation", "date", "record_type") if name in columns]
    for candidate in ([columns[name]] if (name := "record_id") in columns else []), parts:
        if candidate and _identifies(con, rows, candidate):
            columns["record_id"] = candidate[0] if len(candidate) == 1 else candidate
            return []
    wrong = columns.get("record_id")
    columns["record_id"] = {"row": True}
    why = f"the column {wrong} is shared by several deals" if wrong else "no column looks like an id"
    return [f"record_id: {why}, so the id is made from the row: two equal rows are one deal"]


def _identifies(con: duckdb.DuckDBPyConnection, rows: str, names: Sequence[str]) -> bool:
    listed = ", ".join(map(reading.column, names))
    empty = " OR ".join(f"{reading.column(name)} IS NULL" for name in names)
    found = con.sql(
        f"SELECT count(*), count(DISTINCT ({listed})), bool_or({empty}) FROM (SELECT DISTINCT * FROM {rows})"
    ).fetchall()
    [(count, distinct, some_empty)] = found
    return bool(count == distinct and not some_empty)


def _dated(con: duckdb.DuckDBPyConnection, rows: str, path: Path, options: dict[str, Any]) -> list[str]:
    """Say the order of days and months where the column does not prove it; a note to check it."""
    column = options["columns"].get("date")
    if column is None:
        if "year" in options["columns"]:
            return []
        raise InputError(f"{path}: no column looks like a year or a date. Without one, no record counts")
    source = f"(SELECT {reading.column(column)} AS date FROM {rows})"
    try:
        dates.formats_of(con, source, "date", str(path))
    except InputError as error:
        options["date_formats"] = (
            [dates.DAY_FIRST, dates.MONTH_FIRST] if "two orders" in str(error) else [dates.DAY_FIRST]
        )
        return [f"date_formats: a guess, correct it. {str(error).partition(': ')[2].partition('. ')[0]}"]
    return []


def _examples(con: duckdb.DuckDBPyConnection, rows: str, name: str) -> list[str]:
    column = reading.column(name)
    found = con.sql(f"SELECT DISTINCT {column}::VARCHAR FROM {rows} WHERE {column} IS NOT NULL LIMIT {_EXAMPLES}")
    return sorted(str(value)[:40] for (value,) in found.fetchall())


def _counted(con: duckdb.DuckDBPyConnection, found: Inspected) -> Inspected:
    """With what its reader reads of it by these options."""
    people = SOURCES[found.reader].people(con, {found.role: [found.path]}, found.options)
    people.create_view("inspected", replace=True)
    firsts = "inspected WHERE source_rows > 0 AND record_id IS NOT NULL"
    years = dict(con.sql(f"SELECT year, count(*) FROM {firsts} GROUP BY year ORDER BY year").fetchall())
    types = con.sql(
        f"SELECT coalesce(source_type, ''), any_value(record_type), count(*) AS n FROM {firsts} "
        f"GROUP BY source_type ORDER BY n DESC, 1 LIMIT {_TYPES}"
    ).fetchall()
    [(persons,)] = con.sql("SELECT count(DISTINCT (record_id, person_seq)) FROM inspected").fetchall()
    undated = years.pop(None, 0)
    return Inspected(
        found.path,
        found.reader,
        found.role,
        found.metric,
        found.options,
        found.notes,
        found.unmapped,
        types,
        years,
        sum(years.values()) + undated,
        undated,
        persons,
    )
