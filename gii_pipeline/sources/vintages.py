"""Two vintages of a source, compared by what was kept when their files were read: fields, types and counts.

Belongs here: finding the units of a vintage by their addresses, or of a release by its files; what differs, and which
records are gone. Does not: reading their files.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pandas as pd

from gii_pipeline import memory, verified
from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers.files import file_list

NONE: Final = "–"
_SHOWN: Final = 10
_IDS: Final = 3


@dataclass(frozen=True)
class Vintage:
    """The units of one reader that belong together. fields: `role: field` -> types. years: year -> records."""

    units: int
    fields: Mapping[str, str]
    rows: int
    refused: int
    years: Mapping[str, int]


def vintage(extracts: Path, part: str) -> dict[str, Vintage]:
    """Reader -> its units one of whose files has `part` in its address, each as it was read last.

    Raises InputError where there is none, with addresses that there are.
    """
    kept = _kept(extracts)
    read = {key: about for key, (_, about) in kept.items() if any(part in file["address"] for file in _files_of(about))}
    if not read:
        known = {file["address"] for _, about in kept.values() for file in _files_of(about)}
        listed = "\n  ".join(sorted(known)[:_SHOWN])
        raise InputError(f"No file that was read has {part!r} in its address. There are {len(known)}:\n  {listed}")
    return {name: _together([about for (reader, _), about in read.items() if reader == name]) for name, _ in read}


def _kept(extracts: Path) -> dict[tuple[str, str], tuple[Path, Any]]:
    """Reader and the sha256 of a unit's files -> its extract as it was made last, and what is known of it."""
    found: dict[tuple[str, str], tuple[Path, Any]] = {}
    for path in sorted(extracts.glob("*/v*/*.json"), key=lambda path: int(path.parent.name[1:])):
        about = json.loads(verified.read_bytes(path, "Delete it; the next `gii ingest` makes it again."))
        if "unit" in about:
            key = path.parent.parent.name, ",".join(file["sha256"] for file in _files_of(about))
            found[key] = path.with_suffix(".parquet"), about
    return found


def _files_of(about: Any) -> list[dict[str, str]]:  # noqa: ANN401
    return [file for role in about["unit"].values() for file in role]


def gone_at_source(
    extracts: Path, old: Mapping[int, Collection[str]], new: Mapping[int, Collection[str]]
) -> list[dict[str, Any]] | None:
    """Records that the files of one release have and those of another do not, by reader and year.

    old, new: data year -> the sha256 of the files that each was made from; years that only one has are left out. Each
    row has source, data_year, records, fraction (what they counted before anything was chosen) and some of their ids.
    None where no extract of the old files is kept.
    """
    kept = _kept(extracts).items()
    read = {key: (path, {file["sha256"] for file in _files_of(about)}) for key, (path, about) in kept}
    now = {sha256 for files in new.values() for sha256 in files}
    after = {key: path for key, (path, files) in read.items() if files <= now}
    rows: list[dict[str, Any]] = []
    known = False
    with memory.connect() as con:
        for year in sorted(old.keys() & new.keys()):
            before = {key: path for key, (path, files) in read.items() if files <= set(old[year])}
            known |= bool(before)
            for reader in sorted({reader for reader, _ in before}):
                left = [path for key, path in before.items() if key[0] == reader and key not in after]
                there = [path for key, path in after.items() if key[0] == reader]
                if left and there:
                    rows += [{"source": reader, **row} for row in _gone(con, left, there, year)]
    return rows if known else None


def _gone(con: duckdb.DuckDBPyConnection, left: list[Path], there: list[Path], year: int) -> Iterator[dict[str, Any]]:
    found = con.sql(
        f"SELECT count(DISTINCT record_id), sum(fraction), list(DISTINCT record_id ORDER BY record_id)[:{_IDS}] "
        f"FROM {_rows(left)} ANTI JOIN (SELECT record_id FROM {_rows(there)}) USING (record_id) "
        f"WHERE dropped IS NULL AND year = {year} AND record_id IS NOT NULL"
    ).fetchall()
    [(records, fraction, ids)] = found
    if records:
        yield {"data_year": year, "records": records, "fraction": float(fraction), "examples": tuple(ids)}


def _rows(paths: list[Path]) -> str:
    return f"read_parquet({file_list(paths)}, hive_partitioning = false)"


def _together(units: list[Any]) -> Vintage:
    types: dict[str, set[str]] = {}
    for about in units:
        for role, found in about.get("fields", {}).items():
            for name, kind in found.items():
                types.setdefault(f"{role}: {name}", set()).add(kind)
    years: Counter[str] = Counter()
    for about in units:
        years.update({str(each["year"] or "undated"): each["records"] for each in about["years"]})
    return Vintage(
        len(units),
        {name: " or ".join(sorted(kinds)) for name, kinds in types.items()},
        sum(about["rows"] for about in units),
        sum(sum(about["refused"].values()) for about in units),
        years,
    )


def differences(old: Mapping[str, Vintage], new: Mapping[str, Vintage]) -> pd.DataFrame:
    """reader, what, old, new: the fields that one vintage lacks or has as another type, and every count that differs.

    Names are compared without regard to capitals, as readers find columns.
    """
    rows = [
        {"reader": reader, "what": what, "old": before, "new": after}
        for reader in sorted({*old, *new})
        for what, before, after in _of_reader(old.get(reader), new.get(reader))
        if before != after
    ]
    return pd.DataFrame(rows, columns=["reader", "what", "old", "new"])


def _of_reader(old: Vintage | None, new: Vintage | None) -> Iterator[tuple[str, str, str]]:
    if old is None or new is None:
        yield "units", str(old.units if old else NONE), str(new.units if new else NONE)
        return
    before, after = ({name.casefold(): kind for name, kind in one.fields.items()} for one in (old, new))
    spelt = {name.casefold(): name for name in (*old.fields, *new.fields)}
    if not before or not after:
        yield "fields", _how_many(before), _how_many(after)
    else:
        for key, name in spelt.items():
            yield f"field {name}", before.get(key, NONE), after.get(key, NONE)
    for what in ("units", "rows", "refused"):
        yield what, f"{getattr(old, what):,}", f"{getattr(new, what):,}"
    for year in sorted({*old.years, *new.years}):
        yield f"records of {year}", f"{old.years.get(year, 0):,}", f"{new.years.get(year, 0):,}"


def _how_many(fields: Mapping[str, str]) -> str:
    return f"{len(fields)} kept" if fields else "not kept when it was read"
