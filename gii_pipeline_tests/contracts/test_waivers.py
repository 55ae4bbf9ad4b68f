"""A person may allow a broken rule: for one table and partition, within what was observed, until a day."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import yaml

from gii_pipeline.contracts import Verdict, Waiver, how_to_waive, waive
from gii_pipeline_tests.contracts.world import YEAR, as_table, judge, records

TODAY = date(2026, 1, 1)
FALL = {
    "check": "records_at_least_70_pct_of_previous_year",
    "subject": "patents",
    "partition": YEAR,
    "observed": 60,
    "reason": "the office changed its year",
    "until": "2026-12-31",
}


def fallen(count: int = 720) -> Verdict:
    """Patents of a year after one of 1,200."""
    last_year = {"previous": as_table("patents", records(1200, YEAR - 1))}
    return judge("patents", as_table("patents", records(count)), references=last_year)


def allowed(verdict: Verdict, **other: Any) -> tuple[bool, list[str]]:
    judged, told = waive(verdict, [Waiver.model_validate({**FALL, **other})], TODAY)
    return judged.passed, told


def test_a_waived_rule_is_a_warning_that_gives_the_reason() -> None:
    judged, told = waive(fallen(), [Waiver.model_validate(FALL)], TODAY)
    assert judged.passed
    assert told == []
    [warning] = [result for result in judged.warnings if result.rule == FALL["check"]]
    assert "the office changed its year" in warning.sentence
    assert judged.waivers == [{**FALL, "partition": str(YEAR)}]
    assert fallen().waivers == []


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"observed": 61}, "allows 61; the value observed now is worse"),
        ({"until": "2025-12-31"}, "expired on 2025-12-31"),
        ({"check": "location_in_range"}, "is not needed: remove it from the profile"),
    ],
)
def test_a_waiver_that_does_not_cover_the_break_says_why(other: dict[str, Any], told: str) -> None:
    check = other.get("check", FALL["check"])
    assert allowed(fallen(), **other) == (False, [f"the waiver of {check} {told}"])


def test_a_waiver_of_another_partition_or_table_is_of_no_concern() -> None:
    assert allowed(fallen(), partition=YEAR - 1) == (False, [])
    assert allowed(fallen(), subject="publications") == (False, [])


def test_rows_that_break_a_rule_are_allowed_up_to_their_number() -> None:
    spoiled = [{**row, "geocoding": ""} if row["record_id"] == "WO000001" else row for row in records()]
    verdict = judge("patents", as_table("patents", spoiled))
    broken: dict[str, Any] = {"check": verdict.errors[0].rule, "observed": verdict.errors[0].failing_count}
    assert {result.rule for result in verdict.errors} == {broken["check"]}
    assert allowed(verdict, **broken) == (True, [])
    assert allowed(verdict, **{**broken, "observed": broken["observed"] - 1})[0] is False


def test_the_lines_that_an_error_proposes_allow_it() -> None:
    verdict = fallen(700)
    proposed = yaml.safe_load("\n".join(how_to_waive(verdict, TODAY).splitlines()[1:]))["waivers"]
    judged, _ = waive(verdict, [Waiver.model_validate({**each, "reason": "known"}) for each in proposed], TODAY)
    assert judged.passed
