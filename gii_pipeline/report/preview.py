"""The preview image of a cluster's page: a PNG of 800 × 420 pixels, as messengers and social networks show it.

Belongs here: its layout, and turning SVG into PNG. Does not: any figure.

The letters are those of the package `font-roboto` and no font of the machine: every machine makes the same bytes.
They are Latin, Greek and Cyrillic; a name in another script is replaced by the id of the cluster.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from gii_pipeline.report.cluster_charts import few
from gii_pipeline.wording import nth

WIDTH, HEIGHT = 1200, 630
PIXELS = 800
LEFT, TOP, CHART = 80, 300, (660, 300, 460, 220)
INK, MUTED, ACCENT, GROUND, LINE, WARN = "#1a2130", "#626c7f", "#3351d1", "#ffffff", "#e3e6ec", "#8a5a00"
LONGEST = 34
SCRIPTS = ("LATIN", "GREEK", "CYRILLIC")
FONTS = ("Regular", "Bold")


def preview(cluster: Mapping[str, Any], facts: Mapping[str, Any]) -> bytes:
    """The PNG. cluster, facts: as `explorer.page_facts` has them."""
    import resvg_py  # noqa: PLC0415

    svg = preview_svg(cluster, facts)
    return bytes(
        resvg_py.svg_to_bytes(
            svg, skip_system_fonts=True, font_files=_fonts(), sans_serif_family="Roboto", width=PIXELS
        )
    )


@cache
def _fonts() -> list[str]:
    import font_roboto  # noqa: PLC0415

    folder = Path(font_roboto.__file__).parent / "files"
    return [str(folder / f"Roboto-{style}.ttf") for style in FONTS]


def preview_svg(cluster: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """Rank, name and economies; a line per metric; the ranks over the editions; the version, and what is made up."""
    lines = [
        _text(
            LEFT, 112, f"{nth(cluster['rank'])} of {len(facts['clusters'])} innovation clusters", 34, ACCENT, bold=True
        ),
        _name(cluster["name"] if _has_letters(cluster["name"]) else cluster["id"]),
        _text(LEFT, 236, cluster["economy_names"], 28, MUTED),
        *_figures(cluster, facts["metrics"]),
        _ranks(cluster["history"]),
        _text(LEFT, HEIGHT - 36, f"{facts['title']} · {facts['version']}", 22, MUTED),
    ]
    if facts["made_up"]:
        lines.append(_text(WIDTH - LEFT, 112, "All records are made up", 26, WARN, bold=True, anchor="end"))
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' font-family='Roboto'>"
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='{GROUND}'/><rect width='{WIDTH}' height='14' fill='{ACCENT}'/>"
        f"{''.join(lines)}</svg>"
    )


def _name(name: str) -> str:
    shown = _short(name, 2 * LONGEST)
    return _text(LEFT, 192, shown, min(64, round(64 * LONGEST / max(LONGEST, len(shown)))), INK, bold=True)


def _figures(cluster: Mapping[str, Any], metrics: list[Mapping[str, Any]]) -> list[str]:
    lines = []
    for number, metric in enumerate(metrics):
        count, _, per_million, rank = cluster["metrics"][metric["key"]]
        y = TOP + 30 + 78 * number
        share = f" · {few(per_million)} per million" if per_million is not None else ""
        lines.append(_text(LEFT, y, f"{few(count)} {metric['in_text']}", 30, INK, bold=True))
        lines.append(_text(LEFT, y + 32, f"{nth(rank)} of all clusters{share}", 24, MUTED))
    return lines


def _ranks(history: list[list[Any]]) -> str:
    """The ranks over the editions as a line; empty with one edition only."""
    if len(history) < 2:
        return ""
    left, top, width, height = CHART
    editions, ranks = [row[0] for row in history], [row[1] for row in history]
    spread = max(max(ranks) - min(ranks), 1)
    points = [
        (
            left + width * (edition - editions[0]) / (editions[-1] - editions[0]),
            top + height * (rank - min(ranks)) / spread,
        )
        for edition, rank in zip(editions, ranks, strict=True)
    ]
    line = "".join(f"{'L' if place else 'M'}{x:.1f} {y:.1f}" for place, (x, y) in enumerate(points))
    dots = "".join(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='9' fill='{ACCENT}'/>" for x, y in points)
    labels = "".join(
        _text(x, y - 20, str(rank), 24, INK, bold=True, anchor="middle")
        for (x, y), rank in zip(points, ranks, strict=True)
    )
    years = "".join(
        _text(points[place][0], top + height + 46, str(editions[place]), 22, MUTED, anchor="middle")
        for place in (0, -1)
    )
    return (
        f"<path d='{line}' fill='none' stroke='{ACCENT}' stroke-width='5' stroke-opacity='.45'/>{dots}{labels}{years}"
    )


def _text(x: float, y: float, text: str, size: int, fill: str, *, bold: bool = False, anchor: str = "start") -> str:
    weight = " font-weight='700'" if bold else ""
    where = f"x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'"
    return f"<text {where} font-size='{size}' fill='{fill}'{weight}>{escape(text)}</text>"


def _has_letters(text: str) -> bool:
    """Whether the fonts have every letter of a text."""
    letters = (letter for letter in text if unicodedata.category(letter).startswith("L"))
    return all(unicodedata.name(letter, "").startswith(SCRIPTS) for letter in letters)


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
