"""Distinct addresses → points: which way of locating is tried first, and what each says of itself.

Belongs here: overrides, given coordinates, institutions, cities and free text, in this order, on a table of distinct
addresses. Does not: people and records (see `locate`), or which of several places is meant (see `resolution`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gii_pipeline.geocoding.economies import RELATED, alpha2
from gii_pipeline.geocoding.gazetteer import Gazetteer
from gii_pipeline.geocoding.names import plain, segments
from gii_pipeline.geocoding.organisations import Organisations
from gii_pipeline.geocoding.resolution import Resolver
from gii_pipeline.geocoding.sphere import distance_km
from gii_pipeline.geocoding.weighing import Answer
from gii_pipeline.geocoding.written import Written, read_fields, read_text
from gii_pipeline.memory import without_collector

ADDRESS_COLUMNS: Final = ["institution_id", "city", "admin", "economy", "postcode", "latitude", "longitude", "address"]
LOCATED_COLUMNS: Final = ["latitude", "longitude", "place", "admin", "economy", "precision", "geocoding"]
NEAREST_PLACE_KM: Final = 50.0
"""How far a point may lie from the place that it is named after."""
_NO_PLACE: Final = ("unknown_city", "no_city", "ambiguous_city", "unknown_economy")
_AT_ONCE: Final = 10_000
"""Addresses that are taken apart in memory at a time."""
_NOWHERE_KM: Final = 100.0
_INHABITED_KM: Final = 10.0
_INHABITANTS: Final = 5_000


def locate_addresses(
    addresses: pd.DataFrame,
    gazetteer: Gazetteer,
    institutions: pd.DataFrame,
    overrides: pd.DataFrame,
    organisations: Organisations | None = None,
) -> pd.DataFrame:
    """Where each address lies.

    addresses: the ADDRESS_COLUMNS with a distinct index, economy as alpha-2 or null. institutions: the sources'
    INSTITUTION_COLUMNS. overrides: see `overrides.read_overrides`. organisations: those of the institutions, where the
    caller asks more than once.
    Returns the LOCATED_COLUMNS on the same index; latitude, longitude and precision are null where `geocoding` says
    why not.
    """
    addresses = addresses.reindex(columns=ADDRESS_COLUMNS)
    organisations = organisations or Organisations(institutions)
    resolver = Resolver(gazetteer, organisations.at_places(gazetteer))
    ways: list[Callable[[pd.DataFrame], pd.DataFrame]] = []
    if len(overrides):
        ways.append(lambda left: _by_override(left, gazetteer, overrides))
    if addresses["institution_id"].notna().any():
        ways.append(lambda left: _by_institution(left, resolver, institutions))
    ways.append(lambda left: _by_name(left, resolver, organisations))
    found = []
    with without_collector():
        for start in range(0, len(addresses), _AT_ONCE):
            left = addresses.iloc[start : start + _AT_ONCE]
            for way in ways:
                if len(left):
                    found.append(way(left))
                    left = left.drop(found[-1].index)
    return pd.concat(found).reindex(addresses.index) if found else addresses.reindex(columns=LOCATED_COLUMNS)


def _by_override(addresses: pd.DataFrame, gazetteer: Gazetteer, overrides: pd.DataFrame) -> pd.DataFrame:
    known = addresses[addresses["address"].notna()]
    at = overrides.set_index("form").reindex(known["address"].map(plain)).set_axis(known.index)
    placed = at["geonameid"].isin(gazetteer.places.index)
    pointed = at["latitude"].notna() & ~placed
    # Only the rows that are left: pandas would give a frame without rows all those of a longer column.
    points = known[pointed].assign(latitude=at["latitude"][pointed], longitude=at["longitude"][pointed])
    return pd.concat(
        [
            _at_places(at["geonameid"][placed].astype("int64"), gazetteer, "city", "override"),
            _at_points(points, gazetteer, "point", "override", known_place=None),
        ]
    )


def _by_institution(addresses: pd.DataFrame, resolver: Resolver, institutions: pd.DataFrame) -> pd.DataFrame:
    """At the place of the institution, or at its point, or at what the gazetteer knows of its city.

    An affiliation that prints a city elsewhere is there: the laboratory in Lyon of a council in Paris.
    """
    gazetteer = resolver.gazetteer
    given = addresses[addresses["institution_id"].notna() & ~_given_points(addresses)]
    known = given[given["institution_id"].isin(institutions["institution_id"])]
    by_id = institutions.drop_duplicates("institution_id").set_index("institution_id")
    at = by_id.reindex(known["institution_id"]).set_axis(known.index)
    at = at.assign(economy=at["economy"].map(_alpha2))
    placed = at["geonameid"].isin(gazetteer.places.index)
    at_point = at["latitude"].notna() & ~placed
    precision = np.where(at["geonameid"][at_point].notna(), "city", "institution")
    named = at[~placed & ~at_point]
    answers = resolver.resolve(_fields(named.assign(postcode=None)))
    rows = {index: answer.place for index, answer in zip(named.index, answers, strict=True) if answer.place is not None}
    by_city = pd.Series({index: gazetteer.geonameids[place] for index, place in rows.items()}, dtype="int64")
    found = pd.concat(
        [
            _at_places(at["geonameid"][placed].astype("int64"), gazetteer, "city", "institution"),
            _at_points(at[at_point], gazetteer, precision, "institution", known_place=None),
            _at_places(by_city, gazetteer, "city", "institution"),
        ]
    )
    printed = _printed_cities(given, found, resolver)
    methods = np.where(printed.index.isin(found.index), "city_not_institution", "address_text")
    return pd.concat([found.drop(printed.index, errors="ignore"), _at_places(printed, gazetteer, "city", methods)])


def _printed_cities(addresses: pd.DataFrame, found: pd.DataFrame, resolver: Resolver) -> pd.Series[int]:
    """The city (geonameid) of each affiliation that prints one, and no place near where its institution was found.

    A text of one part is an institution's name. One that names another economy than the institution's has the addresses
    of several institutions, and does not say which is whose.
    """
    gazetteer = resolver.gazetteer
    written = {}
    for index, address, economy in addresses[["address", "economy"]].itertuples():
        if isinstance(address, str) and len(segments(address)) > 1:
            stated = read_text(address, None).economy
            if isinstance(economy, str) and stated in (None, economy):
                written[index] = read_text(address, economy)
    at: dict[object, int] = {}
    for (index, text), answer in zip(written.items(), resolver.resolve(list(written.values())), strict=True):
        whole, by_words = resolver.named(text)
        if answer.place is None or answer.place not in whole:
            continue
        if index not in found.index or not _is_near(found.loc[index], [*whole, *by_words], gazetteer):
            at[index] = int(gazetteer.geonameids[answer.place])
    return pd.Series(at, dtype="int64")


def _is_near(found: pd.Series[float], places: list[int], gazetteer: Gazetteer) -> bool:
    points = [[axis[place] for place in places] for axis in (gazetteer.latitude, gazetteer.longitude)]
    here = [[found[axis]] * len(places) for axis in ("latitude", "longitude")]
    return bool((distance_km(*here, *points) <= NEAREST_PLACE_KM).any())


def _by_name(addresses: pd.DataFrame, resolver: Resolver, organisations: Organisations) -> pd.DataFrame:
    """By what the address says, and by its coordinates as far as they agree with that."""
    gazetteer = resolver.gazetteer
    answers, methods, economies = _answers(addresses, resolver)
    addresses = addresses.assign(economy=pd.Series(economies, index=addresses.index, dtype="str"))
    place = pd.Series([answer.place for answer in answers], index=addresses.index, dtype="Int64")
    method = pd.Series(methods, index=addresses.index, dtype="str")
    given = _given_points(addresses)
    verdict = _verdicts(addresses[given], place[given], method[given], gazetteer)
    use_point = verdict.reindex(addresses.index).eq("use")
    refused = verdict.reindex(addresses.index).eq("contradicts")
    method = method.mask(refused & place.notna(), "city_not_coordinates")
    method = method.mask(refused & place.isna(), "coordinates_contradict")
    found = place.notna() & ~use_point
    precision = np.where(method[found].isin(["city_state"]), "economy", "city")
    ids = pd.Series(gazetteer.geonameids[place[found].astype("int64")], index=place.index[found])
    named = place[use_point].map(lambda row: gazetteer.geonameids[row], na_action="ignore").astype("Int64")
    missed = addresses[~found & ~use_point]
    by_organisation = _by_organisation(missed[method[missed.index].isin(_NO_PLACE)], resolver.gazetteer, organisations)
    missed = missed.drop(by_organisation.index)
    ways = [
        by_organisation,
        _at_places(ids, gazetteer, precision, method[found].to_numpy(dtype=np.str_)),
        _at_points(addresses[use_point], gazetteer, "point", "coordinates", known_place=named),
        _not_located(missed, method[missed.index]),
    ]
    return pd.concat(ways)


def _by_organisation(addresses: pd.DataFrame, gazetteer: Gazetteer, organisations: Organisations) -> pd.DataFrame:
    """Where the organisation lies that the text of an address names."""
    texts = addresses[addresses["address"].notna()]
    rows = {
        index: row
        for index, address, economy in texts[["address", "economy"]].itertuples()
        if (row := organisations.find(reversed(segments(address)), _text(economy))) is not None
    }
    at = organisations.rows.loc[list(rows.values())].set_axis(list(rows))
    return _at_points(at, gazetteer, "institution", "organisation", known_place=None)


def _answers(addresses: pd.DataFrame, resolver: Resolver) -> tuple[list[Answer], list[str], list[object]]:
    """The answer of each address by its fields, else by its text; the method, or why not; and its economy."""
    by_fields = resolver.resolve(_fields(addresses))
    texts = [
        (nth, text, economy)
        for nth, (answer, text, economy, institution) in enumerate(
            zip(by_fields, addresses["address"], addresses["economy"], addresses["institution_id"], strict=True)
        )
        if isinstance(text, str)
        and (
            (answer.place is None and answer.method != "no_city") or not answer.agrees or answer.method == "city_state"
        )
        and not isinstance(institution, str)
    ]
    points = _points(addresses)
    written = [_at_point(read_text(text, _text(economy)), points[nth]) for nth, text, economy in texts]
    by_text = resolver.resolve(written)
    answers, methods = list(by_fields), [answer.method for answer in by_fields]
    for (nth, _, _), answer in zip(texts, by_text, strict=True):
        fields_say = answers[nth]
        of_the_economy = fields_say.place is None or fields_say.method == "city_state"
        if of_the_economy and (answer.place is not None or fields_say.method == "no_address"):
            answers[nth] = answer
            methods[nth] = "address_text" if answer.method in ("city", "city_admin") else answer.method
        elif fields_say.method in ("no_address", "unknown_city"):
            methods[nth] = answer.method
    economies = addresses["economy"].tolist()
    for (nth, _, _), address in zip(texts, written, strict=True):
        economies[nth] = address.economy if not isinstance(economies[nth], str) else economies[nth]
    says_something = addresses[["city", "address"]].notna().any(axis=1)
    for nth, (institution, something) in enumerate(zip(addresses["institution_id"], says_something, strict=True)):
        if answers[nth].place is None:
            if isinstance(institution, str):
                methods[nth] = "unknown_institution"
            elif not isinstance(economies[nth], str) and methods[nth] in ("unknown_city", "no_address"):
                methods[nth] = "unknown_economy" if something else "no_address"
    return answers, methods, economies


def _fields(addresses: pd.DataFrame) -> list[Written]:
    columns = addresses[["city", "admin", "economy", "postcode"]]
    return [
        _at_point(read_fields(*map(_text, row)), point)
        for row, point in zip(columns.itertuples(index=False), _points(addresses), strict=True)
    ]


def _points(addresses: pd.DataFrame) -> list[tuple[float, float] | None]:
    given = _given_points(addresses)
    points = zip(given, addresses["latitude"], addresses["longitude"], strict=True)
    return [(float(latitude), float(longitude)) if known else None for known, latitude, longitude in points]


def _at_point(written: Written, point: tuple[float, float] | None) -> Written:
    written.point = point
    return written


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _given_points(addresses: pd.DataFrame) -> pd.Series[bool]:
    given = addresses["latitude"].between(-90, 90) & addresses["longitude"].between(-180, 180)
    return given & ~((addresses["latitude"] == 0) & (addresses["longitude"] == 0))


def _verdicts(
    addresses: pd.DataFrame, place: pd.Series[int], method: pd.Series[str], gazetteer: Gazetteer
) -> pd.Series[str]:
    """Of each address with a point: `use` it, or it `contradicts` what the address says.

    Where a place is named, the point must lie near one of that name that the address allows. Where none is, it must lie
    in the economy; and a row that names no more than its economy gives a point of a town, not one of the entire
    economy.
    """
    if addresses.empty:
        return pd.Series(dtype="str")
    latitude, longitude = addresses["latitude"].astype(float), addresses["longitude"].astype(float)
    nearest, nearest_km = gazetteer.nearest(latitude, longitude)
    there = gazetteer.places.loc[nearest].set_axis(addresses.index)
    row = place.fillna(0).astype("int64")
    at = gazetteer.places.iloc[row].set_axis(addresses.index)
    away_km = distance_km(latitude, longitude, at["latitude"], at["longitude"])
    named = place.notna() & (method != "city_state")
    inhabited = (nearest_km <= _INHABITED_KM) & (
        gazetteer.largest_within(latitude, longitude, _INHABITED_KM) >= _INHABITANTS
    )
    bare = addresses[["city", "admin", "address"]].isna().all(axis=1).to_numpy()
    in_economy = _same_economy(addresses["economy"], there["economy"]) & (nearest_km <= _NOWHERE_KM)
    unnamed = in_economy & (inhabited | ~bare)
    use = np.where(named, away_km <= NEAREST_PLACE_KM, unnamed)
    verdicts: list[str] = np.where(use, "use", "contradicts").tolist()
    return pd.Series(verdicts, index=addresses.index, dtype="str")


def _same_economy(given: Iterable[object], there: Iterable[object]) -> npt.NDArray[np.bool_]:
    return np.array(
        [
            not isinstance(economy, str) or economy == other or other in RELATED.get(economy, ())
            for economy, other in zip(given, there, strict=True)
        ],
        dtype=np.bool_,
    )


def _not_located(addresses: pd.DataFrame, reason: pd.Series[str]) -> pd.DataFrame:
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
    addresses: pd.DataFrame,
    gazetteer: Gazetteer,
    precision: str | npt.NDArray[np.str_],
    method: str,
    known_place: pd.Series[int] | None,
) -> pd.DataFrame:
    """At the given points, named after the place that the address gives, else after the nearest one."""
    points = addresses[["latitude", "longitude"]].assign(precision=precision, geocoding=method)
    if points.empty:
        return points.reindex(columns=LOCATED_COLUMNS)
    nearest, nearest_km = gazetteer.nearest(points["latitude"], points["longitude"])
    geonameid = pd.Series(nearest, points.index, dtype="Int64").where(nearest_km <= NEAREST_PLACE_KM)
    if known_place is not None:
        geonameid = known_place.fillna(geonameid)
    names = gazetteer.places.reindex(geonameid.astype("Float64")).set_axis(points.index)
    economy = names["economy"].where(names["economy"].notna(), addresses["economy"])
    return points.assign(place=names["name"], admin=names["admin"], economy=economy)[LOCATED_COLUMNS]


def _alpha2(economy: object) -> str | None:
    return alpha2(economy) if isinstance(economy, str) else None
