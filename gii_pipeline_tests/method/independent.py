"""An edition's clusters, counts and order from core tables, by numpy, pandas and scikit-learn alone.

Belongs here: what a person who has read METHOD.md would compute from the rows.
Does not: anything imported from the pipeline but the edition's settings, which are data.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import DBSCAN
from sklearn.neighbors import BallTree

from gii_pipeline.editions import Edition

EARTH_RADIUS_KM = 6371.0088
TABLES = {"pct_applications": "patents", "scientific_publications": "publications", "vc_deals": "vc_deals"}
Ints = npt.NDArray[np.int64]


class Independent(NamedTuple):
    """cluster: location_id -> number, -1 outside; counts: number x metric; totals: by metric; score: by number."""

    cluster: pd.Series
    counts: pd.DataFrame
    totals: pd.Series
    score: pd.Series


def independent(root: Path, edition: Edition) -> Independent:
    """Records are split over people, people over locations, locations grouped by density, and groups merged."""
    parts = {metric: _parts(root, metric, edition) for metric in edition.metrics}
    dense = [parts[metric]["people"] for metric, own in edition.metrics.items() if own.in_density.value]
    people = pd.concat(dense).groupby(level=0).sum()
    cluster = pd.Series(_clusters(people, edition), index=people.index)
    fractions = pd.DataFrame({metric: found["fraction"] for metric, found in parts.items()}).fillna(0.0)
    inside = fractions.join(cluster.rename("cluster"), how="inner").groupby("cluster").sum().drop(index=-1)
    totals = fractions.sum()
    weight = pd.Series({metric: own.weight.value for metric, own in edition.metrics.items()})
    return Independent(cluster, inside, totals, (100 * inside / totals * weight).sum(axis=1))


def _parts(root: Path, metric: str, edition: Edition) -> pd.DataFrame:
    """location_id (rounded) -> people, fraction, of the rows that count."""
    own = edition.metrics[metric]
    columns = ["record_id", "person_seq", "people", "record_type", "location_id"]
    years = range(own.window.value.first_year, own.window.value.last_year + 1)
    folder, found = root / "core" / TABLES[metric], []
    for year in years:
        rows = pd.read_parquet(folder / f"data_year={year}" / "part-0.parquet", columns=columns)
        if own.record_types.value is not None:
            rows = rows[rows["record_type"].isin(own.record_types.value)]
        record = pd.factorize(rows["record_id"])[0].astype(np.int64)
        person = pd.factorize(record * 100_000 + rows["person_seq"].to_numpy())[0]
        locations = np.bincount(person)[person]
        located = rows["location_id"].notna().to_numpy()
        fraction = 1 / rows["people"].to_numpy()[located] / locations[located]
        at = _rounded(rows["location_id"][located].to_numpy(np.int64), edition.location_decimals.value)
        found.append(pd.DataFrame({"people": 1, "fraction": fraction}).groupby(at).sum())
    return pd.concat(found).groupby(level=0).sum()


def _rounded(location_id: Ints, decimals: int) -> Ints:
    """Degrees from the south pole and the antimeridian in ten thousandths, rounded to fewer decimals, halves up."""
    step = 10 ** (4 - decimals)
    south, west = ((part + step // 2) // step * step for part in divmod(location_id, 10_000_000))
    return np.asarray(south * 10_000_000 + west % 3_600_000, dtype=np.int64)


def _clusters(people: pd.Series, edition: Edition) -> Ints:
    """Core points by DBSCAN; other points go to the nearest core point; then groups that are close are one."""
    south, west = divmod(people.index.to_numpy(np.int64), 10_000_000)
    at = np.radians(np.column_stack([south / 10_000 - 90, west / 10_000 - 180]))
    reach = edition.radius_km.value / EARTH_RADIUS_KM
    least = math.ceil(edition.min_weight.value)
    found = DBSCAN(eps=reach, min_samples=least, metric="haversine", algorithm="ball_tree")
    found.fit(at, sample_weight=people.to_numpy())
    core = found.core_sample_indices_
    distance, nearest = BallTree(at[core], metric="haversine").query(at)
    labels = np.where(distance[:, 0] <= reach, found.labels_[core][nearest[:, 0]], -1).astype(np.int64)
    members = np.flatnonzero(labels >= 0)
    close = BallTree(at[members], metric="haversine").query_radius(
        at[members], edition.merge_distance_km.value / EARTH_RADIUS_KM
    )
    left = np.repeat(labels[members], [len(near) for near in close])
    right = labels[members][np.concatenate(close)]
    number = int(labels.max()) + 1
    joined = connected_components(coo_array((np.ones(len(left)), (left, right)), shape=(number, number)))[1]
    return np.where(labels >= 0, joined[labels], -1).astype(np.int64)
