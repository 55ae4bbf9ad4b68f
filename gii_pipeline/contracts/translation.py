"""From the standard's declarations and quality rules to rules of Great Expectations.

Belongs here: what `required`, bounds, keys and the library metrics of the standard mean as expectations.
Does not: running them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gii_pipeline.contracts.model import Measure, Rule
from gii_pipeline.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Described = tuple[str, dict[str, Any]]

BOUNDS = {
    "minimum": ("min_value", "at least"),
    "exclusiveMinimum": ("min_value", "greater than"),
    "maximum": ("max_value", "at most"),
    "exclusiveMaximum": ("max_value", "less than"),
}
SHAPE = "columns_as_declared"
COLUMNS_MATCH = "expect_table_columns_to_match_ordered_list"
"""The rule of shape is judged on names and types before all others, since Great Expectations knows no Arrow types."""


def rules(table: Mapping[str, Any]) -> Iterator[Rule]:
    """All rules of a table of the standard: its shape and key, what its columns declare, then the written ones."""
    yield _shape_rule(table["properties"])
    yield _key_rule(table["properties"])
    for prop in table["properties"]:
        yield from _declared(prop)
        yield from (_written(rule, prop["name"]) for rule in prop.get("quality", []))
    yield from (_written(rule, None) for rule in table.get("quality", []))


def _shape_rule(properties: list[Mapping[str, Any]]) -> Rule:
    says = "The table has the columns of its contract: the same names, types and order, none missing and none extra."
    return Rule(SHAPE, says, "error", "conformity", COLUMNS_MATCH, {"column_list": [p["name"] for p in properties]})


def _key_rule(properties: list[Mapping[str, Any]]) -> Rule:
    keyed = sorted((p for p in properties if p.get("primaryKey")), key=lambda p: int(p["primaryKeyPosition"]))
    key = [p["name"] for p in keyed]
    return Rule("key_unique", f"No two rows have the same {', '.join(key)}.", "error", "uniqueness", *_unique(key))


def _declared(prop: Mapping[str, Any]) -> Iterator[Rule]:
    name, options = prop["name"], prop.get("logicalTypeOptions", {})
    if prop.get("required"):
        yield Rule(f"{name}_not_null", f"{name} is never missing.", "error", "completeness", *_not_null(name))
    if prop.get("unique"):
        yield Rule(f"{name}_unique", f"No two rows have the same {name}.", "error", "uniqueness", *_unique([name]))
    if bounds := _bounds(options):
        described = ("expect_column_values_to_be_between", {"column": name} | bounds)
        says = " and ".join(f"{BOUNDS[option][1]} {options[option]}" for option in BOUNDS if option in options)
        yield Rule(f"{name}_in_bounds", f"{name} is {says}.", "error", "conformity", *described)
    if pattern := options.get("pattern") or ("." if options.get("minLength") else None):
        described = ("expect_column_values_to_match_regex", {"column": name, "regex": pattern})
        yield Rule(f"{name}_well_formed", f"{name} matches {pattern}.", "error", "conformity", *described)


def _bounds(options: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option in BOUNDS.keys() & options.keys():
        argument = BOUNDS[option][0]
        strict = {f"strict_{argument[:3]}": True} if option.startswith("exclusive") else {}
        found |= {argument: options[option]} | strict
    return found


def _written(rule: Mapping[str, Any], column: str | None) -> Rule:
    custom = {p["property"]: p["value"] for p in rule.get("customProperties", [])}
    expectation, kwargs = _custom(rule) if rule.get("type") == "custom" else _metric(rule, column)
    return Rule(
        name=rule["name"],
        description=rule["description"],
        severity=rule["severity"],
        dimension=rule["dimension"],
        expectation=expectation,
        kwargs=kwargs,
        measures=tuple(_measure(name, m) for name, m in custom.get("measures", {}).items()),
        references=tuple(custom.get("references", [])),
    )


def _custom(rule: Mapping[str, Any]) -> Described:
    if rule["engine"] != "greatExpectations":
        raise InputError(f"Rule {rule['name']!r}: engine {rule['engine']!r} is not known; use greatExpectations.")
    return rule["implementation"]["type"], dict(rule["implementation"]["kwargs"])


def _measure(name: str, value: Mapping[str, Any]) -> Measure:
    return Measure(name, value["sql"], tuple(value.get("groupBy", [])), value.get("scope", "row"))


def _metric(rule: Mapping[str, Any], column: str | None) -> Described:
    match rule["metric"], column:
        case "rowCount", None:
            return "expect_table_row_count_to_be_between", _row_count(rule)
        case "duplicateValues", None if rule.get("mustBe") == 0:
            return _unique(rule["arguments"]["properties"])
        case "nullValues", str(name):
            return "expect_column_values_to_not_be_null", {"column": name} | _mostly(rule)
        case "duplicateValues", str(name) if rule.get("mustBe") == 0:
            return _unique([name])
        case "invalidValues", str(name):
            values = {"column": name, "value_set": list(rule["arguments"]["validValues"])}
            return "expect_column_values_to_be_in_set", values | _mostly(rule)
    raise InputError(f"Rule {rule['name']!r}: metric {rule['metric']!r} is not translated in this place or form.")


def _row_count(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Rows are whole numbers, so a strict bound is the next whole number."""
    low, high = rule.get("mustBeBetween", (rule.get("mustBe"), rule.get("mustBe")))
    low = rule.get("mustBeGreaterOrEqualTo", rule["mustBeGreaterThan"] + 1 if "mustBeGreaterThan" in rule else low)
    high = rule.get("mustBeLessOrEqualTo", rule["mustBeLessThan"] - 1 if "mustBeLessThan" in rule else high)
    return {name: value for name, value in (("min_value", low), ("max_value", high)) if value is not None}


def _mostly(rule: Mapping[str, Any]) -> dict[str, Any]:
    """`mustBe: 0` means none; `mustBeLessThan` or `mustBeLessOrEqualTo` with `unit: percent`, a share of the rows."""
    if rule.get("mustBe") == 0:
        return {}
    allowed = rule.get("mustBeLessOrEqualTo", rule.get("mustBeLessThan"))
    if rule.get("unit") != "percent" or allowed is None:
        raise InputError(f"Rule {rule['name']!r}: use mustBe: 0, or mustBeLessThan with unit: percent.")
    return {"mostly": 1 - allowed / 100}


def _not_null(column: str) -> Described:
    return "expect_column_values_to_not_be_null", {"column": column}


def _unique(columns: list[str]) -> Described:
    if len(columns) == 1:
        return "expect_column_values_to_be_unique", {"column": columns[0]}
    described = {"column_list": list(columns), "ignore_row_if": "never"}
    return "expect_compound_columns_to_be_unique", described
