"""Annual schedules: which data year a tick asks for in 2024 to 2027, a late source, and a tick that comes twice."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml

from gii_pipeline.defs.definitions import build
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.schedules import appointments, cron, requests
from gii_pipeline.errors import InputError
from gii_pipeline.profiles import Publication, read_profile
from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.defs import calendar_world
from gii_pipeline_tests.defs.calendar_world import at

TICKS = range(2024, 2028)


@pytest.fixture
def made(tmp_path: Path) -> Pipeline:
    return calendar_world.pipeline(tmp_path)


def started(made: Pipeline, table: str, when: datetime) -> list[dg.RunRequest]:
    """What a tick of a table's schedule starts, evaluated as Dagster's daemon does."""
    repository = build(made).get_repository_def()
    schedule = repository.get_schedule_def(f"annual_{table}")
    context = dg.build_schedule_context(scheduled_execution_time=when, repository_def=repository)
    return list(schedule.evaluate_tick(context).run_requests or ())


def test_a_code_server_loads_every_definition(made: Pipeline) -> None:
    build(made).get_repository_def().load_all_definitions()


def reason(made: Pipeline, table: str, when: datetime) -> str:
    appointment = next(each for each in appointments(made) if each.table == table)
    (skip,) = requests(appointment, when)
    assert isinstance(skip, dg.SkipReason)
    return skip.skip_message or ""


def test_a_source_is_asked_after_its_lag_and_again_in_the_months_when_it_is_late() -> None:
    assert cron(Publication(month=3, day=1, lag_days=30, late_months=2)) == ["0 6 31 3 *", "0 6 28 4 *", "0 6 28 5 *"]
    assert cron(Publication(month=12, day=20, lag_days=20, late_months=1)) == ["0 6 9 1 *", "0 6 9 2 *"]


@pytest.mark.parametrize("year", TICKS)
def test_a_data_year_is_complete_on_the_day_of_its_lag_and_not_before(year: int) -> None:
    publication = Publication(month=3, day=1, lag_days=30)
    assert publication.due(year - 1) == date(year, 3, 31)
    assert publication.complete(date(year, 3, 30)) == year - 2
    assert publication.complete(date(year, 3, 31)) == year - 1


@pytest.mark.parametrize("year", TICKS)
def test_a_lag_that_reaches_into_the_next_year_and_over_a_leap_day(year: int) -> None:
    late = Publication(month=12, day=20, lag_days=20)
    assert late.complete(date(year, 1, 8)) == year - 3
    assert late.complete(date(year, 1, 9)) == year - 2
    over = Publication(month=2, day=1, lag_days=40)
    _, _, day, month, _ = cron(over)[0].split()
    assert over.complete(date(year, int(month), int(day))) == year - 1


@pytest.mark.parametrize("year", TICKS)
def test_the_tick_of_each_year_asks_for_the_year_before(made: Pipeline, year: int) -> None:
    for before in range(2023, year - 1):
        calendar_world.ingest(made, before, at(before + 1, 12, 1))
    (request,) = started(made, "patents", at(year, 3, 31))
    assert request.partition_key == str(year - 1)
    assert {key.to_user_string() for key in request.asset_selection or ()} >= {"raw_patents", "patents", "locations"}
    assert request.tags["gii/refresh_patents"] == at(year, 3, 31).isoformat()


def test_a_second_tick_carries_the_same_run_key_and_none_follows_when_the_year_is_in(made: Pipeline) -> None:
    (first,) = started(made, "patents", at(2024, 3, 31))
    (second,) = started(made, "patents", at(2024, 3, 31))
    assert first.run_key == second.run_key == "patents 2023 2024-03-31"
    calendar_world.ingest(made, 2023, at(2024, 3, 31))
    assert not started(made, "patents", at(2024, 4, 28))
    assert reason(made, "patents", at(2024, 4, 28)) == "patents of 2023 is available."


def test_a_late_source_is_asked_again_under_another_run_key(made: Pipeline) -> None:
    calendar_world.ingest(made, 2023, at(2024, 12, 1))
    (first,) = started(made, "vc_deals", at(2025, 2, 14))
    (again,) = started(made, "vc_deals", at(2025, 3, 14))
    assert first.partition_key == again.partition_key == "2024"
    assert first.run_key != again.run_key


def test_a_year_that_was_fetched_before_it_was_published_is_fetched_anew(made: Pipeline) -> None:
    calendar_world.ingest(made, 2023, at(2024, 2, 14))
    (request,) = started(made, "publications", at(2024, 4, 30))
    assert [key.to_user_string() for key in request.asset_selection or ()] == [
        "raw_publications",
        "raw_population",
        "publications",
        "locations",
        "geocoding_quality",
        "ingest_ledger",
    ]


def test_whether_a_year_is_in_follows_when_it_was_received_and_not_the_age_of_a_file(made: Pipeline) -> None:
    calendar_world.ingest(made, 2024, at(2025, 1, 5), "patents")
    (patents,) = (each for each in appointments(made) if each.table == "patents")
    pin = made.store.raw("patents", 2024)
    content = pin.read_bytes()
    pin.unlink()
    pin.write_bytes(content)  # pinned again by a plain run, copied, or restored: it is new, what it lists is not
    assert not patents.is_in(2024)
    assert 2024 in patents.outstanding(date(2025, 4, 1))
    calendar_world.received(pin, at(2025, 4, 1))
    os.utime(pin, (0, 0))
    assert patents.is_in(2024)


def test_years_that_were_never_read_are_made_up_for(made: Pipeline) -> None:
    assert [each.partition_key for each in started(made, "patents", at(2026, 3, 31))] == ["2023", "2024", "2025"]


def test_a_year_that_no_edition_demands_says_so(made: Pipeline) -> None:
    for year in calendar_world.YEARS:
        calendar_world.ingest(made, year, datetime.now(UTC))
    assert "No edition needs patents of 2029" in reason(made, "patents", at(2030, 3, 31))


def test_a_schedule_of_a_metric_without_a_source_is_refused(tmp_path: Path) -> None:
    path = tiny_world.write(tmp_path)
    document = tiny_world.profile() | {"schedule": {"sources": {"trademarks": {"month": 1, "day": 1}}}}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(InputError, match="no source for trademarks"):
        read_profile(path)
