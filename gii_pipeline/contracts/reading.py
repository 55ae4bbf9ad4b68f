"""Reading contracts: from Open Data Contract Standard YAML to `Contract`.

Belongs here: where the files are, and the mapping of the standard's fields to ours. What may be left out of a file, and
what stands in it once per metric, see `completing`.
Does not: judging whether a file is valid to the standard (its published schema does, in the tests).
"""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from gii_pipeline.contracts.completing import complete
from gii_pipeline.contracts.model import Column, Contract
from gii_pipeline.contracts.translation import rules
from gii_pipeline.errors import InputError
from gii_pipeline.registry import shipped
from gii_pipeline.yaml import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from gii_pipeline.registry import Registry

SUFFIX = ".odcs.yaml"
SHARED = "shared.yaml"
RECORDS = "records.yaml"
"""The contract of every table of records."""


def _folder() -> Traversable:
    return files("gii_pipeline.data_contracts")


def names(registry: Registry | None = None) -> tuple[str, ...]:
    """Names of all tables that have a contract, sorted: the written ones, and one table of records per metric."""
    return tuple(sorted({*written(), *(registry or shipped()).by_table}))


def load(name: str, registry: Registry | None = None) -> Contract:
    """The contract of the table `name`. registry: the metrics that there are, by default those of the package."""
    return _load(name, registry or shipped())


def document(name: str, registry: Registry | None = None) -> dict[str, Any]:
    """The contract of the table `name` as a complete document of the standard."""
    registry = registry or shipped()
    if name not in names(registry):
        raise InputError(f"No contract for a table {name!r}. There are: {', '.join(names(registry))}.")
    metric = registry.by_table.get(name)
    written = _parsed(f"{name}{SUFFIX}" if metric is None else RECORDS)
    return complete(name, written, _parsed(SHARED), registry, metric)


@functools.lru_cache(maxsize=256)
def _load(name: str, registry: Registry) -> Contract:
    return _contract(document(name, registry))


@functools.cache
def written() -> frozenset[str]:
    """Names of the tables with a contract of their own, whatever metrics there are."""
    return frozenset(f.name.removesuffix(SUFFIX) for f in _folder().iterdir() if f.name.endswith(SUFFIX))


@functools.cache
def _parsed(file: str) -> Any:  # noqa: ANN401
    return read_yaml((_folder() / file).read_text(encoding="utf-8"), file)


def read(path: Path) -> Contract:
    """The contract in the file `path`."""
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> Contract:
    """The contract written in `text` (YAML of the Open Data Contract Standard 3.1, one table)."""
    return _contract(read_yaml(text, "the contract"))


def _contract(document: Mapping[str, Any]) -> Contract:
    (table,) = document["schema"]
    about, custom = document["description"], _custom(document)
    return Contract(
        name=table["name"],
        id=document["id"],
        version=document["version"],
        status=document["status"],
        layer=custom["layer"],
        maturity=custom["maturity"],
        owner=document["team"]["name"],
        purpose=about["purpose"],
        usage=about["usage"],
        limitations=about["limitations"],
        grain=table["dataGranularityDescription"],
        columns=tuple(map(_column, table["properties"])),
        rules=tuple(rules(table)),
        sla={s["property"]: f"{s['value']} {s.get('unit', '')}".strip() for s in document["slaProperties"]},
    )


def _custom(element: Mapping[str, Any]) -> dict[str, Any]:
    return {p["property"]: p["value"] for p in element.get("customProperties", [])}


def _column(prop: Mapping[str, Any]) -> Column:
    options = prop.get("logicalTypeOptions", {})
    listed = [q["arguments"]["validValues"] for q in prop.get("quality", []) if q.get("metric") == "invalidValues"]
    return Column(
        name=prop["name"],
        type=prop["physicalType"],
        description=prop["description"],
        unit=_custom(prop).get("unit"),
        required=prop.get("required", False),
        unique=prop.get("unique", False),
        key_position=prop.get("primaryKeyPosition"),
        partition_position=prop.get("partitionKeyPosition"),
        classification=prop.get("classification"),
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        exclusive_minimum=options.get("exclusiveMinimum"),
        exclusive_maximum=options.get("exclusiveMaximum"),
        min_length=options.get("minLength"),
        pattern=options.get("pattern"),
        allowed_values=tuple(listed[0]) if listed else (),
    )
