"""A made-up world with known answers, and local servers that speak the sources' protocols.

Belongs here: the world and everything that is true of it by construction, its records in the sources' own formats, its
population raster, and servers on loopback with faults on demand. For the demo, tests and benchmarks.
Does not: anything of the pipeline proper; nothing else imports this room.
"""

from gii_pipeline.sandbox.servers import DEFAULT_PORT, Fault, Serving, serve, serving
from gii_pipeline.sandbox.world import DEMO_SCALE, DEMO_SEED, World, make_world

__all__ = ["DEFAULT_PORT", "DEMO_SCALE", "DEMO_SEED", "Fault", "Serving", "World", "make_world", "serve", "serving"]
