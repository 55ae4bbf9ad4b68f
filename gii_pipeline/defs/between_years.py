"""Between data years: whether the tables of years that were fetched apart count a record once.

Belongs here: what a core table carries of the lists it was compared with, and when it has to be rebuilt.
Does not: comparing records (see `sources.union`).

Two data years that are read from one list need no comparison: the list counts a record in one year. Where the lists
differ, the table made later was compared with the other; if it counts a record that the other table counts too, the
other has to be rebuilt, from the files it has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.sources.union import Pinned, Union

YEARS_KEY = b"gii_data_years"


def carried(pinned: Pinned, united: Union, others: dict[int, Pinned]) -> bytes:
    """What a core table carries: its list, and of every other data year its list and who counts how many records."""
    compared = {
        year: {"list": others[year].key, "counted_here": here, "counted_there": united.elsewhere[year]}
        for year, here in united.supersedes.items()
    }
    return json.dumps({"list": pinned.key, "years": compared}, sort_keys=True).encode()


def superseding(path: Path) -> list[int]:
    """The other data years that count records of this table's list in its place."""
    return sorted(int(year) for year, found in _carried(path)["years"].items() if found["counted_there"])


def counted_twice(pipeline: Pipeline, table: str, data_year: int) -> str:
    """Why a data year's table has to be rebuilt, compared with those of other data years; empty where it need not."""
    return next(_reasons(pipeline, table, data_year), "")


def _reasons(pipeline: Pipeline, table: str, data_year: int) -> Iterator[str]:
    mine = _carried(pipeline.store.core(table, data_year))
    for year in pipeline.data_years:
        if year == data_year or not pipeline.store.core(table, year).is_file():
            continue
        theirs = _carried(pipeline.store.verified(table, str(year)))
        compared = mine["years"].get(str(year), {}).get("list") == theirs["list"]
        if mine["list"] in (None, theirs["list"]) or compared:
            continue
        seen = theirs["years"].get(str(data_year), {})
        if seen.get("list") != mine["list"]:
            yield f"{table} was not compared with data year {year}"
        elif seen["counted_here"]:
            yield f"data year {year} counts {seen['counted_here']:,} records of {table} that are also counted here"


def _carried(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {"list": None, "years": {}}
    found = path.stat()
    return _carried_by(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1024)
def _carried_by(path: Path, changed: int, size: int) -> dict[str, Any]:
    """What a file carries. changed, size: of the file, so that one that is written again is read again."""
    del changed, size
    found = (pq.read_schema(path).metadata or {}).get(YEARS_KEY)
    return json.loads(found) if found else {"list": None, "years": {}}
