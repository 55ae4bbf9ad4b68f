"""Sensors that tell a person: of a run that failed, of a source that is late, of a release that waits.

Belongs here: what is worth a notice, and that each is sent once.
Does not: how it is sent (`notices`), or what is late or waits (`schedules`, `sensors`).

They run by themselves where GII_NOTIFY_EMAIL or GII_NOTIFY_WEBHOOK is set: nobody has to switch on what reports the
rest. A notice that was not delivered fails the tick, and the next tick sends it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime

import dagster as dg

from gii_pipeline.defs.failing import failure_of
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.schedules import appointments
from gii_pipeline.defs.sensors import waiting_for_a_person
from gii_pipeline.notices import Channels
from gii_pipeline.releases import opened

INTERVAL_SECONDS = 1800
GRACE_DAYS = 2
"""How long after its day a data year may come before somebody is told."""


def notifying_sensors(pipeline: Pipeline) -> list[dg.SensorDefinition]:
    channels = Channels.from_environment()
    status = dg.DefaultSensorStatus.RUNNING if channels.any else dg.DefaultSensorStatus.STOPPED

    @dg.run_failure_sensor(
        name="tell_when_a_run_fails",
        default_status=status,
        description="Sends a notice of every failed run: what failed, why, and what to do.",
    )
    def tell_when_a_run_fails(context: dg.RunFailureSensorContext) -> None:
        channels.send(*told_of(context))

    @dg.sensor(
        name="tell_when_a_person_is_needed",
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=status,
        description="Sends one notice for each late data year and each edition that waits for a person.",
    )
    def tell_when_a_person_is_needed(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        if not channels.any:
            return dg.SkipReason("Neither GII_NOTIFY_EMAIL nor GII_NOTIFY_WEBHOOK is set.")
        known: list[str] = json.loads(context.cursor or "[]")
        opened(pipeline.root)
        now = needed(pipeline, datetime.now().astimezone().date())
        new = {key: text for key, text in now.items() if key not in known}
        for key, text in new.items():
            channels.send(f"gii {pipeline.profile.name}: {key}", text)
        context.update_cursor(json.dumps(sorted(now)))
        return dg.SkipReason(f"Reported {', '.join(new)}." if new else "Nothing new to report.")

    return [tell_when_a_run_fails, tell_when_a_person_is_needed]


def told_of(context: dg.RunFailureSensorContext) -> tuple[str, str]:
    """Subject and text for a failed run."""
    run = context.dagster_run
    partition = run.tags.get("dagster/partition", "")
    without = context.failure_event.message or "The run ended without giving a reason."
    text = failure_of(context.get_step_failure_events(), without)
    return f"gii: {' '.join(filter(None, (run.job_name, partition)))} failed", f"{text}\n\nRun {run.run_id}"


def needed(pipeline: Pipeline, day: date) -> Mapping[str, str]:
    """What a person is needed for on a day: subject -> text."""
    found: dict[str, str] = {}
    for appointment in appointments(pipeline):
        for year in appointment.outstanding(day):
            due = appointment.publication.due(year)
            if (day - due).days >= GRACE_DAYS:
                found[f"{appointment.table} of {year} is late"] = (
                    f"{appointment.table} of {year} was due on {due} and is not available. Check the runs of "
                    f"`annual_{appointment.table}`, or run `gii ingest --years {year} --refresh`."
                )
    for inputs, text in waiting_for_a_person(pipeline, day):
        found[f"edition {inputs.label} waits for its release"] = text
    return found
