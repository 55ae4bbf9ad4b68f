"""What has to be true after every fault: whole tables only, and none marked materialised that is not there."""

from __future__ import annotations

import dagster as dg
import pyarrow.parquet as pq

from gii_pipeline import verified
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.store import EDITION_TABLES, FOLLOWING_TABLES, LOCK_KEY


def assert_whole(pipeline: Pipeline, instance: dg.DagsterInstance) -> None:
    """Every visible file is a whole table with its lock, and every materialised partition has one."""
    for layer in ("core", "editions"):
        for path in sorted((pipeline.root / layer).rglob("*")):
            if path.is_file() and not path.name.startswith(".") and path.suffix != verified.SUFFIX:
                assert path.name == "part-0.parquet", path
                assert verified.damage(path) is None
                assert LOCK_KEY in pq.ParquetFile(path).schema_arrow.metadata
                pq.read_table(path, partitioning=None)
    for table in (*pipeline.tables, *FOLLOWING_TABLES, *EDITION_TABLES):
        for partition in instance.get_materialized_partitions(dg.AssetKey(table)):
            assert pipeline.store.partition(table, partition).is_file()
