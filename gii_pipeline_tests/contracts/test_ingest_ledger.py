"""The contract of the ledger refuses a row or record that nobody accounts for."""

from __future__ import annotations

import pyarrow.compute as pc
import pytest

from gii_pipeline import contracts
from gii_pipeline_tests.contracts import world


def broken(outcome: str, column: str, by: int) -> set[str]:
    """The rules that break where `column` of an outcome is off by `by`."""
    table = world.ingest_ledger()
    place = table.column_names.index(column)
    is_it = pc.equal(table["outcome"], outcome)
    values = pc.if_else(is_it, pc.add(table[column], by), table[column])
    spoiled = table.set_column(place, table.schema.field(column), values.cast(table.schema.field(column).type))
    verdict = contracts.validate(spoiled, contracts.load("ingest_ledger"), partition=str(world.YEAR))
    return {result.rule for result in verdict.errors}


def test_a_ledger_that_adds_up_keeps_its_contract() -> None:
    assert broken("read", "rows", 0) == set()


@pytest.mark.parametrize(
    ("outcome", "column", "rules"),
    [
        ("refused: no_id", "rows", {"rows_read_are_records_or_refused"}),
        ("undated", "records", {"records_are_dated_or_undated"}),
        ("superseded: equal", "records", {"dated_records_are_accounted_for"}),
        ("dropped: retracted", "records", {"dated_records_are_accounted_for"}),
        ("counted", "fraction", {"counted_records_are_located_or_not"}),
        ("unlocated: unknown_city", "fraction", {"counted_records_are_located_or_not"}),
        ("records", "fraction", {"records_read_have_whole_fractions"}),
    ],
)
def test_what_nobody_accounts_for_breaks_the_equation(outcome: str, column: str, rules: set[str]) -> None:
    assert broken(outcome, column, 1) == rules


def test_ids_that_begin_again_in_every_file_break_the_contract() -> None:
    assert broken("superseded: equal", "records", 0) == set()
    table = world.ingest_ledger().to_pylist()
    for line in table:
        line["outcome"] = line["outcome"].replace("superseded: equal", "superseded: later_file")
        line["records"] = {"superseded: later_file": 30, "counted": 21}.get(line["outcome"], line["records"])
    spoiled = world.as_table("ingest_ledger", table)
    verdict = contracts.validate(spoiled, contracts.load("ingest_ledger"), partition=str(world.YEAR))
    assert "ids_do_not_begin_again_in_every_file" in {result.rule for result in verdict.errors}
