"""The one place that knows Great Expectations: suites from contracts, and running them.

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
    """What Great Expectations said about one rule; `observed` is the value of a rule for the whole table."""

    passed: bool
    failing_count: int = 0
    observed: Any = None


def on_frame(
    contract: Contract, rules: Sequence[Rule], frame: pd.DataFrame
) -> tuple[dict[str, Outcome], dict[str, Any]]:
    """Run rules of rows on a frame with their columns and measures. Returns the outcomes and the result document."""
    return _run(contract, [_expectation(rule, rule.expectation, rule.kwargs) for rule in rules], frame)


def on_counts(
    contract: Contract, rules: Sequence[Rule], counts: Mapping[str, Any]
) -> tuple[dict[str, Outcome], dict[str, Any]]:
    """Run rules on one row of counts (see `Workbench.counts`). Returns the outcomes and the result document."""
    frame = pd.DataFrame([dict(counts) | {f"{r.name}_kept": _kept(r, counts) for r in rules if _mostly(r) < 1}])
    outcomes, document = _run(contract, [_on_count(rule) for rule in rules], frame)
    return {r.name: _with_count(r, outcomes[r.name], counts) for r in rules}, document


def _with_count(rule: Rule, outcome: Outcome, counts: Mapping[str, Any]) -> Outcome:
    if rule.scope == "row":
        return Outcome(outcome.passed, failing_count=int(counts[rule.name]))
    return Outcome(outcome.passed, observed=counts[rule.kwargs.get("column", ROWS)])


def _mostly(rule: Rule) -> float:
    return float(rule.kwargs.get("mostly", 1))


def _kept(rule: Rule, counts: Mapping[str, Any]) -> float:
    """The share of judged rows that keep the rule, by the formula of Great Expectations."""
    judged = counts[f"{rule.name}_judged"]
    return float((judged - counts[rule.name]) / judged) if judged else 1.0


def _on_count(rule: Rule) -> dict[str, Any]:
    """The expectation on the row of counts that says the same as the rule says on rows."""
    if rule.expectation == ROW_COUNT:
        return _expectation(rule, BETWEEN, {"column": ROWS} | dict(rule.kwargs))
    if rule.scope == "table":
        return _expectation(rule, rule.expectation, rule.kwargs)
    if _mostly(rule) < 1:
        return _expectation(rule, BETWEEN, {"column": f"{rule.name}_kept", "min_value": _mostly(rule)})
    return _expectation(rule, BETWEEN, {"column": rule.name, "max_value": 0})


def _expectation(rule: Rule, kind: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    meta = {"rule": rule.name, "dimension": rule.dimension}
    return {
        "type": kind,
        "kwargs": dict(kwargs),
        "meta": meta,
        "severity": SEVERITY[rule.severity],
        "description": rule.description,
    }


def suite(contract: Contract, expectations: Sequence[Mapping[str, Any]]) -> Any:  # noqa: ANN401 - an untyped library
    """A suite named after the contract and its version."""
    name = f"{contract.name} {contract.version}"
    return gx.ExpectationSuite(name=name, expectations=list(expectations), meta={"contract": contract.id})


@functools.cache
def _batches() -> Any:  # noqa: ANN401 - an untyped library
    """How a frame becomes a batch, in a context that lives in memory, without analytics and progress bars."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("tables").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole")


def _run(
    contract: Contract, expectations: list[dict[str, Any]], frame: pd.DataFrame
) -> tuple[dict[str, Outcome], dict[str, Any]]:
    batch = _batches().get_batch({"dataframe": frame})
    report = batch.validate(suite(contract, expectations), result_format="SUMMARY")
    outcomes = {r.expectation_config.meta["rule"]: _outcome(r) for r in report.results}
    return outcomes, report.to_json_dict()


def _outcome(result: Any) -> Outcome:  # noqa: ANN401 - an untyped library
    """A result as plain values. A result without content hides the reason in its exception."""
    content = result.result or {}
    if not content:
        raise RuntimeError(f"{result.expectation_config.type} could not be judged: {result.exception_info}")
    return Outcome(bool(result.success), int(content.get("unexpected_count", 0)))
