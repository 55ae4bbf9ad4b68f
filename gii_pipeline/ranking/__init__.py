"""Ranking: clusters by size and by intensity, who contributed, why ranks changed and how sure they are.

Belongs here: everything that compares clusters with each other.
Does not: finding clusters, or the figures of a single one.
"""

from gii_pipeline.ranking.contributions import contributions
from gii_pipeline.ranking.rank import rank_intensity, rank_size, size_order
from gii_pipeline.ranking.stage import EditionTables, rank_edition, with_population

__all__ = [
    "EditionTables",
    "contributions",
    "rank_edition",
    "rank_intensity",
    "rank_size",
    "size_order",
    "with_population",
]
