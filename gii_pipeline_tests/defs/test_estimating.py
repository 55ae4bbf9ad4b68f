"""What a run takes is said before it begins, and it does not begin where there is no room for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gii_pipeline.defs.estimating import costs, refuse_too_much
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.planning import Step
from gii_pipeline.errors import InputError
from gii_pipeline.profiles import Fetch, Input, read_profile
from gii_pipeline.sources.extracts import Extracts
from gii_pipeline.sources.gathering import gather
from gii_pipeline.sources.progress import Parts, duration, readable, watched
from gii_pipeline.sources.rates import Rate, Rates
from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.archive.server import Server
from gii_pipeline_tests.commands import Gii
from gii_pipeline_tests.sources.fetching.services import OpenAlex, Snapshot, noise, work

PART = "updated_date=2026-0{}-01/part_0000.gz"
YEARS = [Step("ingest", str(year), "missing", tables=("publications",)) for year in (2013, 2014)]


@pytest.fixture
def snapshot() -> Snapshot:
    return Snapshot({PART.format(n): [{**work(n), "title": noise(40_000, n).hex()}] for n in range(1, 5)})


@pytest.fixture
def server(snapshot: Snapshot) -> Iterator[Server]:
    with Server(snapshot) as server:
        yield server


@pytest.fixture
def pipeline(tmp_path: Path, server: Server) -> Pipeline:
    """The tiny world, whose publications are a snapshot of four parts."""
    profile = read_profile(str(tiny_world.write(tmp_path / "world")))
    works = Fetch(fetch="openalex_snapshot", base_url=server.url, per_second=1_000)
    source = Input(reader="openalex_works", files={"works": works}, keep="extract")
    metrics = {"scientific_publications": source}
    return Pipeline(profile.model_copy(update={"metrics": metrics}), tmp_path / "root")


def test_two_data_years_of_one_snapshot_cost_its_parts_once(pipeline: Pipeline, snapshot: Snapshot) -> None:
    cost, population = costs(pipeline, YEARS)
    size = sum(len(content) for name, content in snapshot.host.files.items() if "part_" in name)
    assert (cost.source, cost.requests, cost.fetch) == ("scientific_publications (openalex_snapshot)", 4, size)
    assert 0 < cost.final < size / 2
    assert size / 4 < cost.peak - cost.final < size
    assert "4 requests, " in cost.told
    assert "estimated from rates that ship with the package" in cost.told
    assert population.requests == 0
    assert not (pipeline.root / "archive").exists()


def test_what_is_here_costs_nothing_and_measured_rates_are_used(pipeline: Pipeline) -> None:
    Rates(pipeline.rates).note("stream openalex_works", Rate(10_000_000, 5.0, 1_000_000))
    [cost, _] = costs(pipeline, YEARS)
    assert cost.seconds == pytest.approx(cost.fetch / 2_000_000)
    assert "rates measured under this root" in cost.told
    Rates(pipeline.rates).note("stream openalex_works", Rate(10_000_000, 5.0, 1_000_000, fetched=800_000))
    [columns, _] = costs(pipeline, YEARS)
    assert columns.fetch == pytest.approx(cost.fetch * 0.08, abs=1)

    lines: list[str] = []
    with watched(lines.append):
        source = pipeline.profile.metrics["scientific_publications"]
        gather(pipeline.archive, source, 2013, Extracts(pipeline.store.extracts))
    assert [line.partition(",")[0] for line in lines] == [f"openalex_works: {n} of 4 parts" for n in (1, 2, 3, 4)]
    assert lines[-1].endswith(" 0 s left")
    [cost, _] = costs(pipeline, YEARS)
    assert cost.told == "scientific_publications (openalex_snapshot): nothing to fetch"


def test_a_source_that_does_not_answer_is_not_a_number(pipeline: Pipeline) -> None:
    source = pipeline.profile.metrics["scientific_publications"]
    gone = Fetch(fetch="openalex_snapshot", base_url="http://127.0.0.1:9")
    metrics = {"scientific_publications": source.model_copy(update={"files": {"works": gone}})}
    profile = pipeline.profile.model_copy(update={"metrics": metrics})
    [cost, _] = costs(replace(pipeline, profile=profile), YEARS)
    assert (cost.requests, cost.fetch, cost.peak, cost.unknown) == (0, 0, 0, True)
    assert cost.says == "what it takes is not known before the first request"


def test_the_manifest_that_a_run_asked_for_its_costs_is_the_one_it_fetches_by(
    pipeline: Pipeline, server: Server
) -> None:
    assert costs(pipeline, YEARS, keep=True)[0].requests == 4
    source = pipeline.profile.metrics["scientific_publications"]
    gather(pipeline.archive, source, 2013, Extracts(pipeline.store.extracts))
    assert costs(pipeline, YEARS)[0].nothing
    manifests = [asked for asked in server.asked if asked.path.endswith("manifest.json")]
    assert len(manifests) == 2  # for the costs, and once its parts were there


def test_tables_of_one_portal_are_one_line_with_what_is_known(pipeline: Pipeline) -> None:
    tables = ("g_pct_data", "g_inventor_disambiguated", "g_location_disambiguated")
    roles = zip(("pct", "inventors", "locations"), tables, strict=True)
    portal = {role: Fetch(fetch="uspto_odp", table=table, base_url="http://127.0.0.1:9") for role, table in roles}
    metrics = {"pct_applications": Input(reader="patentsview_tables", files=portal)}
    profile = pipeline.profile.model_copy(update={"metrics": metrics})
    cost, _ = costs(replace(pipeline, profile=profile), [Step("ingest", "2013", "missing", tables=("patents",))])
    assert cost.told == "pct_applications (uspto_odp): 3 requests; bytes are not known before the first request"


def test_a_list_costs_the_pages_behind_its_first_which_is_asked_once(pipeline: Pipeline) -> None:
    openalex = OpenAlex([work(n, 2013) for n in range(250)])
    with Server(openalex) as server:
        works = Fetch(fetch="openalex_api", base_url=server.url, per_second=10)
        source = Input(reader="openalex_works", files={"works": works})
        profile = pipeline.profile.model_copy(update={"metrics": {"scientific_publications": source}})
        listed = replace(pipeline, profile=profile)
        year = [Step("ingest", "2013", "missing", tables=("publications",))]
        cost, _ = costs(listed, year, keep=True)
        assert cost.told.startswith("scientific_publications (openalex_api): 3 requests, 3 credits, ")
        assert cost.as_dict()["seconds"] == 0.3
        gather(listed.archive, source, 2013)
        assert len(server.asked) == 3
        assert costs(listed, year)[0].nothing
        assert len(server.asked) == 3


def test_a_program_reads_the_costs_of_a_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = Gii(tiny_world.write(tmp_path / "world"), tmp_path / "root", capsys)
    planned = json.loads(tiny("plan", "--edition", "2015", "--json").out)
    assert {step["state"] for step in planned["steps"]} == {"missing"}
    sizes = {cost["source"]: cost["bytes_to_fetch"] for cost in planned["costs"]}
    assert sizes["population (local files)"] == 0
    assert len(sizes) == 4
    assert all(cost["disk_peak_bytes"] > 0 for cost in planned["costs"])
    assert planned["warnings"] == []


def test_a_local_file_that_changed_is_read_again_and_costs_that(tmp_path: Path) -> None:
    profile = read_profile(str(tiny_world.write(tmp_path / "world")))
    source = profile.metrics["vc_deals"]
    pipeline = Pipeline(
        profile.model_copy(update={"metrics": {"vc_deals": source}, "population": None}), tmp_path / "root"
    )
    year = [Step("ingest", "2013", "missing", tables=("vc_deals",))]
    gather(pipeline.archive, source, 2013)
    assert costs(pipeline, year) == []
    path = tmp_path / "world" / "vc_deals.csv"
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    [cost] = costs(pipeline, year)
    assert (cost.source, cost.read) == ("vc_deals (local files)", path.stat().st_size)


def test_a_run_without_room_does_not_begin(pipeline: Pipeline) -> None:
    found = costs(pipeline, YEARS)
    refuse_too_much(found, pipeline)
    with pytest.raises(InputError, match=r"--max-disk allows 20\.0 kB\. Nothing was started\."):
        refuse_too_much(found, replace(pipeline, max_disk=20_000))
    with pytest.raises(InputError, match=r"are free\. Nothing was started\."):
        refuse_too_much([replace(found[0], peak=10**18)], pipeline)


def test_measurements_of_little_are_not_kept(tmp_path: Path) -> None:
    rates = Rates(tmp_path / "rates.json")
    rates.note("fetch file_url", Rate(1_000, 5.0))
    assert rates.of("fetch", "file_url")[1] is False
    rates.note("fetch file_url", Rate(2_000_000, 5.0))
    assert rates.of("fetch", "file_url") == (Rate(2_000_000, 5.0), True)


def test_figures_are_said_as_people_read_them() -> None:
    assert [readable(size) for size in (7, 1_500, 670e9, 4.6e12)] == ["7 bytes", "1.5 kB", "670.0 GB", "4.6 TB"]
    assert [duration(seconds) for seconds in (45, 600, 18_060)] == ["45 s", "10 min", "5 h 01 min"]
    assert Parts("ror", 1, 0).line == "ror: 0 of 1 parts, 0 bytes"
