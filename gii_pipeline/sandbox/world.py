"""The made-up world: everything that follows from a seed and a scale.

Belongs here: putting plan, geography and records together, lazily.
Does not: the files and servers that show the world as its sources would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from gii_pipeline.errors import InputError
from gii_pipeline.sandbox import records, shapes
from gii_pipeline.sandbox.geography import Geography, make_geography
from gii_pipeline.sandbox.plan import WINDOW_YEARS, YEARS, Plan, make_plan
from gii_pipeline.sandbox.records import Chunk
from gii_pipeline.sandbox.roster import APART

DEMO_SEED = 2025
DEMO_SCALE = 0.005
SMALLEST_SCALE = 0.001
WORLD_MIN_WEIGHT = 4500
DISTRICTS_FROM_SCALE, DISTRICTS = 0.1, 13


@dataclass(frozen=True)
class World:
    """A made-up world. Everything in it follows from `seed` and `scale` (1 = the size of the real one)."""

    seed: int
    scale: float

    @property
    def min_weight(self) -> float:
        """The density threshold of WIPO's method, 4,500 people, at this scale."""
        return WORLD_MIN_WEIGHT * self.scale

    @cached_property
    def plan(self) -> Plan:
        return make_plan(self.seed, self.scale)

    @cached_property
    def geography(self) -> Geography:
        districts = DISTRICTS if self.scale >= DISTRICTS_FROM_SCALE else 1
        at_least, in_a_year = _people_at_least(self.plan)
        return make_geography(at_least.tolist(), in_a_year.tolist(), self.min_weight, districts)

    def records(self, metric: str, year: int, chunk_records: int = records.CHUNK_RECORDS) -> Iterator[Chunk]:
        """The records of a metric and data year that count, as columns, chunk by chunk."""
        return records.records(self.plan, self.geography, self.seed, metric, year, chunk_records=chunk_records)

    def uncounted(self, metric: str, year: int, kinds: Mapping[str, float]) -> Iterator[tuple[Chunk, list[str]]]:
        """Records that do not count, chunk by chunk, each with why; kinds: why -> how many a record that counts."""
        return records.uncounted(self.plan, self.geography, self.seed, metric, year, kinds=kinds)


@lru_cache(maxsize=4)
def make_world(seed: int = DEMO_SEED, scale: float = DEMO_SCALE) -> World:
    """The world of a seed at a scale of 0.001 (10,000 works in five years) to 1 (the size of the real one).

    Nothing is generated before it is requested. Raises InputError for a scale out of range.
    """
    if not SMALLEST_SCALE <= scale <= 1:
        raise InputError(f"The sandbox has scales from {SMALLEST_SCALE} to 1, not {scale}.")
    return World(seed, scale)


def _people_at_least(plan: Plan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By region, the inventors and authors to be expected in the emptiest window, and in the emptiest joined year."""
    people = sum(
        plan.records[metric][: plan.clusters] * shapes.mean_people(metric)
        for metric in ("pct_applications", "scientific_publications")
    )
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(people), WINDOW_YEARS, axis=1).sum(axis=2)
    assert windows.shape[1] == len(YEARS) - WINDOW_YEARS + 1  # noqa: S101
    joined = [YEARS.index(year) for year in YEARS if year >= min(apart.joined_in for apart in APART)]
    return np.asarray(windows.min(axis=1), dtype=np.float64), np.asarray(people)[:, joined].min(axis=1)
