"""A pipeline with editions 2025 to 2028 whose tables come and go by the calendar, without a run."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from gii_pipeline import contracts, verified
from gii_pipeline.defs.inputs import EditionInputs
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.recipes import core_lock, joint_lock
from gii_pipeline.defs.stages import STAGES
from gii_pipeline.profiles import read_profile
from gii_pipeline.sources.gathering import gather, pin
from gii_pipeline.store import FOLLOWING_TABLES, LOCK_KEY, Lock, Made, note, write_parquet
from gii_pipeline.store.lock import content_of
from gii_pipeline_tests import tiny_world

EDITIONS = (2025, 2026, 2027, 2028)
YEARS = tuple(range(2023, 2028))
SCHEDULE: dict[str, Any] = {
    "sources": {
        "pct_applications": {"month": 3, "day": 1, "lag_days": 30},
        "scientific_publications": {"month": 4, "day": 30},
        "vc_deals": {"month": 1, "day": 31, "lag_days": 14, "late_months": 2},
    }
}


def pipeline(folder: Path, release: str = "by a person") -> Pipeline:
    """Two data years an edition; every source publishes in the year after the data year."""
    path = tiny_world.write(folder)
    document = tiny_world.profile()
    edition = document["editions"][2015]
    document["editions"] = {year: _edition(edition, year) for year in EDITIONS}
    document["schedule"] = SCHEDULE | {"release": release}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return Calendar(read_profile(path), folder / "root")


def _edition(edition: dict[str, Any], year: int) -> dict[str, Any]:
    window = {"value": [year - 2, year - 1], "tag": "A", "source": "A test's world"}
    metrics = {name: settings | {"window": window} for name, settings in edition["metrics"].items()}
    return edition | {"metrics": metrics, "population_year": edition["population_year"] | {"value": year - 1}}


class Calendar(Pipeline):
    """The pipeline with the calendar's editions only."""

    @property
    def editions(self) -> dict[str, Any]:
        return {str(year): self.book[year] for year in EDITIONS}

    @property
    def data_years(self) -> list[int]:
        return list(YEARS)


def ingest(made: Pipeline, year: int, on: datetime, *tables: str) -> None:
    """The data year as it lies there after `tables` were fetched on a day; all of them unless named."""
    for table in tables or made.tables:
        path = made.store.raw(table, year)
        pin(gather(made.archive, made.profile.metrics[made.tables[table]], year), path)
        received(path, on)
        _write(made.store.core(table, year), table, core_lock(made, table, year))
    records = [made.store.core(table, year) for table in made.tables]
    if all(path.is_file() for path in records):
        for table in FOLLOWING_TABLES:
            _write(made.store.core(table, year), table, joint_lock(records, [table], made.registry))


def received(pin: Path, on: datetime) -> None:
    """Let a list of files say that all of them were received at that moment."""
    listed = json.loads(pin.read_text(encoding="utf-8"))
    for entry in (entry for entries in listed.values() for entry in entries):
        entry["retrieved_at"] = on.isoformat()
    pin.write_text(json.dumps(listed), encoding="utf-8")
    verified.record(pin)


def population(made: Pipeline) -> None:
    pin(gather(made.archive, made.profile.yearless["population"], None), made.store.raw("population"))


def rank(made: Pipeline, label: str) -> None:
    """The edition's tables as they lie there after `ranking`."""
    recipes = EditionInputs(made, label).recipes
    for stage in STAGES:
        lock = recipes.lock(stage)
        for table in stage.tables:
            path = made.store.edition(table, label)
            _write(path, table, lock)
            note(path, Made(content_of(path), lock, (), ()))


def _write(path: Path, table: str, lock: Lock) -> None:
    write_parquet(contracts.load(table).arrow_schema.empty_table(), path, {LOCK_KEY: lock.to_bytes()})
    verified.record(path)


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 6, tzinfo=UTC)
