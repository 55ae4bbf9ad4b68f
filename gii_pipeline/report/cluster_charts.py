"""Charts of one cluster as SVG, and its figures as text: for its page and its preview image.

Belongs here: the line of its ranks, its footprint, bars, the interval of its rank.
Does not: colours (`common.css`), words around a chart.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from gii_pipeline.report.maps import SQUEEZE

KM_PER_DEGREE = 111.2
LENGTHS_KM = (500, 200, 100, 50, 20, 10, 5, 2, 1)
WIDE, ROW, LEFT, TOP = 640, 22, 34, 24
MOST_ROWS = 14
_PAIR = re.compile(r"(-?[\d.]+) (-?[\d.]+)")


def few(value: float | None, decimals: int | None = None) -> str:
    """A figure as people read it: no decimals from 100 on and of a whole one, one from 10 on, else two; or as asked.

    >>> few(117542.4), few(12.34), few(0.5), few(7.0), few(None), few(2.0, 1)
    ('117,542', '12.3', '0.50', '7', '–', '2.0')
    """
    if value is None or math.isnan(value):
        return "–"
    whole = abs(value) >= 100 or float(value).is_integer()
    places = decimals if decimals is not None else 0 if whole else 1 if abs(value) >= 10 else 2
    return f"{value:,.{places}f}"


def rank_line(history: Sequence[Sequence[Any]], same: tuple[int, int] | None, breaks: Mapping[int, str]) -> str:
    """Ranks over the editions.

    history: edition, rank, …, oldest first. same: an edition, and the rank in it by the method of the last one.
    breaks: edition -> what of the method is new in it.
    """
    ranked = [(int(row[0]), int(row[1])) for row in history]
    editions = sorted({edition for edition, _ in ranked} | ({same[0]} if same else set()))
    ranks = [rank for _, rank in ranked] + ([same[1]] if same else [])
    best, worst = min(ranks), max(ranks)
    step = min(ROW, ROW * MOST_ROWS / max(1, worst - best + 1))
    height = TOP + step * (worst - best) + 60
    span = max(1, editions[-1] - editions[0])

    def at(edition: float, rank: float) -> tuple[float, float]:
        return LEFT + (WIDE - 2 * LEFT) * (edition - editions[0]) / span, TOP + 24 + step * (rank - best)

    line = ""
    for place, (edition, rank) in enumerate(ranked):
        x, y = at(edition, rank)
        line += f"{'L' if place and ranked[place - 1][0] == edition - 1 else 'M'}{x:.1f} {y:.1f}"
    dots = "".join(_dot(*at(edition, rank), str(rank)) for edition, rank in ranked)
    ticks = "".join(_tick(at(edition, worst)[0], 12, str(edition)) for edition in editions)
    lines = "".join(
        f"<line class='break' x1='{at(e - 0.5, 1)[0]:.1f}' x2='{at(e - 0.5, 1)[0]:.1f}' y1='16' y2='{height:.0f}'>"
        f"<title>{escape(f'From {e} on: {what}')}</title></line>"
        for e, what in sorted(breaks.items())
        if editions[0] < e <= editions[-1]
    )
    dashed = ""
    if same:
        (x, y), (to_x, to_y) = at(*same), at(*ranked[-1])
        dashed = f"<path class='same' d='M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}'/>"
        dashed += f"<circle class='same' cx='{x:.1f}' cy='{y:.1f}' r='5'/>"
    told = ", ".join(f"{rank} in {edition}" for edition, rank in ranked)
    return (
        f"<svg viewBox='0 0 {WIDE} {height:.0f}' role='img' aria-label='Ranks: {told}'>{lines}{ticks}"
        f"<g class='line chosen'><path d='{line}'/>{dashed}{dots}</g></svg>"
    )


def _dot(x: float, y: float, label: str) -> str:
    return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4.5'/><text x='{x + 8:.1f}' y='{y - 6:.1f}'>{label}</text>"


def _tick(x: float, y: float, label: str) -> str:
    return f"<text class='tick' x='{x:.1f}' y='{y:.1f}' text-anchor='middle'>{label}</text>"


def footprint(outline: str, at: tuple[float, float]) -> tuple[str, int]:
    """The footprint at its own scale with a bar of kilometres, and how many kilometres the bar has.

    outline: path data of `maps.outlines`; at: the projected centre.
    """
    pairs = [(float(x), float(y)) for x, y in _PAIR.findall(outline)]
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    pad = 0.15 * max(max(xs) - min(xs), max(ys) - min(ys), 0.02)
    stretch = SQUEEZE / math.cos(math.radians(at[1]))
    left, top = (min(xs) - pad) / stretch, min(ys) - pad
    width, height = (max(xs) - min(xs) + 2 * pad) / stretch, max(ys) - min(ys) + 2 * pad
    km = next((length for length in LENGTHS_KM if length / KM_PER_DEGREE < 0.4 * width), LENGTHS_KM[-1])
    x, y = left + 0.4 * pad, top + height - 0.35 * pad
    picture = (
        f"<svg class='tile' viewBox='{left:.4f} {top:.4f} {width:.4f} {height:.4f}' role='img' "
        f"aria-label='Footprint, the bar is {km} km'><path d='{outline}' transform='scale({1 / stretch:.5f} 1)'/>"
        f"<line x1='{x:.4f}' x2='{x + km / KM_PER_DEGREE:.4f}' y1='{y:.4f}' y2='{y:.4f}'/></svg>"
    )
    return picture, km


def bar(share: float, tint: str) -> str:
    """A bar of a share in percent. tint: a class of `pages.css`."""
    width = max(0.0, min(100.0, share))
    return (
        f"<svg viewBox='0 0 100 4' preserveAspectRatio='none' aria-hidden='true'>"
        f"<rect class='{escape(tint)}' width='{width:.2f}' height='4'/></svg>"
    )


def interval(rank: int, low: int, high: int, lowest: int) -> str:
    """A band from the low to the high rank, and a dot at the rank, on an axis from 1 to `lowest`."""

    def at(place: float) -> float:
        return 6 + (place - 1) / max(1, lowest - 1) * (WIDE - 12)

    return (
        f"<svg class='interval' viewBox='0 0 {WIDE} 16' role='img' aria-label='Rank {low} to {high}'>"
        f"<line class='axis' x1='0' x2='{WIDE}' y1='8' y2='8'/>"
        f"<rect class='band' x='{at(low) - 3:.1f}' width='{at(high) - at(low) + 6:.1f}' y='3' height='10' rx='4'/>"
        f"<circle class='dot' cx='{at(rank):.1f}' cy='8' r='4'/></svg>"
    )
