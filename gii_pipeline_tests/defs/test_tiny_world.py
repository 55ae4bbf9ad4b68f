"""A whole run on four towns: the figures that it must give, and that nothing changes when nothing has changed."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from gii_pipeline import open_release, verified
from gii_pipeline.defs.instance import instance_of
from gii_pipeline.errors import InputError, ReleaseError
from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.areas.drawn import box, feature, write_areas
from gii_pipeline_tests.commands import Gii


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


def test_towns_are_clusters_with_the_counts_that_were_written(finished_tiny_root: Path) -> None:
    ranking = open_release(finished_tiny_root / "root").table("ranking_size")
    assert list(ranking["name"]) == ["Graz", "Lyon", "Oslo"]
    assert list(ranking["rank"]) == [1, 2, 3]
    located = len(tiny_world.YEARS) * sum(tiny_world.PEOPLE.values())
    for name in ("Graz", "Lyon", "Oslo"):
        row = ranking.set_index("name").loc[name]
        count = len(tiny_world.YEARS) * tiny_world.PEOPLE[name]
        assert row["pct_applications_count"] == row["vc_deals_count"] == count
        assert row["scientific_publications_share_pct"] == pytest.approx(100 * count / located)
        assert row["size_score"] == pytest.approx(3 * 100 * count / located)
        assert row["vc_deals_per_million"] == pytest.approx(count / row["population"] * 1e6)


def test_a_second_run_does_nothing_and_says_so(tiny: Gii) -> None:
    before = hashes(tiny.root)
    outcome = tiny("run", "--edition", "2015")
    assert outcome.code == 0
    assert "v2015.1" in outcome.out
    assert "unchanged" in outcome.out
    assert outcome.out.count("Warning: ranking_size 2015: as_long_as_the_edition_ranks") == 1
    assert hashes(tiny.root) == before


def test_a_backfill_of_what_is_there_repeats_the_warnings(tiny: Gii) -> None:
    outcome = tiny("backfill", "--editions", "2015")
    assert outcome.code == 0
    assert outcome.out.count("Warning: ranking_size 2015: as_long_as_the_edition_ranks") == 1


def test_the_same_inputs_give_the_same_bytes(tiny: Gii) -> None:
    before = hashes(tiny.root)
    assert tiny("run", "--edition", "2015", "--refresh").code == 0
    assert hashes(tiny.root) == before


def test_changed_input_is_noticed_and_makes_the_next_version_once_a_person_approves(tiny: Gii) -> None:
    tiny_world.write(tiny.profile.parent, vc_deals={**tiny_world.PEOPLE, "Oslo": 20, "Graz": 6})
    plan = tiny("plan", "--edition", "2015")
    assert plan.out.count("stale") == 3
    assert "vc_deals" in plan.out
    refused = tiny("run", "--edition", "2015")
    assert refused.code == ReleaseError.exit_code
    assert "Oslo's share of vc_deals" in refused.err
    assert str(open_release(tiny.root).version) == "v2015.1"
    assert tiny("release", "make", "--edition", "2015", "--approve").code == 0
    newest = open_release(tiny.root)
    assert str(newest.version) == "v2015.2"
    assert newest.table("ranking_size")["vc_deals_count"].max() == 40
    gone = [("Graz", 6, {"vc_deals": 6.0}, 2, 1), ("Oslo", 0, {}, 1, 2)]
    told = json.loads(tiny("diff", "v2015.1", "v2015.2", "--format", "json").out)["gone_effects"]
    assert sorted(tuple(row.values())[1:] for row in told) == gone
    changes = Path(str(newest.folder), "CHANGES.md").read_text(encoding="utf-8")
    assert "| Graz | 6 | vc\\_deals 6.0 | 2 | 1 |" in changes


def test_an_earlier_retrieval_shows_that_a_data_year_is_still_coming_in(tiny: Gii) -> None:
    of_2013 = tiny.root / "raw" / "patents" / "data_year=2013"
    [noted] = of_2013.glob("retrieval-*.json")
    said = json.loads(noted.read_bytes())
    assert said["records"] == {"seed": 23.0}
    year_before = {
        **said,
        "retrieved_at": f"{int(said['retrieved_at'][:4]) - 1}{said['retrieved_at'][4:]}",
        "records": {"seed": 9.2},
    }
    earlier = noted.with_name("retrieval-earlier.json")
    earlier.write_text(json.dumps(year_before), encoding="utf-8")
    verified.record(earlier)

    assert "earlier retrievals changed" in " ".join(tiny("plan", "--edition", "2015").out.split())
    outcome = tiny("run", "--edition", "2015")
    assert outcome.code == 0, outcome.err
    assert "Warning: PCT applications: 2014 is incomplete: at its age" in outcome.out
    assert "earlier data years had 40 % of their present count (1 compared)" in outcome.out
    assert "Whether PCT applications of 2013, scientific publications of 2013 and 2014" in outcome.out
    release = open_release(tiny.root)
    assert [note for note in release.notes if "PCT applications: 2014 is incomplete" in note]
    rows = release.table("coverage").set_index(["metric", "data_year"]).loc["pct_applications"]
    assert rows.loc[[2014], "completeness"].unique().tolist() == ["still coming in"]
    assert rows.loc[[2014], "settled_pct"].unique().tolist() == [40.0]
    assert rows.loc[[2013], "completeness"].unique().tolist() == ["unknown"]
    rebuilt = tiny("release", "rebuild", "v2015.2")
    assert rebuilt.code == 0, rebuilt.err


@pytest.mark.slow
def test_a_version_comes_out_the_same_from_its_lock_and_the_archive(tiny: Gii) -> None:
    tiny_world.write(tiny.profile.parent, vc_deals={**tiny_world.PEOPLE, "Oslo": 20})
    assert tiny("ingest", "--years", "2013,2014").code == 0
    outcome = tiny("release", "rebuild", "v2015.1")
    assert outcome.code == 0, outcome.err
    assert "was reproduced" in outcome.out


@pytest.mark.slow
def test_the_records_behind_a_figure_of_the_ledger_are_listed(tiny: Gii) -> None:
    shown = tiny("explain", "vc_deals", "2014", "--outcome", "other_years", "--rows", "2")
    assert shown.code == 0, shown.err
    assert "vc_deals 2014, other_years: 23 records, 2 rows shown" in " ".join(shown.out.split())
    assert shown.out.count("vc_deals-2013-") == 2
    assert "Known outcomes: " in tiny("explain", "vc_deals", "2014", "--outcome", "lost").err


def test_a_stranger_reads_the_release_without_this_package(finished_tiny_root: Path) -> None:
    frame = pd.read_parquet(finished_tiny_root / "root" / "releases" / "v2015.1" / "ranking_size.parquet")
    assert list(frame["name"]) == ["Graz", "Lyon", "Oslo"]


def test_every_partition_shows_its_own_verdict_on_the_dagster_page(finished_tiny_root: Path) -> None:
    key = dg.AssetCheckKey(dg.AssetKey("vc_deals"), "contract")
    with instance_of(finished_tiny_root / "root") as instance:
        found = instance.event_log_storage.get_asset_check_partition_info([key])
    assert sorted(one.partition_key or "" for one in found) == ["2013", "2014"]


def test_own_areas_count_what_lies_in_them(tiny: Gii, tmp_path: Path) -> None:
    towns = [feature(name, box(x - 1, y - 1, x + 1, y + 1)) for name, (y, x) in tiny_world.TOWNS.items()]
    path = write_areas(tmp_path / "towns.geojson", [*towns, feature("France", box(-5, 42, 8, 51))])
    out = tmp_path / "towns.parquet"
    outcome = tiny("rank", "--areas", str(path), "--edition", "2015", "--out", str(out))
    assert outcome.code == 0, outcome.err
    assert "areas, not clusters" in outcome.out
    assert "Areas overlap: Lyon and France." in " ".join(outcome.out.split())
    areas = pd.read_parquet(out).set_index("area")
    clusters = open_release(tiny.root).table("ranking_size").set_index("name")
    years = len(tiny_world.YEARS)
    for name, people in tiny_world.PEOPLE.items():
        assert areas.loc[name, "vc_deals_count"] == people * years
        assert areas.loc[name, "population"] == pytest.approx(20 * 20, rel=0.05)  # a person in each tenth of a degree
    scores = areas["size_score"].to_dict()
    assert scores["France"] == scores["Lyon"]
    # By the same counting, an area around a cluster has the cluster's figures.
    assert {name: scores[name] for name in clusters.index} == clusters["size_score"].to_dict()


def test_own_areas_of_an_edition_that_is_not_ingested_name_its_years(tiny: Gii, tmp_path: Path) -> None:
    path = write_areas(tmp_path / "towns.geojson", [feature("France", box(-5, 42, 8, 51))])
    shutil.rmtree(tiny.root / "core" / "vc_deals" / "data_year=2013")
    outcome = tiny("rank", "--areas", str(path), "--edition", "2015")
    assert outcome.code == InputError.exit_code
    assert "gii ingest --years 2013" in outcome.err
