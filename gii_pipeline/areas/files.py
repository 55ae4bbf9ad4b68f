"""The files that a ranking of areas is written to: Parquet or CSV, each with what it is and what it was made from.

Belongs here: formats and metadata. Does not: figures (see `ranked`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa

from gii_pipeline import contracts
from gii_pipeline.errors import InputError
from gii_pipeline.registry import Registry
from gii_pipeline.releases.files import write_csv
from gii_pipeline.store.parquet import write_parquet

COLUMNS_OF = ("cluster_footprints", "ranking_size")
"""The contracts whose columns, units and descriptions those of areas are; what both have is as in the last."""
METADATA = b"gii_areas"


def write(table: pd.DataFrame, path: Path, about: Mapping[str, Any], registry: Registry) -> None:
    """Write a ranking of areas to a file that ends in .parquet or .csv; an earlier one is replaced whole.

    A CSV file has its metadata next to it, in `.metadata.json`. Raises InputError for another ending or folder.
    """
    if path.suffix not in (".parquet", ".csv"):
        raise InputError(f"{path}: the name of the output file must end in .parquet or .csv.")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}. Create it first.")
    rows = pa.Table.from_pandas(table, schema=_schema(table, registry), preserve_index=False)
    with TemporaryDirectory(prefix=".areas-", dir=path.parent) as folder:
        made = Path(folder) / path.name
        if path.suffix == ".csv":
            write_csv(rows, made, about)
        else:
            write_parquet(rows, made, {METADATA: json.dumps(dict(about), ensure_ascii=False).encode()})
        for file in sorted(Path(folder).iterdir(), reverse=True):
            os.replace(file, path.parent / file.name)  # noqa: PTH105


def _schema(table: pd.DataFrame, registry: Registry) -> pa.Schema:
    known = {field.name: field for name in COLUMNS_OF for field in contracts.load(name, registry).arrow_schema}
    area = pa.field("area", pa.string(), metadata={b"description": b"Name of the area, as the user's file has it."})
    return pa.schema([area if name == "area" else known[name] for name in table.columns])
