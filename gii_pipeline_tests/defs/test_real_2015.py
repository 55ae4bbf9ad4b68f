"""The whole chain on real records of 2010–2014: what is known of them must come out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest

from gii_pipeline.counting.units import to_units
from gii_pipeline_tests.commands import REAL_PROFILE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
YEARS = range(2010, 2015)
BY_DEALS = {"San Francisco": 9570, "New York City": 3850, "Boston": 2450, "London": 1740, "Los Angeles": 1590}
"""The first clusters by deals, from an independent count of the deals alone."""


@pytest.fixture(scope="module")
def run(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """`gii run` in a process of its own: the root, and what it printed."""
    root = tmp_path_factory.mktemp("real") / "gii_data"
    command = [sys.executable, "-c", "from gii_pipeline.cli import main; main()", "run", "--edition", "2015"]
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    done = subprocess.run(
        [*command, "--profile", str(REAL_PROFILE), "--root", str(root)],
        env=environment | {"GII_REAL_DATA": str(real_data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return root, done.stdout


@pytest.fixture(scope="module")
def root(run: tuple[Path, str]) -> Path:
    return run[0]


@pytest.fixture(scope="module")
def ranking(root: Path) -> pd.DataFrame:
    return pd.read_parquet(root / "releases" / "v2015.1" / "ranking_size.parquet")


def core(root: Path, table: str) -> pd.DataFrame:
    return pd.concat(pd.read_parquet(root / "core" / table / f"data_year={year}" / "part-0.parquet") for year in YEARS)


def test_the_command_ends_with_the_first_ten_and_where_the_release_lies(run: tuple[Path, str]) -> None:
    _, out = run
    assert "San Francisco" in out
    assert "v2015.1" in out
    assert "inhabitants" in out


def test_the_first_clusters_by_deals(ranking: pd.DataFrame) -> None:
    first = ranking.sort_values("vc_deals_count", ascending=False).head(5)
    for (name, count), row in zip(BY_DEALS.items(), first.to_dict("records"), strict=True):
        assert name in row["name"]
        assert row["vc_deals_count"] == pytest.approx(count, rel=0.02)


def test_san_jose_is_in_san_francisco_and_boston_is_not_in_new_york(root: Path) -> None:
    members = pd.read_parquet(root / "releases" / "v2015.1" / "cluster_members.parquet")
    by_place = members.dropna(subset=["cluster_id"]).groupby("place")["cluster_id"].agg(set)
    cluster = by_place[["San Francisco", "San Jose", "Boston", "New York City"]]
    assert cluster["San Francisco"] <= cluster["San Jose"]
    assert not cluster["Boston"] & cluster["New York City"]


def test_every_round_is_counted_once_or_dropped_for_a_reason(root: Path) -> None:
    quality = core(root, "geocoding_quality").query("metric == 'vc_deals'")
    deals = core(root, "vc_deals")
    counted = quality[quality["status"] != "dropped"]["records"].sum()
    assert counted == deals["record_id"].nunique()
    dropped = quality[quality["status"] == "dropped"]
    assert set(dropped["outcome"]) == {"no_company"}
    assert (dropped["records"] > 0).all()


@pytest.mark.parametrize("table", ["patents", "publications", "vc_deals"])
def test_a_records_fractions_add_up_to_one(root: Path, table: str) -> None:
    sums = core(root, table).groupby("record_id")["fraction"].sum()
    assert len(sums) > 0
    assert (sums - 1).abs().max() < 1e-9


def test_clusters_noise_and_unlocated_add_up_to_the_records(root: Path) -> None:
    points = pd.read_parquet(root / "releases" / "v2015.1" / "points.parquet")
    deals = core(root, "vc_deals").query("record_type in ('angel', 'seed', 'early', 'late', 'venture')")
    unlocated = int(deals["location_id"].isna().sum())
    located = to_units(points.query("metric == 'vc_deals'")["fractions"]).sum() // to_units([1.0])[0]
    assert located + unlocated == deals["record_id"].nunique()
    members = pd.read_parquet(root / "releases" / "v2015.1" / "cluster_members.parquet")
    assert set(points["location_id"]) == set(members["location_id"])


def test_nearly_every_deal_that_names_a_city_is_located(root: Path) -> None:
    deals = core(root, "vc_deals").query("record_type in ('angel', 'seed', 'early', 'late', 'venture')")
    named = deals[~deals["geocoding"].isin(["no_address", "no_city"])]
    assert len(named) > 40_000
    assert named["location_id"].notna().mean() >= 0.99


def profile_of(root: Path, table: str, cluster: str, metric: str) -> pd.DataFrame:
    """The rows of the cluster with a name in the profile of a metric, ranked."""
    folder = root / "releases" / "v2015.1"
    rows = pd.read_parquet(folder / f"{table}.parquet").merge(
        pd.read_parquet(folder / "clusters.parquet")[["cluster_id", "name"]], on="cluster_id"
    )
    return rows[(rows["name"] == cluster) & (rows["metric"] == metric)].sort_values("rank")


def test_leaders_have_as_many_rounds_as_the_export_has_of_them(root: Path, real_data: Path) -> None:
    rounds = pd.read_csv(real_data / "crunchbase_2015_global" / "rounds2.csv.gz", encoding="latin-1", dtype="str")
    years = pd.to_datetime(rounds["funded_at"], format="%d-%m-%Y").dt.year
    ours = rounds[years.isin(YEARS) & rounds["funding_round_type"].isin(["angel", "seed", "venture"])]
    independent = ours["company_permalink"].str.lower().value_counts()
    leaders = profile_of(root, "leaders", "San Francisco", "vc_deals").query("kind == 'organisation'")
    assert len(leaders) == 25
    assert leaders["count"].tolist() == independent[leaders["organisation_id"].str.lower()].tolist()
    assert "Lithium Technologies" in set(leaders["organisation"])


def test_the_university_behind_the_works_leads_its_cluster(root: Path) -> None:
    first = profile_of(root, "leaders", "Dhahran", "scientific_publications").query("rank == 1").iloc[0]
    assert first["organisation"] == "King Fahd University of Petroleum and Minerals"
    assert first["organisation_id"] == "https://ror.org/03yez3163"
    assert first["share_pct"] > 90
    fields = profile_of(root, "fields", "Dhahran", "scientific_publications").query("rank > 0")
    assert "Earth and Planetary Sciences" in set(fields["field"].head(3))


def test_a_profile_of_a_source_without_organisations_says_so(root: Path) -> None:
    patents = profile_of(root, "leaders", "San Francisco", "pct_applications")
    assert patents["kind"].tolist() == ["unknown"]
    assert not patents["is_known"].any()


def test_names_of_people_are_nowhere_in_tables_or_releases(root: Path, real_data: Path) -> None:
    names = set(_author_names(real_data))
    assert len(names) > 1_000
    for path in [*(root / "core").rglob("*.parquet"), *(root / "releases").rglob("*.parquet")]:
        table = pl.read_parquet(path)
        for column in set(table.select(pl.col(pl.String)).columns) - {
            "economy_names"
        }:  # South Africa is an author, too
            assert not names & set(table[column].drop_nulls().to_list()), (path, column)


def test_a_reader_needs_no_library_of_ours(root: Path) -> None:
    path = root / "releases" / "v2015.1" / "ranking_size.parquet"
    by_duckdb = duckdb.execute("SELECT name FROM read_parquet(?) ORDER BY rank LIMIT 1", [str(path)]).fetchall()
    assert by_duckdb[0][0] == pl.read_parquet(path)["name"][0] == pd.read_parquet(path)["name"][0]


def _author_names(real_data: Path) -> Iterator[str]:
    """Whole names of authors, of two words or more."""
    packed = (real_data / "openalex_works_2026" / "works_trimmed.jsonl.gz").read_bytes()
    for line in zlib.decompress(packed, wbits=31).splitlines():
        for authorship in json.loads(line)["authorships"]:
            name = authorship["author"].get("display_name") or ""
            if " " in name:
                yield name
