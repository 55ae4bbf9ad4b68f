"""The workflow of a command: plan, run what is missing or stale, release.

Belongs here: running the steps of a plan, one partition a run, in the order of the plan.
Does not: deciding what is stale (`planning`), or showing progress.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import dagster as dg

from gii_pipeline.defs.definitions import build
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.planning import Step, plan
from gii_pipeline.defs.running import StepEvent, instance_of, run_partition


@dataclass(frozen=True)
class Workflow:
    """The jobs of one pipeline, run in this process."""

    pipeline: Pipeline

    @cached_property
    def definitions(self) -> dg.Definitions:
        return build(self.pipeline)

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        return instance_of(self.pipeline.root)

    def plan(self, labels: Sequence[str]) -> list[Step]:
        """What has to run for these editions, and why."""
        return plan(self.pipeline, labels)

    def run(self, step: Step) -> Iterator[StepEvent]:
        """Run one step of a plan, giving its events; raises what failed."""
        yield from run_partition(self.definitions, step.job, step.partition, self.instance)
