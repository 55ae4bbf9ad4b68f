"""Ranking: clusters by size and by intensity, who contributed, why ranks changed and how sure they are.

Belongs here: everything that compares clusters with each other.
Does not: finding clusters, or the figures of a single one.
"""

from gii_pipeline.ranking.agreement import Ours, agreement
from gii_pipeline.ranking.changes import rank_changes
from gii_pipeline.ranking.contributions import contributions
from gii_pipeline.ranking.rank import rank_intensity, rank_size, size_order
from gii_pipeline.ranking.stability import rank_stability
from gii_pipeline.ranking.variants import intensity_variants, rank_variants, size_variants

__all__ = [
    "Ours",
    "agreement",
    "contributions",
    "intensity_variants",
    "rank_changes",
    "rank_intensity",
    "rank_size",
    "rank_stability",
    "rank_variants",
    "size_order",
    "size_variants",
]
