"""The rows that a validation turned away, shown again later.

Belongs here: reading the file that `Verdict.quarantine` wrote.
Does not: writing it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from gii_pipeline import memory
from gii_pipeline.contracts.predicates import identifier, literal, shown
from gii_pipeline.errors import InputError
from gii_pipeline.store import no_pattern

if TYPE_CHECKING:
    from pathlib import Path

    from gii_pipeline.contracts.model import Contract


def explain(path: Path, contract: Contract, limit: int | None = None) -> str:
    """The quarantined rows of one table, by rule, each with its key and the columns that the rule is about.

    path: a file that `Verdict.quarantine` wrote. limit: at most so many rows a rule, by default all.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file. Nothing of {contract.name} was turned away there.")
    con = memory.connect()
    file = f"read_parquet({literal(no_pattern(path))}, hive_partitioning = false)"
    counts = con.execute(f"select rule, severity, count(*) from {file} group by all order by all").fetchall()
    lines = []
    for name, severity, count in counts:
        lines.append(f"{severity} {name}: {count:,} rows. {_says(contract, name)}")
        lines += _told(con, file, contract, name, limit)
    return "\n".join(lines)


def _says(contract: Contract, name: str) -> str:
    return next((r.description for r in contract.rules if r.name == name), "The contract no longer has this rule.")


def _told(con: duckdb.DuckDBPyConnection, file: str, contract: Contract, name: str, limit: int | None) -> list[str]:
    about = [c for r in contract.rules if r.name == name for c in shown(r, contract)] or list(contract.key)
    known = {c.name for c in contract.columns}
    columns = [name for name in about if name in known]
    query = f"select {', '.join(map(identifier, columns))} from {file} where rule = {literal(name)} order by all"
    rows = con.execute(query + (f" limit {limit}" if limit else "")).fetchall()
    return ["  " + ", ".join(f"{c}={v}" for c, v in zip(columns, row, strict=True)) for row in rows]
