"""The workflow of a command: plan, run what is missing or stale, release.

Belongs here: running the steps of a plan, one partition a run, in the order of the plan.
Does not: deciding what is stale (`planning`), or showing progress.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import dagster as dg

from gii_pipeline.defs.definitions import build
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.planning import Step, plan
from gii_pipeline.defs.running import StepEvent, instance_of, run_partition
from gii_pipeline.errors import GiiError
from gii_pipeline.store import read_parquet


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
    """The jobs of one pipeline, run in this process. warnings: of the contracts of the tables made so far."""

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

    def run_all(self, steps: Sequence[Step], follow: Callable[[str, Iterator[StepEvent]], None]) -> Iterator[Outcome]:
        """Run what is not there, in order; a step that fails stops only those that need it.

        follow: consumes a step's events, under a title.
        """
        failed_years: set[str] = set()
        for step in steps:
            lacking = sorted(failed_years & set(self._needs(step)))
            if step.state == "there":
                yield Outcome(step, "there")
            elif lacking:
                yield Outcome(step, "not run", reason=f"needs data years {', '.join(lacking)}")
            else:
                outcome = self._outcome(step, follow)
                if outcome.error and step.job == "ingest":
                    failed_years.add(step.partition)
                yield outcome

    def _outcome(self, step: Step, follow: Callable[[str, Iterator[StepEvent]], None]) -> Outcome:
        started = time.monotonic()
        try:
            follow(f"{step.job} {step.partition}", self.run(step))
        except GiiError as error:
            return Outcome(step, "failed", time.monotonic() - started, str(error), error)
        return Outcome(step, "done", time.monotonic() - started)

    def _needs(self, step: Step) -> list[str]:
        """The data years that a step cannot do without."""
        if step.job == "ingest":
            return []
        windows = self.pipeline.editions[step.partition].data_years.values()
        return [str(year) for years in windows for year in years]

    def run(self, step: Step) -> Iterator[StepEvent]:
        """Run one step of a plan, giving its events; raises what failed."""
        yield from run_partition(self.definitions, step.job, step.partition, self.instance, self.warnings)

    def ledger(self, data_year: str) -> list[dict[str, object]]:
        """The lines of a data year's ledger."""
        lines: list[dict[str, object]] = read_parquet(
            self.pipeline.store.verified("ingest_ledger", data_year)
        ).to_pylist()
        return lines
