"""The workflow of a command: plan, run what is missing or stale, release.

Belongs here: running the steps of a plan, one partition a run, in the order of the plan.
Does not: deciding what is stale (`planning`), or showing progress.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import dagster as dg
import pyarrow.parquet as pq

from gii_pipeline import memory
from gii_pipeline.defs.definitions import build
from gii_pipeline.defs.inputs import EditionInputs
from gii_pipeline.defs.instance import instance_of
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.planning import Step, plan, ranking_step, recounted
from gii_pipeline.defs.publishing import kept_warnings
from gii_pipeline.defs.running import Follow, StepEvent, run_partition
from gii_pipeline.errors import GiiError
from gii_pipeline.geocoding import misses_told, unlocated
from gii_pipeline.releases import is_released
from gii_pipeline.sources.progress import watched
from gii_pipeline.store import EDITION_TABLES, FOLLOWING_TABLES, no_pattern, read_parquet

Showing = Callable[[str], AbstractContextManager[Follow]]


@dataclass(frozen=True)
class Outcome:
    """How a step of a plan went: done, there (already), failed or not run; and why."""

    step: Step
    state: Literal["done", "there", "failed", "not run"]
    seconds: float = 0.0
    reason: str = ""
    error: GiiError | None = None

    def as_dict(self) -> dict[str, object]:
        return {**vars(self.step), "outcome": self.state, "seconds": round(self.seconds, 1), "reason": self.reason}


@dataclass(frozen=True)
class Workflow:
    """The jobs of one pipeline, run in this process.

    warnings: of the contracts of the tables made so far, and of years without records in the editions ranked.
    """

    pipeline: Pipeline
    warnings: list[str] = field(default_factory=list)

    @cached_property
    def definitions(self) -> dg.Definitions:
        return build(self.pipeline)

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        return instance_of(self.pipeline.root)

    def plan(self, labels: Sequence[str]) -> list[Step]:
        """What has to run for these editions, and why."""
        return plan(self.pipeline, labels)

    def with_releases(self, steps: Sequence[Step]) -> list[Step]:
        """The steps of a plan, and a release of each edition after its ranking.

        A release is there when its version has the edition's tables, and no earlier edition is released before it.
        """
        found: list[Step] = []
        earlier_is_new = False
        for step in steps:
            found.append(step)
            if step.job == "ranking":
                there = step.state == "there" and not earlier_is_new and is_released(self.pipeline.root, step.partition)
                earlier_is_new = earlier_is_new or not there
                found.append(Step("release", step.partition, "there" if there else "missing"))
        return found

    def run_all(self, steps: Sequence[Step], showing: Showing) -> Iterator[Outcome]:
        """Run what is not there, in order; a step that fails stops only those that need it.

        showing: what shows the events of a run with a title.
        """
        failed_years: set[str] = set()
        unranked: set[str] = set()
        for step in self.in_order(steps):
            lacking = sorted(failed_years & set(self._needs(step)))
            if step.state == "there":
                self.recall(step)
                yield Outcome(step, "there")
            elif lacking:
                unranked.add(step.partition)
                yield Outcome(step, "not run", reason=f"needs data years {', '.join(lacking)}")
            elif step.job == "release" and step.partition in unranked:
                yield Outcome(step, "not run", reason=f"needs the ranking of {step.partition}")
            else:
                outcome = self._outcome(step, showing)
                if outcome.error:
                    (failed_years if step.job == "ingest" else unranked).add(step.partition)
                yield outcome

    def _outcome(self, step: Step, showing: Showing) -> Outcome:
        started = time.monotonic()
        try:
            with showing(step.title) as follow:
                self.run(step, follow)
        except GiiError as error:
            return Outcome(step, "failed", time.monotonic() - started, str(error), error)
        return Outcome(step, "done", time.monotonic() - started)

    def _needs(self, step: Step) -> list[str]:
        """The data years that a step cannot do without."""
        if step.job == "ingest":
            return []
        windows = self.pipeline.editions[step.partition].data_years.values()
        return [str(year) for years in windows for year in years]

    def run(self, step: Step, follow: Follow = lambda _: None) -> None:
        """Run one step of a plan; raises what failed. follow: gets its events as they come.

        Which stages of an edition run is decided now, when the data years and editions before it are there.
        """
        if step.job != "ingest":
            self._warn(self.empty_years(step.partition))
        if step.job == "ranking":
            step = ranking_step(EditionInputs(self.pipeline, step.partition))
            self.recall(step, made=step.tables)
            if step.state == "there":
                return
        where = self.definitions, step.job, step.partition, self.instance
        with watched(lambda line: follow(StepEvent(line, "doing"))):
            run_partition(*where, assets=self._assets(step), follow=follow, warnings=self.warnings)

    def recall(self, step: Step, made: Collection[str] = ()) -> None:
        """Warn of what the contracts warned of when a step's tables were judged, except for those that are made now."""
        every = {"ranking": EDITION_TABLES, "ingest": (*self.pipeline.tables, *FOLLOWING_TABLES), "release": ()}
        self._warn(kept_warnings(self.pipeline.store, step.partition, set(every[step.job]) - set(made)))

    def _warn(self, told: Iterable[str]) -> None:
        self.warnings.extend(line for line in told if line not in self.warnings)

    def in_order(self, steps: Sequence[Step]) -> Iterator[Step]:
        """The steps, and after the data years those that count a record which a data year made now counts too."""
        ingest = [step for step in steps if step.job == "ingest"]
        yield from ingest
        if any(step.state != "there" for step in ingest):
            yield from recounted(self.pipeline)
        yield from (step for step in steps if step.job != "ingest")

    def empty_years(self, label: str) -> list[str]:
        """A sentence for each metric of an edition whose window has years without a record, made now or earlier."""
        told = []
        for metric, years in self.pipeline.editions[label].data_years.items():
            table, store = self.pipeline.core_tables[metric], self.pipeline.store
            there = [str(year) for year in years if store.core(table, year).is_file()]
            empty = [year for year in there if pq.read_metadata(store.verified(table, year)).num_rows == 0]
            if empty:
                told.append(
                    f"{table} {', '.join(empty)}: no record, of {len(there)} years that edition {label} "
                    "counts. If the source has some, read them with `gii ingest` from other files, or with --refresh"
                )
        return told

    def _assets(self, step: Step) -> list[str] | None:
        """The assets that a step makes; None for all of its job."""
        if step.job == "ranking":
            return list(step.tables)
        if step.job != "ingest" or not step.tables:
            return None
        sources = [*step.tables, *self.pipeline.yearless] if step.fetches else []
        return [*(f"raw_{name}" for name in sources), *step.tables, *FOLLOWING_TABLES]

    def misses(self, data_year: str, listed: int = 5) -> list[str]:
        """A line per table of a data year with its most frequent addresses that have no location."""
        told = []
        for table in self.pipeline.tables_there(int(data_year)):
            file = self.pipeline.store.verified(table, data_year)
            with memory.connect() as connection:
                rows = unlocated(connection.read_parquet(no_pattern(file), hive_partitioning=False))
            told.append(misses_told(table, int(data_year), rows.slice(0, listed).to_pylist()))
        return [line for line in told if line]

    def ledger(self, data_year: str) -> list[dict[str, object]]:
        """The lines of a data year's ledger."""
        lines: list[dict[str, object]] = read_parquet(
            self.pipeline.store.verified("ingest_ledger", data_year)
        ).to_pylist()
        return lines
