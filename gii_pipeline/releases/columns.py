"""Columns: names, types and order stay as readers know them, unless a contract's major version says otherwise.

Belongs here: comparing the columns of two releases. Does not: what a column must hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Resource = Mapping[str, Any]


def broken_promises(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Where the tables of package `new` would break what reads those of package `old`, a line for each table.

    New columns at the end and new tables break nothing. A new major version of a contract may change its table.
    """
    now = _tables(new)
    problems = []
    for name, before in _tables(old).items():
        if name not in now:
            problems.append(f"table {name} of {old['version']} is gone")
        elif _major(now[name]) == _major(before):
            columns, were = _columns(now[name]), _columns(before)
            if columns[: len(were)] != were:
                first = next(i for i, column in enumerate(were) if columns[i : i + 1] != [column])
                is_now = " ".join(columns[first]) if first < len(columns) else "nothing"
                problems.append(
                    f"column {first + 1} of {name} was {' '.join(were[first])} in {old['version']} and is {is_now}: "
                    f"the contract, {now[name]['contract_version']}, would have to be {_major(before) + 1}.0.0"
                )
    return problems


def _tables(package: Mapping[str, Any]) -> dict[str, Resource]:
    return {resource["name"]: resource for resource in package["resources"] if resource["path"].endswith(".parquet")}


def _columns(resource: Resource) -> list[tuple[str, str]]:
    return [(field["name"], field["arrow_type"]) for field in resource["schema"]["fields"]]


def _major(resource: Resource) -> int:
    return int(resource["contract_version"].split(".")[0])
