"""What changed between two releases, or two editions, as people and programs read it."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pyarrow.compute as pc
import pytest
from rich.console import Console

from gii_pipeline.releases import (
    Diff,
    Tolerance,
    diff,
    exceeds,
    open_release,
    snapshot_of_edition,
    to_dict,
    to_json,
    to_markdown,
    to_rich,
)
from gii_pipeline.releases.comparison import GoneRecords, Snapshot, snapshot_of
from gii_pipeline.releases.provenance import file_hashes
from gii_pipeline_tests.releases.small_edition import (
    PAULO,
    SHENZHEN,
    SINGAPORE,
    TOKYO,
    as_table,
    info,
    lock,
    tables,
    write_and_release,
    write_edition,
)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Diff:
    """São Paulo overtakes Singapore and Shenzhen's border moves, from another file of OpenAlex."""
    root = tmp_path_factory.mktemp("changed")
    write_and_release(root)
    write_and_release(root, digest="e", grown={PAULO: 2.0}, reach=0.25)
    return diff(open_release(root, "v2025.1"), open_release(root, "v2025.2"))


def test_ranks_counts_borders_and_sources_are_told(changed: Diff) -> None:
    assert [(c.cluster_id, c.old_rank, c.new_rank, c.rank_change) for c in changed.ranks] == [
        (PAULO, 4, 3, 1),
        (SINGAPORE, 3, 4, -1),
    ]
    counts = {c.metric: (c.old_count, c.new_count, c.change_pct) for c in changed.counts}
    assert counts["pct_applications"] == (132.0, 264.0, 100.0)
    assert {c.cluster_id for c in changed.counts} == {PAULO}
    border = next(c for c in changed.borders if c.cluster_id == TOKYO)
    assert border.new_area_km2 > border.old_area_km2
    assert border.moved_km2 == pytest.approx(border.new_area_km2 - border.old_area_km2, rel=0.02)
    assert ("source openalex 2023", "a" * 12, "e" * 12) in [(c.what, c.old, c.new) for c in changed.sources]
    assert (changed.members, changed.clusters, changed.method) == ((), (), ())


def test_nothing_differs_from_itself(published: Path) -> None:
    same = diff(open_release(published, "v2025.1"), open_release(published, "v2025.1"))
    assert same.empty
    assert "Nothing differs." in to_markdown(same)


def test_members_and_clusters_that_come_and_go_are_told() -> None:
    before = tables()
    after = {name: table.to_pandas() for name, table in tables().items()}
    members = after["cluster_members"]
    members.loc[members["place"] == "Johor Bahru", "cluster_id"] = None
    for name in ("clusters", "ranking_size"):
        after[name] = after[name][after[name]["cluster_id"] != PAULO]
    made = {**before, **{name: as_table(name, after[name]) for name in ("cluster_members", "clusters", "ranking_size")}}
    empty: dict[str, dict[str, str]] = {"sources": {}, "contracts": {}}
    nothing = {**empty, "settings": "", "code": {}}
    found = diff(Snapshot("old", before.__getitem__, nothing), Snapshot("new", made.__getitem__, nothing))
    assert [(c.cluster_id, c.kept, c.joined, c.left) for c in found.members] == [(SINGAPORE, 1, 0, 1)]
    assert [(c.cluster_id, c.what) for c in found.clusters] == [(PAULO, "vanished")]
    assert [(c.cluster_id, c.old_rank, c.new_rank) for c in found.ranks] == [(PAULO, 4, None)]


def test_editions_are_compared_as_they_lie_in_the_store(tmp_path: Path) -> None:
    """2025 weighs deals, 2023 did not: ranks, and the method by value without its sources."""
    for label, digest in (("2023", "a"), ("2025", "e")):
        write_edition(tmp_path, label, by=lock(digest=digest))
    sides = [snapshot_of_edition(tmp_path, label, info(label).settings) for label in ("2023", "2025")]
    found = diff(*sides)
    assert (found.old, found.new) == ("edition 2023", "edition 2025")
    method = {c.what: (c.old, c.new) for c in found.method}
    assert method["edition"] == ("2023", "2025")
    assert "metrics.vc_deals.weight" in method
    assert not [what for what in method if what.endswith((".source", ".tag"))]


def test_a_release_is_compared_with_an_edition(released: Path) -> None:
    write_edition(released, made=tables(grown={SHENZHEN: 1.3}), by=lock(digest="e"))
    latest, edition = snapshot_of(open_release(released)), snapshot_of_edition(released, "2025", info().settings)
    assert diff(latest, edition).empty


def test_markdown_has_a_table_for_each_kind_of_change(changed: Diff) -> None:
    text = to_markdown(changed)
    assert text.startswith("# v2025.2, compared with v2025.1\n")
    assert "| São Paulo |  | 4 | 3 | +1 |" in text
    assert "| São Paulo | PCT applications | 132.0 | 264.0 | +100.00 | +2.6400 |" in text
    for title in ("## Ranks", "## Counts", "## Borders", "## Sources"):
        assert title in text
    assert "## Members" not in text


def test_long_tables_are_cut_and_say_where_the_rest_is(changed: Diff) -> None:
    assert "3 more: `gii diff v2025.1 v2025.2 --format json`." in to_markdown(changed, rows=1)


def test_json_holds_everything(changed: Diff) -> None:
    read = json.loads(to_json(changed))
    assert read == json.loads(json.dumps(to_dict(changed)))
    assert read["ranks"][0] == {
        "cluster_id": PAULO,
        "name": "São Paulo",
        "old_name": "São Paulo",
        "old_rank": 4,
        "new_rank": 3,
        "rank_change": 1,
    }
    assert len(read["sources"]) == len(changed.sources)


def test_the_terminal_shows_tables(changed: Diff) -> None:
    console = Console(file=StringIO(), width=120)
    console.print(to_rich(changed, rows=1))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "v2025.2, compared with v2025.1" in shown
    assert "São Paulo" in shown
    assert "1 more" in shown


def test_a_change_within_tolerance_needs_nobody(changed: Diff) -> None:
    assert exceeds(changed, Tolerance()) == []
    assert exceeds(changed, Tolerance(rank_move=1, share_pct_points=10.0, vanished_clusters=0)) == []


def test_a_change_beyond_tolerance_is_a_sentence(changed: Diff) -> None:
    assert exceeds(changed, Tolerance(rank_move=0)) == [
        "São Paulo moves from rank 4 to 3; the limit is 0 places",
        "Singapore moves from rank 3 to 4; the limit is 0 places",
    ]
    assert exceeds(changed, Tolerance(rank_move=0, within_rank=2)) == []
    (share,) = exceeds(changed, Tolerance(share_pct_points=3.0))
    assert share.startswith("São Paulo's share of scientific_publications changes by +5.940 percentage points")


def test_a_vanished_cluster_is_beyond_tolerance() -> None:
    before, after = tables(), tables()
    for name in ("clusters", "ranking_size"):
        after[name] = after[name].filter(pc.not_equal(after[name]["cluster_id"], TOKYO))
    empty: dict[str, dict[str, str]] = {"sources": {}, "contracts": {}}
    nothing = {**empty, "settings": "", "code": {}}
    found = diff(Snapshot("old", before.__getitem__, nothing), Snapshot("new", after.__getitem__, nothing))
    (reason,) = exceeds(found, Tolerance(vanished_clusters=0))
    assert reason == "1 ranked clusters vanish: Tokyo–Yokohama; the limit is 0"


def test_records_that_are_gone_at_the_source_are_listed(changed: Diff) -> None:
    gone = GoneRecords("regpat", 2023, 1_234, 1_200.5, ("W1", "W2"))
    found = replace(changed, gone=(gone,))
    assert "| regpat | 2023 | 1,234 | 1,200.5 | W1, W2 |" in to_markdown(found)
    assert to_dict(found)["gone"][0]["examples"] == ("W1", "W2")
    assert file_hashes({"sources": {"openalex": {"2023": ["a"]}, "uspto": {"2023": ["b"]}, "ror": {"all": ["c"]}}}) == {
        2023: {"a", "b"}
    }


def test_a_count_that_was_zero_changes_by_no_per_cent() -> None:
    before, after = tables(), tables()
    frame = before["cluster_metrics"].to_pandas()
    frame.loc[frame["cluster_id"] == TOKYO, ["count", "share_pct"]] = 0.0
    before["cluster_metrics"] = as_table("cluster_metrics", frame)
    empty: dict[str, dict[str, str]] = {"sources": {}, "contracts": {}}
    nothing = {**empty, "settings": "", "code": {}}
    found = diff(Snapshot("old", before.__getitem__, nothing), Snapshot("new", after.__getitem__, nothing))
    assert {(c.cluster_id, c.old_count, c.change_pct) for c in found.counts} == {(TOKYO, 0.0, None)}
