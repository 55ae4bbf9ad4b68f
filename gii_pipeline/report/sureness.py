"""How sure a rank is, as a picture per cluster: the ranks that it would have if one thing were different.

Belongs here: the picture, and its words for people who know no statistics.
Does not: computing any rank (`rank_stability` and `rank_variants`), or the page that shows it (`pages`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from html import escape
from typing import Any, NamedTuple

import pandas as pd

from gii_pipeline.report.charts import FONT, INK, LINE, MUTED

OTHER_RECORDS = "Other records: the same collection repeated, with random variation"
WORDS = {
    "radius_km": "Places within {values} km belong together (here {own} km)",
    "min_weight": "A cluster needs {values} inventors and authors (here {own})",
    "merge_rule": "Neighbouring clusters stay apart (here they may join)",
    "location_decimals": "Addresses are located to {values} decimals of a degree (here {own})",
    "vc_deals.weight": "Venture capital counts {values} (here {own})",
    "footprint_distance_km": "Its inhabitants live within {values} km of its places (here {own} km)",
    "footprint": "Its inhabitants are those of its {values} (here of its {own})",
}
WIDTH, LABEL, ROW, TOP, BAR = 940, 470, 30, 92, "#3b5bdb"
AXIS = WIDTH - LABEL - 130


class _Row(NamedTuple):
    """One thing that is different: its words, and the best and worst rank then; lost: no cluster in one case."""

    words: str
    best: int | None
    worst: int | None
    lost: bool = False


def sureness_picture(
    ranked: Mapping[str, Any],
    stability: Mapping[str, Any] | None,
    variants: pd.DataFrame,
    titles: Mapping[str, str],
) -> str:
    """The picture of a cluster as SVG: a bar per thing that is different, by size and below by intensity.

    ranked: its row of `ranking_size`; stability: its row of `rank_stability`; variants: its rows of `rank_variants`;
    titles: metric -> its title.
    """
    parts, y = [], TOP
    intensity_rank = ranked["intensity_rank"]
    for rank_by, rank in (("size", ranked["rank"]), ("intensity", intensity_rank)):
        rows = list(_rows(variants[variants["rank_by"] == rank_by], titles))
        if rank_by == "size" and stability is not None:
            rows.insert(0, _Row(OTHER_RECORDS, int(stability["rank_low"]), int(stability["rank_high"])))
        if rows and pd.notna(rank):
            parts.append(_panel(rank_by, int(rank), rows, y))
            y += 58 + ROW * len(rows)
    name = escape(str(ranked["name"]))
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {y}' role='img' {FONT} font-size='13' "
        f"aria-label='How certain the ranks of {name} are'><rect width='{WIDTH}' height='{y}' fill='#fff'/>"
        f"<text x='16' y='30' font-size='18' font-weight='600' fill='{INK}'>How certain are the ranks of "
        f"{name}?</text>"
        f"<text x='16' y='54' fill='{MUTED}'>Each bar spans the ranks it would have if one thing were "
        f"different. The line is its rank here. Short bars mean a certain rank.</text>{''.join(parts)}</svg>"
    )


def _rows(variants: pd.DataFrame, titles: Mapping[str, str]) -> Iterator[_Row]:
    """A row per setting, over its values."""
    settings: dict[str, list[Mapping[Hashable, Any]]] = {}
    for row in variants.to_dict("records"):
        settings.setdefault(str(row["setting"]), []).append(row)
    for setting, rows in settings.items():
        ranks = [int(row["variant_rank"]) for row in rows if pd.notna(row["variant_rank"])]
        words = _words(setting, [row["value"] for row in rows], str(rows[0]["own_value"]), titles)
        yield _Row(words, min(ranks, default=None), max(ranks, default=None), lost=len(ranks) < len(rows))


def _words(setting: str, values: list[str], own: str, titles: Mapping[str, str]) -> str:
    """What is different, for people who know no settings; the setting's name where there are no words for it."""
    if setting in WORDS:
        ordered = sorted(values, key=lambda value: (float(value), "") if _is_number(value) else (0.0, value))
        return WORDS[setting].format(values=" or ".join(map(_figure, ordered)), own=_figure(own))
    metric, _, name = setting.partition(".")
    title = titles.get(metric, metric)
    if name == "record_types":
        return f"All types of records count: {title} (here {own})"
    if name == "in_density":
        helps = "help" if values == ["true"] else "do not help"
        return f"{title} {helps} to draw the borders"
    return f"{setting} is {' or '.join(values)} (here {own})"


def _figure(value: str) -> str:
    """A number as people write it; any other text as it is."""
    return f"{float(value):,g}" if _is_number(value) else value


def _is_number(value: str) -> bool:
    return value.replace(".", "", 1).isdecimal()


def _panel(rank_by: str, rank: int, rows: list[_Row], top: int) -> str:
    known = [one for row in rows for one in (row.best, row.worst) if one is not None]
    first, last = min([rank, *known]), max([rank, *known])
    step = AXIS / max(last - first, 1)

    def x(place: int) -> float:
        return LABEL + (place - first) * step if last > first else LABEL + AXIS / 2

    bottom = top + 22 + ROW * len(rows)
    head = f"By {rank_by}: rank {rank}" + ("" if rank_by == "size" else " (score per million inhabitants)")
    parts = [
        f"<text x='16' y='{top + 10}' font-weight='600' fill='{INK}'>{head}</text>",
        f"<line x1='{x(rank):.1f}' x2='{x(rank):.1f}' y1='{top + 2}' y2='{bottom}' stroke='{INK}'/>",
    ]
    for number, row in enumerate(rows):
        parts.append(_bar(row, top + 24 + ROW * number, x))
    return "".join(parts)


def _bar(row: _Row, y: int, x: Callable[[int], float]) -> str:
    words = f"{escape(_short(row.words))}<title>{escape(row.words)}</title>"
    label = f"<text x='16' y='{y + 15}' fill='{MUTED}' font-size='12.5'>{words}</text>"
    line = f"<line x1='{LABEL}' x2='{LABEL + AXIS}' y1='{y + 10}' y2='{y + 10}' stroke='{LINE}'/>"
    if row.best is None or row.worst is None:
        return f"{label}{line}<text x='{LABEL + AXIS + 14}' y='{y + 15}' fill='{INK}'>no cluster then</text>"
    left, right = x(row.best) - 5, x(row.worst) + 5
    said = f"rank {row.best}" if row.best == row.worst else f"ranks {row.best} to {row.worst}"
    said += " or none" if row.lost else ""
    return (
        f"{label}{line}<rect x='{left:.1f}' y='{y + 5}' width='{right - left:.1f}' height='10' rx='5' fill='{BAR}'/>"
        f"<text x='{LABEL + AXIS + 14}' y='{y + 15}' fill='{INK}'>{said}</text>"
    )


def _short(words: str, longest: int = 70) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"
