"""A contract in memory: columns, rules, and the schemas that follow from the columns.

Belongs here: frozen classes without behaviour of their own beyond derived views (Arrow, Frictionless, column metadata).
Does not: reading YAML (see `reading`), running rules (see `validation`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

Severity = Literal["error", "warning"]

FRICTIONLESS_TYPES = {
    "string": "string",
    "int32": "integer",
    "int64": "integer",
    "double": "number",
    "bool": "boolean",
    "binary": "string",
}


@dataclass(frozen=True)
class Column:
    """One column. `type` is the name of its Arrow type; bounds are inclusive unless their name says otherwise."""

    name: str
    type: str
    description: str
    unit: str | None = None
    required: bool = False
    unique: bool = False
    key_position: int | None = None
    partition_position: int | None = None
    classification: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    min_length: int | None = None
    pattern: str | None = None
    allowed_values: tuple[Any, ...] = ()

    @property
    def bounds(self) -> str:
        """The bounds as a reader writes them, for instance `> 0, ≤ 1`; empty without bounds."""
        marks = {"≥": self.minimum, ">": self.exclusive_minimum, "≤": self.maximum, "<": self.exclusive_maximum}
        return ", ".join(f"{mark} {value}" for mark, value in marks.items() if value is not None)


@dataclass(frozen=True)
class Measure:
    """A value that a rule needs and the table lacks, in SQL over the table's columns and the rule's references.

    Without `group_by` it is one value a row; with it, an aggregate over the rows that agree in these expressions, given
    to each of them; with scope `table`, one value for the entire table.
    """

    name: str
    sql: str
    group_by: tuple[str, ...] = ()
    scope: Literal["row", "table"] = "row"


@dataclass(frozen=True)
class Rule:
    """One rule, as an expectation of Great Expectations with its arguments.

    A string argument `$name` stands for the parameter `name` of a validation.
    """

    name: str
    description: str
    severity: Severity
    dimension: str
    expectation: str
    kwargs: Mapping[str, Any]
    measures: tuple[Measure, ...] = ()
    references: tuple[str, ...] = ()

    @property
    def scope(self) -> Literal["row", "table"]:
        """`table` if the rule judges one value for the table, `row` if it can name the rows that break it."""
        whole = self.expectation.startswith("expect_table_") or any(m.scope == "table" for m in self.measures)
        return "table" if whole else "row"

    @property
    def mostly(self) -> float:
        """The share of the judged rows, 0 to 1, that has to keep the rule."""
        return float(self.kwargs.get("mostly", 1))

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that the rule needs."""
        values = [v for arg in self.kwargs.values() for v in (arg if isinstance(arg, list) else [arg])]
        return tuple(dict.fromkeys(v[1:] for v in values if isinstance(v, str) and v.startswith("$")))


@dataclass(frozen=True)
class Contract:
    """The contract of one table, in the order in which it is written."""

    name: str
    id: str
    version: str
    status: str
    layer: Literal["core", "edition", "release"]
    maturity: str
    owner: str
    purpose: str
    usage: str
    limitations: str
    grain: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    sla: Mapping[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Hash of the contract, whatever the layout of its file and the process that reads it."""
        text = json.dumps(asdict(self), default=_in_order, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the key columns, in key order."""
        keyed = [c for c in self.columns if c.key_position is not None]
        return tuple(c.name for c in sorted(keyed, key=lambda c: c.key_position or 0))

    @property
    def partition_by(self) -> tuple[str, ...]:
        """Names of the partition columns, in order."""
        parted = [c for c in self.columns if c.partition_position is not None]
        return tuple(c.name for c in sorted(parted, key=lambda c: c.partition_position or 0))

    @property
    def arrow_schema(self) -> pa.Schema:
        """Names, types and order, with description and unit in each field's metadata, id and version in the schema's.

        Every field is nullable: a null where none may be is a broken rule with its rows, not a writer's exception.
        """
        fields = [pa.field(c.name, pa.type_for_alias(c.type), metadata=_field_metadata(c)) for c in self.columns]
        about = {"contract": self.name, "contract_id": self.id, "contract_version": self.version}
        return pa.schema(fields, metadata=about | {"description": self.purpose})

    @property
    def column_schema(self) -> list[dict[str, Any]]:
        """Plain data for a catalogue: `name`, `type`, `description`, `nullable`, `unique` and `other` (sentences)."""
        return [
            {
                "name": c.name,
                "type": c.type,
                "description": c.description,
                "nullable": not c.required,
                "unique": c.unique or self.key == (c.name,),
                "other": _constraints(c),
            }
            for c in self.columns
        ]

    def frictionless_schema(self) -> dict[str, Any]:
        """The Table Schema of the Data Package standard, for `datapackage.json`."""
        fields = [_frictionless_field(c) for c in self.columns]
        return {"fields": fields, "primaryKey": list(self.key), "missingValues": [""]}


def _in_order(value: object) -> object:
    """A set as a list, since the order of a set differs from process to process."""
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    raise TypeError(f"a contract has no {type(value).__name__}")


def _field_metadata(column: Column) -> dict[str, str]:
    return {"description": column.description} | ({"unit": column.unit} if column.unit else {})


def _constraints(column: Column) -> list[str]:
    told = {
        "unit": column.unit,
        "bounds": column.bounds,
        "pattern": column.pattern,
        "allowed values": ", ".join(map(str, column.allowed_values)),
        "key column": column.key_position,
        "partition column": column.partition_position,
        "classification": column.classification,
    }
    return [f"{name}: {value}" for name, value in told.items() if value]


def _frictionless_field(column: Column) -> dict[str, Any]:
    bounds = {
        "minimum": column.minimum,
        "maximum": column.maximum,
        "exclusiveMinimum": column.exclusive_minimum,
        "exclusiveMaximum": column.exclusive_maximum,
        "minLength": column.min_length,
        "pattern": column.pattern,
        "enum": list(column.allowed_values) or None,
        "required": column.required or None,
        "unique": column.unique or None,
    }
    about = {"name": column.name, "type": FRICTIONLESS_TYPES[column.type], "description": column.description}
    unit = {"unit": column.unit} if column.unit else {}
    constraints = {name: value for name, value in bounds.items() if value is not None}
    return about | unit | ({"constraints": constraints} if constraints else {})
