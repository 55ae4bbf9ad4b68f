"""Tables and sentences for a terminal.

Belongs here: how rankings and progress look on a terminal, and as plain lines when it is not one.
Does not: computing any figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, Protocol

import pandas as pd
from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.padding import PaddingDimensions
from rich.table import Table
from rich.text import Text

from gii_pipeline.registry import Registry
from gii_pipeline.releases.info import WORLD
from gii_pipeline.report.plain import plain

DASH = "–"
FIVE_DIGITS = 10_000
WIDEST = 10_000
_OF_A_RULE = re.compile(r"(?P<table>\w+) (?P<partition>\S+): (?P<rule>\w+): ")


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


class Point(Protocol):
    """Something that was looked at, and what was found."""

    @property
    def what(self) -> str: ...

    @property
    def says(self) -> str: ...


class Item(Point, Protocol):
    """A point of the list of a year."""

    @property
    def state(self) -> str: ...

    @property
    def todo(self) -> str: ...


class Finding(Point, Protocol):
    """Something that a run needs, and whether it is there."""

    @property
    def well(self) -> bool: ...


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


def by_rule(warnings: Iterable[str]) -> list[str]:
    """Warnings of contracts, one line for each rule of a table: the first, and the other partitions that break it.

    >>> by_rule(["deals 2020: located: Observed: 80.", "deals 2021: located: Observed: 81.", "deals 2021: no record"])
    ['deals 2020: located: Observed: 80. Also in 2021.', 'deals 2021: no record']
    """
    found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for line in warnings:
        matched = _OF_A_RULE.match(line)
        key, partition = ((matched["table"], matched["rule"]), matched["partition"]) if matched else ((line,), "")
        found.setdefault(key, []).append((line, partition))
    return [
        f"{line} Also in {', '.join(partition for _, partition in others)}." if others else line
        for (line, _), *others in found.values()
    ]


def ranking_table(
    ranking: pd.DataFrame,
    title: str,
    registry: Registry,
    rows: int = 10,
    *,
    of: Literal["cluster", "area"] = "cluster",
    whole: str = WORLD,
) -> Table:
    """The first rows of a `ranking_size` table, or of a ranking of areas, in 80 columns, three lines each.

    Of every metric that the edition has: the count over its window, its share of the whole, and the count per million
    inhabitants.
    """
    metrics = [name for name in registry if ranking[f"{name}_count"].notna().any()]
    caption = f"Below each count: its share of {whole}, and the count per million inhabitants."
    table = _table(title, caption, padding=(0, 1))
    table.add_column("rank", justify="right")
    table.add_column(of, overflow="fold")
    table.add_column("size\nscore", justify="right")
    for name in metrics:
        table.add_column(registry[name].title.replace(" ", "\n"), justify="right")
    for row in ranking.head(rows).to_dict("records"):
        where = row["economies"] if of == "cluster" else f"{_number(row['area_km2'])} km²"
        below = f"\n{plain(where)}\n{_number(row['population'])} inhabitants"
        cluster = Text.assemble(plain(row["name" if of == "cluster" else of]), (below, "dim"))
        figures = [
            f"{_number(row[f'{name}_count'])}\n{_number(row[f'{name}_share_pct'], 2)} %\n"
            f"{_number(row[f'{name}_per_million'])}"
            for name in metrics
        ]
        table.add_row(str(row["rank"]), cluster, _number(row["size_score"], 2), *figures)
    return table


def plan_table(steps: Iterable[Step]) -> Table:
    """A plan: every step, whether it has to run, and why."""
    table = _table()
    for column in ("step", "state"):
        table.add_column(column, no_wrap=True)
    table.add_column("why", overflow="fold")
    for step in steps:
        state = Text(step.state, "green" if step.state == "there" else "yellow")
        table.add_row(f"{step.job} {step.partition}", state, step.why or DASH)
    return table


def checklist_table(items: Iterable[Item]) -> Table:
    """What is done and what is open, and below what is open what to do."""
    table = _table()
    for column in ("", "what"):
        table.add_column(column, no_wrap=not column)
    table.add_column("", overflow="fold")
    for item in items:
        state = Text(item.state, "green" if item.state == "done" else "yellow")
        todo = f"\n→ {plain(item.todo)}" if item.todo else ""
        table.add_row(state, item.what, Text.assemble(plain(item.says), (todo, "bold")))
    return table


def compared_table(rows: pd.DataFrame, title: str, registry: Registry) -> Table:
    """Clusters by two profiles, two lines each: a above b. rows: as `ranking.compared` has them."""
    metrics = [name for name in registry if f"{name}_a" in rows]
    table = _table(title)
    table.add_column("cluster", overflow="fold")
    table.add_column("")
    table.add_column("rank", justify="right")
    for name in metrics:
        table.add_column(registry[name].title.replace(" ", "\n"), justify="right")
    table.add_column("moved", justify="right")
    for row in rows.to_dict("records"):
        rank = "\n".join(_number(row[f"rank_{side}"]) for side in "ab")
        counts = ["\n".join(_number(row[f"{name}_{side}"]) for side in "ab") for name in metrics]
        moved = DASH if pd.isna(row["moved"]) else f"{int(row['moved']):+,}"
        table.add_row(Text(plain(str(row["name"]))), "a\nb", rank, *counts, moved)
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
    """Printed figures next to computed ones, whether they agree, and what was fitted to get there."""
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
    table = _table("Ranks, each edition with its own method")
    table.add_column("cluster", overflow="fold")
    for edition in editions:
        table.add_column(str(edition), justify="right")
    for rows in histories:
        ranks = {int(edition): str(rank) for edition, rank in zip(rows["edition"], rows["rank"], strict=True)}
        table.add_row(Text(plain(str(rows["name"].iloc[-1]))), *(ranks.get(edition, DASH) for edition in editions))
    return table


def history_table(rows: pd.DataFrame, registry: Registry) -> Table:
    """One cluster through the editions, three lines each: rank and scores; below the counts the counts per million.

    rows: as `releases.history` has them.
    """
    metrics = [name for name in registry if f"{name}_count" in rows and rows[f"{name}_count"].notna().any()]
    table = _table(caption="Below each count: the count per million inhabitants. Each edition with its own method.")
    for column in ("edition", "rank"):
        table.add_column(column, justify="right")
    table.add_column("name", overflow="fold")
    table.add_column("size\nscore", justify="right")
    for name in metrics:
        table.add_column(registry[name].title.replace(" ", "\n"), justify="right")
    for row in rows.to_dict("records"):
        cluster = Text.assemble(plain(row["name"]), (f"\n{_number(row['population'])} inhabitants", "dim"))
        figures = [f"{_number(row[f'{one}_count'])}\n{_number(row[f'{one}_per_million'])}" for one in metrics]
        edition = f"{row['edition']}\n{row['version']}"
        table.add_row(edition, str(row["rank"]), cluster, _number(row["size_score"], 2), *figures)
    return table


@dataclass(frozen=True)
class Rows:
    """Any rows: a column each where they fit the width, else a record after the other, a line per value."""

    rows: pd.DataFrame
    title: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        headings = [str(name).replace("_", " ") for name in self.rows.columns]
        yield Text(plain(self.title), "bold")
        table = _table()
        for heading in headings:
            table.add_column(heading, no_wrap=True)
        cells = [
            [_cell(value, heading) for value, heading in zip(row, headings, strict=True)] for row in self._records()
        ]
        for row in cells:
            table.add_row(*row)
        wide = Measurement.get(console, options.update(max_width=WIDEST), table).maximum
        if wide <= options.max_width:
            yield table
            return
        label = max(map(len, headings), default=0)
        for number, row in enumerate(cells, 1):
            yield Text(f"\n{number:,}", "dim")
            grid = Table.grid(padding=(0, 2))
            grid.add_column(width=label, no_wrap=True)
            grid.add_column(overflow="fold")
            for heading, cell in zip(headings, row, strict=True):
                grid.add_row(Text(plain(heading), "dim"), cell)
            yield grid

    def _records(self) -> Iterable[tuple[Any, ...]]:
        return self.rows.itertuples(index=False, name=None)


def rows_table(rows: pd.DataFrame, title: str) -> Rows:
    """Any rows, so that they fit the width."""
    return Rows(rows, title)


def _table(title: str | None = None, caption: str | None = None, padding: PaddingDimensions = (0, 1, 0, 0)) -> Table:
    return Table(
        title=title,
        title_justify="left",
        caption=caption,
        caption_justify="left",
        header_style="bold",
        box=box.SIMPLE,
        pad_edge=False,
        padding=padding,
    )


def _cell(value: Any, heading: str) -> str:  # noqa: ANN401
    """A value as people read it: thousands separated from 10,000 on, so that a year stays one; no powers of ten."""
    if not isinstance(value, list | dict) and pd.isna(value):
        return DASH
    if isinstance(value, bool) or not isinstance(value, Real) or heading.endswith(("id", "edition", "year")):
        return str(value)
    number = float(value)
    if number.is_integer():
        return f"{int(number):,}" if abs(number) >= FIVE_DIGITS else str(int(number))
    return f"{number:,.2f}" if abs(number) >= 1 else f"{number:.6f}".rstrip("0")


def _number(value: float | None, decimals: int = 0) -> str:
    return DASH if pd.isna(value) else f"{value:,.{decimals}f}"
