"""Tables and sentences for a terminal.

Belongs here: how rankings and progress look on a terminal, and as plain lines when it is not one.
Does not: computing any figure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import pandas as pd
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
    """The first rows of a `ranking_size` table: counts, shares and per-million figures of every metric it has."""
    metrics = [name for name in METRIC if ranking[f"{name}_count"].notna().any()]
    table = Table(title=title, title_justify="left", header_style="bold", pad_edge=False)
    for heading in ("rank", "cluster", "economies", "size score", "inhabitants"):
        table.add_column(heading, justify="left" if heading in {"cluster", "economies"} else "right")
    for name in metrics:
        for figure in (METRIC[name].title, "share %", "per million"):
            table.add_column(figure, justify="right")
    for row in ranking.head(rows).to_dict("records"):
        cells = [
            str(row["rank"]),
            row["name"],
            row["economies"],
            _number(row["size_score"], 2),
            _number(row["population"]),
        ]
        for name in metrics:
            cells += [
                _number(row[f"{name}_count"]),
                _number(row[f"{name}_share_pct"], 2),
                _number(row[f"{name}_per_million"]),
            ]
        table.add_row(*cells)
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
