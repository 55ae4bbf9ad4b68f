"""Which column of a table is which of ours, by the profile's map or by our names.

Belongs here: resolving the map against a header, and refusing what it names or leaves out.
Does not: what becomes of the columns (see `table`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import delimited
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.formats import table_named
from gii_pipeline.sources.readers.rows import PEOPLE_COLUMNS
from gii_pipeline.sources.readers.table_files import Table, tables
from gii_pipeline.sources.readers.table_options import (
    OURS,
    PITCHBOOK,
    Column,
    DealsTableOptions,
    TableOptions,
    nearest,
)

NESTED: Final = frozenset(name for name, kind in PEOPLE_COLUMNS.items() if "[]" in kind)
_KNOWN: Final = {**dict.fromkeys(OURS), **dict.fromkeys(PEOPLE_COLUMNS)}
_NEEDED: Final = {
    "record_id": "an id may be made from columns, `record_id: [Company, Date]`, or from the row, `record_id: "
    "{row: true}`",
    "year": "`year` is a year, `date` a date; `year: {value: 2020}` sets the same year for all records",
}
_SEEMING: Final = ("economy", "city", "latitude", "longitude", "record_type", "person_seq", "fraction")


def tables_of(con: duckdb.DuckDBPyConnection, path: Path, options: TableOptions) -> list[Table]:
    wanted = _map(options)
    needed = {name: column.names for name, column in (wanted or {}).items() if column.names}
    if isinstance(options, DealsTableOptions):
        needed = {name: names for name, names in needed.items() if name in ("record_id", "date")}

    def is_header(record: list[str]) -> bool:
        if wanted is None:
            return table_named(record) is not None or any(name.lower() in ("record_id", "year") for name in record)
        return bool(record) and all(_present(record, name) for names in needed.values() for name in names[:1])

    return list(
        tables(con, path, is_header, delimiter=options.delimiter, sheet=options.sheet, encoding=options.encoding)
    )


def _present(record: Sequence[str], name: str) -> bool:
    return name.casefold() in {given.casefold() for given in record}


def _map(options: TableOptions) -> dict[str, Column] | None:
    if not isinstance(options, DealsTableOptions):
        return options.map
    given = options.columns or {}
    pitchbook = {ours: Column(any=(theirs,)) for ours, theirs in PITCHBOOK.items() if ours not in given}
    return pitchbook | (options.map or {})


def selected(path: Path, table: Table, options: TableOptions) -> str:
    """What to select of a table: our columns that it has."""
    present = {name.casefold(): name for name in table.columns}
    mapped = _map(options)
    optional = set(PITCHBOOK) - {"record_id", "date"} - set(options.columns or {})
    if mapped is None and (known := table_named(table.columns)) is not None and known.reader == "table":
        mapped = {ours: Column(any=(theirs,)) for ours, theirs in PITCHBOOK.items()}
    elif not isinstance(options, DealsTableOptions):
        optional = set()
    own = {name: Column(any=(name,)) for name in _KNOWN if name in present and name not in (options.columns or {})}
    columns = {**own, **(mapped or {})}
    where = path if path.name == table.name else f"{path} ({table.name})"
    if mapped is None:
        _refuse_unknown(where, [name for key, name in present.items() if key not in _KNOWN])
    found = {}
    for ours, column in columns.items():
        expression = _expression(where, ours, column, present, table, optional=ours in optional)
        if expression is not None:
            found[ours] = expression
    _refuse_incomplete(where, found, present, options)
    return ", ".join(f"{expression} AS {ours}" for ours, expression in found.items())


def _expression(
    where: object, ours: str, column: Column, present: Mapping[str, str], table: Table, *, optional: bool
) -> str | None:
    """SQL for one of our columns; None for an optional one that the table does not have."""
    there = [present[name.casefold()] for name in column.names if name.casefold() in present]
    missing = [name for name in column.names if name.casefold() not in present]
    if repeated := [name for name in there if name.casefold() in table.repeated]:
        raise InputError(
            f"{where}: the header has the column {repeated[0]!r} more than once, so it is not clear which is "
            f"{ours}. Rename one of them in the file, or map {ours} to another column"
        )
    if column.value is not None:
        return reading.quoted(column.value)
    if column.row:
        return f"md5(concat_ws(chr(31), {', '.join(f'coalesce({_text(name)}, chr(30))' for name in table.columns)}))"
    if column.join and not missing:
        joined_parts = ", ".join(f"coalesce({_text(name, ours)}, '')" for name in there)
        return f"nullif(concat_ws('|', {joined_parts}), '{'|' * (len(there) - 1)}')"
    if column.any and there:
        if there[0] in table.nested and ours in NESTED:
            return reading.column(there[0])
        return f"coalesce({', '.join(_text(name, ours) for name in there)})"
    if optional:
        return None
    wrong = " or ".join(f"{name!r}{nearest(name, table.columns)}" for name in missing)
    raise InputError(
        f"{where}: the map takes {ours} from {wrong}, which the table does not have. "
        f"Its columns: {', '.join(table.columns)[:800]}"
    )


def _text(name: str, ours: str = "") -> str:
    return delimited.bare(name) if ours == "record_id" else f"rtrim({delimited.value(name)})"


def _refuse_unknown(where: object, unknown: Sequence[str]) -> None:
    if unknown:
        listed = ", ".join(f"{name!r}{nearest(name)}" for name in unknown)
        raise InputError(
            f"{where}: unknown columns: {listed}. Known: {', '.join(OURS)}. Rename them, or map them in the profile, "
            "for instance `options: {columns: {economy: country}}`; columns that are not in a map are ignored. "
            "`gii profile init FILE` writes such a map"
        )


def _refuse_incomplete(
    where: object, found: Mapping[str, str], present: Mapping[str, str], options: TableOptions
) -> None:
    for ours, way_out in _NEEDED.items():
        if ours not in found and not (ours == "year" and "date" in found):
            raise InputError(
                f"{where}: no column is mapped to {ours}; {way_out}. Its columns: {', '.join(present.values())[:800]}"
            )
    if options.columns is None or isinstance(options, DealsTableOptions):
        return
    missing = [ours for ours in _SEEMING if ours not in found and ours not in options.columns]
    forgotten = {
        name: ours
        for ours in missing
        for key, name in present.items()
        if key in OURS[ours]
        and not _is_taken(name, options)
        and not ("address" in found and ours in ("city", "economy"))
    }
    if forgotten:
        listed = ", ".join(f"{name!r} may be {ours}" for name, ours in forgotten.items())
        raise InputError(
            f"{where}: the map leaves out columns that look like ours: {listed}. Map them, or set "
            f"`{next(iter(forgotten.values()))}: null`"
        )


def _is_taken(name: str, options: TableOptions) -> bool:
    return any(name in column.names for column in (options.map or {}).values())
