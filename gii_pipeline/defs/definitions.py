"""The definitions that Dagster loads: every asset, job, schedule and sensor of one pipeline.

Belongs here: putting them together. `defs` is built from the environment (see `Pipeline.from_environment`).
Does not: what an asset does.
"""

from __future__ import annotations

import dagster as dg

from gii_pipeline.defs.core import core_assets
from gii_pipeline.defs.editions import edition_assets
from gii_pipeline.defs.notifying import notifying_sensors
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.raw import raw_assets
from gii_pipeline.defs.release import release_assets
from gii_pipeline.defs.schedules import schedules
from gii_pipeline.defs.sensors import ranking_sensor, release_sensor

INGEST, RANKING, RELEASE = "ingest", "ranking", "release"


def build(pipeline: Pipeline) -> dg.Definitions:
    """Everything that Dagster needs to know of a pipeline.

    The tables of an edition follow from one another, so that a process per step would only import everything again. Of
    a data year, sources are fetched and tables are read side by side, in processes of their own.
    """
    groups = dg.AssetSelection.groups
    ingest = dg.define_asset_job(
        INGEST,
        groups("raw", "core"),
        description="One data year: fetch, read, locate and validate.",
        executor_def=dg.multi_or_in_process_executor,
    )
    ranking = dg.define_asset_job(RANKING, groups("edition"), description="One edition: points, clusters and rankings.")
    release = dg.define_asset_job(
        RELEASE, groups("release"), description="One edition's tables as an immutable version."
    )
    return dg.Definitions(
        assets=[*raw_assets(pipeline), *core_assets(pipeline), *edition_assets(pipeline), *release_assets(pipeline)],
        jobs=[ingest, ranking, release],
        schedules=schedules(pipeline, INGEST),
        sensors=[
            ranking_sensor(pipeline, RANKING),
            release_sensor(pipeline, RELEASE),
            *notifying_sensors(pipeline),
        ],
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    return build(Pipeline.from_environment())
