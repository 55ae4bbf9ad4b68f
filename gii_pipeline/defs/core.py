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

from gii_pipeline import contracts, geocoding, memory
from gii_pipeline.defs import retrievals
from gii_pipeline.defs.between_years import YEARS_KEY, carried
from gii_pipeline.defs.failing import failing_clearly
from gii_pipeline.defs.partitions import data_years
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.publishing import Audit, Published, asset_spec, check_specs, not_demanded, publish
from gii_pipeline.defs.reading import Reading
from gii_pipeline.defs.recipes import GEOCODING, core_lock, joint_lock, record_code
from gii_pipeline.fingerprints import code_of
from gii_pipeline.sources.gathering import named_by_address, pinned_entries
from gii_pipeline.sources.ledger import Line, ledger, told
from gii_pipeline.sources.union import Union, union
from gii_pipeline.store import LOCK_KEY, no_pattern, read_lock, write_batches
from gii_pipeline.store.lock import fingerprint

QUALITY_KEY = b"gii_geocoding_quality"
LEDGER_KEY = b"gii_ingest_ledger"
LISTED_ADDRESSES = 20


def core_assets(pipeline: Pipeline) -> list[dg.AssetsDefinition]:
    """The record tables, `locations` and `geocoding_quality`, by data year."""
    records = [_records(pipeline, table) for table in pipeline.tables]
    following = {
        "locations": _locations,
        "geocoding_quality": _geocoding_quality,
        "ingest_ledger": _ingest_ledger,
    }
    return [*records, *(_following(pipeline, table, made_from) for table, made_from in following.items())]


@dataclass(frozen=True)
class Located:
    """A staged record table, its records by type, what became of every row, and the addresses that cost most."""

    path: Path
    records: dict[str, float]
    ledger: list[Line]
    unlocated: list[dict[str, object]]


def read_and_locate(pipeline: Pipeline, table: str, data_year: int, folder: Path) -> Located:
    """Read a data year's pinned files, locate its people, and write the core table to `folder`.

    Raises InputError naming the file where one is broken or of another format, DamagedError where one is not as kept.
    """
    metric, path = pipeline.tables[table], folder / f"{table}.parquet"
    pins = [pipeline.store.raw(table, data_year), pipeline.store.raw("institutions")]
    with _connection(folder) as connection, named_by_address(pins):
        reading = Reading(pipeline, metric, connection)
        pinned, others = reading.extracted(data_year), reading.elsewhere(data_year)
        united = union(connection, pinned, data_year, others)
        located = reading.located(united.rows, data_year)
        counted = folder / f"{table}-counted.parquet"
        geocoding.core_rows(connection, located, data_year).write_parquet(str(counted))
        core = _core(connection, counted)
        quality = geocoding.geocoding_quality(connection, metric, located, data_year, core).to_pylist()
        outcomes = geocoding.outcomes(metric, located, data_year, core)
        lines = ledger(connection, pinned, united, data_year, core=counted, quality=outcomes)
        metadata = {
            LOCK_KEY: core_lock(pipeline, table, data_year, _elsewhere(united)).to_bytes(),
            QUALITY_KEY: json.dumps(quality).encode(),
            LEDGER_KEY: json.dumps(lines).encode(),
            YEARS_KEY: carried(pinned, united, others),
        }
        write_batches(
            geocoding.core_batches(core), path, contracts.load(table, pipeline.registry).arrow_schema, metadata
        )
        costly = geocoding.unlocated(core).slice(0, LISTED_ADDRESSES).to_pylist()
        return Located(path, retrievals.by_type(connection, counted), lines, costly)


def _elsewhere(united: Union) -> list[int]:
    return [year for year, records in united.elsewhere.items() if records]


def _records(pipeline: Pipeline, table: str) -> dg.AssetsDefinition:
    deps = [f"raw_{table}", *(["raw_institutions"] if pipeline.profile.institutions else [])]

    @dg.multi_asset(
        name=table,
        specs=[
            asset_spec(
                contracts.load(table, pipeline.registry),
                "core",
                data_years(pipeline),
                deps,
                fingerprint(record_code(pipeline, table)),
            )
        ],
        check_specs=check_specs(pipeline.registry, data_years(pipeline), table),
    )
    def records(context: dg.AssetExecutionContext) -> Published:
        data_year = int(context.partition_key)
        if not pipeline.demands(table, data_year):
            yield from not_demanded(table, data_year)
            return
        with failing_clearly() as meter, pipeline.store.staging() as folder:
            located = read_and_locate(pipeline, table, data_year, folder)
            lock = read_lock(located.path)
            about = {
                "ledger": dg.MetadataValue.md("\n\n".join(told(located.ledger))),
                "costliest_unlocated_addresses": dg.MetadataValue.json(located.unlocated),
            }
            audit = _audit(pipeline, data_year, pipeline.store.raw(table, data_year))
            notes = {
                f"No location: {miss['address']}, {miss['economy']}": f"{miss['geocoding']}, {miss['people']:,} people"
                for miss in located.unlocated
            }
            yield from publish(
                pipeline.store, audit, {table: located.path}, lock, meter=meter, about=about, notes=notes
            )
            retrievals.note(pipeline, table, data_year, located.records)

    return records


def _following(
    pipeline: Pipeline, table: str, made_from: Callable[[list[Path], int, Path], pa.Table]
) -> dg.AssetsDefinition:
    """A table of a data year that follows from its record tables; made_from: their files, the year, a folder to use."""

    @dg.multi_asset(
        name=table,
        specs=[
            asset_spec(
                contracts.load(table, pipeline.registry),
                "core",
                data_years(pipeline),
                list(pipeline.tables),
                code_of(*GEOCODING),
            )
        ],
        check_specs=check_specs(pipeline.registry, data_years(pipeline), table),
    )
    def following(context: dg.AssetExecutionContext) -> Published:
        data_year = int(context.partition_key)
        files = [pipeline.store.verified(name, str(data_year)) for name in pipeline.tables_there(data_year)]
        with failing_clearly() as meter, pipeline.store.staging() as folder:
            rows = {table: made_from(files, data_year, folder)}
            lock = joint_lock(files, [table], pipeline.registry)
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
    rows.sort(key=lambda row: tuple(row[name] for name in ("metric", "status", "outcome", "economy", "precision")))
    return pa.Table.from_pylist(rows, schema=contracts.load("geocoding_quality").arrow_schema)


def _ingest_ledger(files: list[Path], data_year: int, folder: Path) -> pa.Table:
    """What each record table carries of what became of every row."""
    del data_year, folder
    schema = contracts.load("ingest_ledger").arrow_schema
    lines = [line for file in files for line in json.loads(pq.read_schema(file).metadata[LEDGER_KEY])]
    lines.sort(key=lambda line: (line["metric"], line["file"], line["stage"], line["outcome"]))
    return pa.Table.from_pylist([{name: line[name] for name in schema.names} for line in lines], schema=schema)


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
        waivers=pipeline.profile.waivers,
        registry=pipeline.registry,
    )


@contextmanager
def _connection(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with memory.connect(folder / "spill") as connection:
        yield connection
