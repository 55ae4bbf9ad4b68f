"""Records that left a source: those that the files of one release have and those of another do not.

Belongs here: which they are, by reader and data year, out of what was kept when the files were read.
Does not: where they were located, or what their loss does to a ranking (see `releases.gone`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from gii_pipeline.sources.readers.files import file_list
from gii_pipeline.sources.readers.rows import PEOPLE_COLUMNS
from gii_pipeline.sources.vintages import files_of, kept_units

_IDS: Final = 3


@dataclass(frozen=True)
class GonePeople:
    """PEOPLE rows of the records of one reader and data year that are gone, each record once."""

    source: str
    data_year: int
    rows: duckdb.DuckDBPyRelation

    def told(self) -> dict[str, Any]:
        """source, data_year, records, fraction (what they counted before anything was chosen) and some of their ids."""
        found = self.rows.aggregate(
            f"count(DISTINCT record_id), sum(fraction), list(DISTINCT record_id ORDER BY record_id)[:{_IDS}]"
        ).fetchall()
        [(records, fraction, ids)] = found
        return {
            "source": self.source,
            "data_year": self.data_year,
            "records": int(records),
            "fraction": float(fraction),
            "examples": tuple(ids),
        }


def gone_people(
    con: duckdb.DuckDBPyConnection,
    extracts: Path,
    old: Mapping[int, Collection[str]],
    new: Mapping[int, Collection[str]],
) -> list[GonePeople] | None:
    """The records that the old files have and the new ones do not, by reader and data year.

    old, new: data year -> the sha256 of the files that each was made from; years that only one has are left out.
    None where no extract of the old files is kept.
    """
    kept = kept_units(extracts).items()
    read = {key: (path, {file["sha256"] for file in files_of(about)}) for key, (path, about) in kept}
    now = {sha256 for files in new.values() for sha256 in files}
    after = {key: path for key, (path, files) in read.items() if files <= now}
    found: list[GonePeople] = []
    known = False
    for year in sorted(old.keys() & new.keys()):
        before = {key: path for key, (path, files) in read.items() if files <= set(old[year])}
        known |= bool(before)
        for reader in sorted({reader for reader, _ in before}):
            left = [path for key, path in before.items() if key[0] == reader and key not in after]
            there = [path for key, path in after.items() if key[0] == reader]
            if left and there:
                rows = _gone(con, left, there, year)
                if rows.limit(1).fetchall():
                    found.append(GonePeople(reader, year, rows))
    return found if known else None


def _gone(con: duckdb.DuckDBPyConnection, left: list[Path], there: list[Path], year: int) -> duckdb.DuckDBPyRelation:
    columns = ", ".join(f'"{name}"' for name in PEOPLE_COLUMNS)
    return con.sql(
        f"SELECT {columns} FROM {_rows(left)} ANTI JOIN (SELECT record_id FROM {_rows(there)}) USING (record_id) "
        f"WHERE dropped IS NULL AND year = {year} AND record_id IS NOT NULL "
        "QUALIFY filename = min(filename) OVER (PARTITION BY record_id)"
    )


def _rows(paths: list[Path]) -> str:
    return f"read_parquet({file_list(paths)}, hive_partitioning = false, filename = true)"
