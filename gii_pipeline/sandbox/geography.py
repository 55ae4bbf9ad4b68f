"""Where the made-up world lies: the places of every cluster and of the background.

Belongs here: choosing places so that the clusters are known by construction (ADR 0060): hubs and the chains between
them are anchors, near enough to each other and heavy enough alone to be core; every other member is within the reach
of an anchor; other clusters and the background lie farther off than any radius or merge distance of an edition reaches.
Does not: how many records a place has (see `plan`, `records`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from gii_pipeline.sandbox.gazetteer import Gazetteer, gazetteer
from gii_pipeline.sandbox.plan import FIRST_YEAR, UNNAMED_CLUSTERS
from gii_pipeline.sandbox.roster import APART, roster

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

# Rounding to two decimals moves two points by up to 1.6 km together; the radius is 15 km.
CHAIN_STEP_KM = 12.5
SATELLITE_WITHIN_KM = 8.0
SATELLITES_PER_HUB = 8
PLACES_APART_KM = 2.0
CLUSTERS_APART_KM = 45.0
UNNAMED_APART_KM = 75.0
BACKGROUND_APART_KM = 23.0
BACKGROUND_MIN_POPULATION = 15_000

HUB_SHARES = {1: (0.55,), 2: (0.42, 0.24), 3: (0.30, 0.24, 0.18)}
CHAIN_SHARE = 0.012
SATELLITE_SHARE = 0.06
LINK_MARGIN = 0.6  # a place of a link has two others of it in its reach
ANCHOR_MARGIN = 2.0  # an anchor's expected people, as a multiple of the density threshold


@dataclass(frozen=True)
class Geography:
    """Every place with people, and which region it belongs to.

    places: geonameid, place, admin, economy, latitude, longitude (degrees), population, region (cluster number, or the
    background's), role (hub | chain | satellite | link | background | district), share (of the region's people), since
    (the first data year in which it has any), first_of_name (bool: its name and economy lead here). Rows are in order
    of region. clusters: name, economies (`CN/HK`), hubs, population; those of hubs apart from their cluster last.
    """

    places: pd.DataFrame
    clusters: pd.DataFrame

    @cached_property
    def bounds(self) -> Indices:
        """Rows of a region: places[bounds[r]:bounds[r + 1]]."""
        regions = np.arange(len(self.clusters) + 2)
        return np.searchsorted(self.places["region"].to_numpy(), regions)


def make_geography(
    people_at_least: Sequence[float], people_in_a_year: Sequence[float], min_weight: float, districts: int
) -> Geography:
    """Choose the places of the world.

    people_at_least: by region, the people in its emptiest window; people_in_a_year: in the emptiest year in which hubs
    apart have joined their clusters; min_weight: the density threshold in people; districts: points within 2.5 km that
    every place is spread over (up to 21; 1: none), for worlds of real size.
    """
    cities = gazetteer()
    hubs = _hubs(cities)
    members = pd.concat(
        [_members(cities, number, places, people_at_least[number], min_weight) for number, places in enumerate(hubs)],
        ignore_index=True,
    )
    links = _links(cities, hubs, members, people_in_a_year, min_weight)
    members = pd.concat([members, links]).sort_values("region", kind="stable", ignore_index=True)
    members = pd.concat([members, _background(cities, members["index"].to_numpy(), len(hubs))], ignore_index=True)
    places = _described(cities, members)
    clusters = _clusters(places, len(hubs))
    return Geography(_with_districts(places, districts) if districts > 1 else places, clusters)


def _hubs(cities: Gazetteer) -> list[list[int]]:
    """The hubs of every region: the roster's clusters', the largest cities far from all others, and hubs apart."""
    named = [[cities.find(hub) for hub in hubs.split(";")] for hubs in roster()["hubs"]]
    apart = [cities.find(one.hub) for one in APART]
    taken = [place for hubs in named for place in _anchors(cities, hubs)]
    unnamed: list[list[int]] = []
    for index in range(len(cities.cities)):
        distance = np.linalg.norm(cities.position_km[taken] - cities.position_km[index], axis=1)
        if distance.min() > UNNAMED_APART_KM:
            unnamed.append([index])
            taken.append(index)
        if len(unnamed) == UNNAMED_CLUSTERS:
            parted = [[hub for hub in hubs if hub not in apart] for hubs in named]
            return parted + unnamed + [[hub] for hub in apart]
    raise LookupError("The gazetteer has too few places for the sandbox.")


def _anchors(cities: Gazetteer, hubs: list[int]) -> list[int]:
    """The hubs, and the places that link each to the first in steps that a radius of 15 km surely spans."""
    chain = {place for hub in hubs[1:] for place in _chain(cities, hubs[0], hub)}
    return hubs + sorted(chain - set(hubs))


def _chain(cities: Gazetteer, start: int, end: int) -> list[int]:
    """The path of fewest steps between two places, the shortest of them."""
    position = cities.position_km
    middle = (position[start] + position[end]) / 2
    reach = np.linalg.norm(position[start] - position[end]) / 2 + 4 * CHAIN_STEP_KM
    near = np.sort(np.array(cities.tree.query_ball_point(middle, reach), dtype=np.int64))
    pairs = cKDTree(position[near]).query_pairs(CHAIN_STEP_KM, output_type="ndarray")
    km = np.linalg.norm(position[near[pairs[:, 0]]] - position[near[pairs[:, 1]]], axis=1)
    graph = coo_matrix((1000.0 + km, (pairs[:, 0], pairs[:, 1])), shape=(len(near), len(near))).tocsr()
    first, last = np.searchsorted(near, [start, end])
    cost, before = dijkstra(graph, directed=False, indices=first, return_predecessors=True)
    if not np.isfinite(cost[last]):
        raise LookupError(f"No chain of places links {cities.cities[start].name} and {cities.cities[end].name}.")
    path = [last]
    while path[-1] != first:
        path.append(before[path[-1]])
    return [int(near[step]) for step in path]


def _members(cities: Gazetteer, number: int, hubs: list[int], people: float, min_weight: float) -> pd.DataFrame:
    """The places of one cluster, with their roles and shares of its people."""
    anchors = _anchors(cities, hubs)
    chain, satellites = anchors[len(hubs) :], _satellites(cities, anchors, len(hubs))
    least = ANCHOR_MARGIN * min_weight / people
    hub_shares = np.maximum(HUB_SHARES[len(hubs)], least)
    chain_share = max(CHAIN_SHARE, least)
    rest = 1 - hub_shares.sum() - chain_share * len(chain)
    if rest < 0:
        raise LookupError(f"{cities.cities[hubs[0]].name} has too few people for {len(anchors)} anchors at this scale.")
    satellite_shares = _spread(rest, len(satellites))
    hub_shares *= 1 + (rest - satellite_shares.sum()) / hub_shares.sum()
    return pd.DataFrame(
        {
            "index": anchors + satellites,
            "region": number,
            "role": ["hub"] * len(hubs) + ["chain"] * len(chain) + ["satellite"] * len(satellites),
            "share": np.concatenate([hub_shares, np.full(len(chain), chain_share), satellite_shares]),
        }
    )


def _links(
    cities: Gazetteer, hubs: list[list[int]], members: pd.DataFrame, people: Sequence[float], min_weight: float
) -> pd.DataFrame:
    """The places that join a hub apart to its cluster from a data year on: core with the people of a single year."""
    names = roster()["name"].tolist()
    parts = []
    for region, apart in enumerate(APART, start=len(hubs) - len(APART)):
        cluster = names.index(apart.cluster)
        chain = _chain(cities, hubs[cluster][0], hubs[region][0])[1:-1]
        new = [place for place in chain if place not in set(members["index"])]
        share = LINK_MARGIN * min_weight / people[cluster]
        parts.append(
            pd.DataFrame({"index": new, "region": cluster, "role": "link", "share": share, "since": apart.joined_in})
        )
    return pd.concat(parts, ignore_index=True)


def _spread(rest: float, places: int) -> Floats:
    """What the anchors leave, falling off from place to place, none with more than a satellite may have."""
    weights = 1 / np.arange(2, places + 2)
    return np.minimum(rest * weights / weights.sum(), SATELLITE_SHARE) if places else np.zeros(0)


def _satellites(cities: Gazetteer, anchors: list[int], hubs: int) -> list[int]:
    """The most populous places in an anchor's reach, apart from each other."""
    position = cities.position_km
    near = np.unique(
        np.concatenate(cities.tree.query_ball_point(position[anchors], SATELLITE_WITHIN_KM)).astype(np.int64)
    )
    distance = np.linalg.norm(position[near][:, None] - position[anchors][None], axis=2).min(axis=1)
    chosen: list[int] = []
    for place in near[(distance > PLACES_APART_KM) & (distance < SATELLITE_WITHIN_KM)]:
        if all(np.linalg.norm(position[place] - position[other]) > PLACES_APART_KM for other in chosen):
            chosen.append(int(place))
        if len(chosen) == SATELLITES_PER_HUB * hubs:
            break
    return chosen


def _background(cities: Gazetteer, members: Indices, region: int) -> pd.DataFrame:
    """Places outside every cluster, so far apart that none is in another's radius; a few weigh two or three times."""
    position = cities.position_km
    towns = np.flatnonzero(cities.population >= BACKGROUND_MIN_POPULATION)
    to_member = cKDTree(position[members]).query(position[towns])[0]
    towns = towns[to_member > CLUSTERS_APART_KM]
    neighbours = cKDTree(position[towns]).query_ball_point(position[towns], BACKGROUND_APART_KM)
    blocked = np.zeros(len(towns), dtype=bool)
    chosen = []
    for town, near in enumerate(neighbours):
        if not blocked[town]:
            chosen.append(town)
            blocked[near] = True
    weights = 1.0 + (np.arange(len(chosen)) < len(chosen) / 2) + (np.arange(len(chosen)) < len(chosen) / 5)
    return pd.DataFrame(
        {"index": towns[chosen], "region": region, "role": "background", "share": weights / weights.sum()}
    )


def _described(cities: Gazetteer, members: pd.DataFrame) -> pd.DataFrame:
    rows = [cities.cities[index] for index in members["index"]]
    return pd.DataFrame(
        {
            "geonameid": [city.geonameid for city in rows],
            "place": [city.name for city in rows],
            "admin": [city.admin1code for city in rows],
            "economy": [city.countrycode for city in rows],
            "latitude": [city.latitude for city in rows],
            "longitude": [city.longitude for city in rows],
            "population": [city.population for city in rows],
            "region": members["region"].to_numpy(np.int64),
            "role": members["role"],
            "share": members["share"],
            "since": members["since"].fillna(FIRST_YEAR).astype("int64"),
            "first_of_name": cities.first_of_their_name(members["index"].to_numpy()),
        }
    )


def _clusters(places: pd.DataFrame, clusters: int) -> pd.DataFrame:
    """Name, economies, number of hubs and people of every cluster; unnamed ones bear their hub's name."""
    hubs = places[places["role"] == "hub"].groupby("region")
    members = places[places["region"] < clusters].sort_values("share", ascending=False, kind="stable")
    by_economy = members.groupby(["region", "economy"], sort=False)["share"].sum().reset_index()
    economies = by_economy[by_economy["share"] > 0.05].sort_values(["region", "share"], ascending=[True, False])
    table = pd.DataFrame(
        {
            "name": hubs["place"].agg("–".join),
            "economies": economies.groupby("region")["economy"].agg("/".join),
            "hubs": hubs.size(),
            "population": hubs["population"].sum().clip(lower=200_000).astype("int64"),
        }
    )
    names = roster()["name"].tolist()
    people = table["population"].to_numpy(copy=True)
    people[: len(names)] = roster()["population"].to_numpy()
    for region, apart in enumerate(APART, start=clusters - len(APART)):
        cluster = names.index(apart.cluster)
        people[region] = round(people[cluster] * apart.share)
        people[cluster] -= people[region]
    return table.assign(population=people)


def _with_districts(places: pd.DataFrame, districts: int) -> pd.DataFrame:
    """Every place spread over points on a grid of 0.01 degrees around it, the first its own; shares split evenly."""
    grid = [(i, j) for i in range(-2, 3) for j in range(-2, 3) if abs(i) + abs(j) < 4]
    steps = np.array(sorted(grid, key=lambda step: (abs(step[0]) + abs(step[1]), step))[:districts])
    copies = pd.concat([places.assign(step=number) for number in range(len(steps))], ignore_index=True)
    copies["latitude"] += 0.01 * steps[copies["step"], 0]
    copies["longitude"] += 0.01 * steps[copies["step"], 1]
    copies["share"] /= len(steps)
    copies.loc[copies["step"] > 0, "role"] = "district"
    copies.loc[copies["step"] > 0, "first_of_name"] = False
    return copies.sort_values(["region", "geonameid", "step"], ignore_index=True).drop(columns="step")
