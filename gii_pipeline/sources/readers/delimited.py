"""Delimited tables as SQL: the columns that a reader asks for, found by the header, whatever the separator.

Belongs here: the text of a table function for DuckDB (`read_csv(...)`), so that files are read lazily, by column, and
out of core; what a field is without blanks, and what an id is.
Does not: encodings, line ends and quotes (see `text`), or what the columns mean (see the reader of each source).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import text
from gii_pipeline.sources.readers.files import (
    DELIMITED,
    column,
    compression,
    literal,
    magic,
    opened,
    parquet,
    parquet_columns,
    quoted,
    refusing,
    scratch,
    start_of,
    unpacked,
)
from gii_pipeline.sources.readers.formats import looks_like

_NULLS = "['', '\u00a0', '\u3000']"  # what a field may be that is empty; blanks of ASCII are found as it is read
_UNSEEN = "\u00ad\u200b-\u200f\u2060\ufeff"  # signs without a width
_BLANKS = "' \t\r\n\u00a0\u2007\u202f\u3000\u200b\u200c\u200d\u2060\ufeff'"  # of these a field without a value consists
_ROUNDED = "\\d([.,]\\d+)?E\\+\\d+"
_TELLING_COLUMNS = 3  # that must have the names of the header for a row to be a header again


def header(path: Path, delimiter: str = ",") -> list[str]:
    """The column names of a delimited file, without a byte-order mark."""
    found = text.header(opened, path, delimiter, bool)
    return found.names if found else []


def table(
    con: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    columns: Sequence[str],
    *,
    optional: Sequence[str] = (),
    ids: Collection[str] = (),
) -> str:
    """SQL for the named columns of delimited files, found by their header in any order and case, all as text.

    Whatever their separator, encoding, line ends and stray quotes; plain, gzipped, zipped or Parquet. A column of
    `optional` that a file lacks is null; one of `columns` that it lacks is an `InputError`. Every field that is empty
    or blank is null. ids: columns that identify what they name, see `identity`. Lines that are too short or too long
    are errors, never skipped; a header that is repeated further down, as in files put together, is not a row.
    """
    names = {name: (name,) for name in [*columns, *optional]}
    return renamed(con, paths, names, optional=optional, ids=ids)


def renamed(
    con: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    names: Mapping[str, Sequence[str]],
    *,
    optional: Collection[str] = (),
    ids: Collection[str] = (),
    titled: bool = False,
) -> str:
    """As `table`, where a column may have several names: our name → the names in files, the first wins.

    The separator is that of , ; | and tab which gives the header most of the columns. titled: other records may stand
    above the header, which is the first that has every column that is not optional.
    """
    plain = [path for given in paths for path in unpacked(con, [given], DELIMITED)]
    return " UNION ALL ".join(_one_table(con, path, names, optional, ids, titled=titled) for path in plain)


def _one_table(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    names: Mapping[str, Sequence[str]],
    optional: Collection[str],
    ids: Collection[str],
    *,
    titled: bool,
) -> str:
    if magic(path) == "parquet":
        return f"(SELECT {_selected(path, parquet_columns(path), names, optional, ids)} FROM {parquet(path)})"
    needed = {ours: names[ours] for ours in names if ours not in optional} if titled else {}
    found = {
        separator: text.header(opened, path, separator, lambda record: bool(record) and has_all(record, needed))
        or text.Header(header(path, separator), 0)
        for separator in text.SEPARATORS
    }
    known = {name.lower() for possible in names.values() for name in possible}
    separator = max(found, key=lambda key: len(known.intersection(map(str.lower, found[key].names))))
    return scan(con, path, separator, found[separator], lambda present: _selected(path, present, names, optional, ids))


def has_all(header: Sequence[str], names: Mapping[str, Sequence[str]]) -> bool:
    """Whether a header has, of every column, one of its names."""
    present = {name.lower() for name in header}
    return all(present.intersection(map(str.lower, possible)) for possible in names.values())


def scan(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    delimiter: str,
    head: text.Header,
    selected: Callable[[list[str]], str],
) -> str:
    """SQL for columns of a delimited file with that header. selected: what to select, by the header's names."""
    columns = selected(head.names)
    types = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in unique(head.names))
    sound = text.sound(opened, path, delimiter, head, scratch(con))
    return (
        f"(SELECT {columns} FROM read_csv({quoted(literal(sound))}, columns = {{{types}}}, auto_detect = false, "
        f"skip = 1, header = false, delim = {quoted(delimiter)}, quote = '\"', escape = '\"', nullstr = {_NULLS}, "
        f"null_padding = false, compression = {quoted(compression(sound))}, max_line_size = 16777216, "
        f"hive_partitioning = false) WHERE {_is_no_header(path, head.names)})"
    )


def _is_no_header(path: Path, header: Sequence[str]) -> str:
    """SQL for a row that is not the header again; an `InputError` where it is, with its columns in another order.

    Equalities within CASE: DuckDB makes a join of a list behind IN, which takes longer than reading the file.
    """
    first, *others = list(zip(map(column, unique(header)), header, strict=True))[:_TELLING_COLUMNS]
    named = [name for name in header if name]
    again = [
        f"({_is_one_of(first[0], _as_first(first[1]))})",
        *(f"{theirs} = {quoted(name)}" for theirs, name in others),
    ]
    in_other_order = [f"({_is_one_of(theirs, named)})" for theirs, _ in others] or ["false"]
    message = quoted(
        f"{path}: a second header further down has the columns in another order. Split the concatenated files, "
        f"and name each in the profile"
    )
    return (
        f"CASE WHEN {' AND '.join(again)} THEN false "
        f"WHEN {_is_one_of(first[0], [start for name in named for start in _as_first(name)])} "
        f"THEN CASE WHEN {' AND '.join(in_other_order)} THEN {refusing(message)} ELSE true END ELSE true END"
    )


def _as_first(name: str) -> tuple[str, str]:
    """A name unchanged at the start of a file, which may begin with a byte-order mark."""
    return name, f"\ufeff{name}"


def _is_one_of(value: str, texts: Iterable[str]) -> str:
    return " OR ".join(f"{value} = {quoted(text)}" for text in texts)


def _selected(
    path: Path,
    header: Sequence[str],
    names: Mapping[str, Sequence[str]],
    optional: Collection[str],
    ids: Collection[str],
) -> str:
    present = {name.lower(): unique for name, unique in zip(reversed(header), reversed(unique(header)), strict=True)}
    found = {
        ours: next((present[name.lower()] for name in possible if name.lower() in present), None)
        for ours, possible in names.items()
    }
    missing = [" or ".join(names[ours]) for ours, there in found.items() if there is None and ours not in optional]
    if missing:
        raise InputError(
            f"{path}: the column{'s' if len(missing) > 1 else ''} {', '.join(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} missing; the header has: {', '.join(header)[:500]}."
            f"{looks_like(start_of(path), header)} Name the right file in the profile, or correct its header"
        )
    return ", ".join(f"{_field(path, there, header, ours in ids)} AS {column(ours)}" for ours, there in found.items())


def _field(path: Path, name: str | None, header: Sequence[str], is_id: bool) -> str:
    """SQL for one column; null where the table lacks it. An `InputError` where it has several that differ in a row."""
    if name is None:
        return "NULL"
    read = identity(name, path) if is_id else value(name)
    again = [other for given, other in zip(header, unique(header), strict=True) if given.lower() == name.lower()]
    if len(again) < 2:
        return read
    differ = " OR ".join(f"{column(name)} IS DISTINCT FROM {column(other)}" for other in again)
    message = f"{path}: the header has the column {name!r} more than once, with different values. Rename all but one"
    return f"CASE WHEN {differ} THEN {refusing(quoted(message))} ELSE {read} END"


def once(rows: str, key: Sequence[str], where: Sequence[Path]) -> str:
    """SQL for the rows of a table that others are joined to by a key: equal rows are one.

    An `InputError` where different rows have one key: what is joined to them would be counted more than once.
    """
    keys = ", ".join(key)
    message = f"{', '.join(map(str, where))}: different rows have the same {key[0]}, for instance "
    way_out = ". List each part of the table once, and only parts of the same edition"
    return (
        f"(SELECT * FROM (SELECT DISTINCT * FROM ({rows})) QUALIFY {key[0]} IS NULL "
        f"OR CASE WHEN count(*) OVER (PARTITION BY {keys}) > 1 "
        f"THEN {refusing(quoted(message), f'{key[0]}::VARCHAR', quoted(way_out))} ELSE true END)"
    )


def value(name: str) -> str:
    """SQL for a field without the blanks around it; most fields begin with a letter, and are left as they are."""
    value = f"{column(name)}::VARCHAR"
    return f"CASE WHEN {value} BETWEEN '!' AND '~' THEN {value} ELSE nullif(trim({value}, {_BLANKS}), '') END"


def bare(name: str) -> str:
    """SQL for a field without blanks around it and without signs that nobody sees within."""
    value = f"{column(name)}::VARCHAR"
    seen = f"regexp_replace({value}, '[{_UNSEEN}]', '', 'g')"
    return (
        f"CASE WHEN {value} BETWEEN '!' AND '~' AND NOT ends_with({value}, ' ') AND strlen({value}) = length({value}) "
        f"THEN {value} ELSE nullif(trim({seen}, {_BLANKS}), '') END"
    )


def identity(name: str, path: Path) -> str:
    """SQL for a field that identifies something, bare.

    An `InputError` where it is a number that a spreadsheet has rounded, so that several share it.
    """
    value = f"{column(name)}::VARCHAR"
    message = quoted(f"{path}: the ids of the column {name} are rounded, for instance ")
    way_out = quoted(": different records share one. Export the column as text")
    return (
        f"CASE WHEN contains({value}, 'E+') AND regexp_full_match({value}, '{_ROUNDED}') "
        f"THEN {refusing(message, value, way_out)} ELSE {bare(name)} END"
    )


def unique(names: Sequence[str]) -> list[str]:
    """Header names, made distinct the way a table needs them."""
    seen: dict[str, int] = {}
    unique = []
    for name in (name or "unnamed" for name in names):
        count = seen[name.lower()] = seen.get(name.lower(), 0) + 1
        unique.append(name if count == 1 else f"{name}_{count}")
    return unique
