"""Sensors: an edition is ranked when its last data year is in, and released when the profile lets it be.

Belongs here: what has to be true before a job of an edition starts by itself.
Does not: what is missing or stale (`planning`), or when a source is due (`schedules`).

Both look at the tables and their locks rather than at Dagster's history, so that a table made at a terminal counts. A
table is only there when it has passed its contract. The run key names edition and lock: a second tick on the same
inputs starts nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import dagster as dg

from gii_pipeline.defs.inputs import EditionInputs
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.planning import Step, ingest_step, ranking_step
from gii_pipeline.defs.schedules import appointments
from gii_pipeline.errors import GiiError
from gii_pipeline.releases import open_release, opened, versions
from gii_pipeline.releases.comparison import snapshot_of_edition
from gii_pipeline.store import EDITION_TABLES
from gii_pipeline.store.content import content_sha256

INTERVAL_SECONDS = 1800
Evaluation = Iterator[dg.RunRequest | dg.SkipReason]


@dataclass(frozen=True)
class Readiness:
    """Whether an edition can be ranked, has been, and what it still waits for."""

    inputs: EditionInputs
    waits_for: tuple[str, ...]
    ranking: Step | None

    @property
    def can_be_ranked(self) -> bool:
        return not self.waits_for and self.ranking is not None and self.ranking.state != "there"

    @property
    def is_ranked(self) -> bool:
        return not self.waits_for and self.ranking is not None and self.ranking.state == "there"

    @property
    def run_key(self) -> str:
        return f"{self.inputs.label} {self.inputs.recipes.all.sha256}"


def readiness(pipeline: Pipeline, label: str, day: date) -> Readiness:
    """What an edition waits for on `day`: data years of its windows that are not in or that a source has not published.

    The years that only the comparison with the edition before demands are not waited for; once they are in, the
    edition's lock is another, and it is ranked again.
    """
    inputs = EditionInputs(pipeline, label)
    try:
        demanded = pipeline.tables_by_year([inputs.edition])
        ingest = [ingest_step(pipeline, year, tables) for year, tables in demanded.items()]
        ranking = ranking_step(inputs, {int(step.partition) for step in ingest if step.state != "there"})
    except GiiError as error:
        return Readiness(inputs, (str(error),), None)
    lacking = [f"data year {step.partition} is {step.state}: {step.why}" for step in ingest if step.state != "there"]
    return Readiness(inputs, (*lacking, *_late(inputs, day)), ranking)


def ranking_sensor(pipeline: Pipeline, job: str) -> dg.SensorDefinition:
    @dg.sensor(
        name="rank_when_the_last_year_is_in",
        job_name=job,
        minimum_interval_seconds=INTERVAL_SECONDS,
        description="Starts `ranking` of an edition when every data year that it counts is ingested and checked.",
    )
    def rank_when_the_last_year_is_in() -> Evaluation:
        opened(pipeline.root)
        yield from rankings(pipeline, datetime.now().astimezone().date())

    return rank_when_the_last_year_is_in


def rankings(pipeline: Pipeline, day: date) -> Evaluation:
    """A run for each edition that can be ranked again, or why there is none."""
    found = [readiness(pipeline, label, day) for label in pipeline.editions]
    ready = [each for each in found if each.can_be_ranked]
    for each in ready:
        yield dg.RunRequest(run_key=each.run_key, partition_key=each.inputs.label)
    if not ready:
        waiting = [f"Edition {each.inputs.label} waits: {each.waits_for[0]}." for each in found if each.waits_for]
        yield dg.SkipReason(" ".join(waiting) or "Every edition is ranked.")


def release_sensor(pipeline: Pipeline, job: str) -> dg.SensorDefinition:
    @dg.sensor(
        name="release_when_ranked",
        job_name=job,
        minimum_interval_seconds=INTERVAL_SECONDS,
        description="Starts `release` of a ranked edition if the profile has `release: automatic`; otherwise "
        "shows which editions wait for a person.",
    )
    def release_when_ranked() -> Evaluation:
        opened(pipeline.root)
        yield from releases(pipeline, datetime.now().astimezone().date())

    return release_when_ranked


def releases(pipeline: Pipeline, day: date) -> Evaluation:
    """A run for each ranked edition whose tables are not released; or which ones wait for a person."""
    ready = _unreleased(pipeline, day)
    if pipeline.profile.schedule.release == "automatic":
        for each in ready:
            yield dg.RunRequest(run_key=each.run_key, partition_key=each.inputs.label)
    waiting = [_waits(each.inputs) for each in ready]
    if not waiting:
        yield dg.SkipReason("No ranked edition waits for a release.")
    elif pipeline.profile.schedule.release != "automatic":
        yield dg.SkipReason(" ".join(waiting))


def waiting_for_a_person(pipeline: Pipeline, day: date) -> Iterator[tuple[EditionInputs, str]]:
    """The ranked editions that no release has and that only a person may release, each with what to do."""
    if pipeline.profile.schedule.release != "automatic":
        yield from ((each.inputs, _waits(each.inputs)) for each in _unreleased(pipeline, day))


def _unreleased(pipeline: Pipeline, day: date) -> list[Readiness]:
    found = [readiness(pipeline, label, day) for label in pipeline.editions]
    return [each for each in found if each.is_ranked and not is_released(pipeline, each.inputs)]


def is_released(pipeline: Pipeline, inputs: EditionInputs) -> bool:
    """Whether the newest version of the edition says what its tables say, by recipe or else by content."""
    names = [listed.version for listed in versions(pipeline.root) if listed.version.label == inputs.label]
    if not names:
        return False
    now = snapshot_of_edition(pipeline.root, inputs.label, inputs.edition.model_dump(mode="json"))
    released = open_release(pipeline.root, str(names[-1])).lock
    if released.get("recipe") == inputs.recipes.all.recipe:
        return True
    same = all(content_sha256(now.table(name)) == released["tables"].get(name) for name in EDITION_TABLES)
    return same and released["settings"] == now.lock["settings"]


def _waits(inputs: EditionInputs) -> str:
    edition = inputs.edition
    method = "" if edition.method == edition.edition else f" --method {edition.method}"
    return (
        f"Edition {inputs.label} is ranked and waits for a person. Review it, then run "
        f"`gii release make --edition {edition.edition}{method}` or start the job `release`, partition "
        f"{inputs.label}."
    )


def _late(inputs: EditionInputs, day: date) -> Iterator[str]:
    """The data years of the edition's windows that were last fetched before their source had published them."""
    windows = {inputs.pipeline.core_tables[metric]: years for metric, years in inputs.edition.data_years.items()}
    for appointment in appointments(inputs.pipeline):
        for year in windows.get(appointment.table, ()):
            if not appointment.is_in(year):
                due = appointment.publication.due(year)
                said = "is late" if due <= day else "is not due yet"
                yield f"{appointment.table} of {year}, due on {due}, {said}"
