"""Counting: how many people, records and parts of records of each metric there are at each location.

Belongs here: everything that reads each record of the core tables, as Ibis expressions for DuckDB or Spark.
Does not: what is done with a few hundred thousand locations afterwards.
"""

from gii_pipeline.counting.counts import POINTS, Total, points, totals
from gii_pipeline.counting.engine import connect

__all__ = ["POINTS", "Total", "connect", "points", "totals"]
