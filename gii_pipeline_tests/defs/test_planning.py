"""What a plan says of tables whose code, libraries, gazetteer or fetches changed, without a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from gii_pipeline import contracts, fingerprints, verified
from gii_pipeline.contracts import Waiver
from gii_pipeline.defs.edition_plan import pending_stages
from gii_pipeline.defs.inputs import EditionInputs
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.planning import Step, plan
from gii_pipeline.defs.recipes import record_code
from gii_pipeline.defs.stages import STAGES
from gii_pipeline.profiles import Fetch, Gazetteer, Input, read_profile
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.fetching import openalex_api
from gii_pipeline.sources.gathering import asked, changed_files, pin
from gii_pipeline_tests.code import forget, with_code
from gii_pipeline_tests.defs import calendar_world
from gii_pipeline_tests.defs.calendar_world import Calendar, at

LABEL = "2026"
YEARS = (2023, 2024, 2025)
"""Of the edition and of the one before, which it is compared with."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A pipeline whose edition 2026 and its data years lie there, made from what is there now."""
    made = calendar_world.pipeline(tmp_path_factory.mktemp("world"))
    for year in YEARS:
        calendar_world.ingest(made, year, at(2026, 6, 1))
    calendar_world.population(made)
    calendar_world.rank(made, LABEL)
    return made


@pytest.fixture(autouse=True)
def _code_as_it_is() -> Iterator[None]:
    yield
    forget()


def test_a_run_makes_every_table_that_a_plan_asks_for(tmp_path: Path) -> None:
    """Also those that only the comparison with the edition before reads: deals of 2019 for 2024@2025."""
    pipeline = Pipeline(read_profile("sandbox"), tmp_path)
    asked_of = {label: EditionInputs(pipeline, label).demanded for label in pipeline.editions}
    assert asked_of["2025"][2019] == ("patents", "publications", "vc_deals")
    skipped = [
        (label, year, table)
        for label, demanded in asked_of.items()
        for year, tables in demanded.items()
        for table in tables
        if not pipeline.demands(table, year)
    ]
    assert skipped == []


def _planned(made: Pipeline) -> dict[str, Step]:
    return {step.title: step for step in plan(made, [LABEL])}


def test_nothing_is_stale_while_nothing_changed(made: Pipeline) -> None:
    assert {title: step.state for title, step in _planned(made).items()} == {
        **{f"ingest {year}": "there" for year in YEARS},
        "ranking 2026": "there",
    }


def _ranking(made: Pipeline) -> Step:
    planned = _planned(made)
    assert {planned[f"ingest {year}"].state for year in YEARS} == {"there"}
    return planned["ranking 2026"]


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ("ranking.agreement", "code of agreement changed"),
        ("ranking.rank", "code of ranking, rank changes, rank stability and agreement changed"),
        ("counting.makeup", "code of composition changed"),
        (
            "clusters.naming",
            (
                "code of clusters, rank changes and rank stability changed; metrics, ranking, contributions, agreement "
                "and composition wait for clusters, rank changes and rank stability"
            ),
        ),
    ],
)
def test_changed_code_makes_the_stages_that_run_it_stale_and_those_behind_wait(
    made: Pipeline, monkeypatch: pytest.MonkeyPatch, module: str, why: str
) -> None:
    with_code(monkeypatch, f"gii_pipeline.{module}", "CHANGED = 1")
    step = _ranking(made)
    assert (step.state, step.why) == ("stale", why)
    concerned = [stage for stage in STAGES if stage.name in why]
    assert step.tables == tuple(table for stage in concerned for table in stage.tables)


def test_a_waiver_makes_the_stage_of_its_table_stale_and_those_behind_wait(made: Pipeline) -> None:
    waiver = Waiver(
        check="population_present",
        subject="cluster_metrics",
        partition=LABEL,
        observed=3,
        reason="an old raster",
        until=date(2099, 1, 1),
    )
    profile = made.profile.model_copy(update={"waivers": (waiver,)})
    why = _ranking(Calendar(profile, made.root)).why
    assert why.startswith("setting waivers of cluster_metrics changed; ranking, rank changes, rank stability, ")
    assert why.endswith(" wait for metrics")


def test_another_contract_makes_the_stage_of_its_table_stale(made: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    load = contracts.load
    monkeypatch.setattr(
        contracts,
        "load",
        lambda name, registry=None: (
            replace(load(name, registry), version="9.9.9") if name == "leaders" else load(name, registry)
        ),
    )
    assert _ranking(made).why == "contract of leaders changed"


def test_a_raster_that_was_fetched_again_makes_the_stages_that_read_it_stale(made: Pipeline) -> None:
    pinned = made.store.raw("population")
    before = pinned.read_bytes()
    listed = json.loads(before)
    for entry in listed["2015"]:
        entry["sha256"] = "0" * 64
    try:
        pinned.write_text(json.dumps(listed), encoding="utf-8")
        verified.record(pinned)
        pending = pending_stages(EditionInputs(made, LABEL))
    finally:
        pinned.write_bytes(before)
        verified.record(pinned)
    changed = [one.stage.name for one in pending if one.why]
    assert changed == ["clusters", "rank stability"]
    assert {one.why for one in pending if one.why} == {("population (population) changed",)}


@contextmanager
def _without(*files: Path) -> Iterator[None]:
    kept = {file: file.read_bytes() for file in files}
    for file in files:
        file.unlink()
    yield
    for file, content in kept.items():
        file.write_bytes(content)


def test_a_table_that_is_missing_damaged_or_was_never_judged_is_made_again_with_its_stage(made: Pipeline) -> None:
    path = made.store.edition("rank_variants", LABEL)
    with _without(path):
        step = _ranking(made)
        assert (step.state, step.why) == ("missing", "no rank_variants")
        assert step.tables == ("rank_stability", "rank_variants")
    with _without(path.with_name(f".{path.name}.made")):
        step = _ranking(made)
        assert (step.state, step.why) == ("stale", "how rank_variants was judged is not noted")
    content = path.read_bytes()
    path.write_bytes(content[:-9] + b"X" + content[-8:])
    step = _ranking(made)
    path.write_bytes(content)
    assert step.state == "damaged"
    assert f"{path} is damaged" in step.why
    assert _ranking(made).state == "there"


def test_a_later_edition_waits_for_an_earlier_one_whose_clusters_it_continues(
    made: Pipeline,
) -> None:
    later = EditionInputs(made, "2027")
    assert later.earlier_labels == ["2026@2027", "2026"]
    first = STAGES[:2]
    for stage in first:
        assert {one.stage.name: one.waits for one in pending_stages(later, (), {"2026"})}[stage.name] == (
            "edition 2026 is ranked again",
        )


@pytest.mark.parametrize("statement", ["# why", '"""What."""'])
def test_a_comment_in_the_ranking_makes_nothing_stale(
    made: Pipeline, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    with_code(monkeypatch, "gii_pipeline.ranking.rank", statement)
    assert {step.state for step in _planned(made).values()} == {"there"}


@pytest.mark.parametrize(
    ("module", "named"),
    [
        ("gii_pipeline.sources.union", "code of union changed"),
        ("gii_pipeline.sources.extracts", "code of union changed"),
        ("gii_pipeline.sources.ledger", "code of union changed"),
        ("gii_pipeline.sources.source", "code of union changed"),
        ("gii_pipeline.sources.readers.rows", "code of reader local changed"),
        ("gii_pipeline.sources.readers.text", "code of reader local changed"),
        ("gii_pipeline.sources.readers.dates", "code of reader local changed"),
        ("gii_pipeline.sources.readers.publication_types", "code of reader local changed"),
        ("gii_pipeline.geocoding.regions", "code of geocoding changed"),
    ],
)
def test_changed_code_that_records_are_made_with_makes_their_years_and_the_ranking_stale(
    made: Pipeline, monkeypatch: pytest.MonkeyPatch, module: str, named: str
) -> None:
    with_code(monkeypatch, module, "CHANGED = 1")
    planned = _planned(made)
    for year in YEARS:
        assert planned[f"ingest {year}"].state == "stale"
        assert named in planned[f"ingest {year}"].why
    assert planned["ranking 2026"].state == "stale"


def test_a_reader_that_the_profile_does_not_use_may_change(made: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    with_code(monkeypatch, "gii_pipeline.sources.readers.regpat", "CHANGED = 1")
    assert {step.state for step in _planned(made).values()} == {"there"}


@pytest.mark.parametrize("file", ["geocoding/aliases.csv", "geocoding/admin1.csv"])
def test_a_changed_list_of_the_gazetteer_makes_the_years_stale(
    made: Pipeline, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    original, changed = Path.read_bytes, fingerprints.ROOT / file
    monkeypatch.setattr(Path, "read_bytes", lambda path: original(path) + (b"\n" if path == changed else b""))
    forget()
    step = _planned(made)["ingest 2024"]
    assert (step.state, "code of geocoding changed" in step.why) == ("stale", True)


def test_another_version_of_the_places_makes_the_years_stale_and_names_the_library(
    made: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gii_pipeline.fingerprints.version", lambda name: "0" if name == "zipcodes" else version(name))
    forget()
    step = _planned(made)["ingest 2024"]
    assert (step.state, "library zipcodes changed" in step.why) == ("stale", True)


@pytest.mark.parametrize("settings", [{"unknown_economies_pct": 5.0}, {"min_population": 1000}])
def test_a_changed_setting_of_the_gazetteer_makes_the_years_stale(made: Pipeline, settings: dict[str, Any]) -> None:
    profile = made.profile.model_copy(update={"gazetteer": Gazetteer(**settings)})
    step = _planned(replace(made, profile=profile))["ingest 2024"]
    assert step.state == "stale"
    assert "gazetteer changed" in step.why


def _fetched(reader: str, role: str, **options: Any) -> Input:
    return Input(reader=reader, files={role: Fetch(**options)})


FETCHES: dict[str, tuple[Callable[..., Input], dict[str, Any], dict[str, Any], str]] = {
    "url": (
        partial(_fetched, "ror", "organizations", fetch="file_url"),
        {"url": "https://example.org/v1.zip"},
        {"url": "https://example.org/v2.zip"},
        "the fetch of `organizations` changed: url",
    ),
    "query": (
        partial(_fetched, "crunchbase_api", "rounds", fetch="crunchbase_api"),
        {},
        {"query": [{"type": "predicate"}]},
        "the fetch of `rounds` changed: query",
    ),
    "filter": (
        partial(_fetched, "openalex_works", "works", fetch="openalex_api"),
        {"filter": "type:article"},
        {"filter": "type:review"},
        "the fetch of `works` changed: filter",
    ),
    "table": (
        partial(_fetched, "patentsview_tables", "pct", fetch="uspto_odp"),
        {"table": "g_pct_data"},
        {"table": "pg_pct_data"},
        "the fetch of `pct` changed: table",
    ),
    "an epoch's raster": (
        partial(_fetched, "population", "2015", fetch="file_url"),
        {"url": "https://example.org/2015.tif"},
        {"url": "https://example.org/2015-v2.tif"},
        "the fetch of `2015` changed: url",
    ),
}


@pytest.mark.parametrize("case", FETCHES.values(), ids=FETCHES)
def test_what_a_source_is_asked_for_is_on_record_and_a_change_is_named(
    made: Pipeline, tmp_path: Path, case: tuple[Callable[..., Input], dict[str, Any], dict[str, Any], str]
) -> None:
    source, before, after, why = case
    path = tmp_path / "inputs.json"
    (role,) = source(**before).files
    pin({role: []}, path, source(**before))
    assert changed_files(made.archive, source(**before), path) == ""
    assert changed_files(made.archive, source(**before, per_second=0.5), path) == ""
    assert changed_files(made.archive, source(**after), path) == why


def test_a_plan_names_a_fetch_of_the_population_that_changed(made: Pipeline) -> None:
    assert made.profile.population
    (year,) = made.profile.population.rasters
    population = made.profile.population.model_copy(
        update={"rasters": {year: Fetch(fetch="file_url", url="https://example.org/p.tif")}}
    )
    step = _planned(replace(made, profile=made.profile.model_copy(update={"population": population})))["ingest 2024"]
    assert (step.state, step.why) == ("stale", f"population: what was fetched for `{year}` is not on record")


def test_a_list_without_what_was_asked_for_is_not_taken_for_an_unchanged_one(made: Pipeline, tmp_path: Path) -> None:
    source = _fetched("ror", "organizations", fetch="file_url", url="https://example.org/v1.zip")
    path = tmp_path / "inputs.json"
    pin({"organizations": []}, path)
    assert changed_files(made.archive, source, path) == "what was fetched for `organizations` is not on record"


def test_files_of_a_role_that_the_profile_no_longer_names_are_noticed(made: Pipeline, tmp_path: Path) -> None:
    path = tmp_path / "inputs.json"
    pin({"works": [], "deleted_ids": []}, path)
    source = Input(reader="openalex_works", files={"works": ()})
    assert changed_files(made.archive, source, path) == "other roles have files: deleted_ids"


def test_a_filter_that_we_choose_is_a_part_of_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    source = _fetched("openalex_works", "works", fetch="openalex_api")
    before = asked(source)["works"]["filter"]
    assert before == openalex_api.FILTERS["works"]
    monkeypatch.setitem(openalex_api.FILTERS, "works", f"{before},is_retracted:false")
    assert asked(source)["works"]["filter"] != before


def test_a_port_of_this_machine_is_no_part_of_what_is_asked_for() -> None:
    def of(port: int) -> dict[str, dict[str, Any]]:
        return asked(_fetched("ror", "organizations", fetch="file_url", url=f"http://127.0.0.1:{port}/ror.zip"))

    assert of(8744) == of(50123)
    assert of(8744)["organizations"]["url"] == ["http://127.0.0.1/ror.zip"]


def test_no_key_of_an_address_is_written_into_a_list(tmp_path: Path) -> None:
    url = "https://me:hidden@example.org/ror.zip?v=2&api_key=hidden"
    source = _fetched("ror", "organizations", fetch="file_url", url=url)
    pin({"organizations": []}, tmp_path / "inputs.json", source)
    written = (tmp_path / "inputs.json").read_text(encoding="utf-8")
    assert "example.org/ror.zip?v=2" in written
    assert "hidden" not in written


def test_the_code_of_institutions_is_a_part_of_the_recipe_of_records(made: Pipeline) -> None:
    institutions = Input(reader="ror", files={"organizations": ()})
    with_them = replace(made, profile=made.profile.model_copy(update={"institutions": institutions}))
    assert "reader ror" in record_code(with_them, "patents")
    assert "reader ror" not in record_code(made, "patents")
    assert set(SOURCES) >= {"ror"}
