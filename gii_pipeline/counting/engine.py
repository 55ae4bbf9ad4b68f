"""The engine that counting runs on: DuckDB in process, or Apache Spark.

Belongs here: opening a connection by name, its limits, and core tables on it.
Does not: what is computed; the same Ibis expressions run on both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from gii_pipeline import memory, spark
from gii_pipeline.errors import InputError
from gii_pipeline.store import no_pattern

_SPARK_PATTERN = re.compile(r"([*?\[\]{}\\])")


def connect(engine: str = "duckdb", *, spill: Path | None = None) -> BaseBackend:
    """A connection to `duckdb` (in process, the default) or to `spark` (the running session, else a new one).

    DuckDB, or the driver of a new Spark session, keeps within GII_MEMORY. spill: where DuckDB puts what does not fit.
    Raises InputError for another engine, or if the `spark` extra is not installed.
    """
    if engine == "duckdb":
        connection = ibis.duckdb.connect(**memory.duckdb_settings(spill))
        connection.raw_sql("set enable_progress_bar = false")
        return connection
    if engine == "spark":
        return ibis.pyspark.connect(spark.session())
    raise InputError(f"There is no engine {engine!r}. Choose {' or '.join(spark.ENGINES)}.")


def read_core(connection: BaseBackend, files: Iterable[Path | str]) -> ir.Table:
    """One core table from its Parquet files, a file a data year; the names of folders above them give no column.

    Raises InputError if there is no file.
    """
    years = [_read(connection, file) for file in files]
    if not years:
        raise InputError("A core table has no files. Run `gii ingest` for the edition's years.")
    return ibis.union(*years) if len(years) > 1 else years[0]


def _read(connection: BaseBackend, file: Path | str) -> ir.Table:
    # Both engines would take a folder named `economy=US` above a table for a column of it.
    if connection.name == "duckdb":
        return connection.read_parquet(no_pattern(file), hive_partitioning=False)
    return connection.read_parquet(_SPARK_PATTERN.sub(r"\\\1", str(file)), recursiveFileLookup=True)
