"""The one place that runs Great Expectations: suites from rules, and whether a row of counts keeps them.

Belongs here: building suites, running them on a frame, and reading the results.
Does not: SQL. Importing the library costs seconds, so only the process `judge` imports this module.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
import pandas as pd
from great_expectations.data_context.types.base import ProgressBarsConfig

from gii_pipeline.contracts.predicates import BETWEEN, ROW_COUNT
from gii_pipeline.contracts.workbench import ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gii_pipeline.contracts.model import Rule

SEVERITY = {"error": "critical", "warning": "warning"}
ENOUGH: dict[str, Any] = {
    "type": "expect_column_pair_values_a_to_be_greater_than_b",
    "kwargs": {"column_A": "kept", "column_B": "mostly", "or_equal": True, "ignore_row_if": "neither"},
    "meta": {"rule": "enough rows keep each rule"},
}
RESULTS = {"result_format": "COMPLETE", "unexpected_index_column_names": ["rule"]}


def judged(name: str, version: str, rules: Sequence[Rule], counts: Mapping[str, Any]) -> dict[str, bool]:
    """Whether the counts (see `Workbench.counts`) keep each rule, by its name.

    Every expectation costs 12 ms, however small the table. So the rules about rows are judged by one: in a frame of one
    row per rule, no share of rows that keep it is below the share that has to. The values that rules about the table
    are about stand next to it, and have an expectation each.
    """
    of_rows = [rule for rule in rules if rule.scope == "row"]
    of_table = [rule for rule in rules if rule.scope == "table"]
    frame = pd.DataFrame({"rule": rule.name, "kept": _kept(rule, counts), "mostly": rule.mostly} for rule in of_rows)
    values = {column: counts[column] for column in map(_value_of, of_table)}
    results = run(suite(name, version, [ENOUGH, *map(_on_value, of_table)]), frame.assign(**values))
    broken = {row["rule"] for row in results[ENOUGH["meta"]["rule"]].result["unexpected_index_list"] or ()}
    return {rule.name: rule.name not in broken for rule in of_rows} | {
        rule.name: bool(results[rule.name].success) for rule in of_table
    }


def _kept(rule: Rule, counts: Mapping[str, Any]) -> float:
    """The share of rows that keep the rule, of those that it judges, by the formula of Great Expectations."""
    judged = counts[f"{rule.name}_judged"] if rule.mostly < 1 else counts[ROWS]
    return float((judged - counts[rule.name]) / judged) if judged else 1.0


def _value_of(rule: Rule) -> str:
    return ROWS if rule.expectation == ROW_COUNT else str(rule.kwargs["column"])


def _on_value(rule: Rule) -> dict[str, Any]:
    """The expectation on the value that says the same as the rule says of the table."""
    kind = BETWEEN if rule.expectation == ROW_COUNT else rule.expectation
    return expectation(rule, kind, {"column": ROWS, **rule.kwargs})


def expectation(rule: Rule, kind: str = "", kwargs: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The rule as the library writes an expectation; kind, kwargs: where it is asked in another form."""
    return {
        "type": kind or rule.expectation,
        "kwargs": dict(rule.kwargs if kwargs is None else kwargs),
        "meta": {"rule": rule.name, "dimension": rule.dimension},
        "severity": SEVERITY[rule.severity],
        "description": rule.description,
    }


def suite(name: str, version: str, expectations: Sequence[Mapping[str, Any]]) -> gx.ExpectationSuite:
    return gx.ExpectationSuite(name=name, expectations=list(expectations), meta={"version": version})


@functools.cache
def _batches() -> Any:  # noqa: ANN401 - an untyped library
    """How a frame becomes a batch, in a context that lives in memory, without analytics and progress bars."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("tables").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole")


def run(expectations: gx.ExpectationSuite, frame: pd.DataFrame, results: object = RESULTS) -> dict[str, Any]:
    """The results by rule: they come grouped by column. A result without content hides the reason in its exception."""
    report = _batches().get_batch({"dataframe": frame}).validate(expectations, result_format=results)
    for result in report.results:
        if not result.result:
            told = result.exception_info
            raise RuntimeError(f"{result.expectation_config.meta['rule']} could not be judged: {told}")
    return {result.expectation_config.meta["rule"]: result for result in report.results}
