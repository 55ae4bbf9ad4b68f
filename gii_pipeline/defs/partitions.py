"""Partitions: core tables by data year, edition tables by edition, and which year feeds which edition.

Belongs here: the two partition definitions and the mappings between them, both read off the editions.
Does not: reading data by these mappings. They are lineage; the years are asserted where files are read.

An edition or a year exists when `editions.yaml` or the profile says so. Both definitions are static lists: adding an
edition at the end leaves every earlier partition as it was.
"""

from __future__ import annotations

from collections import defaultdict

import dagster as dg

from gii_pipeline.defs.pipeline import Pipeline


def data_years(pipeline: Pipeline) -> dg.StaticPartitionsDefinition:
    return dg.StaticPartitionsDefinition([str(year) for year in pipeline.data_years])


def editions(pipeline: Pipeline) -> dg.StaticPartitionsDefinition:
    return dg.StaticPartitionsDefinition(list(pipeline.editions))


def years_of_editions(
    pipeline: Pipeline, metric: str | None = None, *, before: bool = False
) -> dg.StaticPartitionMapping:
    """Data year -> the editions whose window of `metric` (or of any metric) holds it.

    before: also those that are compared with an edition whose window does.
    """
    editions_of_year: dict[str, set[str]] = defaultdict(set)
    for label, edition in pipeline.editions.items():
        for one in pipeline.counted(edition) if before else [edition]:
            for name, years in one.data_years.items():
                if metric in (None, name):
                    for year in years:
                        editions_of_year[str(year)].add(label)
    return dg.StaticPartitionMapping(dict(editions_of_year))
