"""The explorer: one page on which a reader works with an edition's ranking. It is self-contained.

Belongs here: what the page gets from the tables, and putting text, style and script together.
Does not: computing any figure; how the page looks and answers (`explorer.html`, `explorer.css`, `explorer.js`).

The page holds the tables' figures as JSON in an element that no browser runs; its script writes text and never markup,
and its policy allows that one script and that one style sheet and no address. The same tables give the same bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import shapely

from gii_pipeline.releases import PROVISIONAL, Portraits, ReleaseInfo
from gii_pipeline.releases.events import OWN_METHOD
from gii_pipeline.releases.portrait import TABLES as PORTRAYED
from gii_pipeline.releases.portrait import Portrait, by_cluster
from gii_pipeline.releases.search import economy_name, slugs, words_of
from gii_pipeline.report.colours import colours
from gii_pipeline.report.frame import policy, resource
from gii_pipeline.report.maps import SQUEEZE, VIEW, borders, graticule, land, outlines, project
from gii_pipeline.report.pages import BY_CLUSTER, write_pages
from gii_pipeline.report.story import Story

PAGE = Path("report", "index.html")
SCRIPTS = ("explorer_table.js", "explorer_charts.js", "explorer_map.js", "explorer.js")
"""In the order in which the browser runs them, as one script."""
TABLES = ("ranking_size", "cluster_footprints", *BY_CLUSTER)
NAMED = 5
"""Organisations, fields and partners shown of a cluster in a metric."""
PLACES = 10
"""Contributors shown of a cluster in a metric; the rest is one line."""
DIGITS = 8

Frames = Mapping[str, pd.DataFrame]


def write_report(folder: Path, info: ReleaseInfo, version: str, breaks: Mapping[int, str] | None = None) -> None:
    """Write `report/` from the edition's tables, which are in `folder` as Parquet: explorer, and pages next to it.

    breaks: edition -> what of the method is new in it, for the ranks over the editions.
    """
    found = [name for name in dict.fromkeys([*TABLES, *PORTRAYED]) if (folder / f"{name}.parquet").is_file()]
    tables = {name: pq.ParquetFile(folder / f"{name}.parquet").read().to_pandas() for name in found}
    facts = page_facts(tables, info, version, breaks)
    target = folder / PAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(explorer_page(tables, info, facts), encoding="utf-8", newline="\n")
    write_pages(folder, tables, facts, info)


def explorer_page(tables: Frames, info: ReleaseInfo, facts: Mapping[str, Any]) -> str:
    """The page as HTML.

    tables: the edition tables of TABLES, as their contracts say. info: title, sources, settings, whether made up.
    facts: `page_facts` of them.
    """
    script = "".join(map(resource, SCRIPTS))
    style = colours(info.registry) + resource("common.css") + resource("explorer.css")
    version = facts["version"]
    figures, events = tables["cluster_metrics"], tables["rank_events"]
    provisional = info.maturity == "provisional"
    story = Story(
        tables["ranking_size"],
        events,
        figures,
        version,
        made_up=info.made_up,
        provisional=provisional,
        registry=info.registry,
    )
    noted = "".join(f'<div class="notice" role="note">{escape(note)}</div>' for note in info.notes)
    return Template(resource("explorer.html")).substitute(
        policy=escape(policy(style, script)),
        title=escape(info.title),
        style=style,
        script=script,
        facts=_inert(facts),
        made_up="" if info.made_up else "hidden",
        whole=escape(info.whole),
        headline=escape(story.sentence()),
        provisional="" if provisional else "hidden",
        provisional_notice=escape(PROVISIONAL),
        notes=noted,
        view=" ".join(f"{value:g}" for value in VIEW),
        graticule=graticule(),
        land=land(),
        borders=borders(),
        version=escape(version),
        sources="".join(
            f"<li>{escape(source.title)}. {escape(source.terms)}. {escape(source.citation)}</li>"
            for _, source in sorted(info.sources.items())
        ),
    )


def page_facts(
    tables: Frames, info: ReleaseInfo, version: str, breaks: Mapping[int, str] | None = None
) -> dict[str, Any]:
    """What the page's script gets: the metrics with their windows, and each ranked cluster with all about it."""
    ranking = tables["ranking_size"].sort_values("rank", kind="stable")
    metrics = _metrics(tables["cluster_metrics"], info)
    footprints = _footprints(tables["cluster_footprints"])
    changes, stability = by_cluster(tables["rank_changes"]), by_cluster(tables["rank_stability"])
    history, events = _history(tables["rank_history"]), _events(tables["rank_events"])
    contributors = _contributors(tables["contributions"], ranking["cluster_id"], [metric["key"] for metric in metrics])
    portraits = Portraits(tables, info.registry) if "clusters" in tables else {}
    slug_of = slugs(ranking[["cluster_id", "name", "economies"]].itertuples(index=False, name=None))
    clusters = [
        {
            "id": row["cluster_id"],
            "slug": slug_of[row["cluster_id"]],
            "economy_names": ", ".join(map(economy_name, row["economies"].split("/"))),
            **{
                name: _plain(row[name])
                for name in ("name", "economies", "rank", "size_score", "intensity_rank", "intensity_score")
            },
            "words": words_of(row["name"], row["economies"]),
            "history": history.get(row["cluster_id"], []),
            "events": events.get(row["cluster_id"], []),
            "population": _plain(row["population"]),
            "area_km2": _plain(row["area_km2"]),
            "metrics": {metric["key"]: _figures(row, metric["key"]) for metric in metrics},
            "change": _chosen(changes.get(row["cluster_id"]), CHANGE),
            "stability": _chosen(stability.get(row["cluster_id"]), STABILITY),
            "contributors": contributors.get(row["cluster_id"], {}),
            "portrait": _portrait(portraits.get(row["cluster_id"])),
            **footprints.get(row["cluster_id"], {}),
        }
        for row in ranking.to_dict("records")
    ]
    ranked = {cluster["id"] for cluster in clusters}
    return {
        "edition": _plain(ranking["edition"].iloc[0]) if len(ranking) else None,
        "method": _plain(ranking["method"].iloc[0]) if len(ranking) else None,
        "version": version,
        "title": info.title,
        "made_up": info.made_up,
        "whole": info.whole,
        "metrics": metrics,
        "squeeze": SQUEEZE,
        "breaks": {str(edition): what for edition, what in sorted((breaks or {}).items())},
        "clusters": clusters,
        "others": [found for key, found in sorted(footprints.items()) if key not in ranked],
    }


CHANGE = (
    "previous_edition",
    "previous_rank",
    "rank_change",
    "previous_rank_own_method",
    "change_due_to_data",
    "change_due_to_borders",
    "change_due_to_method",
)
EVENT = (
    "event",
    "compared_edition",
    "compared_rank",
    "other_name",
    "editions",
    "since",
    "editions_under_name",
)
STABILITY = (
    "rank_low",
    "rank_high",
    "rank_median",
    "grid_rank_low",
    "grid_rank_high",
    "replicates",
    "tied_rank_low",
    "tied_rank_high",
)


def _metrics(figures: pd.DataFrame, info: ReleaseInfo) -> list[dict[str, Any]]:
    windows = figures.groupby("metric")[["window_first_year", "window_last_year", "world_total"]].first()
    weights = {name: chosen["weight"]["value"] for name, chosen in info.settings.get("metrics", {}).items()}
    return [
        {
            "key": name,
            "title": metric.title,
            "in_text": metric.title_in_text,
            "unit": metric.unit,
            "first": _plain(windows.loc[name, "window_first_year"]),
            "last": _plain(windows.loc[name, "window_last_year"]),
            "world": _plain(windows.loc[name, "world_total"]),
            "weight": weights.get(name),
        }
        for name, metric in info.registry.items()
        if name in windows.index
    ]


def _figures(row: Mapping[Any, Any], metric: str) -> list[Any]:
    """Count, share, per million and rank, as the page's table has them."""
    return [_plain(row[f"{metric}_{part}"]) for part in ("count", "share_pct", "per_million", "rank")]


def _footprints(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    geometries = table["geometry"].to_list()
    centres = shapely.centroid(shapely.from_wkb(geometries))
    return {
        key: {"at": project(shapely.get_x(centre), shapely.get_y(centre)), "outline": outline, "title": name}
        for key, name, centre, outline in zip(
            table["cluster_id"], table["name"], centres, outlines(geometries), strict=True
        )
    }


def _history(table: pd.DataFrame) -> dict[str, list[list[Any]]]:
    """Cluster -> its editions, oldest first: edition, rank, name."""
    found: dict[str, list[list[Any]]] = {}
    for row in table.sort_values("edition", kind="stable").to_dict("records"):
        found.setdefault(row["cluster_id"], []).append([_plain(row["edition"]), _plain(row["rank"]), row["name"]])
    return found


def _events(table: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Cluster -> what happened since the ranking before as it was released."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in table[table["basis"] == OWN_METHOD].to_dict("records"):
        found.setdefault(row["cluster_id"], []).append({name: _plain(row[name]) for name in EVENT})
    return found


def _contributors(
    table: pd.DataFrame, ranked: pd.Series, metrics: Sequence[str]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Cluster -> metric -> the economies, the largest places, and how many other places have which share together."""
    asked = table[table["cluster_id"].isin(ranked) & table["metric"].isin(metrics)]
    ordered = asked.sort_values(
        ["cluster_id", "metric", "cluster_share_pct", "economy", "admin", "place"],
        ascending=[True, True, False, True, True, True],
        kind="stable",
    )
    found: dict[str, dict[str, dict[str, Any]]] = {}
    rows = ordered.to_dict("records")
    for (cluster, metric), group in groupby(rows, key=lambda row: (row["cluster_id"], row["metric"])):
        levels: dict[str, list[Mapping[Any, Any]]] = {"place": [], "economy": []}
        for row in group:
            levels.setdefault(row["level"], []).append(row)
        rest = levels["place"][PLACES:]
        found.setdefault(str(cluster), {})[str(metric)] = {
            "places": [_contributor(row) for row in levels["place"][:PLACES]],
            "economies": [_contributor(row) for row in levels["economy"]],
            "rest": [
                len(rest),
                *(_plain(math.fsum(row[name] for row in rest)) for name in ("count", "cluster_share_pct")),
            ],
        }
    return found


def _contributor(row: Mapping[Any, Any]) -> list[Any]:
    return [row["place"], row["admin"], row["economy"], _plain(row["count"]), _plain(row["cluster_share_pct"])]


def _portrait(portrait: Portrait | None) -> dict[str, dict[str, Any]]:
    """Metric -> who, in what, with whom, and growth, of what is known; the largest of each."""
    return {
        found.metric: {
            "leaders": [[one.name, one.economy or "", _plain(one.share_pct)] for one in found.leaders[:NAMED]],
            "fields": [[one.name, _plain(one.share_pct), _plain(one.specialisation)] for one in found.fields[:NAMED]],
            "partners": [[one.cluster_id, one.name, one.co_records] for one in found.partners[:NAMED]],
            "ways": {way: _plain(share) for way, share in found.ways.items()},
            "years": [[year, _plain(count)] for year, count in sorted(found.years.items())],
            "growth": _plain(found.growth_pct),
            "no_leader": found.why_no_leader.capitalize() + ".",
        }
        for found in (portrait.metrics if portrait else ())
        if found.years
    }


def _chosen(row: Mapping[Any, Any] | None, names: Sequence[str]) -> dict[str, Any] | None:
    return None if row is None else {name: _plain(row[name]) for name in names}


def _plain(value: Any) -> Any:  # noqa: ANN401
    """A value as JSON has it: null for what is missing, floats to eight digits, whole numbers without a fraction."""
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return None
    rounded = float(f"{float(value):.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded


def _inert(facts: Mapping[str, Any]) -> str:
    """JSON that cannot end the element that it is in."""
    text = json.dumps(facts, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
