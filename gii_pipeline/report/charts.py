"""Charts as SVG: the map of an edition's footprints, and the bars of its ranking.

Belongs here: pictures of one table, for the Dagster UI and for files; the same bytes for the same table.
Does not: reading tables; the page that is worked with (`explorer`).
"""

from __future__ import annotations

import base64
from html import escape

import numpy as np
import pandas as pd
import shapely

from gii_pipeline.registry import Metric, Registry
from gii_pipeline.report.maps import VIEW, borders, graticule, land, project

INK, MUTED, LINE, GROUND = "#1d2433", "#667085", "#e4e7ec", "#e9ecf1"
FONT = "font-family='system-ui,sans-serif'"
LONGEST = 25
SHOWN_WIDTH = 540
"""In pixels: in the Dagster UI, next to a key and a time, there is no room for more."""
ROW, LABEL, WIDTH, TOP = 20, 250, 760, 44


def footprints_map(footprints: pd.DataFrame) -> str:
    """A map of the world with a circle a footprint, its area as the population's (as the footprint's without).

    footprints: `cluster_footprints`, geometry as well-known binary.
    """
    left, top, width, height = VIEW
    circles = [
        f"<circle cx='{x}' cy='{y}' r='{radius:.2f}'><title>{escape(name)}</title></circle>"
        for name, radius, (x, y) in sorted(
            zip(footprints["name"], _radii(footprints), _centres(footprints["geometry"]), strict=True),
            key=lambda one: (-one[1], one[0]),
        )
    ]
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='{left:g} {top:g} {width:g} {height:g}' width='{SHOWN_WIDTH}'"
        f" role='img' aria-label='Map of {len(circles)} clusters'>"
        f"<rect x='{left:g}' y='{top:g}' width='{width:g}' height='{height:g}' fill='#fff'/>"
        f"<path d='{graticule()}' fill='none' stroke='{LINE}' stroke-width='.25'/>"
        f"<path d='{land()}' fill='{GROUND}'/>"
        f"<path d='{borders()}' fill='none' stroke='#fff' stroke-width='.2'/>"
        f"<g fill='#3b5bdb' fill-opacity='.55' stroke='#fff' stroke-width='.25'>{''.join(circles)}</g></svg>"
    )


def ranking_bars(ranking: pd.DataFrame, registry: Registry) -> str:
    """The first clusters by size score: a bar each, made of its shares in the metrics.

    ranking: `ranking_size`. The parts are the shares, scaled so that a bar is as long as its size score.
    """
    shown = ranking.nsmallest(LONGEST, "rank")
    metrics = [metric for metric in registry.values() if shown[f"{metric.name}_share_pct"].notna().any()]
    longest = float(shown["size_score"].max()) if len(shown) else 1.0
    scale = (WIDTH - LABEL - 70) / (longest or 1.0)
    rows = "".join(_bar(row, metrics, scale, TOP + ROW * number) for number, row in enumerate(shown.to_dict("records")))
    height = TOP + ROW * len(shown) + 10
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{SHOWN_WIDTH}' role='img' "
        f"aria-label='Size scores of the first {len(shown)} clusters' {FONT} font-size='12'>"
        f"<rect width='{WIDTH}' height='{height}' fill='#fff'/>{_legend(metrics)}{rows}</svg>"
    )


def data_uri(svg: str) -> str:
    """The picture as an address that holds it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _centres(geometries: pd.Series) -> list[tuple[float, float]]:
    centres = shapely.centroid(shapely.from_wkb(geometries.to_list()))
    return [project(x, y) for x, y in zip(shapely.get_x(centres), shapely.get_y(centres), strict=True)]


def _radii(footprints: pd.DataFrame) -> list[float]:
    population = footprints["population"].astype("float64")
    sizes = footprints["area_km2"].astype("float64") if population.isna().any() else population
    largest = sizes.max()
    return list(0.5 + 2.6 * np.sqrt(sizes / largest)) if len(sizes) and largest > 0 else [1.0] * len(sizes)


def _legend(metrics: list[Metric]) -> str:
    parts = [f"<text x='12' y='24' fill='{INK}' font-weight='600'>Size score</text>"]
    for number, metric in enumerate(metrics):
        x = LABEL + 30 + 165 * number
        parts.append(f"<rect x='{x}' y='14' width='11' height='11' rx='2' fill='{metric.colour.light}'/>")
        parts.append(f"<text x='{x + 16}' y='24' fill='{MUTED}'>{escape(metric.title)}</text>")
    return "".join(parts)


def _bar(row: dict[object, object], metrics: list[Metric], scale: float, y: int) -> str:
    shares = [float(str(row[f"{metric.name}_share_pct"])) for metric in metrics]
    shares = [0.0 if np.isnan(share) else share for share in shares]
    score = float(str(row["size_score"]))
    unit = scale * score / (sum(shares) or 1.0)
    x, parts = float(LABEL), []
    for metric, share in zip(metrics, shares, strict=True):
        colour = metric.colour.light
        parts.append(f"<rect x='{x:.1f}' y='{y + 3}' width='{share * unit:.1f}' height='13' fill='{colour}'/>")
        x += share * unit
    label = f"{row['rank']}  {_short(str(row['name']))}"
    return (
        f"<text x='{LABEL - 10}' y='{y + 14}' text-anchor='end' fill='{INK}'>{escape(label)}</text>{''.join(parts)}"
        f"<text x='{x + 6:.1f}' y='{y + 14}' fill='{MUTED}'>{score:.2f}</text>"
    )


def _short(name: str, longest: int = 34) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
