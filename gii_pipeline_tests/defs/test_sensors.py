"""Sensors: an edition is ranked when its last year is in, released when the profile lets it be, and each once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.sensors import rankings, releases
from gii_pipeline_tests.defs import calendar_world
from gii_pipeline_tests.defs.calendar_world import at

MAY = range(2025, 2029)


@pytest.fixture
def made(tmp_path: Path) -> Pipeline:
    made = calendar_world.pipeline(tmp_path)
    calendar_world.population(made)
    return made


def everything_in(made: Pipeline, edition: int) -> None:
    for year in (edition - 2, edition - 1):
        calendar_world.ingest(made, year, at(year + 1, 5, 2))


def one_run(made: Pipeline, day: date) -> dg.RunRequest:
    (request,) = rankings(made, day)
    assert isinstance(request, dg.RunRequest)
    return request


def skipped(made: Pipeline, day: date, evaluation: object = rankings) -> str:
    (skip,) = evaluation(made, day)  # type: ignore[operator]
    assert isinstance(skip, dg.SkipReason)
    return skip.skip_message or ""


@pytest.mark.parametrize("edition", MAY)
def test_ranking_starts_when_the_last_year_is_in(made: Pipeline, edition: int) -> None:
    calendar_world.ingest(made, edition - 2, at(edition - 1, 5, 2))
    waiting = skipped(made, date(edition, 5, 2))
    assert f"Edition {edition} waits: data year {edition - 1} is missing" in waiting
    calendar_world.ingest(made, edition - 1, at(edition, 5, 2))
    assert one_run(made, date(edition, 5, 2)).partition_key == str(edition)


def test_a_late_source_is_named_and_waited_for(made: Pipeline) -> None:
    calendar_world.ingest(made, 2023, at(2024, 5, 2))
    calendar_world.ingest(made, 2024, at(2025, 4, 1))
    assert "publications of 2024, due on 2025-04-30, is not due yet" in skipped(made, date(2025, 4, 2))
    assert "publications of 2024, due on 2025-04-30, is late" in skipped(made, date(2025, 6, 1))
    calendar_world.ingest(made, 2024, at(2025, 6, 1), "publications")
    assert one_run(made, date(2025, 6, 1)).partition_key == "2025"


def test_a_second_tick_carries_the_same_run_key_and_none_follows_the_ranking(made: Pipeline) -> None:
    everything_in(made, 2025)
    first, second = one_run(made, date(2025, 5, 2)), one_run(made, date(2025, 5, 3))
    assert first.run_key == second.run_key
    calendar_world.rank(made, "2025")
    assert not [each for each in rankings(made, date(2025, 5, 3)) if isinstance(each, dg.RunRequest)]


def test_tables_that_follow_from_other_records_are_waited_for(made: Pipeline) -> None:
    everything_in(made, 2025)
    source = made.profile.metrics["pct_applications"].local_files()["people"][0]
    source.write_text(source.read_text().replace("Graz", "Graz "), encoding="utf-8")
    assert "data year 2023 is stale" in skipped(made, date(2025, 5, 2))


@pytest.mark.parametrize("edition", MAY)
def test_a_ranked_edition_waits_for_a_person_unless_the_profile_says_otherwise(tmp_path: Path, edition: int) -> None:
    for release in ("by a person", "automatic"):
        made = calendar_world.pipeline(tmp_path / release, release)
        calendar_world.population(made)
        everything_in(made, edition)
        assert "No ranked edition" in skipped(made, date(edition, 5, 2), releases)
        calendar_world.rank(made, str(edition))
        (first,), (second,) = releases(made, date(edition, 5, 2)), releases(made, date(edition, 5, 3))
        if release == "automatic":
            assert isinstance(first, dg.RunRequest)
            assert isinstance(second, dg.RunRequest)
            assert first.partition_key == str(edition)
            assert first.run_key == second.run_key
        else:
            assert isinstance(first, dg.SkipReason)
            assert f"gii release make --edition {edition}" in (first.skip_message or "")
            assert "job `release`" in (first.skip_message or "")
