"""What DuckDB counts is what Great Expectations finds when it sees every row: one verdict, the same failing rows."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from gii_pipeline import contracts
from gii_pipeline.contracts import Rule, workbench
from gii_pipeline.contracts.expectations import expectation, run, suite
from gii_pipeline.contracts.predicates import columns
from gii_pipeline_tests.contracts import world
from gii_pipeline_tests.releases import small_edition

SINGLE = "expect_column_values_to_"
VARIED = ("patents", "locations", "clusters", "contributions", "ranking_size")
"""Tables that between them have every kind of rule."""
CORRUPTED = [
    *((name, 1) for name in VARIED),
    *(pytest.param(name, 1, marks=pytest.mark.slow) for name in contracts.names() if name not in VARIED),
    *(pytest.param(name, 2, marks=pytest.mark.slow) for name in VARIED),
]


@functools.cache
def all_tables() -> Mapping[str, pa.Table]:
    edition = small_edition.tables()
    series = {"rank_history": world.rank_history(), "rank_events": world.rank_events(edition)}
    return {**edition, **world.core_tables(), **series}


def _references(name: str) -> dict[str, pa.Table]:
    previous = all_tables()[name] if name != "patents" else all_tables()["previous"]
    return {**all_tables(), "previous": previous, "places": world.PLACES}


def _judged(name: str, table: pa.Table) -> contracts.Verdict:
    return contracts.validate(
        table,
        contracts.load(name),
        references=_references(name),
        parameters={
            **world.PARAMETERS,
            "ranking_length": all_tables()["ranking_size"].num_rows,
            "largest_size_score": 300,
        },
        partition=str(world.YEAR if contracts.load(name).layer == "core" else 2025),
    )


def _row_by_row(name: str, table: pa.Table, rules: Sequence[Rule]) -> dict[str, Any]:
    """What Great Expectations finds in a frame of every row with the measures of the rules."""
    bench = workbench.Workbench(table, contracts.load(name), _references(name))
    needed = ", ".join(f'"{column}"' for column in dict.fromkeys(c for rule in rules for c in columns(rule)))
    measured = workbench._measured(measure for rule in rules for measure in rule.measures)
    frame = bench._con.execute(f"select {needed} from ({measured})").df()
    return run(suite(name, "1", list(map(expectation, rules))), frame, "SUMMARY")


@pytest.mark.parametrize("name", contracts.names())
def test_a_sound_table_keeps_every_rule_and_none_goes_unjudged(name: str) -> None:
    verdict = _judged(name, all_tables()[name])
    assert [(r.rule, r.status, r.failing_rows) for r in verdict.results if r.status != "passed"] == []
    assert verdict.rows == all_tables()[name].num_rows


@pytest.mark.parametrize(("name", "seed"), CORRUPTED)
def test_a_table_corrupted_at_random_breaks_what_great_expectations_finds_broken(name: str, seed: int) -> None:
    sound = all_tables()[name]
    table = world.corrupted(sound, max(0.06, 1 / sound.num_rows), seed)
    verdict = _judged(name, table)
    told = {result.rule: result for result in verdict.results}
    rules = [rule for rule in verdict.rules.values() if rule.scope == "row"]
    found = _row_by_row(name, table, rules)
    assert {rule.name: (told[rule.name].status, told[rule.name].failing_count) for rule in rules} == {
        rule: ("passed" if result.success else "failed", result.result["unexpected_count"])
        for rule, result in found.items()
    }
    assert verdict.errors
    compared = 0
    for rule, result in found.items():
        if told[rule].failing_count and result.expectation_config.type.startswith(SINGLE):
            column, values = result.expectation_config.kwargs["column"], result.result["partial_unexpected_list"]
            if len(values) == told[rule].failing_count:
                shown = sorted(_plain(row[column]) for row in told[rule].failing_rows)
                assert sorted(map(_plain, values)) == shown, rule
                compared += 1
    assert compared


def _plain(value: Any) -> str:
    """Numbers by value, since a column with missing numbers is one of floats in pandas; missing values alike."""
    if pd.isna(value):
        return "missing"
    return str(value) if isinstance(value, (str, bytes)) else repr(float(value))


@pytest.mark.parametrize(("broken", "passes"), [(0, True), (2, True), (3, False)])
def test_a_rule_of_most_rows_allows_its_share_to_the_row(broken: int, passes: bool) -> None:
    """At most 10 % of the clusters lack their population: 2 of 20."""
    footprints = small_edition.tables()["cluster_footprints"].slice(0, 1).to_pylist() * 20
    rows = [
        {**row, "cluster_id": f"gii-{i}", "population": None if i < broken else 9.0} for i, row in enumerate(footprints)
    ]
    table = pa.Table.from_pylist(rows, schema=contracts.load("cluster_footprints").arrow_schema)
    (result,) = (r for r in _judged("cluster_footprints", table).results if r.rule == "population_mostly_present")
    assert (result.passed, result.failing_count) == (passes, broken)


def test_the_varied_tables_have_every_kind_of_rule() -> None:
    def kinds(names: Sequence[str]) -> set[tuple[str, str]]:
        return {(rule.expectation, rule.scope) for name in names for rule in contracts.load(name).rules}

    assert kinds(VARIED) == kinds(contracts.names())
