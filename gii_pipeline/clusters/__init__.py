"""Clusters: where inventors and authors are dense, what belongs together, its outline, its name and its id.

Belongs here: density, merge, footprint, name, persistent identity (METHOD.md, section 2).
Does not: counts, shares and ranks of a cluster (`metrics`, `ranking`).
"""

from gii_pipeline.clusters.build import Found, build

__all__ = ["Found", "build"]
