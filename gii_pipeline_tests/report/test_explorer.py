from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gii_pipeline.counting import Counted
from gii_pipeline.editions import Edition
from gii_pipeline.ranking import rank_changes, rank_stability, rank_variants, size_variants
from gii_pipeline.registry import shipped
from gii_pipeline.releases import ReleaseInfo, SourceInfo
from gii_pipeline.releases.events import rank_events
from gii_pipeline.releases.series import history_rows
from gii_pipeline.releases.shelf import Version
from gii_pipeline.report.charts import data_uri, footprints_map, ranking_bars
from gii_pipeline.report.explorer import PAGE, explorer_page, page_facts, write_report
from gii_pipeline.report.maps import SQUEEZE, outlines
from gii_pipeline_tests.ranking import towns
from gii_pipeline_tests.ranking.chain import rank_edition
from gii_pipeline_tests.ranking.towns import DEALS, PAPERS, PCT, Town, counted, edition

VERSION = "v2025.1"
EVIL = "</script><script>alert(1)</script>"
TOWNS = [
    Town("Alba", 10.0, 10.0, {PCT: 30, PAPERS: 300, DEALS: 1}),
    Town(EVIL, 20.0, 20.0, {PCT: 20, PAPERS: 200, DEALS: 50}),
    Town("Dune", 30.0, 30.0, {PCT: 4, PAPERS: 20, DEALS: 1}),
]
INFO = ReleaseInfo('Clusters "&" <b>towns</b>', {"made": SourceInfo("<i>Source</i>", "CC0-1.0", "A & B")}, made_up=True)


def _tables(previous: Edition | None = edition(2024, 200.0)) -> dict[str, pd.DataFrame]:  # noqa: B008
    this = edition(2025, 200.0)

    def count(asked: Edition) -> Counted:
        return counted(TOWNS if asked.edition == 2025 else TOWNS[:2], asked)

    now = count(this)
    points = now.points.to_pandas()
    made = rank_edition(points, now.totals, this, lambda found: found[["cluster_id"]].assign(population=1_234_000.0))
    size, members = made.ranking_size, made.cluster_members
    changes = rank_changes(size, members, now, this, previous=previous, count=count)
    return {
        "ranking_size": size,
        "cluster_metrics": made.cluster_metrics,
        "cluster_footprints": _as_bytes(made.cluster_footprints),
        "contributions": made.contributions,
        "rank_changes": changes,
        "rank_variants": rank_variants(size, size_variants(members, points, now.totals, this), [], this),
        "rank_stability": rank_stability(
            size, members, points, now.totals, this, co_counts=towns.co_counts(now), replicates=50
        ),
        "rank_history": history_rows(
            pa.Table.from_pandas(size, preserve_index=False), Version.parse(VERSION)
        ).to_pandas(),
        "rank_events": rank_events(_arrow(size, changes, members).__getitem__, [], own_method=True).to_pandas(),
    }


def _arrow(size: pd.DataFrame, changes: pd.DataFrame, members: pd.DataFrame) -> dict[str, pa.Table]:
    frames = {"ranking_size": size, "rank_changes": changes, "cluster_members": members}
    return {name: pa.Table.from_pandas(frame, preserve_index=False) for name, frame in frames.items()}


def _as_bytes(footprints: pd.DataFrame) -> pd.DataFrame:
    if isinstance(footprints, gpd.GeoDataFrame):
        return pd.DataFrame(footprints.assign(geometry=footprints.geometry.to_wkb()))
    return footprints


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return _tables()


def page_of(tables: dict[str, pd.DataFrame], info: ReleaseInfo = INFO) -> str:
    return explorer_page(tables, info, page_facts(tables, info, VERSION))


def facts_in(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="facts">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_page_holds_every_figure_of_the_ranking(tables: dict[str, pd.DataFrame]) -> None:
    facts = facts_in(page_of(tables, INFO))
    ranking = tables["ranking_size"]
    assert [cluster["rank"] for cluster in facts["clusters"]] == list(ranking["rank"])
    for cluster, row in zip(facts["clusters"], ranking.to_dict("records"), strict=True):
        assert cluster["size_score"] == pytest.approx(row["size_score"], rel=1e-7)
        assert cluster["intensity_rank"] == row["intensity_rank"]
        assert cluster["metrics"][PCT] == pytest.approx(
            [row[f"{PCT}_{part}"] for part in ("count", "share_pct", "per_million", "rank")], rel=1e-7
        )
    windows = {metric["key"]: (metric["first"], metric["last"], metric["unit"]) for metric in facts["metrics"]}
    assert windows[PAPERS] == (2019, 2023, "publications")


def test_changes_and_intervals_are_those_of_the_tables(tables: dict[str, pd.DataFrame]) -> None:
    changes = tables["rank_changes"].set_index("cluster_id")
    intervals = tables["rank_stability"].set_index("cluster_id")
    for cluster in page_facts(tables, INFO, VERSION)["clusters"]:
        assert cluster["stability"]["rank_high"] == intervals.loc[cluster["id"], "rank_high"]
        before = changes.loc[cluster["id"], "previous_rank"]
        assert cluster["change"]["previous_rank"] == (None if pd.isna(before) else before)


def test_contributors_add_up_to_the_cluster(tables: dict[str, pd.DataFrame]) -> None:
    for cluster in page_facts(tables, INFO, VERSION)["clusters"]:
        for found in cluster["contributors"].values():
            assert sum(row[4] for row in found["places"]) + found["rest"][2] == pytest.approx(100)


def test_what_a_record_says_is_never_markup(tables: dict[str, pd.DataFrame]) -> None:
    page = page_of(tables, INFO)
    assert "<script>alert" not in page
    assert "<i>Source" not in page
    assert "<b>towns" not in page
    assert page.count("</script>") == 2
    assert any(EVIL in cluster["name"] for cluster in facts_in(page)["clusters"])
    for picture in (footprints_map(tables["cluster_footprints"]), ranking_bars(tables["ranking_size"], shipped())):
        assert "<script>" not in picture


def test_the_page_asks_no_other_host(tables: dict[str, pd.DataFrame]) -> None:
    page = page_of(tables, INFO)
    assert not re.search(r"""(?:src|href)=["'](?!data:|[\w./]+["'])""", page)
    assert "default-src 'none'".replace("'", "&#x27;") in page
    assert set(re.findall(r"https?://[^\s\"']+", page)) == {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("made_up", [True, False])
def test_made_up_records_are_said_to_be_made_up(tables: dict[str, pd.DataFrame], made_up: bool) -> None:
    info = ReleaseInfo("Towns", {}, made_up=made_up)
    notice = re.search(r'<div class="notice"[^>]*>', page_of(tables, info))
    assert notice
    assert ("hidden" in notice[0]) is not made_up


def test_the_same_tables_give_the_same_bytes(tables: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    for copy in ("one", "two"):
        (tmp_path / copy).mkdir()
        for name, table in tables.items():
            shuffled = table if copy == "one" else table.sample(frac=1, random_state=3)
            pq.write_table(pa.Table.from_pandas(shuffled, preserve_index=False), tmp_path / copy / f"{name}.parquet")
        write_report(tmp_path / copy, INFO, VERSION)
    assert (tmp_path / "one" / PAGE).read_bytes() == (tmp_path / "two" / PAGE).read_bytes()


def test_without_a_ranked_cluster_or_a_previous_edition_there_is_still_a_page(tables: dict[str, pd.DataFrame]) -> None:
    empty = facts_in(page_of({name: table.head(0) for name, table in tables.items()}, INFO))
    assert empty["clusters"] == empty["metrics"] == []
    first = page_facts(_tables(previous=None), INFO, VERSION)["clusters"][0]
    assert first["change"]["previous_edition"] is None


def test_an_outline_lies_where_its_footprint_does() -> None:
    square = shapely.box(10, 20, 11, 21)
    ring = [tuple(map(float, point.split())) for point in outlines([square.wkb])[0].strip("MZ").split("L")]
    assert {round(x / SQUEEZE) for x, _ in ring} == {10, 11}
    assert {y for _, y in ring} == {-20, -21}


def test_pictures_name_the_clusters_and_fit_a_page(tables: dict[str, pd.DataFrame]) -> None:
    assert "1  Alba" in ranking_bars(tables["ranking_size"], shipped()) or "2  Alba" in ranking_bars(
        tables["ranking_size"], shipped()
    )
    world = footprints_map(tables["cluster_footprints"])
    assert world.count("<circle") == len(tables["cluster_footprints"])
    assert len(data_uri(world)) < 100_000
