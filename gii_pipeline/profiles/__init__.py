"""Profiles: where the records of a run come from.

Belongs here: the shipped profiles (YAML), the typed model of one, and reading it.
Does not: opening or fetching anything that a profile names.
"""

from gii_pipeline.profiles.model import Fetch, Gazetteer, Input, Population, Profile, Publication, Schedule
from gii_pipeline.profiles.reading import read_profile

__all__ = ["Fetch", "Gazetteer", "Input", "Population", "Profile", "Publication", "Schedule", "read_profile"]
