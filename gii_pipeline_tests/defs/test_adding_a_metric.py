"""A fourth metric is what the guide says: an entry, a source and a block of an edition, all of them YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gii_pipeline import contracts, open_release
from gii_pipeline.defs.definitions import build
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.editions import Edition
from gii_pipeline.profiles import read_profile
from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.commands import Gii
from gii_pipeline_tests.docs.pages import ROOT, blocks

PEOPLE = {"Graz": 1, "Lyon": 8, "Oslo": 3, "Porto": 0}
"""Registrations a town and year."""


def _guide() -> dict[str, Any]:
    """The blocks of the guide, as one document."""
    texts = [block.text for block in blocks(ROOT / "docs" / "adding-a-metric.md") if block.language == "yaml"]
    return {name: value for text in texts for name, value in yaml.safe_load(text).items()}


def _with_trademarks(profile: Path) -> Path:
    """The tiny world's profile with what the guide adds, counted by an edition 2016 beside that of 2015."""
    guide, document = _guide(), yaml.safe_load(profile.read_text(encoding="utf-8"))
    counted = guide["editions"][2025]["also_counts"]["trademarks"]
    counted["window"]["value"] = [2013, 2014]
    before = document["editions"][2015]
    document["new_metrics"] = guide["new_metrics"]
    document["metrics"] |= guide["metrics"]
    document["editions"][2016] = before | {"metrics": before["metrics"] | {"trademarks": counted}}
    folder = profile.parent / "trademarks"
    folder.mkdir()
    tiny_world.people("trademarks", PEOPLE).to_csv(folder / "register.csv", index=False)
    profile.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return profile


def test_the_guide_adds_assets_checks_and_columns(tmp_path: Path) -> None:
    profile = read_profile(_with_trademarks(tiny_world.write(tmp_path)))
    graph = build(Pipeline(profile, tmp_path / "root")).resolve_asset_graph()
    names = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert {"trademarks", "raw_trademarks"} <= names
    assert "trademarks" in {key.asset_key.to_user_string() for key in graph.asset_check_keys}
    assert profile.registry["trademarks"].title_in("fr") == "marques"


def test_the_guide_adds_a_metric_to_a_shipped_edition(tmp_path: Path) -> None:
    path = tiny_world.write(tmp_path)
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    guide = _guide()
    document["editions"] |= guide["editions"]
    document |= {"new_metrics": guide["new_metrics"], "metrics": document["metrics"] | guide["metrics"]}
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    edition: Edition = read_profile(path).book[2025]
    assert list(edition.metrics) == ["pct_applications", "scientific_publications", "vc_deals", "trademarks"]
    assert edition.largest_size_score == 400


@pytest.mark.slow
def test_a_metric_by_the_guide_alone_is_ranked_and_released_beside_editions_without_it(tiny: Gii) -> None:
    """Edition 2015 was released before anybody had thought of trademarks; 2016 counts them."""
    _with_trademarks(tiny.profile)
    outcome = tiny("run", "--edition", "2016")
    assert outcome.code == 0, outcome.err
    assert "Trademarks" in outcome.out
    release = open_release(tiny.root, "2016")
    ranking = release.table("ranking_size").set_index("name")
    located = len(tiny_world.YEARS) * sum(PEOPLE.values())
    for name, count in PEOPLE.items():
        if name in ranking.index:
            row = ranking.loc[name]
            assert row["trademarks_count"] == len(tiny_world.YEARS) * count
            assert row["trademarks_share_pct"] == pytest.approx(100 * row["trademarks_count"] / located)
            assert row["trademarks_per_million"] == pytest.approx(1e6 * row["trademarks_count"] / row["population"])
    assert ranking.loc["Lyon", "trademarks_rank"] == 1
    assert list(ranking.index) == ["Lyon", "Graz", "Oslo"], "trademarks enter the size score"
    history = release.table("rank_history").set_index(["edition", "name"])
    assert history.loc[(2016, "Lyon"), "trademarks_count"] == 16
    assert history.loc[2015]["trademarks_count"].isna().all()
    assert history.loc[(2015, "Graz"), "pct_applications_count"] == 18
    _check_what_people_read(tiny, Path(str(release.folder)))


def _check_what_people_read(gii: Gii, folder: Path) -> None:
    facts = gii("facts", "--cluster", "Lyon", "--edition", "2016")
    assert facts.code == 0, facts.err
    assert "1st in trademarks (16, 66.67 % of the world's)" in facts.out
    page = (folder / "report" / "index.html").read_text(encoding="utf-8")
    assert "--trademarks:#c2255c" in page
    contract = contracts.read(folder / "ranking_size.odcs.yaml")
    units = {column.name: column.unit for column in contract.columns}
    assert units["trademarks_count"] == "registrations"
    history = gii("history", "Lyon")
    assert history.code == 0, history.err
    compared = gii("diff", "2015", "2016")
    assert compared.code == 0, compared.err
