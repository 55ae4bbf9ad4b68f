"""`gii year`: what is done and what is open of an edition, before, during and after its run."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from gii_pipeline.cli import app
from gii_pipeline.contracts import Waiver
from gii_pipeline.defs.doctor import Finding
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.planning import Step
from gii_pipeline.defs.yearly import Item, _ranking, checklist
from gii_pipeline.profiles import read_profile
from gii_pipeline_tests.releases.small_edition import tables, write_edition

TODAY = date(2027, 2, 1)
WELL = [Finding("disk", True, "90 GiB free")]


def points(pipeline: Pipeline, year: int, findings: list[Finding] = WELL) -> dict[str, Item]:
    return {item.what: item for item in checklist(pipeline, year, TODAY, lambda: findings)}


@pytest.fixture
def sandbox(tmp_path: Path) -> Pipeline:
    return Pipeline(read_profile("sandbox"), tmp_path)


def test_an_edition_that_nobody_added_is_the_first_thing_to_do(sandbox: Pipeline) -> None:
    last = max(sandbox.book.editions)
    edition = points(sandbox, last + 1)["edition"]
    assert edition.state == "open"
    assert f"{last + 1}: {{provisional_after: {last}}}" in edition.todo


def test_a_provisional_edition_stays_open_and_a_published_one_is_done(sandbox: Pipeline) -> None:
    provisional = next(year for year, edition in sandbox.book.editions.items() if edition.provisional)
    assert points(sandbox, provisional)["edition"].state == "open"
    assert points(sandbox, 2025)["edition"] == Item("edition", "done", points(sandbox, 2025)["edition"].says)


def test_before_anything_ran_years_ranking_and_release_are_open_with_their_commands(sandbox: Pipeline) -> None:
    found = points(sandbox, 2025)
    assert found["data years"].todo.startswith("gii ingest --years 2018,2019")
    assert found["ranking"].todo == "gii run --edition 2025"
    assert found["release"].state == "open"


def test_what_the_doctor_does_not_find_well_is_open(sandbox: Pipeline) -> None:
    found = points(sandbox, 2025, [*WELL, Finding("key OPENALEX", False, "it is not set")])
    assert found["key OPENALEX"] == Item("key OPENALEX", "open", "it is not set", "gii doctor")
    assert points(sandbox, 2025)["files, keys, servers"].state == "done"


def test_a_source_that_was_never_asked_for_a_real_answer_is_open(sandbox: Pipeline) -> None:
    asked = Finding("live: vc_deals", True, "as expected on 2027-01-31")
    never = Finding("live: pct_applications", True, "never tested live: `gii doctor --probe` requests")
    found = points(sandbox, 2025, [*WELL, asked, never])["sources, live"]
    assert found == Item("sources, live", "open", "Never tested live: pct_applications.", "gii doctor --probe")
    assert points(sandbox, 2025, [*WELL, asked])["sources, live"].state == "done"


def test_what_open_years_take_is_listed(sandbox: Pipeline) -> None:
    assert "vc_deals (crunchbase_api): " in points(sandbox, 2025)["costs"].says


def test_a_waiver_that_ends_before_the_edition_is_made_is_open(sandbox: Pipeline) -> None:
    waiver = Waiver(
        check="located_share",
        subject="patents",
        partition="2024",
        observed=80,
        reason="old tape",
        until=date(2027, 1, 1),
    )
    profile = sandbox.profile.model_copy(update={"waivers": (waiver,)})
    found = points(Pipeline(profile, sandbox.root), 2025)
    assert found["waivers"].state == "done"
    later = points(Pipeline(profile, sandbox.root), 2027)["waiver"]
    assert later.says.startswith("Ended on 2027-01-01: patents 2024 breaks located_share (old tape)")


def test_ranks_that_moved_far_are_named(sandbox: Pipeline) -> None:
    made = tables()
    changes = made["rank_changes"].to_pandas().assign(rank_change=[9, 0, 0, 0], previous_rank=10)
    schema = made["rank_changes"].schema
    made["rank_changes"] = pa.Table.from_pandas(changes[schema.names], schema=schema, preserve_index=False)
    write_edition(sandbox.root, made=made)
    *_, moved = _ranking(sandbox, sandbox.book[2025], [Step("ranking", "2025", "there")])
    name = changes.sort_values("rank_change")["name"].iloc[-1]
    assert moved.state == "open"
    assert moved.says.startswith("1 by more than 5 places: ")
    assert name in moved.says


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_command_prints_the_list_and_ends_with_1_while_anything_is_open(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["year", "2099", "--root", str(tmp_path), "--json"])
    assert done.exit_code == 1
    listed = json.loads(done.stdout)
    assert listed[0]["what"] == "edition"
    assert {item["state"] for item in listed} <= {"done", "open"}
