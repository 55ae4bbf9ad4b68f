"""Tables and sentences for a terminal.

Belongs here: how rankings and progress look on a terminal, and as plain lines when it is not one.
Does not: computing any figure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import pandas as pd
from rich import box
from rich.table import Table

from gii_pipeline.metrics.names import METRIC

DASH = "–"


class Step(Protocol):
    """A step of a plan."""

    @property
    def job(self) -> str: ...

    @property
    def partition(self) -> str: ...

    @property
    def state(self) -> str: ...

    @property
    def why(self) -> str: ...


def ranking_table(ranking: pd.DataFrame, title: str, rows: int = 10) -> Table:
    """The first rows of a `ranking_size` table in 80 columns, three lines a cluster.

    Of every metric that the edition has: the count over its window, its share of the world total, and the count per
    million inhabitants.
    """
    metrics = [name for name in METRIC if ranking[f"{name}_count"].notna().any()]
    caption = "Below each count: its share of the world, and the count per million inhabitants."
    table = Table(
        title=title,
        title_justify="left",
        caption=caption,
        caption_justify="left",
        header_style="bold",
        box=box.SIMPLE,
        pad_edge=False,
    )
    table.add_column("rank", justify="right")
    table.add_column("cluster", overflow="fold")
    table.add_column("size\nscore", justify="right")
    for name in metrics:
        table.add_column(METRIC[name].title.replace(" ", "\n"), justify="right")
    for row in ranking.head(rows).to_dict("records"):
        cluster = f"{row['name']}\n[dim]{row['economies']}\n{_number(row['population'])} inhabitants[/dim]"
        figures = [
            f"{_number(row[f'{name}_count'])}\n{_number(row[f'{name}_share_pct'], 2)} %\n"
            f"{_number(row[f'{name}_per_million'])}"
            for name in metrics
        ]
        table.add_row(str(row["rank"]), cluster, _number(row["size_score"], 2), *figures)
    return table


def plan_table(steps: Iterable[Step]) -> Table:
    """A plan: every step, whether it has to run, and why."""
    table = Table("job", "partition", "state", "why", header_style="bold", pad_edge=False)
    for step in steps:
        table.add_row(step.job, step.partition, step.state, step.why)
    return table


def rows_table(rows: pd.DataFrame, title: str) -> Table:
    """Any rows, a column each."""
    table = Table(*rows.columns, title=title, title_justify="left", header_style="bold", pad_edge=False)
    for row in rows.itertuples(index=False):
        table.add_row(*(DASH if pd.isna(value) else str(value) for value in row))
    return table


def _number(value: float | None, decimals: int = 0) -> str:
    return DASH if pd.isna(value) else f"{value:,.{decimals}f}"
