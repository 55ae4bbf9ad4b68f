"""Rows of an edition: the key columns that all of its tables share.

Belongs here: adding them. Does not: any figure.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gii_pipeline.editions import Edition


def with_edition(rows: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    """The rows with the edition's two key columns in front."""
    rows.insert(0, "edition", np.int32(edition.edition))
    rows.insert(1, "method", np.int32(edition.method))
    return rows
