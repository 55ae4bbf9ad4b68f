"""What the standard declares becomes the expectation that says the same."""

from __future__ import annotations

from typing import Any

import pytest

from gii_pipeline import contracts
from gii_pipeline.contracts.expectations import expectation, suite
from gii_pipeline.contracts.predicates import BROKEN
from gii_pipeline.contracts.translation import rules
from gii_pipeline.errors import InputError

ID = {"name": "id", "physicalType": "string", "primaryKey": True, "primaryKeyPosition": 1}
ABOUT = {"name": "r", "description": "R.", "severity": "error", "dimension": "accuracy"}


def _rule(column: dict[str, Any] | None = None, table: list[dict[str, Any]] | None = None) -> contracts.Rule:
    """The last rule of a table of a key and one column more."""
    declared = [ID, *([{"name": "x", "physicalType": "int32", **column}] if column else [])]
    return list(rules({"properties": declared, "quality": table or []}))[-1]


def _quality(**rule: Any) -> dict[str, Any]:
    return {"quality": [{**ABOUT, **rule}]}


@pytest.mark.parametrize(
    ("column", "name", "expectation", "kwargs"),
    [
        ({"required": True}, "x_not_null", "expect_column_values_to_not_be_null", {"column": "x"}),
        ({"unique": True}, "x_unique", "expect_column_values_to_be_unique", {"column": "x"}),
        (
            {"logicalTypeOptions": {"minimum": 0, "exclusiveMaximum": 180}},
            "x_in_bounds",
            "expect_column_values_to_be_between",
            {"column": "x", "min_value": 0, "max_value": 180, "strict_max": True},
        ),
        (
            {"logicalTypeOptions": {"exclusiveMinimum": 0, "maximum": 1}},
            "x_in_bounds",
            "expect_column_values_to_be_between",
            {"column": "x", "min_value": 0, "strict_min": True, "max_value": 1},
        ),
        (
            {"logicalTypeOptions": {"pattern": "^[A-Z]{2}$"}},
            "x_well_formed",
            "expect_column_values_to_match_regex",
            {"column": "x", "regex": "^[A-Z]{2}$"},
        ),
        (
            {"logicalTypeOptions": {"minLength": 1}},
            "x_well_formed",
            "expect_column_values_to_match_regex",
            {"column": "x", "regex": "."},
        ),
        (
            _quality(metric="nullValues", mustBe=0),
            "r",
            "expect_column_values_to_not_be_null",
            {"column": "x"},
        ),
        (
            _quality(metric="nullValues", unit="percent", mustBeLessThan=25),
            "r",
            "expect_column_values_to_not_be_null",
            {"column": "x", "mostly": 0.75},
        ),
        (
            _quality(metric="invalidValues", arguments={"validValues": ["a", "b"]}, mustBe=0),
            "r",
            "expect_column_values_to_be_in_set",
            {"column": "x", "value_set": ["a", "b"]},
        ),
        (_quality(metric="duplicateValues", mustBe=0), "r", "expect_column_values_to_be_unique", {"column": "x"}),
        (
            _quality(
                type="custom",
                engine="greatExpectations",
                implementation={"type": "expect_column_values_to_not_be_in_set", "kwargs": {"column": "x"}},
            ),
            "r",
            "expect_column_values_to_not_be_in_set",
            {"column": "x"},
        ),
    ],
)
def test_a_declaration_of_a_column_becomes_an_expectation(
    column: dict[str, Any], name: str, expectation: str, kwargs: dict[str, Any]
) -> None:
    rule = _rule(column)
    assert (rule.name, rule.expectation, rule.kwargs) == (name, expectation, kwargs)
    assert rule.scope == "row"


@pytest.mark.parametrize(
    ("bound", "kwargs"),
    [
        ({"mustBe": 5}, {"min_value": 5, "max_value": 5}),
        ({"mustBeGreaterThan": 0}, {"min_value": 1}),
        ({"mustBeGreaterOrEqualTo": 3}, {"min_value": 3}),
        ({"mustBeLessThan": 10}, {"max_value": 9}),
        ({"mustBeLessOrEqualTo": 100}, {"max_value": 100}),
        ({"mustBeBetween": [2, 4]}, {"min_value": 2, "max_value": 4}),
    ],
)
def test_a_row_count_has_whole_bounds(bound: dict[str, Any], kwargs: dict[str, Any]) -> None:
    rule = _rule(table=[{**ABOUT, "metric": "rowCount", **bound}])
    assert (rule.expectation, rule.kwargs) == ("expect_table_row_count_to_be_between", kwargs)
    assert rule.scope == "table"


def test_repeated_rows_are_told_by_the_columns_that_must_differ() -> None:
    rule = _rule(table=[{**ABOUT, "metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["id", "x"]}}])
    assert rule.kwargs == {"column_list": ["id", "x"], "ignore_row_if": "never"}


def test_the_shape_and_the_key_come_before_all_other_rules() -> None:
    shape, key, *_ = rules({"properties": [ID, {"name": "x", "physicalType": "int32"}]})
    assert (shape.name, shape.kwargs) == ("columns_as_declared", {"column_list": ["id", "x"]})
    assert (key.name, key.expectation) == ("key_unique", "expect_column_values_to_be_unique")


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (_quality(metric="nullValues", mustBeLessThan=3), "use mustBe: 0, or mustBeLessThan with unit: percent"),
        (_quality(metric="rowCount", mustBe=3), "metric 'rowCount' is not translated in this place"),
        (_quality(metric="missingValues", mustBe=0), "metric 'missingValues' is not translated"),
        (_quality(type="custom", engine="soda", implementation={}), "engine 'soda' is not known"),
    ],
)
def test_what_cannot_be_translated_is_refused_by_name(column: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=f"Rule 'r': .*{says}"):
        _rule(column)


@pytest.mark.parametrize("name", contracts.names())
def test_great_expectations_takes_every_rule_with_its_severity(name: str) -> None:
    contract = contracts.load(name)
    taken = [rule for rule in contract.rules if rule.expectation in BROKEN and not rule.parameters]
    built = {
        e.meta["rule"]: e for e in suite(contract.id, contract.version, list(map(expectation, taken))).expectations
    }
    assert list(built) == [rule.name for rule in taken]
    for rule in taken:
        assert built[rule.name].severity == {"error": "critical", "warning": "warning"}[rule.severity]
        assert built[rule.name].description == rule.description
