"""Metrics: the population of a footprint, and each cluster's count, share and per-million in each metric.

Belongs here: figures of one cluster in one metric. Does not: what a metric is called (see `registry`), or ranking
clusters by several metrics.
"""
