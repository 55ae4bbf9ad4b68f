"""Contracts for the tools of those who read the tables.

Belongs here: a contract as a complete document of the standard, and one that stands for one Parquet file, as the
`datacontract` command line tests it.
Does not: our own validation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from gii_pipeline.contracts.reading import SUFFIX, document

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gii_pipeline.registry import Registry


_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):  # type: ignore[misc]
    """Plain YAML: what occurs twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401
        del data
        return True


TOOL_TYPES = {"bool": "boolean", "binary": "text"}
"""What the tool calls some Arrow types. It reads with DuckDB, which opens the geometry of a GeoParquet file as one and
turns it into text, not into the binary that it is."""


def exported(name: str, file: Path) -> str:
    """The contract of the table `name` as YAML, its one server the Parquet file `file`, for `datacontract test`."""
    contract = document(name)
    contract["servers"] = [{"server": "file", "type": "local", "path": str(file), "format": "parquet"}]
    for prop in contract["schema"][0]["properties"]:
        prop["physicalType"] = TOOL_TYPES.get(prop["physicalType"], prop["physicalType"])
    return _written(contract)


def write_documents(tables: Iterable[str], folder: Path, registry: Registry | None = None) -> None:
    """Write the contracts of tables to a folder, each as a complete document of the standard."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in tables:
        (folder / f"{name}{SUFFIX}").write_text(_written(document(name, registry)), encoding="utf-8")


def _written(contract: dict[str, Any]) -> str:
    return str(yaml.dump(contract, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))
