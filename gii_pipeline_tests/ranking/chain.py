"""From an edition's points to its rankings without Dagster and files, for tests of the method and benchmarks.

Belongs here: the order of the steps, as the assets of an edition have it. Does not: a step's own rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from gii_pipeline import clusters
from gii_pipeline.counting import Total
from gii_pipeline.editions import Edition
from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline.metrics.population import PopulationOf, with_population
from gii_pipeline.ranking.contributions import contributions
from gii_pipeline.ranking.rank import rank_intensity, rank_size


class EditionTables(NamedTuple):
    """The tables of one edition, by the names of their contracts."""

    clusters: pd.DataFrame
    cluster_members: pd.DataFrame
    cluster_footprints: pd.DataFrame
    cluster_metrics: pd.DataFrame
    ranking_size: pd.DataFrame
    ranking_intensity: pd.DataFrame
    contributions: pd.DataFrame


def rank_edition(
    points: pd.DataFrame,
    totals: Mapping[str, Total],
    edition: Edition,
    population_of: PopulationOf | None,
    previous_members: pd.DataFrame | None = None,
    *,
    ties: pd.DataFrame | None = None,
) -> EditionTables:
    """Every table of an edition from its points: clusters, population, metrics, rankings, contributions.

    points: `points`; totals: metric -> world total; population_of: footprints -> as `metrics.population`, or None for
    rankings without inhabitants; previous_members: `cluster_members` of the edition before, whose cluster ids are kept;
    ties: co-records between locations, for the merge rule that asks for them.
    """
    found = clusters.build(points, edition, previous=previous_members, ties=ties)
    footprints = with_population(found.footprints, population_of)
    figures = cluster_metrics(found.members, points, totals, footprints, edition)
    size = rank_size(found.clusters, footprints, figures, edition)
    parts = contributions(found.members, points, edition)
    return EditionTables(found.clusters, found.members, footprints, figures, size, rank_intensity(size), parts)
