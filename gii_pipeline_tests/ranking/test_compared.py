"""Two rankings of one edition from different sources, side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from gii_pipeline.cli import app
from gii_pipeline.ranking.compared import compared
from gii_pipeline_tests.releases.small_edition import PAULO, SINGAPORE, TOKYO, tables, write_edition

GROWN = {TOKYO: 0.1}


def frames(grown: dict[str, float] | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    made = tables(grown=grown)
    return made["ranking_size"].to_pandas(), made["cluster_members"].to_pandas()


def test_clusters_are_matched_by_their_places_and_the_largest_move_comes_first() -> None:
    (size_a, members_a), (size_b, members_b) = frames(), frames(GROWN)
    renamed = {key: f"other-{key}" for key in size_b["cluster_id"]}
    size_b, members_b = (table.assign(cluster_id=table["cluster_id"].map(renamed)) for table in (size_b, members_b))
    found = compared((size_a, size_b), (members_a, members_b))
    assert len(found) == len(size_a)
    ranks = size_a.set_index("name")["rank"], size_b.set_index("name")["rank"]
    for row in found.to_dict("records"):
        assert row["moved"] == ranks[0][row["name"]] - ranks[1][row["name"]]
    assert found["name"].iloc[0] == "Tokyo–Yokohama"
    tokyo = found.iloc[0]
    assert tokyo["pct_applications_b"] == pytest.approx(tokyo["pct_applications_a"] * 0.1)


def test_a_cluster_of_one_side_only_is_there_with_one_rank() -> None:
    size, members = frames()
    without = size[size["cluster_id"] != PAULO]
    gone = members.assign(cluster_id=members["cluster_id"].where(members["cluster_id"] != SINGAPORE))
    found = compared((without, size[size["cluster_id"] != SINGAPORE]), (members, gone)).set_index("name")
    assert list(found.index[found["rank_a"].isna()]) == ["São Paulo"]
    assert list(found.index[found["rank_b"].isna()]) == ["Singapore"]


def test_the_command_says_what_other_sources_change(tmp_path: Path) -> None:
    for side, grown in (("a", None), ("b", GROWN)):
        write_edition(tmp_path / side, made=tables(grown=grown))
    options = ["--root-a", str(tmp_path / "a"), "--root-b", str(tmp_path / "b"), "-e", "2025"]
    done = CliRunner().invoke(app, ["compare", "sandbox", "open", *options])
    assert done.exit_code == 0, done.output
    assert "4 clusters in both, 0 only in a, 0 only in b." in done.output
    assert "in a, " in done.output
    as_json = json.loads(CliRunner().invoke(app, ["compare", "sandbox", "sandbox", *options, "--json"]).stdout)
    assert as_json["sources"][0].endswith("in both")
    assert len(as_json["clusters"]) == 4
