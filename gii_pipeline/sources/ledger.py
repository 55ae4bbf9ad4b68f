"""The ledger of an ingest: what became of every row and record of a data year, in numbers.

Belongs here: the lines of `ingest_ledger`, out of what extracts, the union, the geocoder and the core table counted.
Does not: deciding what becomes of a record (the readers, `union`), or judging the equations; the contract does.

Four equations hold. Per file: rows read = rows of records + rows refused, and records = dated + undated. Per source:
dated = superseded + other years + dropped + counted. Per data year: the fraction counted = located + unlocated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb

from gii_pipeline.sources.extracts import Extract
from gii_pipeline.sources.readers.files import quoted
from gii_pipeline.sources.union import Pinned, Union

ALL_FILES: Final = "all"
Line = dict[str, Any]


def ledger(
    con: duckdb.DuckDBPyConnection,
    pinned: Pinned,
    united: Union,
    data_year: int,
    *,
    core: Path,
    quality: Sequence[Mapping[str, Any]],
) -> list[Line]:
    """The lines of one metric and data year, in the order of the stages.

    core: the table that was made. quality: `geocoding.outcomes`, what was located, unlocated or dropped.
    """
    lines = [line for extract in pinned.extracts for line in _of_file(pinned, extract)]
    superseded = _superseded(con, united, data_year)
    lines += _chosen(pinned, united, data_year, superseded)
    lines += [
        _line("choose", f"dropped: {row['outcome']}", data_year, records=row["records"])
        for row in quality
        if row["status"] == "dropped"
    ]
    lines.append(_line("choose", "counted", data_year, **_counted(con, core)))
    lines += [
        _line(
            "locate", f"{row['status']}: {row['outcome']}", data_year, records=row["records"], fraction=row["fraction"]
        )
        for row in quality
        if row["status"] != "dropped"
    ]
    source = pinned.extracts[0].unit.reader if pinned.extracts else ""
    return [{"metric": pinned.metric, "source": source, **line} for line in lines]


def _of_file(pinned: Pinned, extract: Extract) -> Iterator[Line]:
    """What a file gave, whatever the data year: stages `read` and `date`."""
    file, years = extract.unit.name, extract.years
    yield _line("read", "read", None, file, rows=extract.rows)
    yield _line("read", "records", None, file, **_sum(years.values()))
    for reason, rows in sorted(extract.refused.items()):
        yield _line("read", f"refused: {reason}", None, file, rows=rows)
    dated = [count for year, count in years.items() if year is not None and pinned.within(year)]
    yield _line("date", "dated", None, file, **_sum(dated))
    undated = [count for year, count in years.items() if year is None or not pinned.within(year)]
    yield _line("date", "undated", None, file, **_sum(undated))


def _superseded(con: duckdb.DuckDBPyConnection, united: Union, data_year: int) -> list[tuple[str, int, int]]:
    """Why versions of dated records do not count: the rule, how many of all years, how many of other years."""
    return con.sql(
        "SELECT outcome, sum(copies)::BIGINT, "
        f"coalesce(sum(copies) FILTER (WHERE year <> {int(data_year)}), 0)::BIGINT "
        f"FROM read_parquet({quoted(united.losers)}) WHERE year IS NOT NULL GROUP BY outcome ORDER BY outcome"
    ).fetchall()


def _chosen(
    pinned: Pinned, united: Union, data_year: int, superseded: Sequence[tuple[str, int, int]]
) -> Iterator[Line]:
    """The dated records of all files that this data year leaves out: superseded, or of other years."""
    for outcome, records, _ in superseded:
        yield _line("choose", f"superseded: {outcome}", data_year, records=records)
    for year, records in sorted(united.elsewhere.items()):
        if records:
            yield _line("choose", f"superseded: data_year_{year}", data_year, records=records)
    others = [
        count.records
        for extract in pinned.extracts
        for year, count in extract.years.items()
        if year is not None and year != data_year and pinned.within(year)
    ]
    gone = sum(elsewhere for _, _, elsewhere in superseded)
    yield _line("choose", "other_years", data_year, records=sum(others) - gone)


def _counted(con: duckdb.DuckDBPyConnection, core: Path) -> dict[str, Any]:
    """What the core table counts, from its own rows."""
    rows = con.sql(
        f"SELECT count(DISTINCT record_id), coalesce(sum(fraction), 0) FROM read_parquet({quoted(core)}, "
        "hive_partitioning = false)"
    )
    [(records, fraction)] = rows.fetchall()
    return {"records": int(records), "fraction": float(fraction)}


def _sum(counts: Iterable[Any]) -> dict[str, Any]:
    listed = list(counts)
    return {name: sum(getattr(count, name) for count in listed) for name in ("rows", "records", "fraction")}


def _line(stage: str, outcome: str, data_year: int | None, file: str = ALL_FILES, **counts: float | None) -> Line:
    empty = {"rows": None, "records": None, "fraction": None}
    return {"data_year": data_year, "file": file, "stage": stage, "outcome": outcome, **empty, **counts}


def told(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """Three lines per metric for a person: what was read, what became of the records, where those that count are."""
    by_metric: dict[str, list[Mapping[str, Any]]] = {}
    for line in lines:
        by_metric.setdefault(line["metric"], []).append(line)
    return [text for metric, found in sorted(by_metric.items()) for text in _told(metric, found)]


def _told(metric: str, lines: list[Mapping[str, Any]]) -> Iterator[str]:
    def total(stage: str, outcome: str, of: str = "records") -> float:
        return sum(line[of] or 0 for line in lines if line["stage"] == stage and line["outcome"] == outcome)

    def parts(stage: str, kind: str, of: str = "records") -> str:
        found: dict[str, float] = {}
        for line in lines:
            name, _, reason = line["outcome"].partition(": ")
            if line["stage"] == stage and name == kind and line[of]:
                found[reason] = found.get(reason, 0) + line[of]
        return ", ".join(f"{reason} {count:,.0f}" for reason, count in sorted(found.items())) or "none"

    years = sorted({line["data_year"] for line in lines if line["data_year"] is not None})
    files = len({line["file"] for line in lines if line["stage"] == "read"})
    yield (
        f"{metric} {', '.join(map(str, years))}: {total('read', 'read', 'rows'):,.0f} rows read from {files} files, "
        f"{total('read', 'records'):,.0f} records; refused rows: {parts('read', 'refused', 'rows')}; "
        f"undated: {total('date', 'undated'):,.0f}"
    )
    yield (
        f"  counted: {total('choose', 'counted'):,.0f}; other years: {total('choose', 'other_years'):,.0f}; "
        f"superseded: {parts('choose', 'superseded')}; dropped: {parts('choose', 'dropped')}"
    )
    yield f"  located: {parts('locate', 'located', 'fraction')}; unlocated: {parts('locate', 'unlocated', 'fraction')}"
