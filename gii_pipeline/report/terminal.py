"""Tables and sentences for a terminal.

Belongs here: how rankings and progress look on a terminal, and as plain lines when it is not one.
Does not: computing any figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from gii_pipeline.registry import Registry
from gii_pipeline.report.plain import plain

DASH = "–"


class Outcome(Protocol):
    """How a step of a plan went."""

    @property
    def step(self) -> Step: ...

    @property
    def state(self) -> str: ...

    @property
    def seconds(self) -> float: ...

    @property
    def reason(self) -> str: ...


class Finding(Protocol):
    """Something that a run needs, and whether it is there."""

    @property
    def what(self) -> str: ...

    @property
    def well(self) -> bool: ...

    @property
    def says(self) -> str: ...


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


def ranking_table(ranking: pd.DataFrame, title: str, registry: Registry, rows: int = 10) -> Table:
    """The first rows of a `ranking_size` table in 80 columns, three lines a cluster.

    Of every metric that the edition has: the count over its window, its share of the world total, and the count per
    million inhabitants.
    """
    metrics = [name for name in registry if ranking[f"{name}_count"].notna().any()]
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
        table.add_column(registry[name].title.replace(" ", "\n"), justify="right")
    for row in ranking.head(rows).to_dict("records"):
        below = f"\n{plain(row['economies'])}\n{_number(row['population'])} inhabitants"
        cluster = Text.assemble(plain(row["name"]), (below, "dim"))
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


def outcome_table(outcomes: Iterable[Outcome]) -> Table:
    """What a backfill did: every step, how it went, how long it took, and why it failed."""
    table = Table("job", "partition", "state", "seconds", "reason", header_style="bold", pad_edge=False)
    for outcome in outcomes:
        seconds = f"{outcome.seconds:.1f}" if outcome.seconds else DASH
        table.add_row(outcome.step.job, outcome.step.partition, outcome.state, seconds, outcome.reason)
    return table


def findings_table(findings: Iterable[Finding]) -> Table:
    """What a run needs, a line each."""
    table = Table("", "what", "", header_style="bold", pad_edge=False)
    for finding in findings:
        table.add_row(Text("ok", "green") if finding.well else Text("no", "red"), finding.what, finding.says)
    return table


def published_table(rows: pd.DataFrame) -> Table:
    """Printed figures beside computed ones, whether they agree, and what was fitted to get there."""
    agreement = {True: Text("yes", "green"), False: Text("no", "red")}
    columns = ["edition", "cluster", "figure", "printed", "computed"]
    table = Table(*columns, "agrees", "fitted", title="Printed figures", header_style="bold", pad_edge=False)
    for row in rows.to_dict("records"):
        cells = [str(row[name]) or "world" for name in columns]
        table.add_row(*cells, agreement[row["agrees"]], row["fitted"] or DASH)
    return table


def ranks_table(histories: Sequence[pd.DataFrame]) -> Table:
    """Clusters through the editions: a row per cluster, its rank in each edition, its newest name."""
    editions = sorted({int(edition) for rows in histories for edition in rows["edition"]})
    table = Table("cluster", title="Ranks, each edition by its own method", title_justify="left", pad_edge=False)
    for edition in editions:
        table.add_column(str(edition), justify="right")
    for rows in histories:
        ranks = {int(edition): str(rank) for edition, rank in zip(rows["edition"], rows["rank"], strict=True)}
        table.add_row(Text(plain(str(rows["name"].iloc[-1]))), *(ranks.get(edition, DASH) for edition in editions))
    return table


def rows_table(rows: pd.DataFrame, title: str) -> Table:
    """Any rows, a column each."""
    headings = [str(name).replace("_", " ") for name in rows.columns]
    table = Table(*headings, title=title, title_justify="left", header_style="bold", pad_edge=False)
    for row in rows.itertuples(index=False):
        table.add_row(*map(_cell, row))
    return table


def _cell(value: Any) -> str:  # noqa: ANN401
    if pd.isna(value):
        return DASH
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _number(value: float | None, decimals: int = 0) -> str:
    return DASH if pd.isna(value) else f"{value:,.{decimals}f}"
