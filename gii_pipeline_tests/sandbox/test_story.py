"""The story that everyone quotes, from raw records to the sentence: the editions 2018 to 2025, all released."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from gii_pipeline.releases import history, open_release, standing
from gii_pipeline.report.progress import PlainConsole
from gii_pipeline.report.story import story_of
from gii_pipeline.report.terminal import ranking_table
from gii_pipeline_tests.docs.pages import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]
NAME, OTHER = "Shenzhen–Hong Kong–Guangzhou", "Tokyo–Yokohama"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("story")
    gii(root, "backfill", "--profile", "sandbox", "--editions", "2018..2025", "--release")
    return root


def gii(root: Path, *arguments: str) -> str:
    """What a command prints; the command must end well."""
    command = [sys.executable, "-m", "gii_pipeline", *arguments, "--root", str(root)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=2300, check=False)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return ended.stdout


def test_the_sentence_is_computed_from_the_releases(root: Path) -> None:
    said = story_of(open_release(root, "2025")).sentence()
    assert said.startswith(
        f"{NAME} is first for the first time in edition 2025, ahead of {OTHER}, after five editions in second place "
        "under this name (2020–2024), seven as a cluster (2018–2024). "
        "By the method of 2025, it was first in 2024 already."
    )
    assert "2,293 PCT applications, 3,775 scientific publications, and 136 VC deals per million" in said
    assert said.endswith("All records are made up. (v2025.1)")
    assert gii(root, "facts", "--edition", "2025").strip() == said


def test_the_history_of_the_first_cluster_has_every_edition(root: Path) -> None:
    rows = history(root, "guangzhou shenzhen")
    assert rows["rank"].tolist() == [2, 2, 2, 2, 2, 2, 2, 1]
    assert rows["name"].tolist() == ["Shenzhen–Hong Kong"] * 2 + [NAME] * 6
    assert standing(history(root, "tokyo yokohama")) == f"{OTHER}: second"
    shown = gii(root, "history")
    assert NAME in shown
    assert all(str(edition) in shown for edition in range(2018, 2026))
    assert "All records are made up" in shown


def test_a_cluster_that_joined_another_is_told_as_merged(root: Path) -> None:
    events = open_release(root, "2020").table("rank_events")
    merged = events[(events["event"] == "merges_into") & (events["basis"] == "own_method")]
    assert ("Guangzhou", NAME) in set(zip(merged["name"], merged["other_name"], strict=True))


def test_the_table_of_the_readme_is_the_one_that_a_run_prints(root: Path) -> None:
    release, out = open_release(root, "2025"), StringIO()
    PlainConsole(width=80, file=out).print(ranking_table(release.table("ranking_size"), "", release.registry, rows=3))
    printed = [line.rstrip() for line in out.getvalue().splitlines() if line.strip()]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\n".join(printed[:-1]) in readme


def test_the_borders_of_clusters_as_own_areas_give_the_ranking_again(root: Path, tmp_path: Path) -> None:
    release, out = open_release(root, "2025"), tmp_path / "areas.parquet"
    borders = str(release.folder / "footprints.geojson")
    shown = gii(root, "rank", "--areas", borders, "--edition", "2025", "--out", str(out))
    assert "areas, not clusters" in shown
    assert "All records are made up" in shown
    areas = pd.read_parquet(out).set_index("area")
    ranking = release.table("ranking_size").set_index("name")
    for figure in ("size_score", "population", "area_km2", "pct_applications_count", "vc_deals_per_million"):
        pd.testing.assert_series_equal(areas.loc[ranking.index, figure], ranking[figure], check_names=False)


def test_two_editions_are_compared_and_every_release_is_whole(root: Path) -> None:
    shown = gii(root, "diff", "2024", "2025", "--format", "markdown")
    assert NAME in shown
    folders = root / "releases" / "v20*" / "ranking.parquet"
    years = duckdb.sql(f"select edition, count(*) from read_parquet('{folders}') group by edition order by edition")
    assert years is not None
    assert years.fetchall() == [(edition, 100) for edition in range(2018, 2026)]
    for edition in range(2018, 2026):
        assert (root / "releases" / f"v{edition}.1" / "report" / "index.html").is_file()
