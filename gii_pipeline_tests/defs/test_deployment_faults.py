"""Faults of a deployment: a step, a run worker, the code server or the daemon is killed, the database is gone.

After each: nothing half-written is visible, no partition is marked materialised that is not there, and what comes next
runs without manual cleaning. The settings are those of `dagster.yaml.example`, with shorter intervals.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRunStatus
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES

from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.profiles import read_profile
from gii_pipeline.store import EDITION_TABLES
from gii_pipeline_tests.defs import one_year_world
from gii_pipeline_tests.defs.deployment import EXAMPLE, Deployment, Postgres, deployment, postgres_server
from gii_pipeline_tests.defs.ticks import let_interval_pass, miss_tick, ticks
from gii_pipeline_tests.defs.wholeness import assert_whole

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

YEAR, EDITION = str(one_year_world.YEAR), str(one_year_world.EDITION)
MONITORING = {"poll_interval_seconds": 2, "free_slots_after_run_end_seconds": 2}
ONE_RUN_AT_A_TIME = {**EXAMPLE["concurrency"], "runs": {"max_concurrent_runs": 1}}
OUTAGE_SECONDS = 60
RUN_SECONDS = 300
SCHEDULE, SENSOR = "annual_patents", "rank_when_the_last_year_is_in"
FINISHED = {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}


@dataclass(frozen=True)
class World:
    """A deployment of the one-year world, and the instance that its services share."""

    services: Deployment
    instance: dg.DagsterInstance
    pipeline: Pipeline

    def launch(self) -> str:
        """A run of the patents of the year, and of no table that follows."""
        return self.services.launch("ingest", YEAR, "raw_patents", "patents")

    def until_event(self, run: str, kind: str, step: str | None, text: str = "") -> int:
        """Wait for an event of a run; gives the process that it names."""

        def look() -> dg.EventLogEntry | None:
            entries = self.instance.all_logs(run, of_type=dg.DagsterEventType(kind))
            return next((each for each in entries if each.step_key == step and text in each.message), None)

        entry = self.services.when(look, f"{kind} of {step}")
        metadata: Mapping[str, Any] = getattr(entry.get_dagster_event().event_specific_data, "metadata", {})
        return int(metadata["pid"].value) if "pid" in metadata else 0

    def end_of(self, run: str) -> DagsterRunStatus:
        """How a run ended, once it has."""
        self.services.when(lambda: self.status_of(run) in FINISHED, f"the end of {run}", RUN_SECONDS)
        return DagsterRunStatus(self.status_of(run))

    def retry_of(self, run: str) -> str:
        """The run that the daemon started by itself after `run` failed."""
        return self.services.when(
            lambda: next((each.run_id for each in self.runs() if each.parent_run_id == run), None), f"a retry of {run}"
        )

    def runs(self) -> Sequence[dg.DagsterRun]:
        return self.instance.get_runs()

    def run_of(self, job: str) -> str | None:
        return next((run.run_id for run in self.runs() if run.job_name == job), None)

    def status_of(self, run: str) -> DagsterRunStatus | None:
        found = self.instance.get_run_by_id(run)
        return found.status if found else None

    def restart_daemon_after_a_missed_tick(self) -> None:
        """The daemon is killed, and started again after the schedule's tick has come, or has come again."""
        self.services.services["daemon"].kill()
        self.services.switch_on("Schedule", SCHEDULE)
        miss_tick(self.instance, SCHEDULE, datetime.now(UTC) - timedelta(days=10))
        self.services.services["daemon"].start()

    def is_materialised(self, table: str, partition: str) -> bool:
        return partition in self.instance.get_materialized_partitions(dg.AssetKey(table))

    def assert_whole(self) -> None:
        assert_whole(self.pipeline, self.instance)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


@contextmanager
def world(folder: Path, postgres: Postgres, **settings: Any) -> Iterator[World]:
    profile = one_year_world.write(folder / "world")
    database = postgres.database(f"faults_{time.time_ns()}")
    with (
        deployment(folder, profile, database, {"run_monitoring": MONITORING, **settings}) as services,
        services.instance() as instance,
    ):
        yield World(services, instance, Pipeline(read_profile(profile), services.root))


def kill_process(number: int) -> None:
    """SIGKILL to one of the processes that Dagster spawns."""
    assert b"spawn_main" in Path(f"/proc/{number}/cmdline").read_bytes()
    os.kill(number, signal.SIGKILL)


def test_a_step_that_is_killed_fails_its_run_and_a_rerun_succeeds(postgres: Postgres, tmp_path: Path) -> None:
    with world(tmp_path, postgres) as made:
        run = made.launch()
        process = made.until_event(run, "STEP_WORKER_STARTED", "patents")
        made.until_event(run, "STEP_START", "patents")
        kill_process(process)
        assert made.end_of(run) == DagsterRunStatus.FAILURE
        made.assert_whole()
        assert made.is_materialised("raw_patents", YEAR)
        assert not made.is_materialised("patents", YEAR)
        assert made.end_of(made.launch()) == DagsterRunStatus.SUCCESS
        made.assert_whole()
        assert made.is_materialised("patents", YEAR)
        assert not list((made.services.root / ".staging").iterdir())


@pytest.mark.parametrize("victim", ["run worker", "code server"])
def test_a_run_whose_process_is_gone_is_started_again_by_the_daemon(
    postgres: Postgres, tmp_path: Path, victim: str
) -> None:
    """The run worker dies while it holds its source's pool; the code server takes its run workers with it."""
    with world(tmp_path, postgres) as made:
        run = made.launch()
        worker = made.until_event(run, "ENGINE_EVENT", None, "Started process for run")
        if victim == "run worker":
            made.until_event(run, "STEP_WORKER_STARTED", "raw_patents")
            kill_process(worker)
        else:
            made.until_event(run, "STEP_START", "patents")
            made.services.services["code"].kill()
            made.services.services["code"].start()
        assert made.end_of(run) == DagsterRunStatus.FAILURE
        made.assert_whole()
        assert made.end_of(made.retry_of(run)) == DagsterRunStatus.SUCCESS
        made.assert_whole()
        assert made.is_materialised("patents", YEAR)
        assert len(made.runs()) == 2


def test_a_daemon_that_is_killed_goes_on_where_it_was(postgres: Postgres, tmp_path: Path) -> None:
    """It dies before it has written down the tick that it started a run for."""
    with world(tmp_path, postgres, concurrency=ONE_RUN_AT_A_TIME) as made:
        made.restart_daemon_after_a_missed_tick()
        (scheduled,) = made.services.when(made.runs, "the schedule's run")
        made.until_event(scheduled.run_id, "STEP_START", "patents")
        waiting = made.launch()
        assert made.status_of(waiting) == DagsterRunStatus.QUEUED
        made.restart_daemon_after_a_missed_tick()
        (again,) = made.services.when(lambda: ticks(made.instance, SCHEDULE), "the tick that comes again")
        assert set(again.run_ids) == {scheduled.run_id}
        assert made.end_of(scheduled.run_id) == made.end_of(waiting) == DagsterRunStatus.SUCCESS
        assert {run.run_id for run in made.runs()} == {scheduled.run_id, waiting}
        made.assert_whole()


def test_a_database_that_is_gone_for_a_minute_is_waited_for(postgres: Postgres, tmp_path: Path) -> None:
    with world(tmp_path, postgres) as made:
        run = made.launch()
        made.until_event(run, "STEP_START", "patents")
        postgres.stop()
        try:
            time.sleep(OUTAGE_SECONDS)
        finally:
            postgres.start()
        assert made.end_of(run) == DagsterRunStatus.SUCCESS
        made.assert_whole()
        assert all(service.is_alive for service in made.services.services.values())
        assert made.end_of(made.launch()) == DagsterRunStatus.SUCCESS
        made.assert_whole()
        assert made.is_materialised("patents", YEAR)
        assert not made.instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS_RUN_STATUSES)))


def test_a_year_is_ingested_by_its_schedule_and_its_edition_ranked_by_the_sensor(
    postgres: Postgres, tmp_path: Path
) -> None:
    with world(tmp_path, postgres) as made:
        made.services.switch_on("Sensor", SENSOR)
        first = made.services.when(lambda: ticks(made.instance, SENSOR), "the sensor's first tick")[0]
        assert f"Edition {EDITION} waits: data year {YEAR} is missing" in (first.skip_reason or "")
        made.restart_daemon_after_a_missed_tick()
        (ingest,) = made.services.when(made.runs, "the schedule's run")
        assert ingest.job_name == "ingest"
        assert made.end_of(ingest.run_id) == DagsterRunStatus.SUCCESS
        let_interval_pass(made.instance, SENSOR)
        ranking = made.services.when(lambda: made.run_of("ranking"), "the sensor's run")
        let_interval_pass(made.instance, SENSOR)
        assert made.end_of(ranking) == DagsterRunStatus.SUCCESS
        for table in EDITION_TABLES:
            assert made.pipeline.store.edition(table, EDITION).is_file()
            assert made.is_materialised(table, EDITION)
        before = len(ticks(made.instance, SENSOR))
        let_interval_pass(made.instance, SENSOR)
        made.restart_daemon_after_a_missed_tick()
        (again,) = made.services.when(lambda: ticks(made.instance, SCHEDULE), "the schedule's second tick")
        assert again.skip_reason == f"patents of {YEAR} is available."
        made.services.when(lambda: len(ticks(made.instance, SENSOR)) > before, "another tick of the sensor")
        assert {run.run_id for run in made.runs()} == {ingest.run_id, ranking}
        made.assert_whole()
