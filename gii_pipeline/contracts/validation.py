"""Validating a table: shape first, then values, then across tables.

Belongs here: the order of the steps, and what becomes of a rule that cannot be judged. DuckDB counts what breaks each
rule, and Great Expectations judges the row of counts.
Does not: SQL (see `workbench`), Great Expectations (see `expectations`).
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline.contracts import judging, shape
from gii_pipeline.contracts.predicates import bind
from gii_pipeline.contracts.verdict import RuleResult, Verdict
from gii_pipeline.contracts.workbench import ROWS, Workbench

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from gii_pipeline.contracts.model import Contract, Rule
    from gii_pipeline.contracts.verdict import Status

SHOWN_ROWS = 20


def validate(
    table: pa.Table | Path,
    contract: Contract,
    *,
    references: Mapping[str, pa.Table | Path] | None = None,
    parameters: Mapping[str, Any] | None = None,
    partition: str | None = None,
) -> Verdict:
    """Judge a table, or the Parquet file at a path, by every rule of its contract.

    references: other tables that rules read, by name: those of the same partition (`locations`, `clusters`,
    `ranking_size`), `previous` (the same table one partition earlier) and `places` (economy, latitude, longitude of
    known places). parameters: values that rules name, `retrieved_year` (in which the source was read) and those of the
    partition; by default they are read from `partition`, the data year or the edition (`2025`, `2024@2025`).
    A rule that lacks a table or a value is reported as skipped.
    """
    given = partition_values(contract, partition) | dict(parameters or {})
    where = partition or "@".join(dict.fromkeys(str(given[p]) for p in contract.partition_by if p in given))
    shape_rule, *rules = contract.rules
    wrong = _wrong_shape(table, contract)
    shaped = _result(shape_rule, not wrong, len(wrong), wrong)
    if wrong:
        skipped = [_skipped(rule, "the columns are not as declared") for rule in rules]
        return Verdict(contract.name, where, contract.version, 0, (shaped, *skipped), {shape_rule.name: shape_rule})
    bench = Workbench(table, contract, references or {})
    lacking = {r.name: reason for r in rules if (reason := _lacks(r, given, bench.references))}
    bound = {r.name: bind(r, given) for r in rules if r.name not in lacking}
    counts = bench.counts(list(bound.values()))
    known = [r for r in bound.values() if r.scope == "row" or all(counts[m.name] is not None for m in r.measures)]
    kept = judging.judged(contract, known, counts)
    results = [
        _skipped(r, lacking[r.name]) if r.name in lacking else _judged(bench, bound[r.name], kept.get(r.name), counts)
        for r in rules
    ]
    failed = [bound[r.rule] for r in results if r.status == "failed" and r.failing_count]
    write = functools.partial(bench.write_failing_rows, failed) if failed else None
    judged_by = {shape_rule.name: shape_rule, **bound}
    return Verdict(contract.name, where, contract.version, int(counts[ROWS]), (shaped, *results), judged_by, write)


def partition_values(contract: Contract, partition: str | None) -> dict[str, Any]:
    """The values of the partition columns: `2024` -> data_year, `2025` or `2024@2025` -> edition and method."""
    first, _, second = (partition or "").partition("@")
    values = [first, second or first]
    return {name: int(value) for name, value in zip(contract.partition_by, values, strict=False) if value.isdecimal()}


def _wrong_shape(table: pa.Table | Path, contract: Contract) -> list[dict[str, str]]:
    if isinstance(table, pa.Table):
        return shape.problems(table.schema, contract)
    try:
        return shape.problems(pq.read_schema(table), contract)
    except (pa.ArrowInvalid, FileNotFoundError) as error:
        return [{"column": "all", "problem": f"{table.name} is not a readable Parquet file: {error}"}]


def _lacks(rule: Rule, parameters: Mapping[str, Any], references: Collection[str]) -> str | None:
    tables = [name for name in rule.references if name not in references]
    values = [name for name in rule.parameters if name not in parameters]
    lacking = [f"the table {t}" for t in tables] + [f"the parameter {v}" for v in values]
    return f"needs {' and '.join(lacking)}" if lacking else None


def _skipped(rule: Rule, reason: str) -> RuleResult:
    return RuleResult(rule.name, "skipped", rule.severity, rule.description, reason=reason)


def _judged(bench: Workbench, rule: Rule, kept: bool | None, counts: Mapping[str, Any]) -> RuleResult:
    if kept is None:
        return _skipped(rule, f"{rule.kwargs['column']} has no value for this table")
    if rule.scope == "table":
        return _result(rule, kept, 0, [], counts[rule.kwargs.get("column", ROWS)])
    failing = int(counts[rule.name])
    return _result(rule, kept, failing, bench.failing_rows(rule, SHOWN_ROWS) if failing else [])


def _result(
    rule: Rule, passed: bool, count: int, rows: Sequence[Mapping[str, Any]], observed: object = None
) -> RuleResult:
    status: Status = "passed" if passed else "failed"
    return RuleResult(rule.name, status, rule.severity, rule.description, observed, count, tuple(rows))
