"""Geocoding: an address, a city or an institution → a location with its precision, and how it was found.

Belongs here: the gazetteer, codes of economies, overrides, and the core tables that located people make.
Does not: reading a source's files (see `sources`), or counting.
"""

from gii_pipeline.geocoding.core import (
    core_batches,
    core_rows,
    core_table,
    geocoding_quality,
    locations,
    misses_told,
    outcomes,
    unlocated,
)
from gii_pipeline.geocoding.gazetteer import Gazetteer
from gii_pipeline.geocoding.kept import outdated_answers
from gii_pipeline.geocoding.locate import locate
from gii_pipeline.geocoding.location_id import pack, unpack
from gii_pipeline.geocoding.overrides import read_overrides
from gii_pipeline.geocoding.places import places_in
from gii_pipeline.geocoding.resolution import Found, Resolver

__all__ = [
    "Found",
    "Gazetteer",
    "Resolver",
    "core_batches",
    "core_rows",
    "core_table",
    "geocoding_quality",
    "locate",
    "locations",
    "misses_told",
    "outcomes",
    "outdated_answers",
    "pack",
    "places_in",
    "read_overrides",
    "unlocated",
    "unpack",
]
