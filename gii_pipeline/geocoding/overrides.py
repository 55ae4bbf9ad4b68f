"""Overrides: where a person says that an address lies, for what the gazetteer gets wrong or does not know.

Belongs here: reading the file and what it may say.
Does not: which addresses need one (see `core.unlocated`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from gii_pipeline.errors import InputError
from gii_pipeline.geocoding.economies import alpha2
from gii_pipeline.geocoding.names import plain
from gii_pipeline.sources.readers import delimited
from gii_pipeline.sources.readers import files as reading

_COLUMNS: Final = ["address", "latitude", "longitude", "geonameid", "economy"]


def read_overrides(path: Path | None) -> pd.DataFrame:
    """A CSV with the columns address and any of latitude, longitude, geonameid, economy.

    A row says where an address lies (a point, or a place of the gazetteer), the address written as the pipeline lists
    unlocated ones, whatever its case and punctuation; or, with an economy alone, which economy (alpha-2) a code or name
    in `address` stands for. Returns form (the plain address) and the other columns, one row per form.
    Raises InputError naming the file and the line.
    """
    if path is None:
        return pd.DataFrame(columns=["form", *_COLUMNS[1:]])
    names = delimited.header(reading.named({"overrides": [path]}, "overrides")[0])
    if "address" not in names or not set(names) <= {*_COLUMNS, "note"}:
        raise InputError(
            f"{path}: the header has {', '.join(names)}; it needs address, and may have {', '.join(_COLUMNS)} and note"
        )
    rows = pd.read_csv(path, dtype={"address": "str", "economy": "str"}, keep_default_na=False, na_values=[""])
    rows = rows.reindex(columns=_COLUMNS)
    numbers = rows[["latitude", "longitude", "geonameid"]].apply(pd.to_numeric, errors="coerce")
    point = numbers["latitude"].between(-90, 90) & numbers["longitude"].between(-180, 180)
    named = rows["economy"].map(_is_economy)
    nothing = rows[_COLUMNS[1:]].isna().all(axis=1)
    whole = rows["address"].notna() & (nothing | point | numbers["geonameid"].notna() | named)
    if not whole.all():
        line = int(whole.to_numpy().argmin()) + 2
        raise InputError(
            f"{path}, line {line}: give latitude and longitude in degrees, or a geonameid, or an economy "
            "(ISO 3166-1 alpha-2), or only the code, if it means no economy"
        )
    forms = rows["address"].map(plain)
    if forms.duplicated().any():
        raise InputError(
            f"{path}: the address {rows['address'][forms.duplicated()].iloc[0]!r} appears twice; keep one of the lines"
        )
    read: pd.DataFrame = numbers.assign(form=forms, economy=rows["economy"])[["form", *_COLUMNS[1:]]]
    return read


def _is_economy(code: object) -> bool:
    return isinstance(code, str) and alpha2(code) is not None
