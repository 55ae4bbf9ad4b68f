"""The data dictionary: every table, column and rule, for people who read the data.

Belongs here: contracts as Markdown.
Does not: anything that is not in a contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gii_pipeline.contracts.model import Column, Contract

LAYERS = {
    "core": "Core tables, one partition a data year",
    "edition": "Edition tables, one partition an edition and method",
    "release": "Tables of a release only",
}
OPENING = """# Data dictionary

Every table that the pipeline keeps, from the contracts in `data_contracts/`. This page is made by
`python -m gii_pipeline.contracts`; change a contract and run it again.

A key column is marked by its position in the key. Errors keep a table from being published, warnings are recorded.
Columns of personal data are marked so: think before passing them on.
"""


def markdown(contracts: Sequence[Contract]) -> str:
    """The whole page."""
    parts = [OPENING]
    for layer, title in LAYERS.items():
        inside = [c for c in contracts if c.layer == layer]
        links = [f"- [`{c.name}`](#{c.name}): {c.purpose}" for c in inside]
        parts += [f"## {title}\n", "\n".join(links) + "\n", *map(_table, inside)]
    return "\n".join(parts)


def _table(contract: Contract) -> str:
    sla = ", ".join(f"{name} {value}" for name, value in contract.sla.items())
    lines = [
        f"### {contract.name}\n",
        f"{contract.purpose} One row: {_lower(contract.grain)} {contract.usage} {contract.limitations}\n",
        f"Key: {_names(contract.key)}. Partition: {_names(contract.partition_by) or 'none'}.",
        f"Version {contract.version}, {contract.maturity}. {sla}.\n",
        "| column | type | unit | may be missing | values | description |",
        "|---|---|---|---|---|---|",
        *map(_column, contract.columns),
        "",
        "| rule | severity | says |",
        "|---|---|---|",
        *(f"| {_code(r.name)} | {r.severity} | {_cell(r.description)} |" for r in contract.rules),
        "",
    ]
    return "\n".join(lines)


def _column(column: Column) -> str:
    position = f" (key {column.key_position})" if column.key_position else ""
    personal = f" Classification: {column.classification}." if column.classification else ""
    values = ", ".join(map(_code, column.allowed_values)) or column.bounds or (_code(column.pattern or ""))
    missing = "" if column.required else "yes"
    cells = [_code(column.name) + position, column.type, column.unit or "", missing, values]
    return f"| {' | '.join(map(_cell, cells))} | {_cell(column.description + personal)} |"


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(_code, names))


def _code(text: object) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
