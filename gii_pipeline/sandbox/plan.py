"""The plan of the world: how many records of each metric every region has in every data year.

Belongs here: the counts, which are the world's known answers. A region is a cluster, a hub that is apart from its
cluster in early years (`roster.APART`), the background (places outside every cluster) or nowhere (records and people
that no location is known for).
Does not: places and people (see `geography`, `records`); the answers in a reader's form (see `truth`).

The rule: a cluster's count in a five-year window is the roster's figure x scale, rounded; clusters of the roster have
at least one record of each metric, and no two clusters share all three counts, so that ranks are unambiguous.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gii_pipeline.sandbox import shapes
from gii_pipeline.sandbox.roster import APART, roster

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

FIRST_YEAR, LAST_YEAR = 2011, 2025
YEARS = tuple(range(FIRST_YEAR, LAST_YEAR + 1))
WINDOW_YEARS = 5
UNNAMED_CLUSTERS = 100
PREFIX = {"pct_applications": "pct", "scientific_publications": "pub", "vc_deals": "vc"}
METRICS = tuple(PREFIX)
"""What the made-up world has records of."""
# The last year of a metric's window, by edition that figures were printed of.
LAST_OF_WINDOW = {
    "pct_applications": {2023: 2022, 2024: 2023, 2025: 2024},
    "scientific_publications": {2023: 2021, 2024: 2022, 2025: 2023},
    "vc_deals": {2024: 2023, 2025: 2024},
}
# World totals implied by the printed shares (METHOD.md, section 4), by last year of the window.
WORLD_TOTAL = {
    "pct_applications": {2022: 1_255_900, 2024: 1_310_000},
    "scientific_publications": {2021: 7_462_600, 2023: 8_050_000},
    "vc_deals": {2024: 236_000},
}
YEARLY_GROWTH = {"pct_applications": 1.021, "scientific_publications": 1.038, "vc_deals": 1.04}
BACKGROUND_AT_LEAST = 0.02
RANKED_SAFELY = 105  # so many of the first have scores that differ; further down, nobody sees a rank


@dataclass(frozen=True)
class Plan:
    """Records by metric, region (clusters, hubs apart, background, nowhere) and year of `YEARS`."""

    records: Mapping[str, Counts]

    @property
    def clusters(self) -> int:
        """Regions that are a cluster or a part of one."""
        return self.background

    def cluster_of(self, years: Mapping[str, tuple[int, ...]]) -> Counts:
        """Region -> the cluster that it belongs to where these data years (by metric) make density.

        A region is its own cluster, except a hub that a year with records between it and its cluster has joined to it.
        """
        cluster = np.arange(self.clusters)
        names = roster()["name"].tolist()
        for region, apart in enumerate(APART, start=self.clusters - len(APART)):
            if any(year >= apart.joined_in for counted in years.values() for year in counted):
                cluster[region] = names.index(apart.cluster)
        return cluster

    @property
    def background(self) -> int:
        return len(self.records[METRICS[0]]) - 2

    @property
    def nowhere(self) -> int:
        return self.background + 1

    def in_year(self, metric: str, year: int) -> Counts:
        """Records of every region in one data year."""
        return self.records[metric][:, YEARS.index(year)]

    def in_years(self, metric: str, years: tuple[int, ...]) -> Counts:
        """Records of every region in some data years, all of which the world has."""
        missing = sorted(set(years) - set(YEARS))
        if missing:
            raise LookupError(f"The sandbox has the data years {FIRST_YEAR} to {LAST_YEAR}, but not {missing}.")
        counts: Counts = self.records[metric][:, [YEARS.index(year) for year in years]].sum(axis=1)
        return counts


def make_plan(seed: int, scale: float) -> Plan:
    """Plan the world of a seed at a scale (1 = the size of the real world).

    Deterministic: the same seed and scale give the same counts.
    """
    rng = np.random.default_rng([seed, 1])
    sizes = {metric: _windows(metric, rng) for metric in METRICS}
    windows = {metric: _scaled(sizes[metric], scale) for metric in METRICS}
    jitter = {metric: rng.random((len(windows[metric]), WINDOW_YEARS)) for metric in METRICS}
    years = _untied(windows, jitter)
    parted = {metric: _parted(years[metric]) for metric in METRICS}
    return Plan({metric: _with_rest_of_world(metric, parted[metric], scale) for metric in METRICS})


def _windows(metric: str, rng: np.random.Generator) -> Floats:
    """Counts at scale 1 by cluster and last year of the window (FIRST_YEAR + 4 to LAST_YEAR)."""
    rows, prefix = roster(), PREFIX[metric]
    last = LAST_OF_WINDOW[metric]
    named = rows[f"{prefix}_2025"].to_numpy(float)
    base = np.concatenate([named, _unnamed_sizes(metric, rng)])
    growth = YEARLY_GROWTH[metric] * np.exp(rng.normal(0, 0.012, len(base)))
    if f"{prefix}_2023" in rows:
        printed = rows[f"{prefix}_2023"].to_numpy(float)
        growth[: len(rows)] = np.where(np.isnan(printed), growth[: len(rows)], np.sqrt(named / printed))
    ends = np.arange(FIRST_YEAR + WINDOW_YEARS - 1, LAST_YEAR + 1)
    windows = base[:, None] * growth[:, None] ** (ends - last[2025])[None, :]
    for edition in (2023, 2024):
        if f"{prefix}_{edition}" in rows:
            printed = rows[f"{prefix}_{edition}"].to_numpy(float)
            known = np.flatnonzero(~np.isnan(printed))
            windows[known, last[edition] - ends[0]] = printed[known]
    return windows


def _unnamed_sizes(metric: str, rng: np.random.Generator) -> Floats:
    """Counts of the clusters that are too small for the roster: real clusters, never among the first hundred."""
    typical = {"pct_applications": 300, "scientific_publications": 8_000, "vc_deals": 40}[metric]
    return typical * np.exp(rng.uniform(-0.3, 0.5, UNNAMED_CLUSTERS))


def _scaled(windows: Floats, scale: float) -> Counts:
    counts = np.floor(windows * scale + 0.5).astype(np.int64)
    named = len(roster())
    counts[:named] = np.maximum(counts[:named], 1)
    return counts


def _by_year(windows: Counts, jitter: Floats) -> Counts:
    """Records by year such that every five-year window has its count.

    The last window is split with the growth that the windows show; each earlier year then follows from two windows.
    Where a small count would need a negative year, the earlier window gets more than it was given.
    """
    ends = windows.shape[1]
    years = np.zeros((len(windows), ends + WINDOW_YEARS - 1), dtype=np.int64)
    growth = np.clip((windows[:, -1] / np.maximum(windows[:, -3], 1)) ** 0.5, 0.9, 1.25)
    years[:, -WINDOW_YEARS:] = _split(windows[:, -1], growth[:, None] ** np.arange(WINDOW_YEARS), jitter)
    for end in range(ends - 1, 0, -1):
        year = end + WINDOW_YEARS - 1
        years[:, year - WINDOW_YEARS] = np.maximum(years[:, year] + windows[:, end - 1] - windows[:, end], 0)
    return years


def _parted(years: Counts) -> Counts:
    """The clusters' years with those of the hubs apart below them, taken from their clusters'."""
    years = years.copy()
    names = roster()["name"].tolist()
    for apart in APART:
        cluster = names.index(apart.cluster)
        part = np.floor(years[cluster] * apart.share + 0.5).astype(np.int64)
        years[cluster] -= part
        years = np.vstack([years, part])
    return years


def _split(totals: Counts, weights: Floats, jitter: Floats) -> Counts:
    """Whole parts of each total in proportion to its weights; what is left goes by remainder, then by `jitter`."""
    exact = totals[:, None] * weights / weights.sum(axis=1, keepdims=True)
    parts = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - parts) - 0.5 * jitter, axis=1)
    place = np.argsort(order, axis=1)
    split: Counts = parts + (place < (totals - parts.sum(axis=1))[:, None])
    return split


def _untied(windows: Mapping[str, Counts], jitter: Mapping[str, Floats]) -> dict[str, Counts]:
    """Records by year, with a publication more here and there until no rank is tied."""
    moved = dict(windows)
    tries = np.zeros(len(windows["scientific_publications"]), dtype=np.int64)
    while True:
        years = {metric: _by_year(moved[metric], jitter[metric]) for metric in METRICS}
        tied = _tied(years)
        if not tied:
            return years
        tries[tied] += 1
        moved["scientific_publications"] = windows["scientific_publications"] + tries[:, None]


def _tied(years: Mapping[str, Counts]) -> list[int]:
    """Clusters of the roster with nearly the size score of one before them, in an edition that the world has."""
    tied: set[int] = set()
    for edition in range(2026, 2017, -1):
        for metrics in (METRICS, METRICS[:2]):
            tied |= _tied_in(edition, metrics, years)
    return sorted(tied)


def _tied_in(edition: int, metrics: tuple[str, ...], years: Mapping[str, Counts]) -> set[int]:
    """The later in the roster of every two clusters whose scores are too near each other to rank safely."""
    score = np.zeros(len(roster()))
    for metric in metrics:
        last = _last_of_window(metric, edition) - FIRST_YEAR
        window = years[metric][: len(score), last - WINDOW_YEARS + 1 : last + 1].sum(axis=1)
        score += window / WORLD_TOTAL[metric][LAST_OF_WINDOW[metric][2025]]
    order = np.argsort(-score, kind="stable")[:RANKED_SAFELY]
    close = np.flatnonzero(-np.diff(score[order]) < 1e-9 * score.max())
    return {int(max(order[first], order[first + 1])) for first in close}


def _last_of_window(metric: str, edition: int) -> int:
    """The last year of an edition's window: until 2021 publications did not lag behind the applications."""
    last = LAST_OF_WINDOW[metric][2025] + edition - 2025
    if edition <= 2021:
        return edition - 2
    return LAST_OF_WINDOW[metric].get(edition, last)


def _with_rest_of_world(metric: str, clusters: Counts, scale: float) -> Counts:
    """The clusters' years with two more regions: the background, up to the world's total, and nowhere."""
    ends = range(FIRST_YEAR + WINDOW_YEARS - 1, LAST_YEAR + 1)
    in_window = np.array(
        [clusters[:, end - FIRST_YEAR - WINDOW_YEARS + 1 : end - FIRST_YEAR + 1].sum() for end in ends]
    )
    world = np.array([_world_total(metric, end) * scale for end in ends])
    rest = np.maximum(np.round(world - in_window), np.ceil(in_window * BACKGROUND_AT_LEAST)).astype(np.int64)
    background = _by_year(rest[None, :], np.zeros((1, WINDOW_YEARS)))
    located = clusters.sum(axis=0) + background[0]
    rate = shapes.UNLOCATED[metric]
    nowhere = np.round(located * rate / (1 - rate)).astype(np.int64)
    return np.vstack([clusters, background, nowhere[None, :]])


def _world_total(metric: str, last_year: int) -> float:
    """The world's located records in the window that ends with a year: printed, or moved by the yearly growth."""
    known = WORLD_TOTAL[metric]
    nearest = min(known, key=lambda year: (abs(year - last_year), year))
    return known[nearest] * YEARLY_GROWTH[metric] ** (last_year - nearest)
