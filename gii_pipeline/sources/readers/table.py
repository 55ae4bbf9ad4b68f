"""Any table of records, through a map of its columns: CSV, TSV, Excel, Parquet, JSON; for every metric.

Belongs here: which column is which, ids, dates, types, and how a record's parts go to its people and their addresses.
Does not: opening files (see `table_files`), or what a profile may say (see `table_options`). docs/tables.md lists all
columns.

A record's parts go to its people equally, then to the addresses of each. Rows of one record must agree in what is said
of the record: its date and type. Otherwise the id stands for several records, and the table is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import dates, places
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.companies import company, industries
from gii_pipeline.sources.readers.deal_types import TABLES
from gii_pipeline.sources.readers.publication_types import OPENALEX, SCOPUS, WEB_OF_SCIENCE
from gii_pipeline.sources.readers.rows import PEOPLE_COLUMNS, joined, people_rows, word
from gii_pipeline.sources.readers.table_columns import NESTED, selected, tables_of
from gii_pipeline.sources.readers.table_options import DealsTableOptions, TableOptions

WORDS = {**OPENALEX, **WEB_OF_SCIENCE, **SCOPUS, **TABLES}
"""What the words of any source mean; a word that is not among them stays the type that it is."""

_OF_THE_RECORD = ("year", "date", "record_type")
_NUMBERS = ("latitude", "longitude", "fraction", "people", "address_seq")
_WHOLE = ("people", "address_seq")
_LEAST = {"people": 1, "fraction": 0}
_GROUPED = "\\d{1,3}([,.\u2019 \u00a0\u202f]\\d{3})+"
_ROUNDED = "\\d([.,]\\d+)?[Ee]\\+\\d+"
_ROWS_OF_A_SHEET = 1_048_576
_ROUNDING = 0.02  # parts of a record as people write them: 0.33 three times
_SHOWN = 3


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: TableOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows of the role `people` (or `deals`); `dropped` is no_id, no_date or what the table says."""
    role = next(iter(files), "people")
    paths = reading.named(files, role)
    found = [(path, table) for path in paths for table in tables_of(con, path, options)]
    rows = " UNION ALL BY NAME ".join(table.select(selected(path, table, options)) for path, table in found)
    columns = con.sql(rows).columns
    where = ", ".join(map(str, paths))
    _refuse_no_numbers(con, rows, columns, where)
    _refuse_rounded_ids(con, rows, where)
    if "fraction" in columns and not options.scale_fractions:
        _refuse_other_parts(con, rows, where)
    persons = _RECORDS
    if options.rows == "people":
        persons = _persons(columns, repeated=_repeated(con, rows, columns, where))
    year, year_text = _year(con, rows, columns, options, where)
    given = {name: name for name in PEOPLE_COLUMNS if name in columns}
    given |= {name: _number(name) for name in ("latitude", "longitude") if name in columns}
    dropped = _or(
        "dropped", columns, f"CASE WHEN record_id IS NULL THEN 'no_id' WHEN {year} IS NULL THEN 'no_date' END"
    )
    return people_rows(
        con,
        f"(SELECT *, {persons.counts} FROM ({rows}) WINDOW record AS (PARTITION BY record_id))",
        **given
        | _located(columns)
        | persons.columns
        | {
            "year": year,
            "year_text": _or("year_text", columns, f"CASE WHEN {year} IS NULL THEN {year_text} END"),
            "record_type": _type(columns, options),
            "source_type": next((name for name in ("source_type", "record_type") if name in columns), "NULL"),
            "dropped": dropped,
            "changed": _changed(con, rows, options, paths) if "changed" in columns else "NULL",
            "organisations": _organisations(columns),
            "fields": _fields(columns),
        },
    )


class _Parts(NamedTuple):
    """SQL for how a record's parts go to its rows: columns to add to the rows, and PEOPLE columns out of them."""

    counts: str
    columns: dict[str, str]


_RECORDS = _Parts("1 AS row_count", {"source_rows": "1"})


def _number(name: str) -> str:
    """SQL for a number, also with a decimal comma; of a count, with its thousands apart, and a whole one only."""
    if name in _WHOLE:
        digits = f"regexp_replace({name}, '\\D', '', 'g')"
        alone = f"regexp_extract({name}, '^(\\d+)([.,]0+)?$', 1)"
        return f"try_cast(CASE WHEN regexp_full_match({name}, '{_GROUPED}') THEN {digits} ELSE {alone} END AS DOUBLE)"
    number = f"try_cast(replace({name}::VARCHAR, ',', '.') AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def _refuse_no_numbers(con: duckdb.DuckDBPyConnection, rows: str, columns: Sequence[str], where: str) -> None:
    """Raise InputError where a column of numbers has something else."""
    wrong = {name: _is_wrong(name) for name in _NUMBERS if name in columns}
    if not wrong:
        return
    found = con.sql(f"SELECT {', '.join(f'bool_or({each})' for each in wrong.values())} FROM ({rows})").fetchall()
    if name := next((name for name, some in zip(wrong, found[0], strict=True) if some), None):
        [(record, value, count)] = con.sql(
            f"SELECT record_id, {name}, count(*) OVER () FROM ({rows}) WHERE {wrong[name]} LIMIT 1"
        ).fetchall()
        kind = f"number of at least {_LEAST[name]}" if name in _LEAST else "number"
        raise InputError(
            f"{where}: {name} is not a {'whole ' if name in _WHOLE else ''}{kind} in {count:,} "
            f"row{'s' if count > 1 else ''}, for instance {value!r} of record {record!r}. Correct it, or "
            f"map another column"
        )


def _is_wrong(name: str) -> str:
    """SQL for a value of a column of numbers that is not one, or less than its least."""
    low = f" OR {_number(name)} < {_LEAST[name]}" if name in _LEAST else ""
    return f"lower({name}) <> 'nan' AND ({_number(name)} IS NULL{low})"


def _refuse_rounded_ids(con: duckdb.DuckDBPyConnection, rows: str, where: str) -> None:
    """Raise InputError where ids are numbers that a spreadsheet has rounded: several records share one."""
    rounded = f"(FROM ({rows}) LIMIT {_ROWS_OF_A_SHEET}) WHERE regexp_full_match(record_id, '{_ROUNDED}')"
    found = con.sql(f"SELECT record_id, count(*) OVER () FROM {rounded} LIMIT 1").fetchall()
    if found:
        [(record, count)] = found
        raise InputError(
            f"{where}: {count:,} id{'s are' if count > 1 else ' is'} rounded, for instance {record!r}: different "
            "records share one. Export the column as text, or map another column to record_id"
        )


def _refuse_other_parts(con: duckdb.DuckDBPyConnection, rows: str, where: str) -> None:
    """Raise InputError where the parts that the table gives of a record do not add up to it."""
    found = con.sql(
        f"SELECT record_id, sum({_number('fraction')}), count(*) - count(fraction), count(*) OVER () FROM ({rows}) "
        f"WHERE record_id IS NOT NULL GROUP BY record_id HAVING count(fraction) > 0 AND (count(fraction) < count(*) OR "
        f"abs(sum({_number('fraction')}) - 1) > {_ROUNDING}) ORDER BY record_id LIMIT 1"
    ).fetchall()
    if found:
        [(record, total, empty, count)] = found
        said = f"of record {record!r} {f'{empty} are empty' if empty else f'they add up to {total:.4g}'}"
        raise InputError(
            f"{where}: the fractions of {count:,} record{'s' if count > 1 else ''} do not add up to 1: {said}. "
            f"Add the missing rows, or leave out the column (`fraction: null` under `columns`; the parts "
            f"are then equal). `scale_fractions: true` treats them as weights"
        )


def _repeated(con: duckdb.DuckDBPyConnection, rows: str, columns: Sequence[str], where: str) -> bool:
    """Whether an id has several rows. Raises InputError where these say different things of the record.

    Hashes decide at first, as they need little memory; texts are compared only where those of one id differ.
    """
    said = [name for name in _OF_THE_RECORD if name in columns]
    [(repeated, differ)] = con.sql(
        "SELECT coalesce(max(rows) > 1, false), coalesce(bool_or(differ), false) FROM ("
        f"SELECT count(*) AS rows, min(said) <> max(said) AS differ FROM (SELECT hash(record_id) AS id, "
        f"hash({', '.join(said)}) AS said FROM ({rows}) WHERE record_id IS NOT NULL) GROUP BY id)"
    ).fetchall()
    if differ:
        _refuse_several_records(con, rows, said, where)
    return bool(repeated)


def _refuse_several_records(con: duckdb.DuckDBPyConnection, rows: str, said: Sequence[str], where: str) -> None:
    """Raise InputError where rows of one id say different things of the record."""
    differ = " OR ".join(f"min({name}) IS DISTINCT FROM max({name})" for name in said)
    found = con.sql(
        f"SELECT record_id, count(*), count(*) OVER () FROM ({rows}) WHERE record_id IS NOT NULL "
        f"GROUP BY record_id HAVING {differ} ORDER BY count(*) DESC, record_id LIMIT {_SHOWN}"
    ).fetchall()
    if not found:
        return
    shown = "\n".join(
        "  " + ", ".join(f"{name}={value}" for name, value in zip(("record_id", *said), row, strict=True) if value)
        for record_id, *_ in found
        for row in con.sql(
            f"SELECT DISTINCT record_id, {', '.join(said)} FROM ({rows}) WHERE record_id = {reading.quoted(record_id)} "
            f"ORDER BY ALL LIMIT {_SHOWN}"
        ).fetchall()
    )
    [(nameless,)] = con.sql(f"SELECT count(*) FROM ({rows}) WHERE record_id IS NULL").fetchall()
    count = f"{found[0][2]:,} id{'s stand' if found[0][2] > 1 else ' stands'}"
    without = f"{nameless:,} row{' has' if nameless == 1 else 's have'}"
    raise InputError(
        f"{where}: {count} for different records, for instance\n{shown}\n{without} no id. Map the column that "
        "identifies a record, make an id from several columns (`record_id: [Company, Date]`), or declare that each row "
        "is a record (`rows: records`, `record_id: {row: true}`)"
    )


def _year(
    con: duckdb.DuckDBPyConnection, rows: str, columns: Sequence[str], options: TableOptions, where: str
) -> tuple[str, str]:
    """SQL for the year, and for what is printed of it."""
    given = [name for name in ("year", "date") if name in columns]
    years = []
    for name in given:
        is_year = f"{name} IS NULL OR regexp_full_match({name}, '[12]\\d{{3}}(\\.0+)?')"
        [(plain,)] = con.sql(f"SELECT coalesce(bool_and({is_year}), true) FROM (FROM ({rows}) LIMIT 10000)").fetchall()
        formats = () if plain else dates.formats_of(con, f"({rows})", name, where, options.date_formats)
        years.append(dates.year(name, formats))
    year, text = f"coalesce({', '.join(years)})", f"coalesce({', '.join(given)})"
    _refuse_no_dates(con, rows, year, text, where)
    return year, text


def _changed(con: duckdb.DuckDBPyConnection, rows: str, options: TableOptions, paths: Sequence[Path]) -> str:
    """SQL for when the source last changed a record."""
    formats = options.date_formats or dates.formats_saved_again(con, f"({rows})", "changed", paths)
    return dates.moment("changed", formats)


def _refuse_no_dates(con: duckdb.DuckDBPyConnection, rows: str, year: str, text: str, where: str) -> None:
    """Raise InputError where no record of a table has a date that is read: its form is another one."""
    if con.sql(f"SELECT 1 FROM ({rows}) WHERE {year} IS NOT NULL LIMIT 1").fetchall():
        return
    found = con.sql(f"SELECT DISTINCT {text} FROM ({rows}) WHERE {text} IS NOT NULL ORDER BY ALL LIMIT {_SHOWN}")
    if examples := ", ".join(repr(example) for (example,) in found.fetchall()):
        raise InputError(
            f"{where}: no record has a readable date: {examples}. Set their format in the profile, for instance "
            f'`date_formats: ["%d.%m.%y"]`, or map another column to date or year'
        )


def _persons(columns: Sequence[str], *, repeated: bool) -> _Parts:
    """A record's parts go to its people, and each person's to their addresses.

    repeated: whether an id has several rows; if none has, no window is needed to count them.
    """
    ordered = _sequence(columns) + ", ".join(name for name in sorted(columns) if name not in NESTED)
    persons, seq = "row_count", "row_seq"
    addresses, address_seq = "1", "1"
    counts = {
        "row_count": ("count(*) OVER record", "1"),
        "row_seq": (f"row_number() OVER (PARTITION BY record_id ORDER BY {ordered})", "1"),
    }
    if "person_seq" in columns:
        person = "ORDER BY try_cast(person_seq AS INTEGER), person_seq"
        counts |= {
            "persons": ("count(DISTINCT person_seq) OVER record", "(person_seq IS NOT NULL)::INTEGER"),
            "addresses": ("count(*) OVER (PARTITION BY record_id, person_seq)", "1"),
            "nth": (f"dense_rank() OVER (PARTITION BY record_id {person})", "1"),
            "address_nth": (f"row_number() OVER (PARTITION BY record_id, person_seq ORDER BY {ordered})", "1"),
        }
        persons, addresses, address_seq = "persons", "addresses", "address_nth"
        seq = "coalesce(try_cast(person_seq AS INTEGER), nth)"
    elif "address_seq" in columns:
        persons, seq, addresses, address_seq = "1", "1", "row_count", "row_seq"
    computed = f"1 / (greatest({persons}, 1) * {addresses})"
    if "fraction" in columns:  # which add up to 1 but for rounding, unless the profile takes them for weights
        counts["given"] = (f"sum({_number('fraction')}) OVER record", _number("fraction"))
        computed = f"CASE WHEN given IS NULL THEN {computed} ELSE {_number('fraction')} / given END"
    one = {
        "person_seq": seq,
        "address_seq": f"coalesce(try_cast(address_seq AS INTEGER), {address_seq})"
        if "address_seq" in columns
        else address_seq,
        "people": f"coalesce({_number('people')}::INTEGER, {persons})" if "people" in columns else persons,
        "people_truncated": "coalesce(people_truncated::BOOLEAN, false)" if "people_truncated" in columns else "false",
        "fraction": computed,
        "source_rows": _or(
            "source_rows::INTEGER",
            columns,
            "CASE WHEN record_id IS NULL THEN 1 WHEN row_seq = 1 THEN row_count ELSE 0 END",
        ),
    }
    nameless = {"person_seq": "1", "address_seq": "1", "people": "1", "fraction": "1"}
    return _Parts(
        ", ".join(f"{many if repeated else one_row} AS {name}" for name, (many, one_row) in counts.items()),
        {
            name: f"CASE WHEN record_id IS NULL THEN {nameless[name]} ELSE {value} END" if name in nameless else value
            for name, value in one.items()
        },
    )


def _sequence(columns: Sequence[str]) -> str:
    """SQL for the order that the table gives its rows, as numbers."""
    return "".join(f"try_cast({name} AS INTEGER), " for name in ("person_seq", "address_seq") if name in columns)


def _or(name: str, columns: Sequence[str], default: str) -> str:
    return f"coalesce({name}, {default})" if name.partition("::")[0] in columns else default


def _located(columns: Sequence[str]) -> dict[str, str]:
    """SQL for the address and its parts; one column may have the whole, with the economy at its end."""
    in_parts = [name for name in ("city", "admin", "economy") if name in columns]
    if "address" in columns and not in_parts:
        whole = places.place(places.parts("address"))
        return {"economy": whole["economy"], "address": whole["address"]}
    if in_parts == ["economy"] and "address" not in columns:
        parts = places.parts("economy")
        whole = places.place(parts)
        is_whole = f"len({parts}) > 2 OR len({parts}) < len(string_split(economy, ','))"
        return {
            "economy": f"CASE WHEN {is_whole} THEN {whole['economy']} ELSE economy END",
            "city": f"CASE WHEN {is_whole} THEN {whole['city']} END",
            "admin": f"CASE WHEN {is_whole} THEN {whole['admin']} END",
            "address": whole["address"],
        }
    return {"address": _or("address", columns, joined(*in_parts) if in_parts else "NULL")}


def _type(columns: Sequence[str], options: TableOptions) -> str:
    """SQL for our type where the word is known, else the word; where there is none, `record`, or of deals `venture`."""
    unsaid = "venture" if isinstance(options, DealsTableOptions) else "record"
    if "record_type" not in columns:
        return f"'{unsaid}'"
    listed = ", ".join(f"'{theirs}': '{meant}'" for theirs, meant in WORDS.items())
    own = word("record_type")
    return f"coalesce(MAP {{{listed}}}[{own}], nullif({own}, ''), '{unsaid}')"


def _organisations(columns: Sequence[str]) -> str:
    if "organisation" not in columns:
        return "organisations" if "organisations" in columns else "NULL"
    economy = "economy" if "economy" in columns else "NULL"
    return company("organisation", economy, "organisation_id" if "organisation_id" in columns else "NULL")


def _fields(columns: Sequence[str]) -> str:
    if "industry" in columns:
        return industries("industry")
    if "field" not in columns:
        return "fields" if "fields" in columns else "NULL"
    listed = "list_filter(list_transform(string_split_regex(field, '[;|]'), lambda f: trim(f)), lambda f: f <> '')"
    return (
        f"CASE WHEN len({listed}) > 0 "
        f'THEN list_transform({listed}, lambda f: {{"name": f, weight: 1 / len({listed})}}) END'
    )
