"""Counting: how many people, records and parts of records of each metric there are at each location.

Belongs here: everything that reads each record of the core tables, as Ibis expressions for DuckDB or Spark.
Does not: what is done with a few hundred thousand locations afterwards.
"""

from gii_pipeline.counting.by_economy import by_economy, calibrated
from gii_pipeline.counting.co_counts import co_counts, numbered
from gii_pipeline.counting.counts import POINTS, Counted, Total, count, points, totals
from gii_pipeline.counting.engine import connect
from gii_pipeline.counting.makeup import Makeup, makeup
from gii_pipeline.counting.ties import ties

__all__ = [
    "POINTS",
    "Counted",
    "Makeup",
    "Total",
    "by_economy",
    "calibrated",
    "co_counts",
    "connect",
    "count",
    "makeup",
    "numbered",
    "points",
    "ties",
    "totals",
]
