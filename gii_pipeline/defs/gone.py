"""Records that are gone at the source since the release before, located as they were, and what that does to ranks.

Belongs here: which extracts, lists and tables of a pipeline the answer comes from.
Does not: which records are gone (`sources.gone_records`), or what a loss does to a ranking (`releases.gone`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from gii_pipeline import memory
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.reading import Reading
from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError
from gii_pipeline.geocoding import pack, unpack
from gii_pipeline.releases.comparison import GoneAtSource, GoneRecords
from gii_pipeline.releases.provenance import file_hashes
from gii_pipeline.sources.gathering import hashes
from gii_pipeline.sources.gone_records import GonePeople, gone_people
from gii_pipeline.sources.readers.files import quoted

Read = Callable[[str], pa.Table]
Side = tuple[Mapping[str, Any], Read]
"""The lock of a release, and its tables by name."""
Files = Mapping[int, set[str]]


def gone_between(pipeline: Pipeline, label: str, before: Side, after: Side) -> GoneAtSource:
    """What the sources no longer have of what `before` was made from, and the ranks of `after` with and without it.

    label: the edition of `after`, of this pipeline.
    """
    from gii_pipeline.releases.gone import rank_effects

    with memory.connect() as con:
        old, new = (file_hashes(lock) for lock, _ in (before, after))
        found = gone_people(con, pipeline.store.extracts, old, new)
        if found is None:
            return GoneAtSource(
                note=f"Records removed at the source are not known: {pipeline.store.extracts} has no extracts "
                f"of the previous release."
            )
        records = tuple(GoneRecords(**each.told()) for each in found)
        try:
            edition = pipeline.book.edition(label)
            _refuse_other_sources(pipeline, found)
            lost = _located(pipeline, con, found, (old, new), edition)
            effects = rank_effects(lost, before[1], after[1], edition) if len(lost) else ()
        except InputError as error:
            return GoneAtSource(records, note=f"The effect of removed records on ranks could not be computed: {error}")
    return GoneAtSource(records, effects)


def _named(pipeline: Pipeline, metric: str, files: Files) -> Files:
    """Of the files of each data year those that a metric's lists name."""
    lists = {year: pipeline.store.raw(pipeline.core_tables[metric], year).parent.glob("inputs*.json") for year in files}
    named = {
        year: {sha for path in paths for found in hashes(path).values() for sha in found}
        for year, paths in lists.items()
    }
    return {year: set(found) & named[year] for year, found in files.items()}


def _refuse_other_sources(pipeline: Pipeline, found: list[GonePeople]) -> None:
    """Raise InputError where records are gone from a reader that the profile has not."""
    known = {source.reader for source in pipeline.profile.metrics.values()}
    if others := sorted({each.source for each in found} - known):
        raise InputError(
            f"the profile {pipeline.profile.title!r} has no source with the reader {', '.join(others)}. Pass "
            f"the profile that the releases were made with (`--profile`)"
        )


def _located(
    pipeline: Pipeline,
    con: duckdb.DuckDBPyConnection,
    every: list[GonePeople],
    files: tuple[Files, Files],
    edition: Edition,
) -> pd.DataFrame:
    """record_id, metric, location_id and fraction of the records that the edition would count.

    every: all that are gone. files: before and after; where several metrics have one reader, their lists say whose they
    are.
    """
    readers = [source.reader for source in pipeline.profile.metrics.values()]
    parts = [pd.DataFrame({"record_id": [], "metric": [], "location_id": [], "fraction": []})]
    for name, settings in edition.metrics.items():
        if name not in pipeline.profile.metrics:
            continue
        reading, window, found = Reading(pipeline, name, con), settings.window.value, every
        if readers.count(reading.reader) > 1:
            found = gone_people(con, pipeline.store.extracts, *(_named(pipeline, name, each) for each in files)) or []
        types = settings.record_types.value
        of_type = "true" if types is None else f"record_type IN ({', '.join(map(quoted, types))})"
        for each in found:
            if each.source != reading.reader or not window.first_year <= each.data_year <= window.last_year:
                continue
            people = reading.located(each.rows, each.data_year).filter(f"dropped IS NULL AND {of_type}")
            parts.append(people.select(f"record_id, {quoted(name)} AS metric, location_id, fraction").df())
    lost = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    there = lost["location_id"].notna()
    rounded = pack(*unpack(lost.loc[there, "location_id"].astype("int64")), edition.location_decimals.value)
    return lost.assign(location_id=pd.Series(rounded, index=lost.index[there], dtype="Int64").reindex(lost.index))
