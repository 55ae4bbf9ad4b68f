"""Validating a table: shape first, then values, then across tables.

Belongs here: the order of the steps, the choice of engine, and what becomes of a rule that cannot be judged.
Does not: SQL (see `workbench`), Great Expectations (see `expectations`).
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline.contracts import shape
from gii_pipeline.contracts.predicates import bind
from gii_pipeline.contracts.verdict import RuleResult, Verdict
from gii_pipeline.contracts.workbench import ROWS, Workbench

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from gii_pipeline.contracts.expectations import Outcome
    from gii_pipeline.contracts.model import Contract, Rule

Engine = Literal["pandas", "duckdb"]
PANDAS_ROWS = 1_000_000
"""Up to this many rows Great Expectations sees every row; above, a row of counts."""
SHOWN_ROWS = 20
SHAPE = "columns_as_declared"
SHAPE_SAYS = "The table has the columns of its contract: the same names, types and order, none missing and none extra."


def validate(
    table: pa.Table | Path,
    contract: Contract,
    *,
    references: Mapping[str, pa.Table | Path] | None = None,
    parameters: Mapping[str, Any] | None = None,
    partition: str | None = None,
    engine: Engine | None = None,
) -> Verdict:
    """Judge a table, or the Parquet file at a path, by every rule of its contract.

    references: other tables that rules read, by name: those of the same partition (`locations`, `clusters`,
    `ranking_size`), `previous` (the same table one partition earlier) and `places` (economy, latitude, longitude of
    known places). parameters: `data_year` and `retrieved_year`, or `edition` and `method`. A rule that lacks a
    reference or a parameter is reported as skipped. engine: `pandas` or `duckdb`; by default chosen by size.
    The verdict is the same either way.
    """
    given, references = dict(parameters or {}), references or {}
    where = partition or "@".join(str(given[p]) for p in contract.partition_by if p in given)
    schema = _schema(table)
    wrong = schema if isinstance(schema, list) else shape.problems(schema, contract)
    shaped = RuleResult(
        SHAPE, "failed" if wrong else "passed", "error", SHAPE_SAYS, failing_count=len(wrong), failing_rows=tuple(wrong)
    )
    if wrong:
        skipped = [_skipped(rule, "the columns are not as declared") for rule in contract.rules]
        return Verdict(contract.name, where, contract.version, 0, (shaped, *skipped))
    bench = Workbench(table, contract, references)
    lacking = {r.name: reason for r in contract.rules if (reason := _lacks(r, given, bench.references))}
    rules = {r.name: bind(r, given) for r in contract.rules if r.name not in lacking}
    rows = int(bench.counts([])[ROWS])
    outcomes, documents = _outcomes(
        bench, list(rules.values()), engine or ("pandas" if rows <= PANDAS_ROWS else "duckdb")
    )
    results = [
        _result(bench, rules[r.name], outcomes.get(r.name)) if r.name in rules else _skipped(r, lacking[r.name])
        for r in contract.rules
    ]
    failing = [rules[name] for name, outcome in outcomes.items() if outcome.failing_count]
    write = functools.partial(bench.write_failing_rows, failing) if failing else None
    return Verdict(contract.name, where, contract.version, rows, (shaped, *results), documents, write)


def _schema(table: pa.Table | Path) -> pa.Schema | list[dict[str, str]]:
    """The schema, or why there is none."""
    if not isinstance(table, Path):
        return table.schema
    try:
        return pq.read_schema(table)
    except (pa.ArrowInvalid, FileNotFoundError) as error:
        return [{"column": "all", "problem": f"{table.name} is not a readable Parquet file: {error}"}]


def _outcomes(
    bench: Workbench, rules: Sequence[Rule], engine: Engine
) -> tuple[dict[str, Outcome], tuple[dict[str, Any], ...]]:
    """What Great Expectations says about each rule, and its reports; a rule whose value is unknown has no outcome."""
    from gii_pipeline.contracts import expectations  # noqa: PLC0415 - the import of Great Expectations takes seconds

    on_counts = [r for r in rules if engine == "duckdb" or r.scope == "table"]
    counts = bench.counts(on_counts)
    known = [r for r in on_counts if r.scope == "row" or all(counts[m.name] is not None for m in r.measures)]
    outcomes, report = expectations.on_counts(bench.contract, known, counts)
    on_rows = [r for r in rules if r not in on_counts]
    if not on_rows:
        return outcomes, (report,)
    more, rows_report = expectations.on_frame(bench.contract, on_rows, bench.frame(on_rows))
    return outcomes | more, (rows_report, report)


def _lacks(rule: Rule, parameters: Mapping[str, Any], references: Collection[str]) -> str | None:
    tables = [name for name in rule.references if name not in references]
    values = [name for name in rule.parameters if name not in parameters]
    lacking = [f"the table {t}" for t in tables] + [f"the parameter {v}" for v in values]
    return f"needs {' and '.join(lacking)}" if lacking else None


def _skipped(rule: Rule, reason: str) -> RuleResult:
    return RuleResult(rule.name, "skipped", rule.severity, rule.description, reason=reason)


def _result(bench: Workbench, rule: Rule, outcome: Outcome | None) -> RuleResult:
    if outcome is None:
        return _skipped(rule, f"{rule.kwargs['column']} has no value for this table")
    shown = bench.failing_rows(rule, SHOWN_ROWS) if outcome.failing_count else []
    return RuleResult(
        rule.name,
        "passed" if outcome.passed else "failed",
        rule.severity,
        rule.description,
        outcome.observed,
        outcome.failing_count,
        tuple(shown),
    )
