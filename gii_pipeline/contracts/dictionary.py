"""The data dictionary: every table, column and rule, for people who read the data.

Belongs here: contracts as Markdown, a page per table and one that lists them.
Does not: anything that is not in a contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gii_pipeline.contracts import basis

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gii_pipeline.contracts.model import Column, Contract

LAYERS = {
    "core": "Core tables, one partition per data year",
    "edition": "Edition tables, one partition per edition and method",
    "release": "Tables of releases only",
}
LIST, FOLDER = "data-dictionary.md", "dictionary"
OPENING = """# Data dictionary

All tables of the pipeline, one page each, generated from the contracts in `data_contracts/`. The pages are made by
`python -m gii_pipeline.contracts`; change a contract and run it again.

A key column is marked by its position in the key. Errors keep a table from being published, warnings are recorded.
Columns with personal data are marked: think before you share them.

"Rests on" lists the settings of an edition that affect a column, and the weakest of their tags: **A** for an
assumption, **I** for an inference, **F** for a fact. Their values and sources are [at the end](#what-figures-rest-on).
Core tables are as their source has them.
"""


def pages(contracts: Sequence[Contract]) -> dict[str, str]:
    """File -> its Markdown: the list of tables, and each table's page in a folder next to it."""
    made = {LIST: _list(contracts)}
    return made | {f"{FOLDER}/{contract.name}.md": _table(contract) for contract in contracts}


def write(contracts: Sequence[Contract], folder: Path) -> None:
    """Write every page under a folder; the page of a table that is gone goes, too."""
    made = pages(contracts)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    for old in (folder / FOLDER).glob("*.md"):
        if f"{FOLDER}/{old.name}" not in made:
            old.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


def _list(contracts: Sequence[Contract]) -> str:
    parts = [OPENING]
    for layer, title in LAYERS.items():
        links = [f"- [`{c.name}`]({FOLDER}/{c.name}.md): {c.purpose}" for c in contracts if c.layer == layer]
        parts += [f"## {title}\n", "\n".join(links) + "\n"]
    return "\n".join([*parts, *_grounds(contracts)])


def _grounds(contracts: Sequence[Contract]) -> list[str]:
    """The settings that columns rest on, with their tags and sources in the newest edition."""
    named = dict.fromkeys(
        setting
        for contract in contracts
        if contract.layer != "core"
        for column in contract.columns
        for setting in basis.settings_of(contract.name, column.name)
    )
    rows = [basis.ground(setting) for setting in named]
    return [
        "## What figures rest on\n",
        f"Settings of edition {basis.newest().label}.",
        "F: a fact, stated by WIPO or a patent office. I: inferred from published figures. A: our assumption.",
        "Other editions may differ: `editions.yaml` and the `datapackage.json` of a release have each tag.\n",
        "| setting | tag | value | source |",
        "|---|---|---|---|",
        *(f"| {_code(row.setting)} | {row.tag} | {_cell(row.value)} | {_cell(row.source)} |" for row in rows),
        "",
    ]


def _table(contract: Contract) -> str:
    sla = ", ".join(f"{name} {value}" for name, value in contract.sla.items())
    lines = [
        f"# {contract.name}\n",
        f"{contract.purpose} One row: {_lower(contract.grain)} {contract.usage} {contract.limitations}\n",
        f"Key: {_names(contract.key)}. Partition: {_names(contract.partition_by) or 'none'}.",
        f"Version {contract.version}, {contract.maturity}. {sla}.",
        f'[All tables](../{LIST}); [what "rests on" means](../{LIST}#what-figures-rest-on).\n',
        "## Columns\n",
        "| column | type | unit | may be missing | values | rests on | description |",
        "|---|---|---|---|---|---|---|",
        *(_column(contract, column) for column in contract.columns),
        "",
        "## Rules\n",
        "| rule | severity | meaning |",
        "|---|---|---|",
        *(f"| {_code(r.name)} | {r.severity} | {_cell(r.description)} |" for r in contract.rules),
        "",
    ]
    return "\n".join(lines)


def _column(contract: Contract, column: Column) -> str:
    position = f" (key {column.key_position})" if column.key_position else ""
    personal = f" Classification: {column.classification}." if column.classification else ""
    values = ", ".join(map(_code, column.allowed_values)) or column.bounds or (_code(column.pattern or ""))
    missing = "" if column.required else "yes"
    rests_on = "" if contract.layer == "core" else basis.in_words(contract.name, column.name)
    cells = [_code(column.name) + position, column.type, column.unit or "", missing, values, rests_on]
    return f"| {' | '.join(map(_cell, cells))} | {_cell(column.description + personal)} |"


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(_code, names))


def _code(text: object) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
