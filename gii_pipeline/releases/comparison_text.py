"""A difference as people and programs read it: a table in the terminal, Markdown, JSON.

Belongs here: words and number formats. Does not: comparing.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gii_pipeline.releases.comparison import Diff

if TYPE_CHECKING:
    from rich.console import Group


class Section(NamedTuple):
    """One kind of change as a table of text."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def sections(found: Diff) -> Iterator[Section]:
    """The kinds of change that there are, as text."""
    parts = [
        Section(
            "Ranks",
            ("cluster", "was called", "old rank", "new rank", "moved"),
            [
                (
                    c.name,
                    c.old_name if c.old_name not in (None, c.name) else "",
                    _n(c.old_rank),
                    _n(c.new_rank),
                    _moved(c.rank_change),
                )
                for c in found.ranks
            ],
        ),
        Section("Clusters", ("cluster", "id", "what"), [(c.name, c.cluster_id, c.what) for c in found.clusters]),
        Section(
            "Counts",
            ("cluster", "metric", "old", "new", "change %", "share, points"),
            [
                (
                    c.name,
                    c.metric_title,
                    f"{c.old_count:,.1f}",
                    f"{c.new_count:,.1f}",
                    "" if c.change_pct is None else f"{c.change_pct:+.2f}",
                    f"{c.share_change_pct_points:+.4f}",
                )
                for c in sorted(found.counts, key=lambda c: -abs(c.share_change_pct_points))
            ],
        ),
        Section(
            "Members",
            ("cluster", "locations kept", "joined", "left"),
            [(c.name, f"{c.kept:,}", f"{c.joined:,}", f"{c.left:,}") for c in found.members],
        ),
        Section(
            "Borders",
            ("cluster", "old area km²", "new area km²", "in one only km²"),
            [
                (c.name, f"{c.old_area_km2:,.1f}", f"{c.new_area_km2:,.1f}", f"{c.moved_km2:,.1f}")
                for c in found.borders
            ],
        ),
        Section("Method", ("setting", "old", "new"), [(c.what, c.old, c.new) for c in found.method]),
        Section("Sources", ("what", "old", "new"), [(c.what, c.old, c.new) for c in found.sources]),
        *_gone(found),
    ]
    return (part for part in parts if part.rows)


def _gone(found: Diff) -> tuple[Section, Section]:
    """The records that the sources no longer have, and what that does to ranks."""
    return (
        Section(
            "Removed at the source",
            ("source", "data year", "records", "counted", "for instance"),
            [
                (c.source, str(c.data_year), f"{c.records:,}", f"{c.fraction:,.1f}", ", ".join(c.examples))
                for c in found.gone
            ],
        ),
        Section(
            "Ranks with and without the removed records",
            ("cluster", "records gone", "counted", "rank", "rank with them"),
            [
                (
                    c.name,
                    f"{c.records:,}",
                    ", ".join(f"{metric} {value:,.1f}" for metric, value in c.counted.items()),
                    _n(c.rank),
                    _n(c.rank_with_them),
                )
                for c in found.gone_effects
            ],
        ),
    )


def _n(number: int | None) -> str:
    return "–" if number is None else str(number)


def _moved(places: int | None) -> str:
    return "" if not places else f"{places:+d}"


def to_markdown(found: Diff, *, rows: int = 50) -> str:
    """Markdown with a table for each kind of change, at most `rows` of each."""
    lines = [f"# {found.new}, compared with {found.old}", ""]
    if found.empty:
        lines += ["Nothing differs.", ""]
    if found.gone_note:
        lines += [_cell(found.gone_note), ""]
    for section in sections(found):
        lines += [f"## {section.title}", "", _line(section.columns), _line(["---"] * len(section.columns))]
        lines += [_line(row) for row in section.rows[:rows]] + [""]
        if (more := len(section.rows) - rows) > 0:
            lines += [f"{more} more: `gii diff {found.old} {found.new} --format json`.", ""]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    """Text in a cell of Markdown: one line, no markup of its own, neither Markdown's nor HTML's."""
    text = " ".join(text.replace("&", "&amp;").replace("<", "&lt;").split())
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", text)


def to_dict(found: Diff) -> dict[str, Any]:
    """Everything, for JSON."""
    return dataclasses.asdict(found)


def to_json(found: Diff) -> str:
    return json.dumps(to_dict(found), indent=2, ensure_ascii=False)


def to_rich(found: Diff, *, rows: int = 20) -> Group:
    """Tables for a terminal, at most `rows` of each kind of change."""
    from rich import box  # noqa: PLC0415
    from rich.console import Group  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    shown: list[Any] = [f"{found.new}, compared with {found.old}"]
    if found.empty:
        shown.append("Nothing differs.")
    if found.gone_note:
        shown.append(Text(found.gone_note))
    for section in sections(found):
        more = len(section.rows) - rows
        table = Table(
            title=section.title,
            title_justify="left",
            caption=f"{more} more" if more > 0 else None,
            box=box.SIMPLE,
            padding=(0, 1, 0, 0),
        )
        for index, column in enumerate(section.columns):
            numbers = index and section.title not in ("Method", "Sources")
            table.add_column(column, justify="right" if numbers else "left", overflow="fold")
        for row in section.rows[:rows]:
            table.add_row(*row)
        shown.append(table)
    return Group(*shown)
