"""The fact sheet of a cluster: one paragraph that a press office can use unchanged.

Belongs here: wording and rounding; every number is read from the edition's tables.
Does not: computing any figure.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from gii_pipeline.registry import Registry, shipped
from gii_pipeline.releases import Portraits, Release, portraits, search
from gii_pipeline.releases.events import OWN_METHOD
from gii_pipeline.releases.info import WORLD
from gii_pipeline.report.portraits import sentences as behind
from gii_pipeline.wording import listed, nth

CONTRIBUTORS = 2


class FactTables(NamedTuple):
    """The tables of one edition that a fact sheet is written from."""

    ranking_size: pd.DataFrame
    cluster_metrics: pd.DataFrame
    contributions: pd.DataFrame
    rank_changes: pd.DataFrame
    rank_stability: pd.DataFrame
    rank_events: pd.DataFrame
    version: str
    made_up: bool
    provisional: bool = False
    notes: tuple[str, ...] = ()
    portraits: Portraits | None = None
    registry: Registry = shipped()
    whole: str = WORLD


def fact_tables(release: Release) -> FactTables:
    """The tables of a release."""
    tables = {name: release.table(name) for name in FactTables._fields if name in release.tables}
    return FactTables(
        **tables,
        version=str(release.version),
        made_up=bool(release.package["made_up"]),
        provisional=release.maturity == "provisional",
        notes=release.notes,
        portraits=portraits(release),
        registry=release.registry,
        whole=release.whole,
    )


def fact_sheet(tables: FactTables, cluster: str) -> str:
    """A paragraph on one ranked cluster: rank, change, figures per million, rank in each metric, who and in what.

    cluster: its name, its cluster_id, or words that fit no other ranked cluster (`search.found`).
    Raises InputError, with the nearest names, if no ranked cluster or more than one is meant.
    """
    row = _found(tables.ranking_size, cluster)
    mine = row["cluster_id"]
    metrics = tables.cluster_metrics[tables.cluster_metrics["cluster_id"] == mine]
    metrics = metrics.sort_values("metric", key=lambda names: names.map(list(tables.registry).index))
    titles = {name: metric.title_in_text for name, metric in tables.registry.items()}
    metrics = metrics.assign(title=metrics["metric"].map(titles))
    sentences = [
        _rank(row, len(tables.ranking_size), provisional=tables.provisional),
        _as_released(_events(tables.rank_events, mine)),
        _change(_row(tables.rank_changes, mine)),
        _interval(_row(tables.rank_stability, mine)),
        _per_million(row, metrics),
        _metric_ranks(metrics, tables.whole),
        _contributors(tables.contributions[tables.contributions["cluster_id"] == mine], metrics),
        *(behind(tables.portraits[mine]) if tables.portraits else ()),
    ]
    told = [*sentences, "All records are made up." if tables.made_up else "", *tables.notes]
    return f"{' '.join(sentence for sentence in told if sentence)} ({tables.version})"


def _found(ranking: pd.DataFrame, wanted: str) -> pd.Series:
    names = dict(zip(ranking["cluster_id"], ranking["name"], strict=True))
    economies = dict(zip(ranking["cluster_id"], ranking["economies"], strict=True))
    edition = ranking["edition"].iloc[0] if len(ranking) else "?"
    meant = search.one(wanted, names, economies, "ranked cluster", edition)
    return ranking[ranking["cluster_id"] == meant].iloc[0]


def _row(table: pd.DataFrame, cluster_id: str) -> pd.Series | None:
    rows = table[table["cluster_id"] == cluster_id]
    return rows.iloc[0] if len(rows) else None


def _rank(row: pd.Series, ranked: int, *, provisional: bool) -> str:
    method = "" if row["method"] == row["edition"] else f" by the method of {row['method']}"
    intensity = f" and {nth(row['intensity_rank'])} by intensity" if pd.notna(row["intensity_rank"]) else ""
    kind = "provisional " if provisional else ""
    return (
        f"{row['name']} ({row['economies']}) ranks {nth(row['rank'])} by size{intensity} among the {ranked} "
        f"innovation clusters of the {kind}{row['edition']} edition{method}, as recomputed by gii_pipeline."
    )


def _events(events: pd.DataFrame, cluster_id: str) -> dict[str, dict[Hashable, Any]]:
    """Event -> its row, of the cluster, compared with the rankings as they were released. Of several, the last."""
    mine = events[(events["cluster_id"] == cluster_id) & (events["basis"] == OWN_METHOD)]
    return {row["event"]: row for row in mine.to_dict("records")}


def _as_released(events: Mapping[str, Mapping[Hashable, Any]]) -> str:
    """What changed since the edition before as it was released, by its own method."""
    if "streak" in events:
        row = events["streak"]
        return f"It has held this rank for {_editions(row)}."
    if "splits_from" in events:
        return f"It was a part of {events['splits_from']['other_name']} until {_before(events['splits_from'])}."
    if "is_new" in events:
        return f"It is new: no cluster of {_before(events['is_new'])} is its predecessor."
    if "streak_ended" in events:
        row = events["streak_ended"]
        return f"As released, it was {nth(row['compared_rank'])} in {_before(row)}, for {_editions(row)}."
    moved = next((row for row in events.values() if pd.notna(row["compared_rank"])), None)
    return f"As released, it was {nth(moved['compared_rank'])} in {_before(moved)}." if moved else ""


def _before(row: Mapping[Hashable, Any]) -> str:
    return f"the {int(row['compared_edition'])} edition"


def _editions(row: Mapping[Hashable, Any]) -> str:
    """A streak, counted as a cluster and under its present name."""
    said = f"{int(row['editions'])} editions running, since {int(row['since'])}"
    if row["editions_under_name"] == row["editions"]:
        return said
    under_name = int(row["editions_under_name"])
    return f"{said}, {under_name} of them under its present name" if under_name else f"{said}, under another name"


def _change(row: pd.Series | None) -> str:
    if row is None or pd.isna(row["previous_edition"]):
        return ""
    before = f"the {row['previous_edition']} edition"
    if pd.isna(row["previous_rank"]):
        return f"Counted by the same method, no cluster of {before} has its place."
    change, place = int(row["rank_change"]), nth(row["previous_rank"])
    said = f"Counted by the same method, it was {place} in {before} as well"
    if change:
        places = f"{abs(change)} place{'s' if abs(change) > 1 else ''}"
        said = f"Counted by the same method, it is {'up' if change > 0 else 'down'} {places} from {place} in {before}"
    if pd.isna(row["rank_by_previous_method"]) or row["rank_by_previous_method"] == row["rank"]:
        return f"{said}."
    return f"{said}; by the method of {row['previous_edition']} it would now be {nth(row['rank_by_previous_method'])}."


def _interval(row: pd.Series | None) -> str:
    if row is None:
        return ""
    low, high = nth(row["rank_low"]), nth(row["rank_high"])
    lies = f"its rank is {low}" if low == high else f"its rank lies between {low} and {high}"
    best, worst = int(row["tied_rank_low"]), int(row["tied_rank_high"])
    tied = f" It is statistically tied with the ranks {best:,} to {worst:,}." if best < worst else ""
    return f"In 95 % of {row['replicates']:,} resamplings of complete records, in the same borders, {lies}.{tied}"


def _per_million(row: pd.Series, metrics: pd.DataFrame) -> str:
    if pd.isna(row["population"]) or metrics["per_million"].isna().any():
        return "Its population is not known, so there are no figures per million inhabitants."
    figures = [
        f"{figure['per_million']:,.0f} {figure['title']} ({figure['window_first_year']}–{figure['window_last_year']})"
        for figure in metrics.to_dict("records")
    ]
    return f"With {row['population'] / 1e6:,.2f} million inhabitants, it counts {listed(figures)} per million of them."


def _metric_ranks(metrics: pd.DataFrame, whole: str) -> str:
    ranks = [
        f"{nth(figure['metric_rank'])} in {figure['title']} "
        f"({figure['count']:,.0f}, {figure['share_pct']:.2f} % of {whole}'s)"
        for figure in metrics.to_dict("records")
    ]
    return f"Of all clusters it is {listed(ranks)}."


def _contributors(parts: pd.DataFrame, metrics: pd.DataFrame) -> str:
    places = [row for row in parts.to_dict("records") if row["level"] == "place" and row["place"] != ""]
    places.sort(key=lambda row: (-row["cluster_share_pct"], row["place"]))
    sayings = []
    for figure in metrics.to_dict("records"):
        largest = [row for row in places if row["metric"] == figure["metric"]][:CONTRIBUTORS]
        named = [f"{part['place']} ({part['cluster_share_pct']:.0f} %)" for part in largest]
        if named:
            sayings.append(f"{listed(named)} in {figure['title']}")
    return f"Its largest contributors are {'; '.join(sayings)}." if sayings else ""
