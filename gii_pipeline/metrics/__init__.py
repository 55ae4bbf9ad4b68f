"""Metrics: the population of a footprint, and each cluster's count, share and per-million in each metric.

Belongs here: figures of one cluster in one metric, and the metrics' names.
Does not: ranking clusters by several metrics.
"""

from gii_pipeline.metrics.names import CORE_TABLES, METRIC, METRICS, Metric

__all__ = ["CORE_TABLES", "METRIC", "METRICS", "Metric"]
