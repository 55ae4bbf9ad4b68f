"""A release is refused when its tables are incomplete, invalid or at odds with each other; the message says which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from gii_pipeline import verified
from gii_pipeline.errors import ReleaseError
from gii_pipeline.releases import ReleaseInfo, SourceInfo, make_release, versions
from gii_pipeline.releases.audit import audit
from gii_pipeline.releases.provenance import records_kept_back
from gii_pipeline.store import EDITION_TABLES, LOCK_KEY, Lock, Store, made, write_parquet
from gii_pipeline_tests.releases.small_edition import (
    INFO,
    SHENZHEN,
    as_table,
    info,
    lock,
    noon,
    release,
    tables,
    write_edition,
)

Change = Callable[[pa.Table], pa.Table]


def with_column(name: str, change: Callable[[list], list]) -> Change:  # type: ignore[type-arg]
    def changed(table: pa.Table) -> pa.Table:
        at = table.column_names.index(name)
        return table.set_column(at, table.field(at), [pa.array(change(table[name].to_pylist()), table.field(at).type)])

    return changed


def refused(root: Path, *, validated: bool = True) -> str:
    """Why the edition under `root` is refused; nothing of it is left in the releases."""
    with pytest.raises(ReleaseError) as refusal:
        release(root, validated=validated)
    assert versions(root) == []
    assert [path.name for path in (root / "releases").iterdir()] == [".staging"]
    assert list((root / "releases" / ".staging").iterdir()) == []
    return str(refusal.value)


def test_a_whole_edition_passes_every_rule() -> None:
    for label in ("2017", "2022", "2025", "2024@2025"):
        edition, _, method = label.partition("@")
        settings = info(label).settings
        assert audit(tables(label), int(edition), int(method or edition), settings) == []


def test_missing_tables_are_named_with_the_command_that_makes_them(root: Path) -> None:
    for table in ("contributions", "rank_stability"):
        Store(root).edition(table, "2025").unlink()
    message = refused(root)
    assert "no contributions, rank_stability" in message
    assert "`gii run --edition 2025`" in message


def test_missing_data_years_are_named_with_the_command_that_fetches_them(root: Path) -> None:
    whole = lock()
    openalex = {year: hashes for year, hashes in whole.sources["openalex"].items() if year not in ("2020", "2022")}
    write_edition(root, by=Lock({**whole.sources, "openalex": openalex}, whole.settings, whole.code, whole.contracts))
    sources = {
        "openalex": SourceInfo("OpenAlex", "CC0-1.0", "Priem", metrics=("scientific_publications",)),
        "regpat": SourceInfo("REGPAT", "OECD", "OECD", metrics=("pct_applications", "vc_deals")),
    }
    said = ReleaseInfo("title", sources, info().settings)
    with pytest.raises(ReleaseError) as refusal:
        _release(root, said)
    assert "scientific_publications is counted over" in str(refusal.value)
    assert "`gii ingest --years 2020,2022`" in str(refusal.value)
    assert "pct_applications is counted" not in str(refusal.value)


def _release(root: Path, said: ReleaseInfo) -> None:
    make_release(root, "2025", said, clock=noon, validated=True)


BROKEN = {
    "a gap in the ranks": (
        "ranking_size",
        with_column("rank", lambda ranks: [*ranks[:-1], 9]),
        "the ranks of ranking_size run from 1 without a gap",
        "rank 9, cluster_id gii-paulo",
    ),
    "a smaller score above": (
        "ranking_intensity",
        with_column("intensity_score", lambda scores: scores[::-1]),
        "the largest intensity_score first",
        "cluster_id gii-singapore",
    ),
    "a count that is not the sum of its points": (
        "points",
        with_column("fractions", lambda counts: [counts[0] + 1, *counts[1:]]),
        "the count of a cluster is the sum of its points",
        "cluster_id gii-paulo",
    ),
    "contributions that do not add up": (
        "contributions",
        lambda table: table.filter(pc.not_equal(table["place"].fill_null(""), "Johor Bahru")),
        "the contributions by place add up to the count of the cluster",
        "cluster_id gii-singapore",
    ),
    "a share of another world": (
        "cluster_metrics",
        with_column("world_total", lambda totals: [6_000.0, *totals[1:]]),
        "a share is the count over the world total",
        "world_total 6000.0",
    ),
    "a cluster without footprint": (
        "cluster_footprints",
        lambda table: table.slice(1),
        "every cluster has one footprint",
        "cluster_id gii-paulo",
    ),
    "members of nothing": (
        "cluster_members",
        with_column("cluster_id", lambda ids: ["gii-nowhere", *ids[1:]]),
        "each cluster has the members",
        "cluster_id gii-nowhere",
    ),
    "another name in the ranking": (
        "ranking_size",
        with_column("name", lambda names: ["Shenzen", *names[1:]]),
        "the size ranking has the name, population and area of the cluster",
        "name Shenzen",
    ),
    "another figure in the ranking": (
        "ranking_size",
        with_column("vc_deals_count", lambda counts: [counts[0] + 1, *counts[1:]]),
        "the size ranking has the figures of cluster_metrics for vc_deals",
        "vc_deals_count 86.0",
    ),
    "a score without its weights": (
        "ranking_size",
        with_column("size_score", lambda scores: [scores[0] + 5, *scores[1:]]),
        "the size score is the weighted sum of the shares",
        "rank 1",
    ),
    "ranks of another run": (
        "rank_stability",
        with_column("rank", lambda ranks: ranks[::-1]),
        "rank_stability has the clusters and the ranks of the size ranking",
        "other",
    ),
    "ranks of another run's variants": (
        "rank_variants",
        with_column("rank", lambda ranks: ranks[::-1]),
        "rank_variants has the clusters and the ranks of the rankings",
        "rank_by size",
    ),
    "another edition's rows": (
        "points",
        with_column("edition", lambda editions: [2024, *editions[1:]]),
        "points contains only edition 2025 with method 2025",
        "edition 2024",
    ),
    "another window": (
        "cluster_metrics",
        with_column("window_first_year", lambda years: [1990, *years[1:]]),
        "every cluster has every metric of the edition, over the edition's window",
        "window_first_year 1990",
    ),
}


@pytest.mark.parametrize(("table", "change", "rule", "row"), BROKEN.values(), ids=BROKEN)
def test_tables_at_odds_are_refused_with_the_rule_and_the_row(
    root: Path, table: str, change: Change, rule: str, row: str
) -> None:
    made = tables()
    write_edition(root, made={**made, table: change(made[table])})
    message = refused(root)
    assert "Edition 2025 cannot be released" in message
    assert rule in message
    assert row in message
    assert "`gii run --edition 2025`" in message


def test_a_ranking_of_fewer_clusters_than_there_are_is_refused(root: Path) -> None:
    made = tables()
    made["ranking_size"] = made["ranking_size"].slice(0, 3)
    write_edition(root, made=made)
    assert "the ranking has 100 clusters, or all: violated in 1 rows, such as ranked 3, clusters 4" in refused(root)


def test_a_broken_contract_is_refused_with_its_rule_and_rows(root: Path) -> None:
    made = tables()
    made["clusters"] = with_column("latitude", lambda degrees: [95.0, *degrees[1:]])(made["clusters"])
    write_edition(root, made=made)
    message = refused(root, validated=False)
    assert "clusters" in message
    assert "latitude" in message
    assert "95" in message


def test_a_table_without_a_column_is_refused_by_its_contract(root: Path) -> None:
    made = tables()
    made["points"] = made["points"].drop_columns("fractions")
    write_edition(root, made=made)
    message = refused(root, validated=False)
    assert "points" in message
    assert "fractions" in message


def test_a_valid_edition_is_released_when_its_contracts_are_checked_here(root: Path) -> None:
    assert release(root, validated=False).created


def test_tables_of_different_inputs_are_refused_with_what_differs(root: Path) -> None:
    _rewrite(root, "ranking_size", lock(digest="e"))
    _rewrite(root, "contributions", lock(code="0.2.0"))
    message = refused(root)
    assert "ranking_size: source openalex 2010 is eeeeeeeeeeee, not aaaaaaaaaaaa" in message
    assert "contributions: code of ranking is 0.2.0, not 0.1.0" in message
    assert "Rebuild them together: `gii run --edition 2025`." in message


def _by_stage(root: Path) -> dict[str, Lock]:
    """The locks of tables whose stages have recipes of their own: the content of records, and of each other."""
    contents = {table: made(Store(root).edition(table, "2025")).content for table in ("points", "clusters")}
    inputs = {
        "points": {"patents of 2020": "a"},
        "clusters": {"points": contents["points"], "population (ghs)": "b"},
        "contributions": {"points": contents["points"], "clusters": contents["clusters"]},
        "leaders": {"patents of 2020": "a", "clusters": contents["clusters"]},
    }
    return {
        table: Lock(lock().sources, "", {table: "1"}, {table: "1.0.0"}, given, {"numpy": "2.0"}, {"edition": "e"})
        for table in EDITION_TABLES
        for given in [inputs.get(table, {"points": contents["points"]})]
    }


def test_a_release_joins_the_recipes_of_stages_down_to_the_archive(root: Path) -> None:
    for table, by in _by_stage(root).items():
        _rewrite(root, table, by)
    found = release(root).release.lock
    assert found["inputs"] == {"patents of 2020": "a", "population (ghs)": "b"}
    assert found["code"] == dict.fromkeys(EDITION_TABLES, "1")
    assert found["sources"]["openalex"]["2020"] == ["a" * 64]


@pytest.mark.parametrize(
    ("table", "changes", "line"),
    [
        ("contributions", {"inputs": {"clusters": "0"}}, "contributions was made from another clusters"),
        ("leaders", {"inputs": {"patents of 2020": "z"}}, "leaders: patents of 2020 is z, not a"),
        ("agreement", {"each_setting": {"edition": "z"}}, "agreement: setting edition is z, not e"),
        ("agreement", {"libraries": {"numpy": "1.9"}}, "agreement: library numpy is 1.9, not 2.0"),
    ],
)
def test_a_table_that_was_made_from_another_than_lies_there_is_refused(
    root: Path, table: str, changes: dict[str, Any], line: str
) -> None:
    by = _by_stage(root)
    by[table] = replace(by[table], **changes)
    for name, one in by.items():
        _rewrite(root, name, one)
    assert line in refused(root)


def _rewrite(root: Path, table: str, by: Lock) -> None:
    write_parquet(tables()[table], Store(root).edition(table, "2025"), {LOCK_KEY: by.to_bytes()})
    verified.record(Store(root).edition(table, "2025"))


def test_a_source_without_licence_and_citation_is_refused(root: Path) -> None:
    said = ReleaseInfo("title", {"openalex": INFO.sources["openalex"]}, info().settings)
    with pytest.raises(ReleaseError, match=r"No title, licence and citation for regpat.*profile's sources"):
        _release(root, said)


def test_a_change_of_rank_whose_parts_do_not_add_up_is_refused(root: Path) -> None:
    made = tables()
    changes = made["rank_changes"].to_pandas()
    parts = ["change_due_to_data", "change_due_to_borders", "change_due_to_method"]
    of_shenzhen = changes["cluster_id"] == SHENZHEN
    changes.loc[of_shenzhen, ["previous_rank_own_method", *parts]] = [4, 1, 1, 2]
    made["rank_changes"] = as_table("rank_changes", changes)
    write_edition(root, made=made)
    assert "the parts of a rank change add up to it" in refused(root)


def test_single_records_are_released_only_where_every_source_lets_them_be_passed_on() -> None:
    tables = {"ranking_size": pa.table({"cluster_id": ["a"]}), "vc_deals": pa.table({"record_id": ["deal-1"]})}
    open_source = SourceInfo("OpenAlex", "CC0-1.0", "Priem", shares_records=True)
    closed = SourceInfo("Crunchbase", "Crunchbase Terms of Service", "Crunchbase", shares_records=False)
    raster = SourceInfo("GHS-POP", "CC-BY-4.0", "JRC")
    [told] = records_kept_back(tables, ReleaseInfo("Clusters", {"a": open_source, "b": closed, "c": raster}))
    assert told.startswith(
        "vc_deals contains individual records, which the licence of Crunchbase does not allow to redistribute: "
    )
    assert records_kept_back(tables, ReleaseInfo("Clusters", {"a": open_source, "c": raster})) == []
    assert [source.terms for source in (open_source, closed, raster)] == [
        "CC0-1.0",
        "Crunchbase Terms of Service; individual records may not be redistributed",
        "CC-BY-4.0",
    ]
