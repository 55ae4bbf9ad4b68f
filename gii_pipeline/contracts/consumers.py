"""Contracts for the tools of those who read the tables.

Belongs here: a contract that stands for one Parquet file, as the `datacontract` command line tests it.
Does not: our own validation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from gii_pipeline.contracts.reading import document

if TYPE_CHECKING:
    from pathlib import Path


TOOL_TYPES = {"bool": "boolean", "binary": "text"}
"""What the tool calls some Arrow types. It reads with DuckDB, which opens the geometry of a GeoParquet file as one and
turns it into text, not into the binary that it is."""


def exported(name: str, file: Path) -> str:
    """The contract of the table `name` as YAML, its one server the Parquet file `file`, for `datacontract test`."""
    contract = document(name)
    contract["servers"] = [{"server": "file", "type": "local", "path": str(file), "format": "parquet"}]
    for prop in contract["schema"][0]["properties"]:
        prop["physicalType"] = TOOL_TYPES.get(prop["physicalType"], prop["physicalType"])
    return yaml.safe_dump(contract, sort_keys=False, allow_unicode=True)
