"""Shape first, then values, then across tables; errors and warnings; what a person is told, then and later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gii_pipeline import contracts
from gii_pipeline.contracts.validation import partition_values
from gii_pipeline.errors import InputError
from gii_pipeline_tests.contracts import world
from gii_pipeline_tests.contracts.world import as_table, judge, records

PATENTS = contracts.load("patents")


def _negative(places: range) -> pa.Table:
    rows = [{**row, "fraction": -1.0} if i in places else row for i, row in enumerate(records())]
    return as_table("patents", rows)


def _status(verdict: contracts.Verdict) -> dict[str, str]:
    return {result.rule: result.status for result in verdict.results}


def test_there_is_one_result_a_rule_in_the_order_of_the_contract() -> None:
    for table in (as_table("patents", records()), as_table("patents", records()).drop(["place"])):
        assert [r.rule for r in judge("patents", table).results] == [r.name for r in PATENTS.rules]


def test_a_table_of_the_wrong_shape_is_not_looked_into() -> None:
    verdict = judge("patents", _negative(range(9)).drop(["place"]))
    assert [result.rule for result in verdict.errors] == ["columns_as_declared"]
    assert {result.reason for result in verdict.skipped} == {"the columns are not as declared"}
    assert len(verdict.skipped) == len(PATENTS.rules) - 1


def test_rules_across_tables_read_the_other_tables() -> None:
    rows = records()
    all_locations = world.core_tables()["locations"]
    verdict = judge("locations", all_locations.slice(1), {"patents": as_table("patents", rows)})
    unlisted = {r.rule: r.observed for r in verdict.errors}
    assert unlisted == dict.fromkeys(
        ["locations_of_patents_listed", "locations_of_publications_listed", "locations_of_vc_deals_listed"], 1
    )


def test_a_rule_that_lacks_a_table_or_a_value_is_skipped_and_says_so() -> None:
    verdict = contracts.validate(as_table("patents", records()), PATENTS, partition="2024")
    assert {r.rule: r.reason for r in verdict.skipped} == {
        "data_year_not_in_the_future": "needs the parameter retrieved_year",
        "location_near_a_place_of_its_economy": "needs the table economy_cells",
        "locations_mostly_near_their_economy": "needs the table economy_cells",
        "records_at_least_70_pct_of_previous_year": "needs the table previous",
        "records_close_to_previous_year": "needs the table previous",
    }
    assert verdict.passed
    assert not any(result.passed for result in verdict.skipped)


def test_a_warning_is_recorded_and_passes() -> None:
    rows = [{**row, "people_truncated": i == 4} for i, row in enumerate(records())]
    verdict = judge("patents", as_table("patents", rows))
    assert verdict.passed
    assert _status(verdict)["people_lists_not_truncated"] == "failed"
    assert [r.failing_count for r in verdict.warnings] == [1]
    first_line, *_ = verdict.message().splitlines()
    assert first_line == f"patents 2024 keeps its contract, with warnings (version {PATENTS.version}, 120 rows):"


def test_an_error_refuses_the_table_and_names_the_rows() -> None:
    verdict = judge("patents", _negative(range(7)))
    assert not verdict.passed
    (told,) = (r for r in verdict.errors if r.rule == "fraction_in_bounds")
    assert told.failing_count == 7
    assert [(row["record_id"], row["person_seq"], row["fraction"]) for row in told.failing_rows[:2]] == [
        ("WO000000", 1, -1.0),
        ("WO000001", 1, -1.0),
    ]
    lines = verdict.message().splitlines()
    assert lines[0] == f"patents 2024 breaks its contract (version {PATENTS.version}, 120 rows):"
    assert "  error fraction_in_bounds: fraction is greater than 0 and at most 1. 7 rows break it." in lines
    assert "    record_id=WO000000, person_seq=1, location_seq=1, fraction=-1.0" in lines
    assert "    … and 2 more" in lines
    assert lines[-1] == "All failing rows: gii explain patents 2024"


def test_at_most_twenty_rows_are_shown_the_first_by_key() -> None:
    verdict = judge("patents", _negative(range(40, 110)))
    (told,) = (r for r in verdict.errors if r.rule == "fraction_in_bounds")
    assert told.failing_count == 70
    keys = [(row["record_id"], row["person_seq"]) for row in told.failing_rows]
    expected = sorted((row["record_id"], row["person_seq"]) for row in records()[40:110])
    assert keys == expected[:20]


def test_what_is_shown_can_be_written_as_json() -> None:
    broken = world.corrupted(as_table("patents", records()), 0.2, 7)
    for result in judge("patents", broken).results:
        json.dumps([dict(row) for row in result.failing_rows], allow_nan=False)
        json.dumps(result.observed, allow_nan=False)


def test_every_failing_row_lies_in_the_quarantine_file_once_a_rule(tmp_path: Path) -> None:
    path = tmp_path / "quarantine" / "patents.parquet"
    verdict = judge("patents", _negative(range(70)))
    broken = {r.rule: r.failing_count for r in verdict.errors if r.failing_count}
    assert verdict.quarantine(path) == sum(broken.values())
    table = pq.read_table(path)
    assert table.column_names == ["rule", "severity", *(c.name for c in PATENTS.columns)]
    counted = table.group_by("rule").aggregate([("record_id", "count")]).to_pylist()
    assert {row["rule"]: row["record_id_count"] for row in counted} == broken


def test_a_sound_table_leaves_no_quarantine_file(tmp_path: Path) -> None:
    verdict = judge("patents", as_table("patents", records()))
    assert verdict.quarantine(tmp_path / "q.parquet") == 0
    assert not (tmp_path / "q.parquet").exists()
    assert verdict.message() == f"patents 2024: 120 rows keep all {len(PATENTS.rules)} rules of the contract."


def test_quarantined_rows_are_told_again_later(tmp_path: Path) -> None:
    judge("patents", _negative(range(30))).quarantine(tmp_path / "q.parquet")
    lines = contracts.explain(tmp_path / "q.parquet", PATENTS).splitlines()
    start = lines.index("error fraction_in_bounds: 30 rows. fraction is greater than 0 and at most 1.")
    assert lines[start + 1] == "  record_id=WO000000, person_seq=1, location_seq=1, fraction=-1.0"
    assert sum("fraction=-1.0" in line for line in lines[start + 1 : start + 31]) == 30
    short = contracts.explain(tmp_path / "q.parquet", PATENTS, limit=3).splitlines()
    assert sum(line.startswith("  ") for line in short[short.index(lines[start]) :][:5]) == 3


def test_there_is_nothing_to_explain_where_nothing_was_turned_away(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Nothing of patents was turned away there"):
        contracts.explain(tmp_path / "q.parquet", PATENTS)


def test_a_file_is_judged_as_the_table_that_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "data_year=1999" / "it's.parquet"
    path.parent.mkdir()
    pq.write_table(_negative(range(7)), path)
    from_file = contracts.validate(path, PATENTS, partition="2024")
    assert from_file == contracts.validate(_negative(range(7)), PATENTS, partition="2024")


def test_missing_infinite_and_not_a_number_are_all_missing() -> None:
    wrong = [None, float("nan"), float("inf"), float("-inf")]
    rows = [{**row, "fraction": wrong[i] if i < 4 else row["fraction"]} for i, row in enumerate(records())]
    verdict = judge("patents", as_table("patents", rows))
    counts = {r.rule: r.failing_count for r in verdict.errors}
    assert counts["fraction_not_null"] == 4
    assert "fraction_in_bounds" not in counts


@pytest.mark.parametrize(
    ("table", "partition", "values"),
    [
        ("patents", "2024", {"data_year": 2024}),
        ("points", "2025", {"edition": 2025, "method": 2025}),
        ("points", "2024@2025", {"edition": 2024, "method": 2025}),
        ("rank_history", None, {}),
    ],
)
def test_a_partition_key_names_the_values_of_its_columns(
    table: str, partition: str | None, values: dict[str, Any]
) -> None:
    assert partition_values(contracts.load(table), partition) == values


def test_a_partition_in_the_wrong_place_is_refused() -> None:
    verdict = contracts.validate(as_table("patents", records()), PATENTS, partition="2023")
    (told,) = verdict.errors
    assert (told.rule, told.failing_count) == ("data_year_is_the_partition", 120)
