"""What the contracts say of a released table, for the package and the audit.

Belongs here: the only calls of this room into `contracts`. Does not: rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
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


def broken_rules(
    table: str, others: Mapping[str, pa.Table], label: str, waivers: Iterable[Mapping[str, Any]], today: date
) -> list[str]:
    """What breaks the contract of one of an edition's tables; warnings, and what is waived, do not count.

    others: the edition's tables by name, this one among them.
    """
    verdict = contracts.validate(others[table], contracts.load(table), partition=label, references=others)
    allowed = (contracts.Waiver.model_validate(waiver) for waiver in waivers)
    verdict, _ = contracts.waive(verdict, allowed, today)
    return [] if verdict.passed else [verdict.message()]
