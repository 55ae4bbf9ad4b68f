"""The roster of clusters: names, hubs, printed or made-up figures, population.

Belongs here: reading `clusters.csv`, whose column `printed` names the figures that WIPO printed; others are made up.
Does not: counts by year (see `plan`), places (see `geography`).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import pandas as pd


class Apart(NamedTuple):
    """A hub that is a cluster of its own until places between it and its cluster have records.

    share: its part of the cluster's records and people. joined_in: the first data year of the places between.
    """

    cluster: str
    hub: str
    share: float
    joined_in: int


APART = (Apart("Shenzhen–Hong Kong–Guangzhou", "Guangzhou:CN", 0.22, 2018),)
"""[A] Guangzhou belongs to Shenzhen–Hong Kong from the edition of 2020 on, whose windows end with 2018."""


@cache
def roster() -> pd.DataFrame:
    """One row per named cluster, in the file's order.

    name, hubs (`place:economy[:admin]` joined by semicolons, the largest first), <metric>_<edition> (counts in the
    edition's window, null where nothing was printed), population (people), printed (names of columns).
    """
    with files("gii_pipeline.sandbox").joinpath("clusters.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, keep_default_na=True)
