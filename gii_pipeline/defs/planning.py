"""Planning: what is there, what is missing, what is stale and why, before anything runs.

Belongs here: comparing the locks of tables with what they would be made from now.
Does not: running anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from gii_pipeline.defs.between_years import counted_twice, superseding
from gii_pipeline.defs.edition_plan import State, difference, pending_stages, told
from gii_pipeline.defs.inputs import EditionInputs
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.recipes import core_lock, joint_lock
from gii_pipeline.errors import DamagedError
from gii_pipeline.sources.gathering import changed_files
from gii_pipeline.store import FOLLOWING_TABLES, read_lock


@dataclass(frozen=True)
class Step:
    """One partition of one job: whether it has to run, and why.

    tables: the record tables of a data year that are asked for, all of the profile's where none is named; of an
    edition, those that are made again or may have to be. fetches: whether the files of a data year are fetched, or
    those that it was made from are read again.
    """

    job: str
    partition: str
    state: State
    why: str = ""
    tables: tuple[str, ...] = ()
    fetches: bool = True

    @property
    def title(self) -> str:
        return f"{self.job} {self.partition}"


def plan(pipeline: Pipeline, labels: Iterable[str]) -> list[Step]:
    """Every data year that the editions demand, once, then the editions in the order in which ids are inherited.

    Raises InputError where the profile has no source of any metric that an edition counts.
    """
    inputs = [EditionInputs(pipeline, label) for label in labels]
    demanded: dict[int, tuple[str, ...]] = {}
    for edition in inputs:
        for year, tables in edition.demanded.items():
            known = demanded.get(year, ())
            demanded[year] = tuple(table for table in pipeline.tables if table in {*known, *tables})
    ingest = [ingest_step(pipeline, year, tables) for year, tables in sorted(demanded.items())]
    changed = {int(step.partition) for step in ingest if step.state != "there"}
    rankings: list[Step] = []
    for each in sorted(inputs, key=lambda each: (each.edition.edition, each.edition.method)):
        earlier = {step.partition for step in rankings if step.state != "there"}
        rankings.append(ranking_step(each, changed, earlier))
    return [*ingest, *rankings]


def ingest_step(pipeline: Pipeline, year: int, asked: tuple[str, ...]) -> Step:
    """Whether a data year's core tables are there, as they were written, from what they would be made from now.

    asked: the record tables that some window demands of the year; no other is looked at.
    """
    return replace(_ingest_step(pipeline, year, asked), tables=asked)


def _ingest_step(pipeline: Pipeline, year: int, asked: tuple[str, ...]) -> Step:
    tables = [*asked, *FOLLOWING_TABLES]
    missing = [
        table
        for table in (*pipeline.tables, *FOLLOWING_TABLES)
        if table in tables and not pipeline.store.core(table, year).is_file()
    ]
    if missing:
        return Step("ingest", str(year), "missing", f"no {', '.join(missing)}")
    if pipeline.refresh:
        return Step("ingest", str(year), "stale", "--refresh asks for it")
    try:
        for table in tables:
            pipeline.store.verified(table, str(year))
        return _whole_ingest_step(pipeline, year, asked)
    except DamagedError as error:
        return Step("ingest", str(year), "damaged", str(error))


def _whole_ingest_step(pipeline: Pipeline, year: int, asked: tuple[str, ...]) -> Step:
    """Whether whole core tables are made from what they would be made from now."""
    for name, source in pipeline.yearless.items():
        if changed := changed_files(pipeline.archive, source, pipeline.store.raw(name)):
            return Step("ingest", str(year), "stale", f"{name}: {changed}")
    for table in asked:
        metric, path = pipeline.tables[table], pipeline.store.core(table, year)
        if changed := changed_files(
            pipeline.archive, pipeline.profile.metrics[metric], pipeline.store.raw(table, year)
        ):
            return Step("ingest", str(year), "stale", f"{table}: {changed}")
        lock, now = read_lock(path), core_lock(pipeline, table, year, superseding(path))
        if lock.recipe != now.recipe:
            return Step("ingest", str(year), "stale", f"{table}: {', '.join(difference(lock, now))}")
        if twice := counted_twice(pipeline, table, year):
            return Step("ingest", str(year), "stale", twice)
    records = [pipeline.store.core(table, year) for table in pipeline.tables_there(year)]
    for table in FOLLOWING_TABLES:
        lock, now = read_lock(pipeline.store.core(table, year)), joint_lock(records, [table], pipeline.registry)
        if lock.recipe != now.recipe:
            return Step("ingest", str(year), "stale", f"{table}: {', '.join(difference(lock, now))}")
    return Step("ingest", str(year), "there")


def recounted(pipeline: Pipeline) -> list[Step]:
    """The data years that count a record which another made later counts too: to be made again from their files."""
    steps = []
    for year in pipeline.data_years:
        twice = {table: counted_twice(pipeline, table, year) for table in pipeline.tables_there(year)}
        tables = tuple(table for table, why in twice.items() if why)
        if tables:
            steps.append(Step("ingest", str(year), "stale", twice[tables[0]], tables, fetches=False))
    return steps


def ranking_step(inputs: EditionInputs, changed_years: Collection[int] = (), earlier: Collection[str] = ()) -> Step:
    """The same of an edition's tables; those of the stages that have to run or wait are named.

    changed_years: data years that are to be ingested again before; earlier: editions that are ranked before.
    """
    pending = pending_stages(inputs, changed_years, earlier)
    states = {one.state for one in pending}
    state: State = next((each for each in ("missing", "damaged") if each in states), "stale" if pending else "there")
    tables = tuple(table for one in pending for table in one.stage.tables)
    return Step("ranking", inputs.label, state, told(pending), tables)
