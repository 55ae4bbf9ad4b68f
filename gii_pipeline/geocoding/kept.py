"""Answers that are kept: where an address lies is worked out once, whichever year and run asks for it.

Belongs here: what answers depend on, and files of answers that are verified when they are read.
Does not: locating (see `addresses`).

The files of one key are only ever added, each under the hash of its addresses, so that runs at the same time disturb
neither each other nor a reader. A damaged file is removed, and its addresses are located again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline import verified
from gii_pipeline.fingerprints import LIBRARIES_OF_RECORDS, code_of, libraries
from gii_pipeline.geocoding.addresses import ADDRESS_COLUMNS, LOCATED_COLUMNS
from gii_pipeline.geocoding.gazetteer import Gazetteer

_TEXTS: Final = ["place", "admin", "economy", "precision", "geocoding"]
_SCHEMA: Final = pa.schema(
    [
        ("high", pa.uint64()),
        ("low", pa.uint64()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        *((name, pa.string()) for name in _TEXTS),
    ]
)
"""high, low: the hash of an address, 128 bits."""
_HASH_KEYS: Final = ("gii address high", "gii address low.")
_NUMBERS: Final = ("latitude", "longitude")
_BETWEEN: Final = "\x1f"


class _Known(NamedTuple):
    """Answers in the order of `high`, `low`."""

    table: pa.Table
    high: npt.NDArray[np.uint64]
    low: npt.NDArray[np.uint64]


class KeptAnswers:
    """Answers in a folder, for one gazetteer, one set of institutions and overrides, and the code as it is."""

    def __init__(self, folder: Path, gazetteer: Gazetteer, institutions: pd.DataFrame, overrides: pd.DataFrame) -> None:
        self.folder = folder
        self.key = f"{_version(gazetteer)}-{_short([_content(institutions), _content(overrides)])}"

    def locate(self, addresses: pd.DataFrame, locate: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
        """What `locate` gives for the addresses; it is asked only for those whose answer is not kept."""
        high, low = (_hashes(addresses, key) for key in _HASH_KEYS)
        known = self._read()
        row = _rows(known, high, low)
        new = row < 0
        kept: pd.DataFrame = known.table.select(LOCATED_COLUMNS).take(pa.array(row[~new])).to_pandas()
        kept = kept.set_axis(addresses.index[~new])
        if not new.any():
            return kept
        located = locate(addresses[new])
        self._keep(high[new], low[new], located)
        return pd.concat([kept, located]).reindex(addresses.index)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"answers-{self.key}-*.parquet"))

    def _read(self) -> _Known:
        tables = [_SCHEMA.empty_table()]
        for path in self._files():
            if verified.damage(path):
                verified.remove(path)
            else:
                tables.append(pq.read_table(path, schema=_SCHEMA))
        table = pa.concat_tables(tables)
        high, low = (table[name].to_numpy() for name in ("high", "low"))
        order = np.lexsort((low, high))
        return _Known(table.take(pa.array(order)), high[order], low[order])

    def _keep(self, high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64], located: pd.DataFrame) -> None:
        columns = {"high": pa.array(high), "low": pa.array(low)}
        for name in _NUMBERS:
            columns[name] = pa.array(located[name].astype("float64"), from_pandas=True)
        columns |= {
            name: pa.array(located[name].to_numpy(dtype=object), pa.string(), from_pandas=True) for name in _TEXTS
        }
        name = hashlib.sha256(high.tobytes() + low.tobytes()).hexdigest()[:16]
        path = self.folder / f"answers-{self.key}-{name}.parquet"
        self.folder.mkdir(parents=True, exist_ok=True)
        staged = path.with_suffix(f".{os.getpid()}")
        pq.write_table(pa.table(columns, schema=_SCHEMA), staged, compression="zstd")
        verified.replace(staged, path)


def outdated_answers(folder: Path, gazetteer: Gazetteer) -> list[Path]:
    """The files of answers that no run reads any more: of another gazetteer, or of another version of the geocoder."""
    current = f"answers-{_version(gazetteer)}-"
    return [path for path in sorted(folder.glob("answers-*.parquet")) if not path.name.startswith(current)]


def _version(gazetteer: Gazetteer) -> str:
    """What answers depend on whatever is asked: the gazetteer, the code and the libraries."""
    return _short([gazetteer.sha256, code_of("gii_pipeline.geocoding.addresses"), libraries(LIBRARIES_OF_RECORDS)])


def _short(parts: list[object]) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _content(frame: pd.DataFrame) -> str:
    hashed = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    return hashlib.sha256(repr(list(frame.columns)).encode() + hashed.tobytes()).hexdigest()


def _hashes(addresses: pd.DataFrame, hash_key: str) -> npt.NDArray[np.uint64]:
    """A hash per address, of all of its parts; a part that is missing is unlike any that exists."""
    text = pd.Series("", index=addresses.index, dtype="object")
    for name in ADDRESS_COLUMNS:
        column = addresses[name]
        if name in _NUMBERS:
            column = column.astype("float64").map(repr)
        text = text + _BETWEEN + column.astype("object").fillna(_BETWEEN)
    hashed: npt.NDArray[np.uint64] = pd.util.hash_array(text.to_numpy(), hash_key=hash_key, categorize=False)
    return hashed


def _rows(known: _Known, high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """The row of each address among the kept answers, -1 where there is none."""
    found = np.full(len(high), -1, dtype=np.int64)
    if len(known.high):
        at = np.searchsorted(known.high, high)
        there = at < len(known.high)
        same = (known.high[at[there]] == high[there]) & (known.low[at[there]] == low[there])
        found[np.flatnonzero(there)[same]] = at[there][same]
    return found
