"""Core assets: a data year's records by person and location, their locations, and how well they were located.

Belongs here: which pinned files a table is read from, and the two tables that follow from the record tables.
Does not: reading a format (`sources`), locating an address (`geocoding`).
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline import contracts, geocoding
from gii_pipeline.defs.failing import failing_clearly
from gii_pipeline.defs.inputs import core_lock, joint_lock
from gii_pipeline.defs.partitions import data_years
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.publishing import Audit, Published, asset_spec, check_specs, publish
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.gathering import named_by_address, pinned, pinned_entries
from gii_pipeline.store import LOCK_KEY, no_pattern, write_batches

QUALITY_KEY = b"gii_geocoding_quality"
MEMORY = "4GB"
BATCH_ROWS = 1_048_576
LISTED_ADDRESSES = 20


def core_assets(pipeline: Pipeline) -> list[dg.AssetsDefinition]:
    """The record tables, `locations` and `geocoding_quality`, by data year."""
    records = [_records(pipeline, table) for table in pipeline.tables]
    following = {"locations": _locations, "geocoding_quality": _geocoding_quality}
    return [*records, *(_following(pipeline, table, made_from) for table, made_from in following.items())]


@dataclass(frozen=True)
class Located:
    """A staged record table and what was found out while it was located."""

    path: Path
    undated: int
    unlocated: list[dict[str, object]]


def read_and_locate(pipeline: Pipeline, table: str, data_year: int, folder: Path) -> Located:
    """Read a data year's pinned files, locate its people, and write the core table to `folder`.

    Raises InputError naming the file where one is missing, broken or of another format.
    """
    pin = pipeline.store.raw(table, data_year)
    source = pipeline.profile.metrics[pipeline.tables[table]]
    with _connection(folder) as connection, named_by_address([pin, pipeline.store.raw("institutions")]):
        people = SOURCES[source.reader].people(connection, pinned(pin, pipeline.archive), source.options)
        located = geocoding.locate(
            connection,
            people.filter(f"year = {data_year} OR year IS NULL"),
            pipeline.gazetteer,
            _institutions(pipeline, connection),
            geocoding.read_overrides(pipeline.profile.gazetteer.overrides),
            source=f"{source.reader} of {data_year}",
            unknown_economies_pct=pipeline.profile.gazetteer.unknown_economies_pct,
        )
        quality = geocoding.geocoding_quality(connection, pipeline.tables[table], located, data_year)
        metadata = {
            LOCK_KEY: core_lock(pipeline, table, data_year).to_bytes(),
            QUALITY_KEY: json.dumps(quality.to_pylist()).encode(),
        }
        path = folder / f"{table}.parquet"
        rows = geocoding.core_rows(located, data_year).to_arrow_reader(BATCH_ROWS)
        write_batches(rows, path, contracts.load(table).arrow_schema, metadata)
        costly = geocoding.unlocated(located).slice(0, LISTED_ADDRESSES).to_pylist()
        return Located(path, geocoding.undated(located), costly)


def _records(pipeline: Pipeline, table: str) -> dg.AssetsDefinition:
    deps = [f"raw_{table}", *(["raw_institutions"] if pipeline.profile.institutions else [])]

    @dg.multi_asset(
        name=table,
        specs=[asset_spec(table, "core", data_years(pipeline), deps)],
        check_specs=check_specs(table),
    )
    def records(context: dg.AssetExecutionContext) -> Published:
        data_year = int(context.partition_key)
        with failing_clearly() as meter, pipeline.store.staging() as folder:
            located = read_and_locate(pipeline, table, data_year, folder)
            lock = core_lock(pipeline, table, data_year)
            about = {
                "records_without_year": located.undated,
                "costliest_unlocated_addresses": dg.MetadataValue.json(located.unlocated),
            }
            audit = _audit(pipeline, data_year, pipeline.store.raw(table, data_year))
            yield from publish(pipeline.store, audit, {table: located.path}, lock, meter=meter, about=about)

    return records


def _following(
    pipeline: Pipeline, table: str, made_from: Callable[[list[Path], int, Path], pa.Table]
) -> dg.AssetsDefinition:
    """A table of a data year that follows from its record tables; made_from: their files, the year, a folder to use."""

    @dg.multi_asset(
        name=table,
        specs=[asset_spec(table, "core", data_years(pipeline), list(pipeline.tables))],
        check_specs=check_specs(table),
    )
    def following(context: dg.AssetExecutionContext) -> Published:
        data_year = int(context.partition_key)
        files = [file for name in pipeline.tables for file in pipeline.store.core_years(name, [data_year])]
        with failing_clearly() as meter, pipeline.store.staging() as folder:
            rows = {table: made_from(files, data_year, folder)}
            lock = joint_lock(files, [table])
            yield from publish(pipeline.store, _audit(pipeline, data_year), rows, lock, meter=meter)

    return following


def _locations(files: list[Path], data_year: int, folder: Path) -> pa.Table:
    with _connection(folder) as connection:
        rows = geocoding.locations(connection, [_core(connection, file) for file in files], data_year)
        return rows.cast(contracts.load("locations").arrow_schema)


def _core(connection: duckdb.DuckDBPyConnection, file: Path) -> duckdb.DuckDBPyRelation:
    return connection.read_parquet(no_pattern(file), hive_partitioning=False)


def _geocoding_quality(files: list[Path], data_year: int, folder: Path) -> pa.Table:
    """What each record table carries of how well it was located."""
    del data_year, folder
    rows = [row for file in files for row in json.loads(pq.read_schema(file).metadata[QUALITY_KEY])]
    rows.sort(key=lambda row: (row["metric"], row["status"], row["outcome"]))
    return pa.Table.from_pylist(rows, schema=contracts.load("geocoding_quality").arrow_schema)


def _institutions(pipeline: Pipeline, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation | None:
    source = pipeline.profile.institutions
    if source is None:
        return None
    files = pinned(pipeline.store.raw("institutions"), pipeline.archive)
    return SOURCES[source.reader].institutions(connection, files, source.options)


def _audit(pipeline: Pipeline, data_year: int, pin: Path | None = None) -> Audit:
    """pin: the list of the files that were read; a record cannot be dated after they were received."""
    received = [str(entry["retrieved_at"])[:4] for entry in pinned_entries(pin)] if pin else []
    retrieved_year = max(map(int, received), default=datetime.now(UTC).year)
    before = data_year - 1
    return Audit(
        str(data_year),
        {"data_year": data_year, "retrieved_year": retrieved_year},
        previous=str(before) if before in pipeline.data_years else None,
        references={"places": pipeline.known_places},
    )


@contextmanager
def _connection(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "temp_directory": str(folder / "spill"),
        "preserve_insertion_order": "true",
    }
    with duckdb.connect(config=config) as connection:
        yield connection
