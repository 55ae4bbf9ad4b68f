"""What it means to break a rule, in SQL.

Belongs here: one predicate per expectation of Great Expectations, with the same treatment of missing values: a rule
judges only the rows that have the value, unless it asks for the value itself.
Does not: running them (see `workbench`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gii_pipeline.contracts.model import Measure, Rule
from gii_pipeline.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gii_pipeline.contracts.model import Contract

NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
NOT_IN_SET = "expect_column_values_to_not_be_in_set"
REGEX = "expect_column_values_to_match_regex"
UNIQUE = "expect_column_values_to_be_unique"
COMPOUND_UNIQUE = "expect_compound_columns_to_be_unique"
PAIR_EQUAL = "expect_column_pair_values_to_be_equal"
PAIR_GREATER = "expect_column_pair_values_a_to_be_greater_than_b"
ROW_COUNT = "expect_table_row_count_to_be_between"


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """`value` as SQL: text, a number, a truth value, or nothing."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case _:
            return "'" + str(value).replace("'", "''") + "'"


def bind(rule: Rule, parameters: Mapping[str, Any]) -> Rule:
    """The rule with the parameters' values in place of their names."""

    def value(argument: Any) -> Any:  # noqa: ANN401 - arguments of expectations are of any type
        if isinstance(argument, list):
            return [value(a) for a in argument]
        named = isinstance(argument, str) and argument.startswith("$")
        return parameters[argument[1:]] if named else argument

    return replace(rule, kwargs={name: value(argument) for name, argument in rule.kwargs.items()})


def columns(rule: Rule) -> list[str]:
    """Columns and measures that the expectation itself names."""
    named = [rule.kwargs[k] for k in ("column", "column_A", "column_B") if k in rule.kwargs]
    return [*named, *rule.kwargs.get("column_list", [])]


def measures(rule: Rule) -> list[Measure]:
    """All measures that the predicate of the rule reads; for uniqueness, the number of rows with the same values."""
    if rule.expectation not in (UNIQUE, COMPOUND_UNIQUE):
        return list(rule.measures)
    named = columns(rule)
    alike = Measure(f"rows_with_the_same_{'_'.join(named)}", "count(*)", tuple(map(identifier, named)))
    return [*rule.measures, alike]


def shown(rule: Rule, contract: Contract) -> list[str]:
    """What a failing row shows: its key, the columns that the rule is about, and its measures."""
    words = set(re.findall(r"\w+", " ".join(m.sql for m in rule.measures)))
    about = [c.name for c in contract.columns if c.name in words]
    return list(dict.fromkeys([*contract.key, *columns(rule), *about, *(m.name for m in measures(rule))]))


def considered(rule: Rule) -> str:
    """Predicate of the rows that the rule judges: those that have its values."""
    if rule.expectation in (NOT_NULL, COMPOUND_UNIQUE):
        return "true"
    return " and ".join(f"{identifier(c)} is not null" for c in columns(rule))


def broken(rule: Rule) -> str:
    """Predicate of the rows that break the rule; null where the rule does not judge."""
    if rule.expectation not in BROKEN:
        raise InputError(f"Rule {rule.name!r}: {rule.expectation} has no SQL; add it to contracts.predicates.BROKEN.")
    return BROKEN[rule.expectation](rule, [identifier(c) for c in columns(rule)])


def _list(values: Sequence[object]) -> str:
    return ", ".join(map(literal, values))


def _outside(rule: Rule, named: list[str]) -> str:
    kwargs, (column,) = rule.kwargs, named
    low = f"{column} {'<=' if kwargs.get('strict_min') else '<'} {literal(kwargs.get('min_value'))}"
    high = f"{column} {'>=' if kwargs.get('strict_max') else '>'} {literal(kwargs.get('max_value'))}"
    both = [("min_value", low), ("max_value", high)]
    return "(" + " or ".join(test for name, test in both if kwargs.get(name) is not None) + ")"


def _not_greater(rule: Rule, named: list[str]) -> str:
    return f"not {named[0]} {'>=' if rule.kwargs.get('or_equal') else '>'} {named[1]}"


def _repeated(rule: Rule, _: list[str]) -> str:
    (alike,) = (m for m in measures(rule) if m not in rule.measures)
    return f"{considered(rule)} and {identifier(alike.name)} > 1"


BROKEN: dict[str, Callable[[Rule, list[str]], str]] = {
    NOT_NULL: lambda _, named: f"{named[0]} is null",
    BETWEEN: _outside,
    IN_SET: lambda rule, named: f"{named[0]} not in ({_list(rule.kwargs['value_set'])})",
    NOT_IN_SET: lambda rule, named: f"{named[0]} in ({_list(rule.kwargs['value_set'])})",
    REGEX: lambda rule, named: f"not regexp_matches({named[0]}, {literal(rule.kwargs['regex'])})",
    PAIR_EQUAL: lambda _, named: f"{named[0]} <> {named[1]}",
    PAIR_GREATER: _not_greater,
    UNIQUE: _repeated,
    COMPOUND_UNIQUE: _repeated,
}
