"""Schedules: every year, each source is fetched when it has published a data year.

Belongs here: which data years a tick asks for, and what a run of them makes.
Does not: when a source publishes, which is the profile's to say.

A schedule ticks once a year, and in some months after that, so that a source that is late is asked again. A tick starts
nothing for what is in, and a tick that comes twice starts one run, since its run key names table, data year and day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

import dagster as dg

from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.raw import REFRESH_TAG
from gii_pipeline.defs.recipes import core_lock
from gii_pipeline.errors import DamagedError, InputError
from gii_pipeline.profiles import Publication
from gii_pipeline.releases import opened
from gii_pipeline.sources.gathering import pinned_entries
from gii_pipeline.store import FOLLOWING_TABLES, read_lock

HOUR = 6
LAST_DAY_OF_EVERY_MONTH = 28
COMMON_YEAR = 2001


@dataclass(frozen=True)
class Appointment:
    """When a table's source is asked for a data year, and whether it has answered."""

    pipeline: Pipeline
    table: str
    publication: Publication

    def is_in(self, data_year: int) -> bool:
        """Whether the data year was fetched after it had been published, and read as it was fetched."""
        store = self.pipeline.store
        pin, core = store.raw(self.table, data_year), store.core(self.table, data_year)
        if not core.is_file():
            return False
        try:
            if not _since(pin, self.publication.due(data_year)):
                return False
            return read_lock(core).recipe == core_lock(self.pipeline, self.table, data_year).recipe
        except (InputError, DamagedError):
            return False

    def outstanding(self, day: date) -> list[int]:
        """The data years that are due on `day` and not in, of those that are published now or were never read."""
        last, store = self.publication.complete(day), self.pipeline.store
        due = [year for year in self.pipeline.data_years if year <= last]
        return [
            year
            for year in due
            if not self.is_in(year) and (year == last or not store.core(self.table, year).is_file())
        ]


def appointments(pipeline: Pipeline) -> list[Appointment]:
    """One for each metric of the profile's schedule."""
    sources = pipeline.profile.schedule.sources
    return [Appointment(pipeline, pipeline.core_tables[metric], publication) for metric, publication in sources.items()]


def schedules(pipeline: Pipeline, job: str) -> list[dg.ScheduleDefinition]:
    """One schedule a source. job: the name of the one that ingests a data year."""
    return [_schedule(appointment, job) for appointment in appointments(pipeline)]


def cron(publication: Publication) -> list[str]:
    """The day on which a data year is due, and the days on which a late source is asked again (UTC)."""
    first = publication.due(COMMON_YEAR - publication.years_after)
    day = min(first.day, LAST_DAY_OF_EVERY_MONTH)
    later = [(first.month - 1 + number) % 12 + 1 for number in range(1, publication.late_months + 1)]
    return [f"0 {HOUR} {first.day} {first.month} *", *(f"0 {HOUR} {day} {month} *" for month in later)]


def requests(appointment: Appointment, at: datetime) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """What a tick starts: a run for each data year that is outstanding, or the reason why there is none."""
    table, pipeline = appointment.table, appointment.pipeline
    years = appointment.outstanding(at.date())
    for year in years:
        yield dg.RunRequest(
            run_key=f"{table} {year} {at.date()}",
            partition_key=str(year),
            asset_selection=[dg.AssetKey(name) for name in _selection(pipeline, table, year)],
            tags={REFRESH_TAG.format(table=table): at.astimezone(UTC).isoformat()},
        )
    if not years:
        last = appointment.publication.complete(at.date())
        known = last in pipeline.data_years
        yield dg.SkipReason(
            f"{table} of {last} is available."
            if known
            else f"No edition needs {table} of {last}. Add the edition to editions.yaml or to the profile."
        )


def _schedule(appointment: Appointment, job: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"annual_{appointment.table}",
        cron_schedule=cron(appointment.publication),
        execution_timezone="UTC",
        job_name=job,
        description=f"Fetches {appointment.table} of the data year that its source has published.",
    )
    def annual(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        opened(appointment.pipeline.root)
        yield from requests(appointment, context.scheduled_execution_time)

    return annual


def _selection(pipeline: Pipeline, table: str, year: int) -> list[str]:
    """The table, whatever else is demanded of the data year and lacks, and the tables that follow from all of them."""
    store = pipeline.store
    demanded = [name for name in pipeline.tables if name != table and pipeline.demands(name, year)]
    lacking = [name for name in demanded if not store.core(name, year).is_file()]
    yearless = [name for name in pipeline.yearless if not store.raw(name).is_file()]
    records = [table, *lacking]
    raw = [f"raw_{name}" for name in (*records, *yearless)]
    return [*raw, *records, *FOLLOWING_TABLES]


def _since(pin: Path, day: date) -> bool:
    """Whether a source was asked on `day` or later, by what the list of its files says of them.

    When the list itself was written says nothing: a plain run pins what it finds again, copies and backups have an age
    of their own.
    """
    received = [datetime.fromisoformat(entry["retrieved_at"]) for entry in pinned_entries(pin)] if pin.is_file() else []
    return bool(received) and max(received) >= datetime.combine(day, time(), UTC)
