"""What the contracts say of a released table, for the package and the audit.

Belongs here: the only calls of this room into `contracts`. Does not: rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from gii_pipeline import contracts
from gii_pipeline.errors import ReleaseError
from gii_pipeline.registry import Registry
from gii_pipeline.releases.info import ReleaseInfo


def to_contract(table: str, rows: pa.Table, registry: Registry) -> pa.Table:
    """The rows with the columns, types, descriptions and units of the table's contract.

    A column that they lack is null.
    Raises ReleaseError for one that the contract does not have: an earlier release counted a metric that has no entry.
    """
    schema = contracts.load(table, registry).arrow_schema
    if more := [name for name in rows.column_names if name not in schema.names]:
        raise ReleaseError(
            f"{table}: an earlier release has {', '.join(more)}, and the profile has no entry for this metric. "
            "Add it to `new_metrics`, or release under another root."
        )
    columns = [
        rows[field.name] if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type) for field in schema
    ]
    return pa.table(columns, names=schema.names).cast(schema)


def purposes(tables: Iterable[str], registry: Registry) -> dict[str, str]:
    """Table -> what its contract says it is for."""
    return {name: contracts.load(name, registry).purpose for name in tables}


def write_contracts(tables: Iterable[str], folder: Path, registry: Registry) -> None:
    """Write the contracts of tables to a folder, as documents of the Open Data Contract Standard."""
    contracts.write_documents(tables, folder, registry)


def from_rows(table: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows, none or many, as a table with its contract's columns, types, descriptions and units."""
    return pa.Table.from_pylist(list(rows), schema=contracts.load(table).arrow_schema)


def broken_rules(
    table: str,
    others: Mapping[str, pa.Table],
    label: str,
    info: ReleaseInfo,
    today: date,
) -> list[str]:
    """What breaks the contract of one of an edition's tables; warnings, and what is waived, do not count.

    others: the edition's tables by name, this one among them. info: what is known of the edition.
    """
    contract = contracts.load(table, info.registry)
    verdict = contracts.validate(
        others[table], contract, partition=label, references=others, parameters=info.known_limits
    )
    allowed = (contracts.Waiver.model_validate(waiver) for waiver in info.waivers)
    verdict, _ = contracts.waive(verdict, allowed, today)
    return [] if verdict.passed else [verdict.message()]
