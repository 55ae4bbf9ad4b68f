"""The pipeline's own chain on a world of hard cases, against numpy and scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gii_pipeline import clusters, counting
from gii_pipeline.counting import Counted
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.metrics.coverage import coverage, missing_economies
from gii_pipeline.ranking import rank_changes
from gii_pipeline_tests.method import hard_world as world
from gii_pipeline_tests.method.hard_world import PAPERS, PCT, PLACES, Record, Truth, records, truth
from gii_pipeline_tests.ranking.chain import EditionTables, rank_edition


def packed(name: str) -> int:
    place = PLACES[name]
    return round((place.latitude + 90) * 1e4) * 10_000_000 + round((place.longitude + 180) * 1e4)


AT = {name: packed(name) for name in PLACES}


def edition() -> Edition:
    """Edition 2024 at the scale of this world."""
    own = wipo_book()[2024]
    return own.model_copy(update={"min_weight": own.min_weight.model_copy(update={"value": world.MIN_WEIGHT})})


def core_rows(given: Iterable[Record]) -> dict[str, list[dict[str, Any]]]:
    """Rows of the core tables, split as readers split records."""
    rows: dict[str, list[dict[str, Any]]] = {PCT: [], PAPERS: []}
    for number, record in enumerate(given):
        known = {"record_id": f"r{number}", "data_year": record.year}
        known["record_type"] = "pct" if record.metric == PCT else record.record_type
        seen: set[str] = set()
        people = record.people or ((),)
        for person, places in enumerate(people, 1):
            for sequence, place in enumerate(places or (None,), 1):
                rows[record.metric].append(
                    known
                    | {
                        "person_seq": person if record.people else 0,
                        "location_seq": sequence,
                        "fraction": 1 / len(people) / max(len(places), 1),
                        "first_at_location": place not in seen,
                        "location_id": AT[place] if place else None,
                        "economy": PLACES[place].economy if place else None,
                    }
                )
                seen |= {place} if place else set()
    return rows


def count(folder: Path, given: Iterable[Record], this: Edition) -> tuple[Counted, pd.DataFrame]:
    connection, core = counting.connect(), {}
    for metric, rows in core_rows(given).items():
        frame = pd.DataFrame(rows).astype({"location_id": "Int64", "data_year": "int32"})
        frame.to_parquet(folder / f"{metric}.parquet")
        core[metric] = connection.read_parquet(str(folder / f"{metric}.parquet"))
    where = [(AT[p.name], 2020, p.name, None, p.economy, 1) for p in PLACES.values()]
    columns = ["location_id", "data_year", "place", "admin", "economy", "people"]
    pd.DataFrame(where, columns=columns).astype({"admin": "str"}).to_parquet(folder / "locations.parquet")
    locations = connection.read_parquet(str(folder / "locations.parquet"))
    return counting.count(core, locations, this), counting.by_economy(core, this)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> EditionTables:
    found, _ = count(tmp_path_factory.mktemp("hard"), records(), edition())
    return rank_edition(found.points.to_pandas(), found.totals, edition(), None)


@pytest.fixture(scope="module")
def true() -> Truth:
    return truth(records())


def cluster_of(tables: EditionTables, place: str) -> str:
    return str(tables.cluster_members.set_index("place")["cluster_id"][place])


def test_every_place_is_with_those_that_it_truly_is_with(made: EditionTables, true: Truth) -> None:
    ours = made.cluster_members.set_index("place")["cluster_id"]
    assert set(ours.index) == set(true.cluster.index)
    assert {place for place in ours.index if pd.isna(ours[place])} == set(true.cluster.index[true.cluster == -1])
    pairs = {(true.cluster[place], ours[place]) for place in ours.index if not pd.isna(ours[place])}
    assert len(pairs) == len({number for number, _ in pairs}) == len({name for _, name in pairs}) == 8


def test_what_must_merge_does_and_what_must_not_does_not(made: EditionTables) -> None:
    assert cluster_of(made, "Alba") == cluster_of(made, "Alto")
    assert cluster_of(made, "Borgo") == cluster_of(made, "Brezza")
    assert cluster_of(made, "Cala") != cluster_of(made, "Corvo")


def test_a_place_within_the_radius_of_a_core_point_is_on_the_border_and_one_beyond_is_noise(
    made: EditionTables,
) -> None:
    role = made.cluster_members.set_index("place")["role"].to_dict()
    assert (role["Dune"], role["Dosso"], role["Far hamlet"]) == ("core", "border", "noise")
    assert cluster_of(made, "Dosso") == cluster_of(made, "Dune")


def test_counts_and_ranks_are_those_of_adding_up_each_record(made: EditionTables, true: Truth) -> None:
    counts = made.cluster_metrics.pivot_table(index="cluster_id", columns="metric", values="count")
    rank = made.ranking_size.set_index("cluster_id")["rank"]
    for number in true.counts.index:
        cluster_id = cluster_of(made, str(true.cluster.index[true.cluster == number][0]))
        for metric in (PCT, PAPERS):
            assert counts.loc[cluster_id, metric] == pytest.approx(true.counts.loc[number, metric], abs=1e-6)
        tied = set(true.rank[true.rank == true.rank[number]].index)
        assert true.rank[number] <= rank[cluster_id] < true.rank[number] + len(tied)
    totals = made.cluster_metrics.drop_duplicates("metric").set_index("metric")["world_total"]
    assert totals.to_dict() == pytest.approx(true.totals.to_dict(), abs=1e-6)


def test_a_tie_is_a_tie(made: EditionTables) -> None:
    tied = made.ranking_size.set_index("cluster_id").loc[[cluster_of(made, "Egna"), cluster_of(made, "Elba")]]
    for column in ("size_score", f"{PCT}_rank", f"{PAPERS}_rank"):
        assert tied[column].iloc[0] == tied[column].iloc[1]
    assert sorted(tied.index, key=str) == tied.sort_values("rank").index.tolist()


def test_records_at_the_edges_of_the_window_count_and_those_beyond_do_not(made: EditionTables) -> None:
    dune = made.ranking_size.set_index("cluster_id").loc[cluster_of(made, "Dune")]
    assert dune["pct_applications_count"] == pytest.approx(12 * 2 / 3 + 2)


def test_clusters_split_and_merge_between_editions_and_borders_move_a_rank(tmp_path: Path) -> None:
    before = wipo_book()[2023].model_copy(update={"min_weight": edition().min_weight})
    old, _ = count(tmp_path, records(2023), before)
    then = clusters.build(old.points.to_pandas(), before)
    new, _ = count(tmp_path, records(), edition())
    now = rank_edition(new.points.to_pandas(), new.totals, edition(), None, then.members)
    was = then.members.set_index("place")["cluster_id"]
    assert was["Cala"] == was["Corvo"]
    identity = now.clusters.set_index("cluster_id")["identity"]
    descend = {place: identity[cluster_of(now, place)] for place in ("Cala", "Corvo")}
    assert sorted(descend.values()) == ["kept", "split"]
    joined = clusters.build(old.points.to_pandas(), before, previous=now.cluster_members)
    told = joined.clusters.set_index("cluster_id").loc[joined.members.set_index("place")["cluster_id"]["Cala"]]
    assert told["identity"] == "merged"
    changes = rank_changes(
        now.ranking_size,
        now.cluster_members,
        new,
        edition(),
        previous=before,
        count=lambda asked: old if asked.edition == 2023 else new,
    ).set_index("cluster_id")
    heir = next(place for place, identity_of in descend.items() if identity_of == "kept")
    assert int(changes["change_due_to_borders"][cluster_of(now, heir)]) < 0
    assert int(changes["change_due_to_method"][cluster_of(now, "Dune")]) == 0


def test_an_economy_of_low_coverage_and_one_without_a_record_are_shown(tmp_path: Path) -> None:
    _, counts = count(tmp_path, records(), edition())
    official = pd.DataFrame({"economy": ["BB", "ZA"], "data_year": [2020, 2020], "total": [40.0, 9.0]})
    found = coverage(counts, {PCT: official.astype({"data_year": "int32"})}, edition())
    brezza = found[(found["metric"] == PCT) & (found["economy"] == "AA") & (found["data_year"] == 2020)]
    assert brezza["status"].tolist() == ["no official total"]
    assert missing_economies(found)["economy"].tolist() == ["BB", "ZA"]
