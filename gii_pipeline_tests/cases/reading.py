"""A case folder read as the pipeline reads it: archived, extracted, united, chosen and located, without Dagster.

Belongs here: the rows of a profile's records, and how they compare with a folder's `expected.csv`.
Does not: single cases; each has its test.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.reading import Reading
from gii_pipeline.geocoding.location_id import unpack
from gii_pipeline.profiles import read_profile
from gii_pipeline.sources.checking import check_profile
from gii_pipeline.sources.gathering import gather, pin
from gii_pipeline.sources.readers.rows import types_as_words
from gii_pipeline.sources.readers.table import WORDS
from gii_pipeline_tests.commands import CACHE

PLAIN = ("record_id", "year", "person_seq", "people", "fraction", "dropped", "economy", "place", "geocoding", "address")
PLAIN_TOO = ("record_type", "address_seq")
READ = {*PLAIN, *PLAIN_TOO, "latitude", "longitude", "max_km", "or", "or_dropped", "file", "written", "date"}
KM_PER_DEGREE = 111.2
Row = Mapping[Any, Any]


def located_rows(profile: Path, root: Path) -> pd.DataFrame:
    """Every record of a profile's files: person × address, with `metric` and, undated, `dropped` as `no_date`."""
    check_profile(read_profile(profile), str(profile))
    pipeline = Pipeline(read_profile(profile), root, cache_root=Path(os.environ[CACHE]))
    frames = [_of_metric(pipeline, metric) for metric in pipeline.profile.metrics]
    return pd.concat([frame for frame in frames if not frame.empty] or frames, ignore_index=True)


def _of_metric(pipeline: Pipeline, metric: str) -> pd.DataFrame:
    source = pipeline.profile.metrics[metric]
    with duckdb.connect() as connection:
        reading = Reading(pipeline, metric, connection)
        gathered = gather(pipeline.archive, source, None)
        pin(gathered, reading.pin(0))
        pinned = reading.extracted(0)
        found = [_undated(connection, reading)]
        years = {year for extract in pinned.extracts for year in extract.years if year and pinned.within(year)}
        for year in sorted(years):
            pin(gathered, reading.pin(year))
            found.append(reading.located(reading.united(year).rows, year).df())
    rows = pd.concat([frame for frame in found if not frame.empty] or found, ignore_index=True)
    files = " ".join(str(path) for paths in source.local_files().values() for path in paths)
    return rows.assign(metric=metric, files=files)


def _undated(connection: duckdb.DuckDBPyConnection, reading: Reading) -> pd.DataFrame:
    undated = connection.sql(f"FROM {reading.extracted(0).rows()} WHERE record_id IS NOT NULL AND year IS NULL")
    rows: pd.DataFrame = undated.df()
    return rows.assign(dropped="no_date")


def differences(rows: pd.DataFrame, expected: pd.DataFrame) -> list[str]:
    """What is expected and not there, and which records count that are not expected; empty when all is right."""
    left = rows.copy()
    told = []
    for wanted in expected.to_dict("records"):
        fits = [index for index, row in zip(left.index, left.to_dict("records"), strict=True) if _fits(row, wanted)]
        if not fits:
            told.append(f"expected {_shown(wanted)}; {_nearest(rows, wanted)}")
        else:
            left = left.drop(index=fits[0])
    if "dropped" not in expected:
        left = left[left["dropped"].isna()]
    return told + [f"not expected: {_shown(_of_interest(row))}" for row in left.to_dict("records")]


def _fits(row: Row, wanted: Row) -> bool:
    if _given(wanted, "file") and str(wanted["file"]) not in row["files"]:
        return False
    dropped = {wanted.get(name) for name in ("or_dropped", "or") if _given(wanted, name)}
    if row["dropped"] in dropped:
        return bool(row["record_id"] == wanted["record_id"])
    same = all(_equal(row[name], _ours(name, wanted[name])) for name in (*PLAIN, *PLAIN_TOO) if _asked(wanted, name))
    return same and _near(row, wanted)


def _ours(name: str, wanted: Any) -> Any:
    """What is wanted, a source's word for a type in ours."""
    return WORDS.get(types_as_words([str(wanted)])[0], wanted) if name == "record_type" else wanted


def _asked(wanted: Row, name: str) -> bool:
    """Whether a cell says something: an empty one means null for a reason, and nothing for a place beside a point."""
    if name not in wanted:
        return False
    if name in ("place", "geocoding"):
        return _given(wanted, name) and not _given(wanted, "max_km")
    return _given(wanted, name) or name == "dropped"


def _given(wanted: Row, name: str) -> bool:
    return not _null(wanted.get(name))


def _null(value: Any) -> bool:
    return value is None or value is pd.NA or value != value  # noqa: PLR0124 - NaN


def _equal(found: Any, wanted: Any) -> bool:
    if _null(wanted) or _null(found):
        return _null(wanted) and _null(found)
    if isinstance(found, int | float | np.number):
        return abs(float(found) - float(str(wanted))) < 0.0001
    return str(found) == str(wanted)


def _near(row: Row, wanted: Row) -> bool:
    if not _given(wanted, "max_km"):
        return True
    if _null(row["location_id"]):
        return False
    [latitude], [longitude] = unpack(np.array([int(row["location_id"])]))
    north = latitude - float(str(wanted["latitude"]))
    east = (longitude - float(str(wanted["longitude"]))) * np.cos(np.radians(latitude))
    return bool(np.hypot(north, east) * KM_PER_DEGREE <= float(str(wanted["max_km"])))


def _nearest(rows: pd.DataFrame, wanted: Row) -> str:
    same = rows[rows["record_id"] == wanted.get("record_id")].to_dict("records") or rows.to_dict("records")
    return "there is " + ("; ".join(_shown(_of_interest(row)) for row in same[:3]) or "no record at all")


def _of_interest(row: Row) -> Row:
    return {name: row[name] for name in (*PLAIN, *PLAIN_TOO) if name in row}


def _shown(row: Row) -> str:
    return ", ".join(f"{name}={value}" for name, value in row.items() if not _null(value))
