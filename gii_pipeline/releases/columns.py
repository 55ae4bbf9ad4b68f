"""Columns: what readers rely on stays, unless a contract's major version says otherwise.

Belongs here: comparing the columns of two releases. Does not: which change breaks a reader (see
`contracts.compatibility`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gii_pipeline.contracts import Column, column_changes

Resource = Mapping[str, Any]
BOUNDS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
    "minLength": "min_length",
    "pattern": "pattern",
}
"""Constraints of a Table Schema -> what a column calls them."""


def broken_promises(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Where the tables of package `new` would break what reads those of package `old`, a line for each column.

    New columns and new tables break nothing, wherever they stand. A new major version of a contract may change its
    table.
    """
    now = _tables(new)
    problems = []
    for name, before in _tables(old).items():
        if name not in now:
            problems.append(f"table {name} of {old['version']} is missing")
        elif _major(now[name]) == _major(before):
            due = f"the contract, {now[name]['contract_version']}, would have to be {_major(before) + 1}.0.0"
            changes = column_changes(_columns(before), _columns(now[name]))
            problems += [f"{name} of {old['version']}: {why}; {due}" for kind, why in changes if kind == "major"]
    return problems


def _tables(package: Mapping[str, Any]) -> dict[str, Resource]:
    return {resource["name"]: resource for resource in package["resources"] if resource["path"].endswith(".parquet")}


def _columns(resource: Resource) -> list[Column]:
    return [_column(field, field.get("constraints", {})) for field in resource["schema"]["fields"]]


def _column(field: Mapping[str, Any], constraints: Mapping[str, Any]) -> Column:
    """A field of a Table Schema as a column of a contract."""
    return Column(
        name=field["name"],
        type=field["arrow_type"],
        description=field.get("description", ""),
        unit=field.get("unit"),
        required=constraints.get("required", False),
        unique=constraints.get("unique", False),
        allowed_values=tuple(constraints.get("enum", ())),
        **{ours: constraints[theirs] for theirs, ours in BOUNDS.items() if theirs in constraints},
    )


def _major(resource: Resource) -> int:
    return int(resource["contract_version"].split(".")[0])
