"""The tables of the composition, from sums over the records.

Belongs here: the order of the steps, and each table's columns, shares and ranks.
Does not: the sums (see `counting.makeup`), or which names are one organisation (see `organisations`).

The parts of a cluster in a metric add up to its count: what no source knows is a part of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd

from gii_pipeline.composition.organisations import one_each
from gii_pipeline.counting.co_counts import OUTSIDE
from gii_pipeline.counting.makeup import CLUSTERS, ELSEWHERE, NOWHERE, UNLOCATED, WITHIN, Makeup
from gii_pipeline.counting.units import UNITS_PER_RECORD, counted, percent, to_units
from gii_pipeline.editions import Edition
from gii_pipeline.geocoding.economies import alpha2
from gii_pipeline.metrics.rows import with_edition
from gii_pipeline.store import COMPOSITION_TABLES

LEADERS = 25
FEWEST_RECORDS = 3
"""An organisation is named from so many records on, by fractional count: fewer say little and are the vendor's."""
ENOUGH_KNOWN_PCT = 60.0
ORGANISATION, OTHERS, INDIVIDUALS, UNKNOWN = "organisation", "other_organisations", "individuals", "unknown"
WHO = ["cluster_id", "metric"]


class Licence(NamedTuple):
    """The licence of a metric's source, and whether organisations may be named with what they count."""

    terms: str
    names_organisations: bool


@dataclass(frozen=True)
class Inputs:
    """What the tables are made from: tables of the edition, sums over its records, licences, and a user's names.

    clusters, members, points, figures: `clusters`, `cluster_members`, `points`, `cluster_metrics`. makeup: of clusters
    numbered as `counting.numbered` does over `ids`. licences: of each metric of the edition. by_applicant: the metrics
    whose organisations may sit elsewhere than the people that are counted. names: as `organisations.read_names`.
    """

    edition: Edition
    clusters: pd.DataFrame
    members: pd.DataFrame
    points: pd.DataFrame
    figures: pd.DataFrame
    makeup: Makeup
    licences: Mapping[str, Licence]
    by_applicant: frozenset[str]
    names: pd.DataFrame | None = None

    @property
    def ids(self) -> pd.Index:
        return cluster_ids(self.clusters)

    def with_ids(self, rows: pd.DataFrame, number: str = "cluster", name: str = "cluster_id") -> pd.DataFrame:
        """The rows inside clusters, with the cluster's id for its number."""
        inside = rows[rows[number] >= 0]
        ids = self.ids.to_numpy()[inside[number].to_numpy(dtype="int64")]
        return inside.drop(columns=number).assign(**{name: ids})

    @cached_property
    def whole(self) -> pd.Series:
        """(cluster_id, metric) -> units, of every cluster and metric that counts something."""
        sums: pd.Series = self.with_ids(self.makeup.fields).groupby(WHO)["units"].sum()
        return sums

    @cached_property
    def economies(self) -> pd.DataFrame:
        """Cluster (a number), economy: the economies of every cluster."""
        listed = self.clusters.set_index("cluster_id").loc[self.ids, "economies"].str.split("/")
        pairs: pd.DataFrame = (
            listed.reset_index(drop=True).explode().rename("economy").rename_axis("cluster").reset_index()
        )
        return pairs.assign(is_own=True)

    @cached_property
    def organisations(self) -> pd.DataFrame:
        """metric, cluster, place_economy, key, economy, kind, units: organisations under one key each, individuals."""
        found = _taken_apart(
            self.makeup.organisations.rename(columns={"economy": "place_economy"}),
            "organisations",
            "id",
            "name",
            "economy",
            "kind",
        )
        named = found["id"].notna() | found["name"].notna()
        found = found[(found["kind"] == "individual") | ((found["kind"] == ORGANISATION) & named)]
        codes = {text: alpha2(text) for text in found["economy"].dropna().unique()}
        found = found.assign(economy=found["economy"].map(codes).astype("str"))
        return found.merge(self.one_each, on=["id", "name"], how="left", validate="m:1")

    @cached_property
    def one_each(self) -> pd.DataFrame:
        sums = _taken_apart(
            self.makeup.organisations[["metric", "organisations", "units"]], "organisations", "id", "name", "kind"
        )
        sums = sums[(sums["kind"] == ORGANISATION) & (sums["id"].notna() | sums["name"].notna())]
        names = sums.groupby(["id", "name"], dropna=False)["units"].sum().reset_index()
        return one_each(names, self.names)


def cluster_ids(clusters: pd.DataFrame) -> pd.Index:
    """The ids of the clusters in the order of their numbers."""
    ids: pd.Index = pd.Index(sorted(clusters["cluster_id"]), name="cluster_id")
    return ids


def compose(inputs: Inputs) -> dict[str, pd.DataFrame]:
    """Every table of the composition, sorted by its key."""
    made: dict[str, Callable[[Inputs], pd.DataFrame]] = {
        "leaders": leaders,
        "fields": fields,
        "collaboration": collaboration,
        "partners": partners,
        "metrics_by_year": metrics_by_year,
        "economy_totals": economy_totals,
        "origin": origin,
    }
    return {name: with_edition(made[name](inputs), inputs.edition) for name in COMPOSITION_TABLES}


def leaders(inputs: Inputs) -> pd.DataFrame:
    """The organisations that count most in a cluster and metric, then all others, individuals and what is unknown.

    Where the licence of the metric's source does not let organisations be named, all are among the others.
    """
    found = inputs.with_ids(inputs.organisations)
    found["kind"] = found["kind"].replace("individual", INDIVIDUALS)
    ranked = found[found["kind"] == ORGANISATION].groupby([*WHO, "key"])["units"].sum().reset_index()
    ranked = ranked.merge(inputs.one_each.drop(columns=["id", "name"]).drop_duplicates("key"), on="key")
    ranked = ranked.sort_values([*WHO, "units", "organisation", "key"], ascending=[True, True, False, True, True])
    ranked["rank"] = ranked.groupby(WHO).cumcount() + 1
    may_be_named = {metric: licence.names_organisations for metric, licence in inputs.licences.items()}
    shown = (ranked["rank"] <= LEADERS) & (ranked["units"] >= FEWEST_RECORDS * UNITS_PER_RECORD)
    shown &= ranked["metric"].map(may_be_named).astype("bool")
    named = ranked[shown].merge(_economy_by_key(found), on=[*WHO, "key"], how="left").assign(kind=ORGANISATION)
    others = ranked[~shown].groupby(WHO)["units"].sum().reset_index().assign(kind=OTHERS)
    alone = found[found["kind"] == INDIVIDUALS].groupby(WHO)["units"].sum().reset_index().assign(kind=INDIVIDUALS)
    rows = _with_rest(pd.concat([named, others, alone]), inputs.whole, kind=UNKNOWN)
    rows = rows.assign(rank=rows["rank"].fillna(0).astype("int32"), organisation=rows["organisation"].fillna(""))
    rows["may_be_named"] = rows["metric"].map(may_be_named).astype("bool")
    rows["licence"] = rows["metric"].map({metric: licence.terms for metric, licence in inputs.licences.items()})
    columns = [
        *WHO, "kind", "rank", "organisation", "organisation_id", "economy", "count", "share_pct", "known_pct",
        "is_known", "names_seen", "may_be_named", "licence",
    ]  # fmt: skip
    return rows[columns].sort_values([*WHO, "kind", "rank"], ignore_index=True)


def fields(inputs: Inputs) -> pd.DataFrame:
    """The fields of a cluster and metric, ranked, and what has none; specialisation is against the world's shares."""
    sums = inputs.makeup.fields.groupby(["metric", "cluster", "fields"])["units"].sum().reset_index()
    parts = _taken_apart(sums, "fields", "name").dropna(subset="name").rename(columns={"name": "field"})
    world = parts[parts["cluster"] >= _first_that_counts(inputs.edition)].groupby(["metric", "field"])["units"].sum()
    here = inputs.with_ids(parts).groupby([*WHO, "field"])["units"].sum().reset_index()
    here = here.sort_values([*WHO, "units", "field"], ascending=[True, True, False, True])
    here["rank"] = here.groupby(WHO).cumcount() + 1
    known = here.groupby(WHO)["units"].transform("sum")
    of_world = (world / world.groupby("metric").transform("sum")).rename("of_world")
    here = here.merge(of_world.reset_index(), on=["metric", "field"], how="left")
    here["world_share_pct"] = 100 * here["of_world"]
    here["specialisation"] = (here["units"] / known.to_numpy()) / here["of_world"]
    rows = _with_rest(here.drop(columns="of_world"), inputs.whole, field="")
    rows["rank"] = rows["rank"].fillna(0).astype("int32")
    columns = [
        *WHO, "field", "rank", "count", "share_pct", "world_share_pct", "specialisation", "known_pct", "is_known",
    ]  # fmt: skip
    return rows[columns].sort_values([*WHO, "field"], ignore_index=True)


def collaboration(inputs: Inputs) -> pd.DataFrame:
    """With whom the records of a cluster are made: every cluster and metric, shares of the cluster's count."""
    found = inputs.with_ids(inputs.makeup.made_with)
    units = found.pivot_table(index=WHO, columns="made_with", values="units", aggfunc="sum", fill_value=0)
    units = units.reindex(columns=[WITHIN, CLUSTERS, ELSEWHERE, UNLOCATED], fill_value=0)
    rows = inputs.figures[[*WHO, "count"]].set_index(WHO)
    of_all = units.sum(axis=1)
    rows["records"] = found.groupby(WHO)["records"].sum().reindex(rows.index, fill_value=0).astype("int64")
    for kind in units.columns:
        rows[f"{kind}_pct"] = percent(units[kind], of_all)
    rows["economies_pct"] = percent(found[found["abroad"]].groupby(WHO)["units"].sum().reindex(of_all.index), of_all)
    rows["economies_pct"] = rows["economies_pct"].where(rows["economies_pct"].notna() | (rows["records"] == 0), 0.0)
    columns = [
        *WHO, "records", "count", "within_pct", "clusters_pct", "outside_pct", "unlocated_pct", "economies_pct",
    ]  # fmt: skip
    return rows.reset_index()[columns].sort_values(WHO, ignore_index=True)


def partners(inputs: Inputs) -> pd.DataFrame:
    """How many records two clusters share, once in each direction."""
    pairs = inputs.makeup.partners
    both = pd.concat([pairs, pairs.rename(columns={"a": "b", "b": "a"})])[["metric", "a", "b", "co_records"]]
    rows = inputs.with_ids(inputs.with_ids(both, "a"), "b", "partner_id")
    records = inputs.with_ids(inputs.makeup.made_with).groupby(WHO)["records"].sum().rename("records")
    rows = rows.merge(records.reset_index(), on=WHO, how="left", validate="m:1")
    rows["share_pct"] = 100 * rows["co_records"] / rows["records"]
    rows = rows.sort_values([*WHO, "co_records", "partner_id"], ascending=[True, True, False, True])
    rows["rank"] = (rows.groupby(WHO).cumcount() + 1).astype("int32")
    columns = ["cluster_id", "metric", "partner_id", "rank", "co_records", "share_pct"]
    return rows[columns].sort_values(["cluster_id", "metric", "partner_id"], ignore_index=True)


def metrics_by_year(inputs: Inputs) -> pd.DataFrame:
    """The count of every cluster in every metric and data year of its window, and its yearly growth over the window."""
    sums = inputs.makeup.fields.groupby(["metric", "data_year", "cluster"])["units"].sum().reset_index()
    world = sums[sums["cluster"] >= _first_that_counts(inputs.edition)].groupby(["metric", "data_year"])["units"].sum()
    years = [(metric, year) for metric, listed in inputs.edition.data_years.items() for year in listed]
    grid = pd.DataFrame(years, columns=["metric", "data_year"]).merge(pd.DataFrame({"cluster_id": inputs.ids}), "cross")
    rows = grid.merge(inputs.with_ids(sums), on=["cluster_id", "metric", "data_year"], how="left")
    rows = rows.merge(world.rename("world").reset_index(), on=["metric", "data_year"], how="left")
    rows["count"] = counted(rows["units"].fillna(0).astype("int64"))
    rows["world_total"] = counted(rows["world"].fillna(0).astype("int64"))
    rows["share_pct"] = (100 * rows["count"] / rows["world_total"]).where(rows["world_total"] > 0)
    rows = rows.sort_values([*WHO, "data_year"], ignore_index=True).astype({"data_year": "int32"})
    by = rows.groupby(WHO)["count"]
    ratio = by.transform("last") / by.transform("first").where(lambda first: first > 0)
    rows["growth_pct"] = 100 * (ratio ** (1 / (by.transform("size") - 1).where(lambda steps: steps > 0)) - 1)
    return rows[[*WHO, "data_year", "count", "world_total", "share_pct", "growth_pct"]]


def economy_totals(inputs: Inputs) -> pd.DataFrame:
    """The located count of every economy, and how much of it lies in clusters."""
    points = inputs.points[inputs.points["metric"].isin(inputs.edition.metrics)]
    rows = points[["location_id", "metric", "economy", "fractions"]].merge(
        inputs.members[["location_id", "cluster_id"]], on="location_id", how="left", validate="m:1"
    )
    rows = rows.assign(
        economy=rows["economy"].astype("object").fillna("").astype("str"), units=to_units(rows["fractions"])
    )
    by = ["economy", "metric"]
    sums = rows.groupby(by).agg(units=("units", "sum"), clusters=("cluster_id", "nunique"))
    sums["inside"] = rows[rows["cluster_id"].notna()].groupby(by)["units"].sum().reindex(sums.index, fill_value=0)
    table = sums.reset_index().sort_values(by, ignore_index=True).astype({"clusters": "int32"})
    table["count"], table["count_in_clusters"] = from_whole(table["units"]), from_whole(table["inside"])
    table["share_pct"] = percent(table["units"], table.groupby("metric")["units"].transform("sum"))
    table["in_clusters_pct"] = percent(table["inside"], table["units"]).where(table["units"] > 0)
    return table[[*by, "count", "share_pct", "clusters", "count_in_clusters", "in_clusters_pct"]]


def origin(inputs: Inputs) -> pd.DataFrame:
    """Where the applicants of a cluster's records sit.

    An applicant sits in that cluster of its own economy in which most of what it applied for was made, or outside all
    clusters where more of it was made there.
    """
    found = inputs.organisations[inputs.organisations["metric"].isin(inputs.by_applicant)]
    found = found.merge(inputs.economies, on=["cluster", "economy"], how="left")
    at_home = found["is_own"].eq(True) | ((found["cluster"] == OUTSIDE) & (found["place_economy"] == found["economy"]))
    sums = found[at_home & found["key"].notna()].groupby(["metric", "key", "economy", "cluster"])["units"].sum()
    homes = sums.reset_index().sort_values(["units", "cluster"], ascending=[False, False])
    homes = homes.drop_duplicates(["metric", "key", "economy"]).rename(columns={"cluster": "home"})
    inside = found[found["cluster"] >= 0].merge(
        homes[["metric", "key", "economy", "home"]], on=["metric", "key", "economy"], how="left"
    )
    inside["origin"] = np.select(
        [
            inside["kind"] == "individual",
            inside["economy"].isna(),
            inside["is_own"].isna(),
            inside["home"] == inside["cluster"],
        ],
        [INDIVIDUALS, UNKNOWN, "abroad", "cluster"],
        "economy",
    )
    known = inside[inside["origin"] != UNKNOWN]
    parts = inputs.with_ids(known).groupby([*WHO, "origin"])["units"].sum().reset_index()
    whole = inputs.whole[inputs.whole.index.get_level_values("metric").isin(inputs.by_applicant)]
    rows = _with_rest(parts, whole, origin=UNKNOWN)
    return rows[[*WHO, "origin", "count", "share_pct", "known_pct", "is_known"]].sort_values(
        [*WHO, "origin"], ignore_index=True
    )


def _taken_apart(sums: pd.DataFrame, column: str, *parts: str) -> pd.DataFrame:
    """Rows of weighted lists in JSON -> a row per element, with its part of the units; what is null has none."""
    kept = [name for name in sums.columns if name not in (column, "units")]
    elements = ", ".join([*(f'"{name}": "VARCHAR"' for name in parts), '"weight": "DOUBLE"'])
    by = ", ".join([*(f'"{name}"' for name in kept), *(f'part."{name}"' for name in parts)])
    with duckdb.connect() as connection:
        connection.register("sums", sums)
        found: pd.DataFrame = connection.sql(
            f"""SELECT {by}, sum(round(units * part.weight)::BIGINT)::BIGINT AS units FROM (
                SELECT *, unnest(from_json("{column}", '[{{{elements}}}]')) AS part FROM sums
                WHERE "{column}" IS NOT NULL
            ) GROUP BY ALL ORDER BY ALL"""
        ).df()
    return found.astype(dict.fromkeys(parts, "str"))


def _with_rest(rows: pd.DataFrame, whole: pd.Series, **rest: str) -> pd.DataFrame:
    """The rows and, for each cluster and metric, one of what they lack; with counts, shares and what is known.

    rest: what the row of the rest has in a column.
    """
    known = rows.groupby(WHO)["units"].sum().reindex(whole.index, fill_value=0)
    # Rounded parts of a record may add up to a few units more than the record.
    left = (whole - known).clip(lower=0).rename("units").reset_index().assign(**rest)
    both = pd.concat([rows, left[counted(left["units"]) > 0]], ignore_index=True)
    of_all = pd.MultiIndex.from_frame(both[WHO])
    both["count"] = from_whole(both["units"])
    both["share_pct"] = np.minimum(percent(both["units"], whole.reindex(of_all).to_numpy()), 100)
    both["known_pct"] = np.minimum(100 * (known / whole).reindex(of_all).to_numpy(), 100)
    both["is_known"] = both["known_pct"] >= ENOUGH_KNOWN_PCT
    return both


def _economy_by_key(found: pd.DataFrame) -> pd.DataFrame:
    """The economy under which most of each organisation is counted in a cluster and metric."""
    sums = found[found["economy"].notna()].groupby([*WHO, "key", "economy"])["units"].sum().reset_index()
    sums = sums.sort_values(["units", "economy"], ascending=[False, True])
    return sums.drop_duplicates([*WHO, "key"]).drop(columns="units")


def _first_that_counts(edition: Edition) -> int:
    """The lowest number of a cluster that shares of the world are taken of."""
    return OUTSIDE if edition.share_base.value == "located" else NOWHERE


def from_whole(units: pd.Series) -> np.ndarray:
    return counted(units.to_numpy(dtype="int64"))
