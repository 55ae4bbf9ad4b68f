"""Areas: regions that a user draws, ranked by the same counting as clusters.

Belongs here: reading the regions, which locations are in them, their ranking, and the files that it is written to.
Does not: finding clusters (see `clusters`). An area is drawn, a cluster is found: no table mixes the two.
"""

from gii_pipeline.areas.files import write
from gii_pipeline.areas.ranked import Ranked, rank
from gii_pipeline.areas.reading import Areas, read_areas

__all__ = ["Areas", "Ranked", "rank", "read_areas", "write"]
