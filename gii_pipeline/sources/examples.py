"""Examples: the rows behind a line of the ledger, with their keys.

Belongs here: which rows an outcome stands for, out of the extracts, the union and the core table.
Does not: counting them (see `ledger`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pandas as pd

from gii_pipeline.errors import InputError
from gii_pipeline.sources.extracts import FIRST_ROWS
from gii_pipeline.sources.readers.files import quoted
from gii_pipeline.sources.readers.rows import Options, chosen
from gii_pipeline.sources.union import SAME_VERSION, Pinned, counted_elsewhere, superseded, union

_SHOWN: Final = "record_id, year, year_text, record_type, source_type, changed, address, city, admin, economy"
_COUNTED: Final = "record_id, person_seq, location_seq, record_type, address, place, admin, economy, fraction"


def outcomes(lines: Iterable[Mapping[str, Any]], asked: str) -> list[tuple[str, str, int]]:
    """Stage, outcome and how many rows or records: the lines of a ledger that `asked` names.

    asked: an outcome as the ledger writes it, what stands before its colon, or its reason.
    Raises InputError with the outcomes that occur where it names none of them.
    """
    totals: dict[tuple[str, str], int] = {}
    for line in lines:
        key = line["stage"], line["outcome"]
        count = line["rows"] if line["records"] is None else line["records"]
        totals[key] = totals.get(key, 0) + int(count or 0)
    named = {key: count for key, count in totals.items() if asked in (key[1], *key[1].split(": ", 1))}
    if not named:
        occur = ", ".join(dict.fromkeys(outcome for (_, outcome), count in totals.items() if count))
        raise InputError(f"The ledger has no outcome {asked!r}. Known outcomes: {occur}.")
    return [(stage, outcome, count) for (stage, outcome), count in named.items()]


@dataclass(frozen=True)
class Examples:
    """Rows of one metric and data year by what became of them.

    others: the lists of other data years. core: the table that was made.
    """

    con: duckdb.DuckDBPyConnection
    pinned: Pinned
    others: Mapping[int, Pinned]
    data_year: int
    options: Options
    core: Path

    def of(self, stage: str, outcome: str, limit: int) -> pd.DataFrame:
        """The first rows with an outcome, by file and id; columns without a value are left out."""
        kind, _, reason = outcome.partition(": ")
        rows: pd.DataFrame = self.con.sql(f"{self._sql(stage, kind, reason)} ORDER BY ALL LIMIT {int(limit)}").df()
        for name in ("unit", "winner"):
            if name in rows:
                place = rows.columns.get_loc(name)
                files = [self.pinned.extracts[unit].unit.name for unit in rows.pop(name)]
                rows.insert(int(str(place)), {"unit": "file", "winner": "counts_in"}[name], files)
        return rows.dropna(axis="columns", how="all").convert_dtypes()

    def _sql(self, stage: str, kind: str, reason: str) -> str:
        if stage in ("read", "date"):
            return f"SELECT unit, {_SHOWN} FROM {self.pinned.rows()} WHERE {_of_file(kind, reason)}"
        if stage == "locate" or kind == "counted":
            table = f"read_parquet({quoted(self.core)}, hive_partitioning = false)"
            there = {"located": "location_id IS NOT NULL", "unlocated": "location_id IS NULL"}.get(kind, "true")
            by_reason = f" AND geocoding = {quoted(reason)}" if reason else ""
            return f"SELECT {_COUNTED}, geocoding FROM {table} WHERE {there}{by_reason}"
        if kind == "dropped":
            united = union(self.con, self.pinned, self.data_year, self.others)
            left = chosen(united.rows, self.options).filter(f"dropped = {quoted(reason)} AND source_rows > 0")
            return left.select(_SHOWN).sql_query()
        return self._superseded(reason) if kind == "superseded" else self._other_years()

    def _superseded(self, reason: str) -> str:
        years = [year for year in self.others if reason == f"data_year_{year}"]
        if years:
            gone = counted_elsewhere(self.con, (self.data_year, self.pinned), (years[0], self.others[years[0]]))
            firsts = f"(FROM {self.pinned.rows(self.data_year)} WHERE {FIRST_ROWS})"
            return f"SELECT unit, {_SHOWN} FROM {firsts} WHERE record_id IN (SELECT record_id FROM {gone})"
        losers = f"read_parquet({quoted(superseded(self.con, self.pinned))}, hive_partitioning = false)"
        return (
            f"SELECT unit, record_id, year, changed, copies, winner FROM {losers} "
            f"WHERE year IS NOT NULL AND outcome = {quoted(reason)}"
        )

    def _other_years(self) -> str:
        losers = f"read_parquet({quoted(superseded(self.con, self.pinned))}, hive_partitioning = false)"
        gone = f"(FROM {losers} WHERE NOT keeps_one) AS gone"
        return (
            f"SELECT unit, {_SHOWN} FROM {self.pinned.rows()} AS rows WHERE {FIRST_ROWS} "
            f"AND year <> {int(self.data_year)} AND NOT EXISTS (FROM {gone} WHERE {SAME_VERSION.format('gone')})"
        )


def _of_file(kind: str, reason: str) -> str:
    """Which rows of the files an outcome of the stages `read` and `date` is about."""
    conditions = {
        "read": "source_rows > 0",
        "records": FIRST_ROWS,
        "refused": f"record_id IS NULL AND dropped = {quoted(reason)}",
        "dated": f"{FIRST_ROWS} AND year IS NOT NULL",
        "undated": f"{FIRST_ROWS} AND year IS NULL",
    }
    return conditions[kind]


__all__ = ["Examples", "outcomes"]
