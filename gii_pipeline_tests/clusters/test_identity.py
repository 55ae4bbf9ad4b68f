from __future__ import annotations

import pandas as pd
import pytest

from gii_pipeline.clusters.identity import match, new_id


def _members(**clusters: dict[int, float]) -> pd.DataFrame:
    """Clusters as {place number: people}; place n lies at n hundredths of a degree north."""
    rows = [
        (name if name != "noise" else None, place / 100, 5.0, people)
        for name, places in clusters.items()
        for place, people in places.items()
    ]
    return pd.DataFrame(rows, columns=["cluster_id", "latitude", "longitude", "people"])


def _fate(current: pd.DataFrame, previous: pd.DataFrame | None) -> dict[str, tuple[str | None, str]]:
    matched = match(current, previous)
    previous_id = [None if pd.isna(value) else str(value) for value in matched["previous_cluster_id"]]
    pairs = zip(previous_id, matched["identity"], strict=True)
    return dict(zip(matched["cluster_id"], pairs, strict=True))


def test_without_a_previous_edition_every_cluster_is_new() -> None:
    assert _fate(_members(x={1: 5}, y={2: 5}), None) == {"x": (None, "new"), "y": (None, "new")}


def test_a_cluster_at_the_same_locations_is_kept_whatever_it_is_called_now() -> None:
    before = _members(a={1: 10, 2: 5}, b={50: 7})
    now = _members(b={2: 6, 1: 11}, zz={50: 9}, noise={80: 3})
    assert _fate(now, before) == {"b": ("a", "kept"), "zz": ("b", "kept")}
    assert match(now, before)["overlap"].tolist() == [1.0, 1.0]


def test_a_small_change_of_border_lowers_the_overlap_by_the_weight_that_is_not_shared() -> None:
    before, now = _members(a={1: 90, 2: 10}), _members(x={1: 95, 3: 5})
    matched = match(now, before)
    assert matched["identity"].tolist() == ["kept"]
    assert matched["overlap"].tolist() == [pytest.approx((90 + 95) / 200)]


def test_of_two_clusters_merged_the_larger_part_keeps_its_id() -> None:
    before = _members(a={1: 60}, b={2: 40}, c={9: 10})
    now = _members(x={1: 60, 2: 40}, y={9: 10})
    assert _fate(now, before) == {"x": ("a", "merged"), "y": ("c", "kept")}


def test_of_a_cluster_that_split_the_larger_part_keeps_the_id_and_the_other_says_where_it_came_from() -> None:
    before = _members(a={1: 60, 2: 40})
    now = _members(x={2: 40}, y={1: 60})
    assert _fate(now, before) == {"x": ("a", "split"), "y": ("a", "kept")}


def test_a_cluster_that_takes_less_than_half_of_two_others_is_new() -> None:
    before = _members(a={1: 60, 2: 20}, b={4: 60, 5: 20})
    now = _members(x={2: 20, 3: 100, 5: 20}, y={1: 60}, z={4: 60})
    assert _fate(now, before) == {"x": (None, "new"), "y": ("a", "kept"), "z": ("b", "kept")}


def test_a_cluster_that_lost_its_best_match_inherits_the_next_one_that_nobody_wants() -> None:
    before = _members(a={1: 50, 2: 50}, b={3: 20})
    now = _members(x={1: 90}, y={2: 50, 3: 20})
    assert match(now.query("cluster_id == 'y'"), before)["previous_cluster_id"].tolist() == ["a"]
    assert _fate(now, before) == {"x": ("a", "kept"), "y": ("b", "kept")}


def test_what_grew_out_of_noise_or_somewhere_else_is_new() -> None:
    assert _fate(_members(x={7: 5}), _members(a={1: 5}, noise={7: 2})) == {"x": (None, "new")}


def test_locations_are_the_same_when_they_round_to_the_same() -> None:
    before = _members(a={1: 10})
    now = before.assign(latitude=0.0104, cluster_id="x")
    assert _fate(now, before) == {"x": ("a", "kept")}
    assert match(now, before, decimals=4)["identity"].tolist() == ["new"]


def test_nothing_depends_on_row_order_or_current_ids_even_when_overlaps_are_equal() -> None:
    before = _members(a={1: 10, 2: 10}, b={3: 10, 4: 10})
    now = _members(p={1: 10}, q={2: 10}, r={3: 10}, s={4: 10})
    fate = _fate(now, before)
    assert fate == {"p": ("a", "kept"), "q": ("a", "split"), "r": ("b", "kept"), "s": ("b", "split")}
    renamed = now.assign(cluster_id=now["cluster_id"].map({"p": "z", "q": "y", "r": "x", "s": "w"}))
    mixed = _fate(renamed.sample(frac=1, random_state=3), before.sample(frac=1, random_state=4))
    assert mixed == {"z": fate["p"], "y": fate["q"], "x": fate["r"], "w": fate["s"]}


def test_an_edition_without_clusters_has_no_fates() -> None:
    assert match(_members(noise={1: 5}), _members(a={1: 5})).empty
    assert _fate(_members(x={1: 5}), _members(noise={1: 5})) == {"x": (None, "new")}


def test_a_new_id_comes_from_the_heaviest_location_whose_id_is_free() -> None:
    first = new_id([12777000575800, 5], set())
    assert first == "gii-4j1o890l4"
    assert new_id([12777000575800, 5], {first}) == "gii-5"
    assert new_id([5], {"gii-5", "gii-5-2"}) == "gii-5-3"
