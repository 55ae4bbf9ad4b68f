"""Choices against what occurs: the values of a reader's options, and the types that editions count.

Belongs here: refusing a value that no record has, with those that records do have.
Does not: dropping records by the options (see `rows.chosen`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import duckdb

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers.files import quoted
from gii_pipeline.sources.readers.rows import Options, types_as_words, word
from gii_pipeline.wording import some

_SHOWN: Final = 20
_EXAMPLES: Final = 3


def refuse_unseen(con: duckdb.DuckDBPyConnection, rows: str, options: Options, where: str) -> None:
    """Raise InputError where an option chooses by a value that no record has.

    rows: what stands after FROM, PEOPLE rows of all years that the source has.
    """
    for option, trait in options.values.items():
        wanted = getattr(options, option) or ()
        if not wanted:
            continue
        seen = _traits(con, rows, trait) if trait else _types(con, rows)
        known = {value.casefold() for value in seen} if trait else set(types_as_words(seen))
        asked = [value.casefold() for value in wanted] if trait else types_as_words(wanted)
        unseen = [value for value, as_word in zip(wanted, asked, strict=True) if as_word not in known]
        if unseen:
            raise InputError(
                f"{where}: no record has {', '.join(map(repr, unseen))}, which is set in the option `{option}`. "
                f"Records have: {_listed(seen)}. Correct the option in the profile"
            )


_MUST_OCCUR: Final = {
    "a readable date": "year IS NOT NULL",
    "a person": "person_seq > 0",
    "an address": "coalesce(city, address, economy, institution_id, latitude::VARCHAR) IS NOT NULL",
}
"""What some record of every list has, in whatever order of files -> the condition of a row that has it."""


def refuse_without(con: duckdb.DuckDBPyConnection, rows: str, where: str, *, joins: bool) -> None:
    """Raise InputError where the source has records, and none has what a record is counted by.

    Then a column has another form than the reader takes, or tables that are joined have ids of another form. joins:
    whether the reader joins tables; in one table, records may have no person or address.
    """
    counted = f"FROM {rows} WHERE record_id IS NOT NULL AND (dropped IS NULL OR dropped = 'no_date')"
    examples = con.sql(f"SELECT record_id, year_text {counted} LIMIT {_EXAMPLES}").fetchall()
    must = [each for each in _MUST_OCCUR.items() if joins or "year" in each[1]] if examples else []
    for what, condition in must:
        if not con.sql(f"SELECT 1 {counted} AND ({condition}) LIMIT 1").fetchall():
            shown = ", ".join(f"{record!r}{f' of {text!r}' if text else ''}" for record, text in examples)
            raise InputError(
                f"{where}: no record has {what}, for instance {shown}. A column has a different format than in "
                f"the source, or the ids of joined tables differ. Use the original files of the source"
            )


def refuse_uncounted(con: duckdb.DuckDBPyConnection, rows: str, counted: Iterable[str], where: str) -> None:
    """Raise InputError where the source has records, and none of a type that an edition counts."""
    types = sorted(set(counted))
    listed = ", ".join(map(quoted, types))
    found = con.sql(
        f"SELECT count(*), count(*) FILTER (WHERE record_type IN ({listed})) FROM {rows} "
        "WHERE source_rows > 0 AND record_id IS NOT NULL"
    ).fetchall()
    [(records, of_these)] = found
    if records and not of_these:
        raise InputError(
            f"{where}: editions count records of the type {', '.join(types)}, and the source has none. "
            f"Its {records:,} records have: {_listed(_types(con, rows))}. Set `types` under the metric in the profile, "
            f"or, for a table without types, map `record_type` to a constant: `record_type: {{value: {types[0]}}}`"
        )


def _types(con: duckdb.DuckDBPyConnection, rows: str) -> list[str]:
    """Every type in our words and the source's, the most frequent first."""
    theirs = f"list_transform(string_split(source_type, ';'), lambda t: {word('t')})"
    return _values(con, f"SELECT unnest(list_append(coalesce({theirs}, []), record_type)) AS value FROM {rows}")


def _traits(con: duckdb.DuckDBPyConnection, rows: str, prefix: str) -> list[str]:
    values = _values(con, f"SELECT unnest(traits) AS value FROM {rows}")
    return [value.removeprefix(prefix) for value in values if value.startswith(prefix)]


def _values(con: duckdb.DuckDBPyConnection, rows: str) -> list[str]:
    found = con.sql(f"SELECT value FROM ({rows}) WHERE value <> '' GROUP BY value ORDER BY count(*) DESC, value")
    return [str(value) for (value,) in found.fetchall()]


def _listed(values: list[str]) -> str:
    return some(values, _SHOWN) or "none"
