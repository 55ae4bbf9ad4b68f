"""Retrievals: what each retrieval of a data year's files counted, kept for as long as the root.

Belongs here: noting a retrieval when its core table is made, and reading what was noted for an edition.
Does not: what follows from it (`metrics.completeness`).

A core table is replaced when its files are retrieved again, and with it what it counted. One small file per retrieval
is next to the list of its files. It counts by type of record, since editions choose among types.
"""

from __future__ import annotations

import json
import os
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from gii_pipeline import verified
from gii_pipeline.metrics.completeness import Retrieval, Shown, shown
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.gathering import asked, retrieved_at
from gii_pipeline.sources.readers.files import quoted
from gii_pipeline.store import Store
from gii_pipeline.store.lock import fingerprint

if TYPE_CHECKING:
    from pathlib import Path

    from gii_pipeline.defs.pipeline import Pipeline
    from gii_pipeline.editions import Edition

NAME = "retrieval-{}.json"


def by_type(connection: duckdb.DuckDBPyConnection, core: Path) -> dict[str, float]:
    """Type of record -> how many records a core table counts, from its own rows."""
    rows = connection.sql(
        "SELECT coalesce(record_type, '') AS kind, round(sum(fraction), 3) "
        f"FROM read_parquet({quoted(core)}, hive_partitioning = false) GROUP BY kind ORDER BY kind"
    ).fetchall()
    return {str(kind): float(records) for kind, records in rows}


def note(pipeline: Pipeline, table: str, data_year: int, records: dict[str, float]) -> None:
    """Keep what the pinned files of a data year count. records: as `by_type`."""
    pin = pipeline.store.raw(table, data_year)
    when = retrieved_at(pin)
    if not when:
        return
    said = {"retrieved_at": when, "asked": _asked(pipeline, table), "records": records}
    target = pin.with_name(NAME.format("".join(filter(str.isalnum, when))))
    staged = target.with_name(f".{target.name}.{os.getpid()}")
    staged.write_text(json.dumps(said, indent=1, sort_keys=True), encoding="utf-8")
    verified.replace(staged, target)


def shown_for(pipeline: Pipeline, edition: Edition) -> dict[str, dict[int, Shown]]:
    """Metric -> data year of its window -> what retrievals show of it."""
    found = {}
    for metric, years in edition.data_years.items():
        table = pipeline.core_tables[metric]
        pins = {year: pipeline.store.raw(table, year) for year in years}
        days = {year: when[:10] for year, pin in pins.items() if pin.is_file() and (when := retrieved_at(pin))}
        current = {year: date.fromisoformat(day) for year, day in days.items()}
        found[metric] = shown(current, _noted(pipeline, table, edition.metrics[metric].record_types.value))
    return found


def _noted(pipeline: Pipeline, table: str, types: tuple[str, ...] | None) -> list[Retrieval]:
    """What was noted of a table's data years by the options and the reader of now; others do not compare."""
    store, now, found = Store(pipeline.archive_root or pipeline.root), _asked(pipeline, table), []
    for path in sorted(store.raw(table).parent.glob(f"data_year=*/{NAME.format('*')}")):
        year = int(path.parent.name.removeprefix("data_year="))
        said = json.loads(
            verified.read_bytes(path, "`gii verify --repair` sets it aside; its counts are then unknown.")
        )
        if said["asked"] == now:
            count = sum(records for kind, records in said["records"].items() if types is None or kind in types)
            found.append(Retrieval(year, date.fromisoformat(said["retrieved_at"][:10]), count))
    return found


def _asked(pipeline: Pipeline, table: str) -> str:
    """A fingerprint of what decides which records a source gives: the request to it, and how it is read."""
    source = pipeline.profile.metrics[pipeline.tables[table]]
    reader = SOURCES[source.reader]
    return fingerprint([source.reader, reader.extract_version, source.options, asked(source)])
