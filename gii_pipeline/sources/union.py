"""The union: one data year's people out of the extracts of a pinned list, every record once.

Belongs here: which of several versions of a record supersedes the others, in a list and between data years that were
fetched apart, and the options that only choose.
Does not: reading files (see `extracts`), or what happened to each row in numbers (see `ledger`).

A record is one version in one unit: (unit, record_id, year, changed). Of its versions the one counts that the source
changed last; without such a date equal rows are one, different rows in one unit are an error, and of several units the
later one of the list counts. A patent counts at its first publication, whatever came later.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import duckdb

from gii_pipeline.errors import InputError
from gii_pipeline.sources.extracts import FIRST_ROWS, Extract, is_whole, write_together
from gii_pipeline.sources.readers.files import file_list, quoted
from gii_pipeline.sources.readers.rows import FIRST_YEAR, PEOPLE_COLUMNS
from gii_pipeline.sources.source import without

PATENTS: Final = "pct_applications"
VERSION: Final = "unit, record_id, year, changed"
CONTENT: Final = tuple(name for name in PEOPLE_COLUMNS if name != "source_rows")
SHOWN_IDS: Final = 3


@dataclass(frozen=True)
class Pinned:
    """The extracts of one pinned list, in its order.

    latest: the year in which the list was retrieved, after which no record can be dated. retrieved_at: when, as
    ISO 8601: of lists fetched apart the later one counts. folder: where what is worked out of them is kept. gone: SQL
    for the records that the source has no more (`Source.listed_gone`); they are dropped for the reason there.
    """

    metric: str
    extracts: tuple[Extract, ...]
    latest: int
    retrieved_at: str
    folder: Path
    gone: str = ""

    @cached_property
    def key(self) -> str:
        """The identity of the list: what is worked out of equal lists is equal."""
        content = [self.metric == PATENTS, self.latest, *(extract.key for extract in self.extracts)]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]

    @property
    def superseded(self) -> Path:
        """Where the versions of records that do not count are listed."""
        return self.folder / f"superseded-{self.key}.parquet"

    def within(self, year: int) -> bool:
        return FIRST_YEAR <= year <= self.latest

    def rows(self, year: int | None = None) -> str:
        """SQL for the rows of all extracts, or of one year, each with its `unit`: the extract's place in the list."""
        paths = [extract.path for extract in self.extracts]
        scan = f"read_parquet({file_list(paths)}, filename = true, hive_partitioning = false)"
        # Files of equal bytes are one extract, so that a record of both is twice in the first of these units.
        first = {path: place for place, path in reversed(list(enumerate(paths)))}
        places = ", ".join(f"{quoted(path)}: {place}" for path, place in first.items())
        unit = "0" if len(paths) == 1 else f"MAP {{{places}}}[filename]"
        if year is not None:
            return f"(SELECT * EXCLUDE (filename), {unit} AS unit FROM {scan} WHERE year = {int(year)})"
        dated = (
            f"CASE WHEN year <= {self.latest} THEN year END AS year, "
            f"CASE WHEN year > {self.latest} THEN coalesce(year_text, year::VARCHAR) ELSE year_text END AS year_text"
        )
        return f"(SELECT * EXCLUDE (filename) REPLACE ({dated}), {unit} AS unit FROM {scan})"

    def verify(self) -> None:
        for extract in self.extracts:
            extract.verify()


def superseded(con: duckdb.DuckDBPyConnection, pinned: Pinned) -> Path:
    """The versions of records that do not count, as Parquet: VERSION, copies, outcome, winner, keeps_one.

    copies: how many there are. winner: the unit that counts. keeps_one: they are equal, and one of them counts.
    Raises InputError where an id stands for different records.
    """
    path = pinned.superseded
    if is_whole(path):
        return path
    _find_versions(con, pinned)
    _refuse_conflicts(con, pinned)
    staged = path.with_name(f".{path.stem}-{secrets.token_hex(4)}.staged")
    path.parent.mkdir(parents=True, exist_ok=True)
    con.sql(_SUPERSEDED).write_parquet(str(staged), compression="zstd")
    write_together(staged, path, {"units": [extract.key for extract in pinned.extracts]})
    return path


def _find_versions(con: duckdb.DuckDBPyConnection, pinned: Pinned) -> None:
    """Tables `versions`, of records that have several, and `contents`, the rows of those that a date leaves equal.

    Only hashes of ids are compared at first, so that the records of the world need little memory.
    """
    firsts = f"(SELECT {VERSION} FROM {pinned.rows()} WHERE {FIRST_ROWS})"
    published = "year" if pinned.metric == PATENTS else "NULL"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE repeated AS
            SELECT hash(record_id) AS id FROM {firsts} GROUP BY id HAVING count(*) > 1;
        CREATE OR REPLACE TEMP TABLE versions AS
            SELECT *, row_number() OVER () AS version,
                dense_rank() OVER (PARTITION BY record_id ORDER BY published NULLS LAST, changed DESC NULLS LAST) AS age
            FROM (
                SELECT {VERSION}, count(*) AS copies, {published}::INTEGER AS published
                FROM {firsts} SEMI JOIN repeated ON hash(record_id) = id GROUP BY ALL
            )
            QUALIFY sum(copies) OVER (PARTITION BY record_id) > 1;
        CREATE OR REPLACE TEMP TABLE contents (version BIGINT, content UBIGINT[], unequal BOOLEAN);
        """
    )
    tied = "SELECT record_id FROM versions WHERE age = 1 GROUP BY record_id HAVING sum(copies) > 1"
    if not con.execute(f"{tied} LIMIT 1").fetchall():
        return
    content = ", ".join(f'"{name}"' for name in CONTENT)
    con.execute(
        f"""
        INSERT INTO contents
            SELECT version, list(DISTINCT content ORDER BY content),
                count(*) <> any_value(copies) * count(DISTINCT content)
            FROM versions JOIN (
                SELECT {VERSION}, hash(row({content})) AS content
                FROM {pinned.rows()} SEMI JOIN ({tied}) USING (record_id)
            ) AS rows ON {SAME_VERSION.format("versions")}
            GROUP BY version
        """
    )


SAME_VERSION: Final = (
    "{0}.unit = rows.unit AND {0}.record_id = rows.record_id AND {0}.year IS NOT DISTINCT FROM rows.year "
    "AND {0}.changed IS NOT DISTINCT FROM rows.changed"
)
_SUPERSEDED: Final = """
    WITH ranked AS (
        SELECT versions.*, content, row_number() OVER best AS place,
            first_value(struct_pack(unit := unit, published := published, changed := changed, content := content))
                OVER best AS counts
        FROM versions LEFT JOIN contents USING (version)
        WINDOW best AS (PARTITION BY record_id ORDER BY age, unit DESC)
    )
    SELECT unit::INTEGER AS unit, record_id, year, changed, (copies - (place = 1)::INTEGER)::INTEGER AS copies,
        CASE
            WHEN published IS DISTINCT FROM counts.published THEN 'first_publication'
            WHEN changed IS DISTINCT FROM counts.changed THEN 'changed_later'
            WHEN content = counts.content THEN 'equal'
            ELSE 'later_file'
        END AS outcome,
        counts.unit::INTEGER AS winner, place = 1 AS keeps_one
    FROM ranked WHERE place > 1 OR copies > 1 ORDER BY record_id, unit, year, changed
"""
_CONFLICTS: Final = """
    SELECT record_id, unit, sum(copies)::INTEGER AS records FROM (
        SELECT *, max(unit) OVER (PARTITION BY record_id) AS last
        FROM versions JOIN contents USING (version) WHERE age = 1
    ) WHERE unit = last GROUP BY record_id, unit HAVING count(*) > 1 OR bool_or(unequal) ORDER BY unit, record_id
"""


def _refuse_conflicts(con: duckdb.DuckDBPyConnection, pinned: Pinned) -> None:
    """Raise InputError where what would count is not one record: different rows under one id in one unit."""
    found = con.sql(_CONFLICTS).fetchall()
    if not found:
        return
    told = "\n".join(_told(con, pinned, record_id, unit, records) for record_id, unit, records in found[:SHOWN_IDS])
    raise InputError(
        f"{len(found):,} id{'s stand' if len(found) > 1 else ' stands'} for different records.\n{told}\n"
        "An id must stand for one record: name the column that does in the reader's options, make an id of several "
        "columns, or correct the file."
    )


def _told(con: duckdb.DuckDBPyConnection, pinned: Pinned, record_id: str, unit: int, records: int) -> str:
    shown = con.sql(
        f"SELECT DISTINCT year, year_text, record_type, person_seq, city, economy, address FROM {pinned.rows()} "
        f"WHERE record_id = {quoted(record_id)} AND unit = {unit} ORDER BY ALL LIMIT 4"
    )
    rows = [
        ", ".join(f"{name}={value}" for name, value in zip(shown.columns, row, strict=True) if value is not None)
        for row in shown.fetchall()
    ]
    name = pinned.extracts[unit].unit.name
    return "\n    ".join([f"  {record_id!r} stands for {records} different records in {name}:", *rows])


@dataclass(frozen=True)
class Union:
    """The people of one data year: `rows`, PEOPLE rows with every record once, and what did not come into them.

    losers: the file of the list's superseded versions. elsewhere: data year -> how many records of this year count
    there. supersedes: data year -> how many of its records are counted here.
    """

    rows: duckdb.DuckDBPyRelation
    losers: Path
    elsewhere: Mapping[int, int]
    supersedes: Mapping[int, int]


def union(
    con: duckdb.DuckDBPyConnection, pinned: Pinned, data_year: int, others: Mapping[int, Pinned] | None = None
) -> Union:
    """The people of `data_year`, every record once; undated records and other years are left out.

    others: the lists of other data years. Where one was fetched apart from this one, a record that stands in both data
    years counts in one of them.
    Raises InputError where an id stands for different records, or an extract is damaged.
    """
    pinned.verify()
    losers = superseded(con, pinned)
    columns = ", ".join(f'"{name}"' for name in PEOPLE_COLUMNS)
    asked = "record_id IS NOT NULL" if pinned.within(data_year) else "false"
    rows = f"(FROM {pinned.rows(data_year)} WHERE {asked}) AS rows"
    gone = f"(FROM read_parquet({quoted(losers)}) WHERE year = {int(data_year)}) AS gone"
    [(some, merged)] = con.sql(f"SELECT count(*), count(*) FILTER (WHERE keeps_one) FROM {gone}").fetchall()
    kept = f"SELECT {columns} FROM {rows}"
    if some:
        kept += f" WHERE NOT EXISTS (FROM {gone} WHERE {SAME_VERSION.format('gone')})"
    if merged:
        one = f"FROM {gone} WHERE keeps_one AND {SAME_VERSION.format('gone')}"
        kept += f" UNION ALL SELECT DISTINCT {columns} FROM {rows} WHERE EXISTS ({one})"
    elsewhere, supersedes = {}, {}
    for year, other in sorted((others or {}).items()):
        if year == data_year or other.key == pinned.key:
            continue
        both = _compare(con, (data_year, pinned), (year, other))
        [(lost, won)] = con.sql(
            f"SELECT count(*) FILTER (WHERE NOT mine), count(*) FILTER (WHERE mine) FROM {both}"
        ).fetchall()
        elsewhere[year], supersedes[year] = int(lost), int(won)
        if lost:
            kept = f"FROM ({kept}) AS rows WHERE record_id NOT IN (SELECT record_id FROM {both} WHERE NOT mine)"
    if pinned.gone:
        kept = without(kept, pinned.gone)
    return Union(con.sql(kept), losers, elsewhere, supersedes)


def counted_elsewhere(con: duckdb.DuckDBPyConnection, mine: tuple[int, Pinned], theirs: tuple[int, Pinned]) -> str:
    """SQL for record_id of the records of the first data year that count in the second."""
    return f"(SELECT record_id FROM {_compare(con, mine, theirs)} WHERE NOT mine)"


def _compare(con: duckdb.DuckDBPyConnection, mine: tuple[int, Pinned], theirs: tuple[int, Pinned]) -> str:
    """A table of the records that two data years have: record_id, and `mine`, whether the first of them counts it."""
    (year, pinned), (other_year, other) = mine, theirs
    later = (pinned.retrieved_at, year) > (other.retrieved_at, other_year)
    equal = "mine.changed IS NOT DISTINCT FROM theirs.changed"
    by_date = "coalesce(mine.changed > theirs.changed OR theirs.changed IS NULL, false)"
    rule = f"{year < other_year}" if pinned.metric == PATENTS else f"CASE WHEN {equal} THEN {later} ELSE {by_date} END"
    table = f"both_{secrets.token_hex(8)}"
    con.execute(
        f"CREATE TEMP TABLE {table} AS SELECT record_id, {rule} AS mine FROM {_counted(con, pinned, year)} AS mine "
        f"JOIN {_counted(con, other, other_year)} AS theirs USING (record_id)"
    )
    return table


def _counted(con: duckdb.DuckDBPyConnection, pinned: Pinned, year: int) -> str:
    """SQL for record_id and changed of what a list by itself counts in a year."""
    gone = f"(FROM read_parquet({quoted(superseded(con, pinned))}) WHERE year = {int(year)} AND NOT keeps_one) AS gone"
    return (
        f"(SELECT DISTINCT record_id, changed FROM {pinned.rows(year)} AS rows WHERE {FIRST_ROWS} "
        f"AND NOT EXISTS (FROM {gone} WHERE {SAME_VERSION.format('gone')}))"
    )
