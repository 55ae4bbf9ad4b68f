"""Great Expectations on every row and on DuckDB's counts: one verdict, the same failing rows."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gii_pipeline import contracts
from gii_pipeline.contracts import validation
from gii_pipeline.contracts.validation import Engine
from gii_pipeline_tests.contracts import world
from gii_pipeline_tests.releases import small_edition

ENGINES: tuple[Engine, Engine] = ("pandas", "duckdb")
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
    return {**small_edition.tables(), **world.core_tables(), "rank_history": world.rank_history()}


def _judged(name: str, table: pa.Table, engine: Engine | None = None) -> contracts.Verdict:
    previous = all_tables()[name] if name != "patents" else all_tables()["previous"]
    return contracts.validate(
        table,
        contracts.load(name),
        references={**all_tables(), "previous": previous, "places": world.PLACES},
        parameters=world.PARAMETERS,
        partition=str(world.YEAR if contracts.load(name).layer == "core" else 2025),
        engine=engine,
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", contracts.names())
def test_a_sound_table_keeps_every_rule_and_none_goes_unjudged(name: str, engine: Engine) -> None:
    verdict = _judged(name, all_tables()[name], engine)
    assert [(r.rule, r.status, r.failing_rows) for r in verdict.results if r.status != "passed"] == []
    assert verdict.rows == all_tables()[name].num_rows


@pytest.mark.parametrize(("name", "seed"), CORRUPTED)
def test_both_engines_say_the_same_of_a_table_corrupted_at_random(name: str, seed: int, tmp_path: Path) -> None:
    table = world.corrupted(all_tables()[name], 0.06, seed)
    pandas, duckdb = (_judged(name, table, engine) for engine in ENGINES)
    for one, other in zip(pandas.results, duckdb.results, strict=True):
        assert dataclasses.replace(one, observed=None) == dataclasses.replace(other, observed=None)
        assert one.observed == pytest.approx(other.observed)
    assert pandas.errors
    assert pandas.quarantine(tmp_path / "pandas.parquet") == duckdb.quarantine(tmp_path / "duckdb.parquet")
    quarantined = (pq.read_table(tmp_path / f"{engine}.parquet").to_pylist() for engine in ENGINES)
    first, second = (Counter(map(repr, rows)) for rows in quarantined)
    assert first == second


@pytest.mark.parametrize("name", VARIED)
def test_the_rows_shown_are_those_that_great_expectations_found(name: str) -> None:
    verdict = _judged(name, world.corrupted(all_tables()[name], 0.06, 3), "pandas")
    compared = 0
    for result in verdict.results:
        report = verdict.reports.get(result.rule)
        if report and result.failing_count and report.expectation_config.type.startswith(SINGLE):
            column = report.expectation_config.kwargs["column"]
            found = report.result["partial_unexpected_list"]
            if len(found) == result.failing_count:
                assert sorted(map(_plain, found)) == sorted(_plain(row[column]) for row in result.failing_rows), result
                compared += 1
    assert compared


def _plain(value: Any) -> str:
    """Numbers by value, since a column with missing numbers is one of floats in pandas; missing values alike."""
    if pd.isna(value):
        return "missing"
    return str(value) if isinstance(value, (str, bytes)) else repr(float(value))


def test_a_table_of_more_rows_than_pandas_takes_is_counted_by_duckdb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "PANDAS_ROWS", 10)
    verdict = _judged("patents", all_tables()["patents"])
    report = verdict.reports["fraction_in_bounds"]
    assert report.expectation_config.kwargs["column"] == "fraction_in_bounds", "a rule is judged on its count"
    monkeypatch.undo()
    report = _judged("patents", all_tables()["patents"]).reports["fraction_in_bounds"]
    assert report.expectation_config.kwargs["column"] == "fraction", "a rule is judged on the rows"


def test_the_varied_tables_have_every_kind_of_rule() -> None:
    def kinds(names: Sequence[str]) -> set[tuple[str, str]]:
        return {(rule.expectation, rule.scope) for name in names for rule in contracts.load(name).rules}

    assert kinds(VARIED) == kinds(contracts.names())
