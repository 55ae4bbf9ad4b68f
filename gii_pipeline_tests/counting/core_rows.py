"""Core tables written by hand, as Parquet files that an engine reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

CORE = {
    "record_id": "str",
    "data_year": "int32",
    "record_type": "str",
    "person_seq": "int32",
    "location_seq": "int32",
    "fraction": "float64",
    "first_at_location": "bool",
    "location_id": "Int64",
}
LOCATIONS = {
    "location_id": "int64",
    "data_year": "int32",
    "place": "str",
    "admin": "str",
    "economy": "str",
    "people": "int64",
}


def packed(latitude: float, longitude: float) -> int:
    return round((latitude + 90) * 1e4) * 10_000_000 + round((longitude + 180) * 1e4)


def table(con: Any, path: Path, rows: list[tuple[Any, ...]], columns: dict[str, str]) -> ir.Table:
    pd.DataFrame(rows, columns=list(columns)).astype(columns).to_parquet(path)
    return con.read_parquet(str(path))
