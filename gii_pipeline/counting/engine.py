"""The engine that counting runs on: DuckDB in process, or Apache Spark.

Belongs here: opening a connection by name, and its limits.
Does not: what is computed; the same Ibis expressions run on both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import ibis
from ibis.backends import BaseBackend

from gii_pipeline.errors import InputError

Engine = Literal["duckdb", "spark"]


def connect(name: str = "duckdb", *, memory: str = "1GB", spill: Path | None = None) -> BaseBackend:
    """A connection to `duckdb` (in process, the default) or to `spark` (the session there is, else a local one).

    memory: how much DuckDB may hold, or a local Spark driver; spill: where DuckDB puts what does not fit.
    Raises InputError for another name, or if the `spark` extra is not installed.
    """
    if name == "duckdb":
        settings = {"memory_limit": memory} | ({"temp_directory": str(spill)} if spill else {})
        return ibis.duckdb.connect(**settings)
    if name == "spark":
        return _spark(memory)
    raise InputError(f"There is no engine {name!r}. Choose duckdb or spark.")


def _spark(memory: str) -> BaseBackend:
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415
    except ImportError as error:
        raise InputError("The engine spark needs `pip install gii-pipeline[spark]` and Java 17.") from error
    settings = {"spark.sql.session.timeZone": "UTC", "spark.ui.enabled": "false", "spark.driver.memory": memory.lower()}
    session = SparkSession.builder.appName("gii_pipeline").config(map=settings).getOrCreate()
    return ibis.pyspark.connect(session)
