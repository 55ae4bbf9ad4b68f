"""Dates as tables write them: which are read, which need the profile's word, and which stay undated.

Belongs here: SQL for the date in a column of text, after a look at the entire column where its form is ambiguous.
Does not: which column it is (see the reader of each source).

Read in any case: ISO 8601 with and without time and zone, also with `/` or without separators, a month (2020-05) or a
year alone, and months by their English names. Days and months in numbers only as the entire column proves or the
profile's formats say. A year of two digits is read by a format with %y alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers.files import quoted

_NUMBERS: Final = r"^(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})$"
_TIME: Final = r"[T ]+\d{1,2}:\d{2}.*$"
_NAMED: Final = (
    "%d-%b-%Y",
    "%d-%B-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%b-%d-%Y",
    "%b %Y",
    "%B %Y",
    "%b-%Y",
)
DAY_FIRST: Final = "%d/%m/%Y"
MONTH_FIRST: Final = "%m/%d/%Y"
_EXAMPLES: Final = 3
_FIRST_ROWS: Final = 10_000
_IN_THE_PROFILE: Final = 'Set the order in the profile: `date_formats: ["{}"]` or `date_formats: ["{}"]`'
_IN_THE_FILE: Final = "Save it with dates such as 2015-01-31"


def date(text: str, formats: Sequence[str]) -> str:
    """SQL for the date that a text writes, null where it is in no form that is read.

    formats: of dates that are not read in any case, as strptime has them; the first that fits is taken.
    Within CASE, DuckDB tries a form only on the rows that no form before it fits.
    """
    day = _without_time(text)
    parsed = [_parsed(text if "%H" in written else day, written) for written in formats]
    months = f"regexp_replace(regexp_replace({day}, '(\\d)(st|nd|rd|th)\\b', '\\1'), '[,.]', '', 'g')"
    names = f"coalesce({', '.join(_parsed(months, written) for written in _NAMED)})"
    return f"CASE WHEN {text} IS NOT NULL THEN coalesce({', '.join([*parsed, _iso(day, names)])}) END"


def year(text: str, formats: Sequence[str]) -> str:
    """SQL for the year of a date, or of a year alone (2020, or 2020.0 as spreadsheets have it)."""
    alone = f"WHEN regexp_full_match({text}, '[12]\\d{{3}}(\\.0+)?') THEN left({text}, 4)::INTEGER"
    return f"CASE {alone} ELSE year({date(text, formats)}) END"


def _without_time(text: str) -> str:
    return f"regexp_replace({text}, '{_TIME}', '')"


def _iso(day: str, other: str) -> str:
    """SQL for a date in ISO 8601; other: for a text that does not begin like one."""
    return (
        f"CASE WHEN regexp_matches({day}, '^\\d{{4}}[-/.]\\d') "
        f"THEN try_strptime(translate({day}, '/.', '--'), ['%Y-%m-%d', '%Y-%m']) "
        f"WHEN regexp_full_match({day}, '\\d{{8}}') THEN try_strptime({day}, '%Y%m%d') ELSE {other} END"
    )


def _parsed(text: str, written: str) -> str:
    """SQL for a date in one format. %Y takes two digits for a year of the first century, which no record has."""
    parsed = f"try_strptime({text}, {quoted(written)})"
    return parsed if "%y" in written else f"CASE WHEN year({parsed}) > 999 THEN {parsed} END"


def formats_of(
    con: duckdb.DuckDBPyConnection,
    source: str,
    column: str,
    where: str,
    formats: Sequence[str] = (),
    *,
    way_out: str = _IN_THE_PROFILE,
) -> tuple[str, ...]:
    """The formats of a column's dates: those that the profile names, else what the column's numbers prove.

    source: what stands after FROM. where: the files, for the message; way_out: what it says to do.
    Raises InputError where day-first and month-first both fit every date, or neither does.
    """
    if formats:
        return tuple(formats)
    day = _without_time(column)
    first, second = (f"try_cast(regexp_extract({day}, '{_NUMBERS}', {part}) AS INTEGER)" for part in (1, 2))
    written = f"SELECT {column} AS written, {first} AS a, {second} AS b FROM {source}"
    found = con.sql(
        f"SELECT count(*), max(a) > 12, max(b) > 12, list(DISTINCT written)[:{_EXAMPLES}], "
        f"arg_max(written, a), arg_max(written, b) "
        f"FROM ({written}) WHERE a BETWEEN 1 AND 31 AND b BETWEEN 1 AND 31"
    ).fetchall()
    [(count, day_first, month_first, examples, with_day_first, with_month_first)] = found
    if not count:
        return ()
    if day_first and month_first:
        both = f'set the formats in the profile, for instance `date_formats: ["{DAY_FIRST}", "{MONTH_FIRST}"]`'
        raise InputError(
            f"{where}: the dates of {column} are written in two orders: {with_day_first} has the day first, "
            f"{with_month_first} the month. Correct the column"
            + (f", or {both}: the first matching format is used" if way_out == _IN_THE_PROFILE else f". {way_out}")
        )
    if not day_first and not month_first:
        sign = next(sign for sign in str(examples[0]) if not sign.isdecimal())
        orders = (order.replace("/", sign) for order in (DAY_FIRST, MONTH_FIRST))
        raise InputError(
            f"{where}: the dates of {column} may have the day or the month first, for instance {', '.join(examples)}. "
            + way_out.format(*orders)
        )
    order = ("%d", "%m") if day_first else ("%m", "%d")
    return tuple(sign.join((*order, "%Y")) for sign in "/-. ")


def formats_saved_again(
    con: duckdb.DuckDBPyConnection, source: str, column: str, paths: Sequence[Path]
) -> tuple[str, ...]:
    """As `formats_of`, for a column that its source writes in ISO 8601 and that another program may have saved again.

    The entire column is looked at only where one of its first rows says so.
    """
    day = _without_time(column)
    first = f"(FROM {source} LIMIT {_FIRST_ROWS})"
    if not con.sql(f"SELECT 1 FROM {first} WHERE regexp_matches({day}, '{_NUMBERS}') LIMIT 1").fetchall():
        return ()
    return formats_of(con, source, column, ", ".join(map(str, paths)), way_out=_IN_THE_FILE)


def moment(text: str, formats: Sequence[str] = ()) -> str:
    """SQL for when something changed: with its time in ISO 8601, else the day in one of the formats."""
    return f"coalesce(try_cast({text} AS TIMESTAMP), {date(text, formats)})"
