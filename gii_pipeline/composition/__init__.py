"""Composition: what the count of each cluster is made of.

Belongs here: tables of organisations, fields, partners, years and economies by cluster; which names are one
organisation.
Does not: reading records (see `counting`), the counts themselves (see `metrics`), or how a profile is shown.
"""

from gii_pipeline.composition.organisations import read_names
from gii_pipeline.composition.tables import Inputs, Licence, cluster_ids, compose

__all__ = ["Inputs", "Licence", "cluster_ids", "compose", "read_names"]
