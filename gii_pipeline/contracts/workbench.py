"""The table under validation in DuckDB, with its references: counts, measured rows, failing rows.

Belongs here: the queries that answer what rules ask: counts and failing rows.
Does not: deciding whether a rule is broken by the counts (Great Expectations does, see `expectations`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gii_pipeline import memory
from gii_pipeline.contracts.predicates import broken, considered, identifier, literal, measures, shown
from gii_pipeline.store import no_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from gii_pipeline.contracts.model import Contract, Measure, Rule

ROWS = "row_count"

DERIVED_REFERENCES = {
    "economy_cells": (
        "places",
        """
        select distinct
            economy,
            cell_latitude + dy as cell_latitude,
            (cell_longitude + dx + 540) % 360 - 180 as cell_longitude
        from
            (
                select distinct
                    economy,
                    cast(floor(latitude) as int) as cell_latitude,
                    cast(floor(longitude) as int) as cell_longitude
                from places
                where economy is not null
            ),
            (values (-1), (0), (1)) y (dy),
            (values (-1), (0), (1)) x (dx)
        """,
    )
}
"""Reference tables made from another one. `economy_cells`: the cells of one degree that hold or touch a cell with a
known place of the economy, from `places` (economy, latitude, longitude), for instance a gazetteer's."""


class Workbench:
    """One table and its references, open in a database of their own.

    Infinite and not-a-number values count as missing, as they do in pandas.
    """

    def __init__(self, table: pa.Table | Path, contract: Contract, references: Mapping[str, pa.Table | Path]) -> None:
        self.contract = contract
        self.references = {*references, *(n for n, (base, _) in DERIVED_REFERENCES.items() if base in references)}
        self._con = memory.connect()
        self._con.execute("set preserve_insertion_order = false")
        self._view("source", table)
        floats = [identifier(c.name) for c in contract.columns if c.type == "double"]
        finite = ", ".join(f"case when isfinite({c}) then {c} end as {c}" for c in floats)
        self._con.execute(f"create view rows as select *{f' replace ({finite})' if finite else ''} from source")
        for name, reference in references.items():
            self._view(name, reference)
        for name, (base, sql) in DERIVED_REFERENCES.items():
            if base in references and name not in references:
                self._con.execute(f"create table {name} as {sql}")

    def _view(self, name: str, table: pa.Table | Path) -> None:
        if isinstance(table, Path):
            scan = f"read_parquet({literal(no_pattern(table))}, hive_partitioning = false)"
            self._con.execute(f"create view {identifier(name)} as select * from {scan}")
        else:
            self._con.register(name, table)

    def counts(self, rules: Sequence[Rule]) -> dict[str, Any]:
        """One row of counts: the rows of the table, and by `rule.name` how many rows break it.

        A rule that holds `mostly` has its judged rows under `<name>_judged` besides; a rule for the entire table has
        the value of its measure under the measure's name.
        """
        found: dict[str, Any] = {}
        for query in (_scan_query(rules), *_group_queries(rules)):
            result = self._con.execute(query)
            names = [d[0] for d in result.description or []]
            found |= dict(zip(names, result.fetchall()[0], strict=True))
        return found

    def failing_rows(self, rule: Rule, limit: int) -> list[dict[str, Any]]:
        """The first rows that break the rule, by key, each with what the rule is about."""
        names = ", ".join(map(identifier, shown(rule, self.contract)))
        result = self._con.execute(f"select {names} from {_failing(rule)} order by all limit {limit}")
        described = [d[0] for d in result.description or []]
        return [dict(zip(described, map(_plain, row), strict=True)) for row in result.fetchall()]

    def write_failing_rows(self, rules: Sequence[Rule], path: Path) -> int:
        """Write every row that breaks one of the rules to a Parquet file, once per rule; return how many there are."""
        names = ", ".join(map(identifier, (c.name for c in self.contract.columns)))
        parts = [
            f"select {literal(r.name)} as rule, {literal(r.severity)} as severity, {names} from {_failing(r)}"
            for r in rules
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        copy = f"copy ({' union all '.join(parts)}) to {literal(str(path))} (format parquet, compression zstd)"
        return int(self._con.execute(copy).fetchall()[0][0])


def _plain(value: object) -> object:
    """A value that JSON can hold."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _unique(found: Iterable[Measure]) -> list[Measure]:
    return list({m.name: m for m in found}.values())


def _row_measures(found: Iterable[Measure]) -> str:
    """The table with its measures of one value a row."""
    extra = [f"{m.sql} as {identifier(m.name)}" for m in found if m.scope == "row" and not m.group_by]
    return f"(select {', '.join(['*', *extra])} from rows)" if extra else "rows"


def _measured(found: Iterable[Measure]) -> str:
    """A query of every row with all its measures, those of a group on each of the group's rows."""
    every = _unique(found)
    grouped = [m for m in every if m.group_by]
    query = f"select * from {_row_measures(every)} r"
    for number, measure in enumerate(grouped):
        by = [f"{sql} as g{number}_{i}" for i, sql in enumerate(measure.group_by)]
        value = f"{measure.sql} as {identifier(measure.name)}"
        group = f"select {', '.join([*by, value])} from rows group by {', '.join(measure.group_by)}"
        same = [f"{sql} is not distinct from g{number}_{i}" for i, sql in enumerate(measure.group_by)]
        query = f"select * from ({query}) join ({group}) on {' and '.join(same)}"
    return query


def _failing(rule: Rule) -> str:
    return f"({_measured(measures(rule))}) where {broken(rule)}"


def _group(rule: Rule) -> tuple[str, ...]:
    grouped = [m.group_by for m in measures(rule) if m.group_by]
    return grouped[0] if grouped else ()


def _tallies(rule: Rule, count: str) -> list[str]:
    told = [f"coalesce({count} filter (where {broken(rule)}), 0) as {identifier(rule.name)}"]
    if rule.mostly < 1:
        told.append(f"coalesce({count} filter (where {considered(rule)}), 0) as {identifier(rule.name + '_judged')}")
    return told


def _scan_query(rules: Sequence[Rule]) -> str:
    """Everything that one pass over the rows can count."""
    plain = [r for r in rules if r.scope == "row" and not _group(r)]
    whole = _unique(m for r in rules if r.scope == "table" for m in r.measures)
    told = [f"count(*) as {ROWS}", *(f"{m.sql} as {identifier(m.name)}" for m in whole)]
    told += [tally for rule in plain for tally in _tallies(rule, "count(*)")]
    return f"select {', '.join(told)} from {_row_measures(_unique(m for r in plain for m in r.measures))}"


def _group_queries(rules: Sequence[Rule]) -> list[str]:
    """One query for each way in which rules group the rows: what breaks them, in rows."""
    queries = []
    for by in dict.fromkeys(_group(r) for r in rules if r.scope == "row" and _group(r)):
        grouped = [r for r in rules if r.scope == "row" and _group(r) == by]
        values = [f"{m.sql} as {identifier(m.name)}" for m in _unique(m for r in grouped for m in measures(r))]
        keys = [f"{sql} as {sql if sql.startswith(chr(34)) else f'g{i}'}" for i, sql in enumerate(by)]
        inner = f"select {', '.join([*keys, *values])}, count(*) as n from rows group by {', '.join(by)}"
        told = [tally for rule in grouped for tally in _tallies(rule, "sum(n)")]
        queries.append(f"select {', '.join(told)} from ({inner})")
    return queries
