"""Examples of what the ledger of a data year counts: the rows of one metric, by what became of them.

Belongs here: which ledger, lists and tables of a pipeline the examples come from.
Does not: which rows an outcome stands for (`sources.examples`).
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from gii_pipeline import memory
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.reading import Reading
from gii_pipeline.errors import InputError
from gii_pipeline.sources.examples import Examples, outcomes
from gii_pipeline.sources.gathering import hashes
from gii_pipeline.sources.union import Pinned
from gii_pipeline.store import read_lock, read_parquet


@dataclass(frozen=True)
class Found:
    """An outcome of a ledger: how many rows or records it counts, and the first of them."""

    stage: str
    outcome: str
    count: int
    rows: pd.DataFrame

    @property
    def told(self) -> str:
        what = "rows" if self.stage == "read" else "records"
        return f"{self.count:,} {what}, {len(self.rows):,} rows shown"


def examples(pipeline: Pipeline, table: str, data_year: int, asked: str, limit: int) -> list[Found]:
    """The outcomes that `asked` names, each with at most `limit` rows.

    Raises InputError where there is no such table, ledger or outcome, or where the files of the ledger have changed.
    """
    if table not in pipeline.tables:
        raise InputError(f"{table!r} is not a record table of the profile. Known: {', '.join(pipeline.tables)}.")
    metric, store = pipeline.tables[table], pipeline.store
    if not store.core("ingest_ledger", data_year).is_file() or not store.core(table, data_year).is_file():
        raise InputError(f"{table} of {data_year} has no ledger yet. Run `gii ingest --years {data_year}`.")
    lines = read_parquet(store.verified("ingest_ledger", str(data_year))).to_pylist()
    named = outcomes([line for line in lines if line["metric"] == metric], asked)
    core = store.verified(table, str(data_year))
    with memory.connect() as connection:
        reading = Reading(pipeline, metric, connection)
        others = reading.elsewhere(data_year)
        rows = Examples(connection, _listed(reading, data_year), others, data_year, reading.options, core)
        return [Found(*line, rows.of(line[0], line[1], limit)) for line in named]


def _listed(reading: Reading, data_year: int) -> Pinned:
    """The extracts that the ledger was made from."""
    table = reading.pipeline.store.core(reading.table, data_year)
    made_from = read_lock(table).sources
    listed = {name: found.get(str(data_year)) for name, found in made_from.items() if str(data_year) in found}
    pinned = reading.kept(data_year)
    if pinned is None or hashes(reading.pin(data_year)) != listed:
        raise InputError(
            f"The files of {reading.table} of {data_year} differ from those that its ledger was made from, or "
            f"were deleted. Run `gii ingest --years {data_year}`."
        )
    pinned.verify()
    return pinned
