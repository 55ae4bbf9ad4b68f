"""What the contracts say of a released table, for the package and the audit.

Belongs here: the only calls of this room into `contracts`. Does not: rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from gii_pipeline import contracts


def to_contract(table: str, rows: pa.Table) -> pa.Table:
    """The rows with the types, descriptions and units of the table's contract."""
    return rows.cast(contracts.load(table).arrow_schema)


def purposes(tables: Iterable[str]) -> dict[str, str]:
    """Table -> what its contract says it is for."""
    return {name: contracts.load(name).purpose for name in tables}


def from_rows(table: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows, none or many, as a table with its contract's columns, types, descriptions and units."""
    return pa.Table.from_pylist(list(rows), schema=contracts.load(table).arrow_schema)


def broken_rules(table: str, rows: pa.Table, others: Mapping[str, pa.Table], edition: int, method: int) -> list[str]:
    """What breaks the contract of a table of one edition; rules of severity warning do not count."""
    verdict = contracts.validate(
        rows, contracts.load(table), references=others, parameters={"edition": edition, "method": method}
    )
    return [] if verdict.passed else [verdict.message()]
