"""Records that left a source: which clusters lose them, and the ranks with and without them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from gii_pipeline.defs.gone import gone_between
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.geocoding import pack
from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline.profiles import read_profile
from gii_pipeline.releases.comparison import Diff, GoneAtSource, GoneEffect, GoneRecords, Snapshot
from gii_pipeline.releases.comparison_text import to_dict, to_markdown
from gii_pipeline.releases.gone import rank_effects
from gii_pipeline.releases.reader import Release
from gii_pipeline_tests.commands import CACHE
from gii_pipeline_tests.ranking import small_world as world
from gii_pipeline_tests.releases.small_edition import lock, release, write_edition
from gii_pipeline_tests.sources.test_vintages import extracts_of_two_vintages, sha

PCT = "pct_applications"


def tables(members: pd.DataFrame) -> dict[str, pa.Table]:
    metrics = cluster_metrics(members, world.points(), world.TOTALS, world.footprints(), world.edition())
    frames = {"cluster_members": members, "cluster_metrics": metrics, "clusters": world.clusters()}
    return {name: pa.Table.from_pandas(frame, preserve_index=False) for name, frame in frames.items()}


def lost(*rows: tuple[str, str, int | None, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["record_id", "metric", "location_id", "fraction"])
    return frame.astype({"location_id": "Int64"})


def test_ranks_with_and_without_the_records_that_are_gone_are_those_of_the_sums() -> None:
    """A has a size score of 15.5, B of 10 and C of 5 (`test_rank`), of 1,000 applications in the world."""
    no_longer_there = pd.DataFrame({"location_id": [6], "cluster_id": [world.C]})
    before, after = tables(pd.concat([world.members(), no_longer_there])), tables(world.members())
    unranked = ("r3", PCT, 99, 5.0), ("r4", PCT, None, 1.0)
    gone = lost(("r1", PCT, 4, 30.0), ("r2", PCT, 6, 30.0), ("r2", PCT, 1, 0.5), *unranked)
    found = rank_effects(gone, before.__getitem__, after.__getitem__, world.edition())
    # C would have 110 of 1,065.5 applications, 10.3 per cent, and B still 10 per cent of the publications.
    assert found == (
        GoneEffect(world.A, "Alba–Borgo", 1, {PCT: 0.5}, 1, 1),
        GoneEffect(world.B, "Cala", 0, {}, 2, 3),
        GoneEffect(world.C, "Dorf", 2, {PCT: 60.0}, 3, 2),
    )


def test_a_loss_outside_every_cluster_that_moves_no_rank_has_no_line() -> None:
    sides = tables(world.members())
    gone = lost(("r3", PCT, 99, 5.0), ("r4", PCT, None, 1.0))
    assert rank_effects(gone, sides.__getitem__, sides.__getitem__, world.edition()) == ()


def test_the_effect_is_in_what_people_and_programs_read() -> None:
    records = (GoneRecords("regpat", 2023, 2, 60.5, ("r1", "r2")),)
    effects = (GoneEffect(world.C, "Dorf", 2, {PCT: 60.0}, 3, 2),)
    found = Diff("v1", "v2", *((),) * 7, gone=records, gone_effects=effects)
    assert "| Dorf | 2 | pct\\_applications 60.0 | 3 | 2 |" in to_markdown(found)
    assert to_dict(found)["gone_effects"][0]["rank_with_them"] == 2
    unknown = Diff("v1", "v2", *((),) * 7, gone_note="Records removed at the source are not known.")
    assert unknown.empty
    assert "are not known." in to_markdown(unknown)


def pipeline_of_two_vintages(root: Path) -> Pipeline:
    profile = root / "profile.yaml"
    source = "metrics: {pct_applications: {reader: regpat, files: {inventors: x.txt}}}"
    profile.write_text(f"name: two\ntitle: Two vintages\n{source}\n", encoding="utf-8")
    with duckdb.connect() as con:
        extracts_of_two_vintages(con, root)
    return Pipeline(read_profile(profile), root, cache_root=Path(os.environ[CACHE]))


def test_the_changes_of_a_version_have_what_is_gone_since_the_one_before(tmp_path: Path) -> None:
    pipeline = pipeline_of_two_vintages(tmp_path)

    def gone(before: Release, after: Snapshot) -> GoneAtSource:
        return gone_between(pipeline, "2025", (before.lock, before.arrow), (after.lock, after.read))

    for vintage in ("202602", "202502"):
        sources = lock().sources
        with_it = {**sources, "regpat": {**sources["regpat"], "2020": (sha(tmp_path, vintage),)}}
        write_edition(tmp_path, "2025", by=replace(lock(), sources=with_it))
        made = release(tmp_path, gone=gone)
    changes = Path(str(made.release.folder), "CHANGES.md").read_text(encoding="utf-8")
    assert "| regpat | 2020 | 1 | 1.0 | WO2020000001 |" in changes
    assert "could not be computed" not in changes


def test_what_is_gone_between_two_releases_is_located_and_ranked(tmp_path: Path) -> None:
    """The first release was made from two applications, the second from one: that of Rome is gone, for B."""
    pipeline = pipeline_of_two_vintages(tmp_path)
    files = [{"2019": [found], "2020": [found]} for found in (sha(tmp_path, "202602"), sha(tmp_path, "202502"))]
    locks = [{"sources": {"regpat": by_year}} for by_year in [*files, {"2019": ["a file that nobody read"]}]]
    rome = pd.DataFrame({"location_id": pack([41.89], [12.51], 2), "cluster_id": [world.B]})
    before, after = (tables(found).__getitem__ for found in (pd.concat([world.members(), rome]), world.members()))
    found = gone_between(pipeline, "2024", (locks[0], before), (locks[1], after))
    assert found.records == (GoneRecords("regpat", 2020, 1, 1.0, ("WO2020000001",)),)
    assert found.effects == (GoneEffect(world.B, "Cala", 1, {PCT: 1.0}, 3, 3),)  # in 2024 by applications alone
    other = gone_between(Pipeline(read_profile("open"), tmp_path), "2024", (locks[0], before), (locks[1], after))
    assert (other.records, other.effects) == (found.records, ())
    assert "has no source with the reader regpat. Pass the profile" in other.note
    never = gone_between(pipeline, "2024", (locks[2], before), (locks[1], after))
    assert never.note.startswith("Records removed at the source are not known")
