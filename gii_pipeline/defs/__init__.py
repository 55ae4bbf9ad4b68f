"""Dagster: partitions, assets, checks, jobs, schedules.

Belongs here: what Dagster needs to know of the pipeline, thinly: an asset reads, calls one
function of a room, publishes.
Does not: any rule of the ranking.
"""
