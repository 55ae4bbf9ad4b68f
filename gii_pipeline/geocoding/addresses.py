"""Distinct addresses → points: which way of locating is tried first, and what each says of itself.

Belongs here: overrides, given coordinates, institutions, cities and free text, in this order, on a table of distinct
addresses. Does not: people and records (see `locate`), or picking one of several places (see `gazetteer`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gii_pipeline.geocoding.economies import alpha2
from gii_pipeline.geocoding.gazetteer import Gazetteer, distance_km
from gii_pipeline.geocoding.names import plain, segments

ADDRESS_COLUMNS: Final = ["institution_id", "city", "admin", "economy", "latitude", "longitude", "address"]
LOCATED_COLUMNS: Final = ["latitude", "longitude", "place", "admin", "economy", "precision", "geocoding"]
SAME_PLACE_KM: Final = 100.0
NEAREST_PLACE_KM: Final = 50.0
_CITY_AND_STATE: Final = re.compile(r"^(?P<city>\S.*?)\s+(?P<admin>[A-Z]{2,3})$")


def locate_addresses(
    addresses: pd.DataFrame, gazetteer: Gazetteer, institutions: pd.DataFrame, overrides: pd.DataFrame
) -> pd.DataFrame:
    """Where each address lies.

    addresses: the ADDRESS_COLUMNS with a distinct index, economy as alpha-2 or null. institutions: the sources'
    INSTITUTION_COLUMNS. overrides: see `overrides.read_overrides`.
    Returns the LOCATED_COLUMNS on the same index; latitude, longitude and precision are null where `geocoding` says
    why not.
    """
    ways: list[Callable[[pd.DataFrame], pd.DataFrame]] = [
        lambda left: _by_override(left, gazetteer, overrides),
        lambda left: _by_coordinates(left, gazetteer),
        lambda left: _by_institution(left, gazetteer, institutions),
        lambda left: _by_city(left, gazetteer),
        lambda left: _by_text(left, gazetteer),
    ]
    found, left = [], addresses
    for way in ways:
        if len(left):
            found.append(way(left))
            left = left.drop(found[-1].index)
    return pd.concat([*found, _not_located(left, gazetteer)]).reindex(addresses.index)


def _by_override(addresses: pd.DataFrame, gazetteer: Gazetteer, overrides: pd.DataFrame) -> pd.DataFrame:
    known = addresses[addresses["address"].notna()] if len(overrides) else addresses.head(0)
    at = overrides.set_index("form").reindex(known["address"].map(plain)).set_axis(known.index)
    placed = at["geonameid"].isin(gazetteer.places.index)
    pointed = at["latitude"].notna() & ~placed
    points = known[pointed].assign(latitude=at["latitude"], longitude=at["longitude"])
    return pd.concat(
        [
            _at_places(at["geonameid"][placed].astype("int64"), gazetteer, "city", "override"),
            _at_points(points, gazetteer, "point", "override"),
        ]
    )


def _by_coordinates(addresses: pd.DataFrame, gazetteer: Gazetteer) -> pd.DataFrame:
    given = addresses["latitude"].between(-90, 90) & addresses["longitude"].between(-180, 180)
    nowhere = (addresses["latitude"] == 0) & (addresses["longitude"] == 0)
    return _at_points(addresses[given & ~nowhere], gazetteer, "point", "coordinates")


def _by_institution(addresses: pd.DataFrame, gazetteer: Gazetteer, institutions: pd.DataFrame) -> pd.DataFrame:
    """At the place of the institution, or at its point, or at what the gazetteer knows of its city."""
    known = addresses[addresses["institution_id"].isin(institutions["institution_id"])]
    by_id = institutions.drop_duplicates("institution_id").set_index("institution_id")
    at = by_id.reindex(known["institution_id"]).set_axis(known.index)
    at = at.assign(economy=at["economy"].map(_alpha2))
    placed = at["geonameid"].isin(gazetteer.places.index)
    pointed = at["latitude"].notna() & ~placed
    precision = np.where(at["geonameid"][pointed].notna(), "city", "institution")
    return pd.concat(
        [
            _at_places(at["geonameid"][placed].astype("int64"), gazetteer, "city", "institution"),
            _at_points(at[pointed], gazetteer, precision, "institution"),
            _by_city(at[~placed & ~pointed], gazetteer).assign(geocoding="institution"),
        ]
    )


def _by_city(addresses: pd.DataFrame, gazetteer: Gazetteer) -> pd.DataFrame:
    match = _matches(addresses, gazetteer)
    match = match[match["geonameid"].notna()]
    precision = np.where(match["method"] == "city_state", "economy", "city")
    return _at_places(match["geonameid"].astype("int64"), gazetteer, precision, match["method"].to_numpy())


def _by_text(addresses: pd.DataFrame, gazetteer: Gazetteer) -> pd.DataFrame:
    """By the parts of an address that name a place: not a region if another will do, and the later part first."""
    texts = addresses[addresses["institution_id"].isna() & addresses["city"].isna() & addresses["address"].notna()]
    parts = pd.DataFrame(
        [
            (index, *part)
            for index, economy, address in texts[["economy", "address"]].itertuples()
            for part in _parts(address, economy)
        ],
        columns=["index", "order", "city", "admin", "economy"],
    )
    match = _matches(parts, gazetteer)
    parts = parts.assign(geonameid=match["geonameid"])[match["method"].isin(["city", "city_admin"]).to_numpy()]
    named = list(zip(parts["economy"], parts["city"].map(plain), strict=True))
    regions = gazetteer.are_admins(named)
    parts = parts.assign(region=[name in regions for name in named]).sort_values(["index", "region", "order"])
    best = parts.drop_duplicates("index").set_index("index")["geonameid"].astype("int64")
    return _at_places(best, gazetteer, "city", "address_text")


def _parts(address: str, economy: object) -> Iterator[tuple[int, str, str | None, str]]:
    """(order, city, admin, economy) for every part of an address that may name a city, the last part first."""
    written = segments(address)
    if written and (last := alpha2(written[0])) and len(written[0]) > 2:
        economy, written = economy if isinstance(economy, str) else last, written[1:]
    if not isinstance(economy, str):
        return
    admin: str | None = None
    for order, part in enumerate(written):
        city = part
        if match := _CITY_AND_STATE.match(part):
            city, admin = match["city"], match["admin"]
        if len(city) > 3 or not city.isascii():
            yield order, city, admin, economy
        admin = part


def _names_no_city(addresses: pd.DataFrame, gazetteer: Gazetteer) -> npt.NDArray[np.bool_]:
    """Whether each address names no more than a region or an economy."""
    named = [
        [part for part in ([city] if isinstance(city, str) else segments(str(address))) if not _is_economy(part)]
        for city, address in addresses[["city", "address"]].itertuples(index=False)
    ]
    parts = [
        [(str(economy), plain(part)) for part in parts]
        for economy, parts in zip(addresses["economy"], named, strict=True)
    ]
    regions = gazetteer.are_admins(part for of_address in parts for part in of_address)
    return np.array([all(part in regions for part in of_address) for of_address in parts], dtype=bool)


def _is_economy(part: str) -> bool:
    return alpha2(part) is not None


def _matches(addresses: pd.DataFrame, gazetteer: Gazetteer) -> pd.DataFrame:
    queries = addresses[["city", "admin", "economy"]].assign(query=np.arange(len(addresses)))
    return gazetteer.match(queries).set_axis(addresses.index)


def _not_located(addresses: pd.DataFrame, gazetteer: Gazetteer) -> pd.DataFrame:
    reason = np.select(
        [
            addresses["institution_id"].notna(),
            addresses["city"].isna() & addresses["address"].isna(),
            addresses["economy"].isna(),
            _names_no_city(addresses, gazetteer),
            addresses["city"].isna(),
        ],
        ["unknown_institution", "no_address", "unknown_economy", "no_city", "unknown_city"],
        default=_matches(addresses, gazetteer)["method"].to_numpy(),
    )
    return pd.DataFrame({"economy": addresses["economy"], "geocoding": reason}, index=addresses.index).reindex(
        columns=LOCATED_COLUMNS
    )


def _at_places(
    geonameids: pd.Series[int],
    gazetteer: Gazetteer,
    precision: str | npt.NDArray[np.str_],
    method: str | npt.NDArray[np.str_],
) -> pd.DataFrame:
    at = gazetteer.places.loc[geonameids].set_axis(geonameids.index).rename(columns={"name": "place"})
    located: pd.DataFrame = at.assign(precision=precision, geocoding=method)[LOCATED_COLUMNS]
    return located


def _at_points(
    addresses: pd.DataFrame, gazetteer: Gazetteer, precision: str | npt.NDArray[np.str_], method: str
) -> pd.DataFrame:
    """At the given points, named after the city that the address gives if it is near, else after the nearest place."""
    points = addresses[["latitude", "longitude"]].assign(precision=precision, geocoding=method)
    if points.empty:
        return points.reindex(columns=LOCATED_COLUMNS)
    named = _matches(addresses, gazetteer)["geonameid"]
    nearest, nearest_km = gazetteer.nearest(points["latitude"], points["longitude"])
    city = gazetteer.places.reindex(named.astype("Float64")).set_axis(points.index)
    away_km = distance_km(points["latitude"], points["longitude"], city["latitude"], city["longitude"])
    geonameid = named.where(
        away_km <= SAME_PLACE_KM, pd.Series(nearest, points.index).where(nearest_km <= NEAREST_PLACE_KM)
    )
    names = gazetteer.places.reindex(geonameid.astype("Float64")).set_axis(points.index)
    given = addresses["economy"].where(~(away_km <= SAME_PLACE_KM))
    economy = given.where(given.notna(), names["economy"])
    return points.assign(place=names["name"], admin=names["admin"], economy=economy)[LOCATED_COLUMNS]


def _alpha2(economy: object) -> str | None:
    return alpha2(economy) if isinstance(economy, str) else None
