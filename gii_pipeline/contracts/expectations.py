"""The one place that runs Great Expectations: suites from rules, and what they say of a table.

Belongs here: building suites, running them on a frame or on a row of counts, and reading the results.
Does not: SQL. Importing the library costs seconds, so this module is imported when a table is validated, not before.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
import pandas as pd
from great_expectations.data_context.types.base import ProgressBarsConfig

from gii_pipeline.contracts.predicates import BETWEEN, ROW_COUNT
from gii_pipeline.contracts.workbench import ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gii_pipeline.contracts.model import Contract, Rule

SEVERITY = {"error": "critical", "warning": "warning"}


@dataclass(frozen=True)
class Outcome:
    """What Great Expectations said of one rule: `report` in full, `observed` what a rule of scope table judged."""

    passed: bool
    report: Any
    failing_count: int = 0
    observed: Any = None


def suite(contract: Contract, rules: Sequence[Rule]) -> gx.ExpectationSuite:
    """The suite of these rules, one expectation each, for a frame that has the rules' columns and measures."""
    return _suite(contract, [_expectation(rule, rule.expectation, rule.kwargs) for rule in rules])


def on_frame(contract: Contract, rules: Sequence[Rule], frame: pd.DataFrame) -> dict[str, Outcome]:
    """Run rules of rows on a frame with their columns and measures."""
    results = _run(suite(contract, rules), frame)
    return {name: Outcome(bool(r.success), r, int(r.result["unexpected_count"])) for name, r in results.items()}


def on_counts(contract: Contract, rules: Sequence[Rule], counts: Mapping[str, Any]) -> dict[str, Outcome]:
    """Run rules on one row of counts (see `Workbench.counts`), which must keep each rule's count at nothing."""
    shares = {f"{rule.name}_kept": _kept(rule, counts) for rule in rules if rule.mostly < 1}
    results = _run(_suite(contract, [_on_count(rule) for rule in rules]), pd.DataFrame([dict(counts) | shares]))
    return {rule.name: _counted(rule, results[rule.name], counts) for rule in rules}


def _counted(rule: Rule, result: Any, counts: Mapping[str, Any]) -> Outcome:  # noqa: ANN401 - an untyped library
    if rule.scope == "row":
        return Outcome(bool(result.success), result, failing_count=int(counts[rule.name]))
    return Outcome(bool(result.success), result, observed=counts[rule.kwargs.get("column", ROWS)])


def _kept(rule: Rule, counts: Mapping[str, Any]) -> float:
    """The share of judged rows that keep the rule, by the formula of Great Expectations."""
    judged = counts[f"{rule.name}_judged"]
    return float((judged - counts[rule.name]) / judged) if judged else 1.0


def _on_count(rule: Rule) -> dict[str, Any]:
    """The expectation on the row of counts that says the same as the rule says on rows."""
    if rule.expectation == ROW_COUNT:
        return _expectation(rule, BETWEEN, {"column": ROWS, **rule.kwargs})
    if rule.scope == "table":
        return _expectation(rule, rule.expectation, rule.kwargs)
    if rule.mostly < 1:
        return _expectation(rule, BETWEEN, {"column": f"{rule.name}_kept", "min_value": rule.mostly})
    return _expectation(rule, BETWEEN, {"column": rule.name, "max_value": 0})


def _expectation(rule: Rule, kind: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": kind,
        "kwargs": dict(kwargs),
        "meta": {"rule": rule.name, "dimension": rule.dimension},
        "severity": SEVERITY[rule.severity],
        "description": rule.description,
    }


def _suite(contract: Contract, expectations: Sequence[Mapping[str, Any]]) -> gx.ExpectationSuite:
    return gx.ExpectationSuite(name=contract.id, expectations=list(expectations), meta={"version": contract.version})


@functools.cache
def _batches() -> Any:  # noqa: ANN401 - an untyped library
    """How a frame becomes a batch, in a context that lives in memory, without analytics and progress bars."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("tables").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole")


def _run(expectations: gx.ExpectationSuite, frame: pd.DataFrame) -> dict[str, Any]:
    """The results by rule: they come grouped by column. A result without content hides the reason in its exception."""
    report = _batches().get_batch({"dataframe": frame}).validate(expectations, result_format="SUMMARY")
    for result in report.results:
        if not result.result:
            told = result.exception_info
            raise RuntimeError(f"{result.expectation_config.meta['rule']} could not be judged: {told}")
    return {result.expectation_config.meta["rule"]: result for result in report.results}
