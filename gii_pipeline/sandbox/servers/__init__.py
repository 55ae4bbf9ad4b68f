"""Local servers that speak the sources' protocols over real HTTP on loopback.

Belongs here: one module a source with its paging, limits, headers and refusals (SOURCES.md), and faults on demand.
Does not: what the records say (see the modules of the world one level up).
"""

from gii_pipeline.sandbox.servers.faults import Fault
from gii_pipeline.sandbox.servers.serving import DEFAULT_PORT, Serving, serve, serving

__all__ = ["DEFAULT_PORT", "Fault", "Serving", "serve", "serving"]
