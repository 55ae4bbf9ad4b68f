from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely

from gii_pipeline import clusters, contracts
from gii_pipeline.clusters import Found
from gii_pipeline.errors import InputError
from gii_pipeline.geocoding.location_id import pack
from gii_pipeline_tests.clusters.small_points import DEALS, PAPERS, At, city, edition, points

PARIS, LYON, OSAKA = (48.85, 2.35), (45.76, 4.84), (34.69, 135.5)


def _world() -> list[At]:
    return [
        *city(*PARIS, 9000, "Paris", "FR"),
        *city(*LYON, 5400, "Lyon", "FR"),
        *city(*OSAKA, 7200, "Osaka", "JP"),
        At(48.95, 2.35, 90, "Saint-Denis", "FR"),
        At(10.0, 10.0, 4000, "Elsewhere", "NG"),
    ]


def _identical(a: Found, b: Found) -> None:
    for left, right in zip(a, b, strict=True):
        pd.testing.assert_frame_equal(left, right)


def _by_name(found: Found) -> pd.DataFrame:
    return found.clusters.set_index("name")


def test_points_become_clusters_with_a_name_an_economy_and_their_heaviest_core_point() -> None:
    found = clusters.build(points(*_world()), edition())
    paris = _by_name(found).loc["Paris"]
    assert sorted(found.clusters["name"]) == ["Lyon", "Osaka", "Paris"]
    assert (paris["latitude"], paris["longitude"], paris["economies"]) == (*PARIS, "FR")
    assert (paris["people"], paris["points"], paris["core_points"]) == (9091.0, 10, 10)
    assert (paris["identity"], paris["previous_cluster_id"]) == ("new", pytest.approx(np.nan, nan_ok=True))


def test_members_are_every_location_with_its_role() -> None:
    found = clusters.build(points(*_world()), edition())
    assert len(found.members) == 29
    outside = found.members[found.members["role"] == "noise"]
    assert outside["place"].tolist() == ["Elsewhere"]
    assert outside["cluster_id"].isna().all()
    counted = found.members.groupby("cluster_id")["people"].agg(["size", "sum"])
    assert counted["size"].tolist() == found.clusters["points"].tolist()
    assert counted["sum"].tolist() == found.clusters["people"].tolist()


def test_locations_without_weight_in_the_density_step_belong_to_clusters_and_change_none() -> None:
    deals = [At(48.85, 2.50, 5, "Montreuil", "FR", DEALS), At(60.0, 60.0, 9000, "Steppe", "RU", DEALS)]
    bridge = [At(48.85, 2.35 + 0.1 * step, 9, "Plain", "FR", DEALS) for step in range(2, 9)]
    without = clusters.build(points(*_world()), edition())
    found = clusters.build(points(*_world(), *deals, *bridge), edition())
    unchanged = ["cluster_id", "name", "economies", "core_points", "people"]
    pd.testing.assert_frame_equal(found.clusters[unchanged], without.clusters[unchanged])
    role = found.members.set_index("place")["role"]
    assert (role["Montreuil"], role["Steppe"]) == ("border", "noise")
    dense = edition().model_copy(update={"metrics": _all_dense()})
    assert "Steppe" in clusters.build(points(*_world(), *deals), dense).clusters["name"].tolist()


def _all_dense() -> dict[str, object]:
    return {
        name: metric.model_copy(update={"in_density": metric.in_density.model_copy(update={"value": True})})
        for name, metric in edition().metrics.items()
    }


def test_people_of_all_metrics_in_the_density_step_add_up_and_records_of_all_metrics() -> None:
    both = [At(1.0, 1.0, 3000, "Bata", "GQ"), At(1.0, 1.0, 2000, "Bata", "GQ", PAPERS), At(1.0, 1.0, 8, metric=DEALS)]
    found = clusters.build(points(*both), edition())
    assert found.members[["people", "records", "role"]].to_numpy().tolist() == [[5000.0, 2504, "core"]]
    assert found.members["place"].tolist() == ["Bata"]


def test_a_metric_that_the_edition_does_not_have_counts_for_nothing() -> None:
    found = clusters.build(points(At(1.0, 1.0, 5000, "Bata", "GQ"), At(9.0, 9.0, 9000, metric=DEALS)), edition(2024))
    assert found.members["location_id"].tolist() == pack([1.0], [1.0]).tolist()


def test_neighbours_within_the_merge_distance_become_one_cluster_as_the_edition_says() -> None:
    twins = points(*city(50.0, 8.0, 9000, "Mainz", "DE"), *city(50.21, 8.0, 7000, "Wiesbaden", "DE"))
    apart = clusters.build(twins, edition(radius_km=3, merge_distance_km=5))
    assert sorted(apart.clusters["name"]) == ["Mainz", "Wiesbaden"]
    together = clusters.build(twins, edition(radius_km=3, merge_distance_km=25))
    assert together.clusters["name"].tolist() == ["Mainz–Wiesbaden"]
    never = clusters.build(twins, edition(radius_km=3, merge_distance_km=25, merge_rule="none"))
    assert len(never.clusters) == 2


def test_with_ties_neighbours_merge_only_when_they_share_records() -> None:
    twins = points(*city(50.0, 8.0, 9000, "Mainz", "DE"), *city(50.21, 8.0, 7000, "Wiesbaden", "DE"))
    tied = edition(radius_km=3, merge_distance_km=25, merge_rule="distance_and_ties")
    here, there = pack([50.0, 50.21], [8.0, 8.0])
    ties = pd.DataFrame({"location_id_a": [there], "location_id_b": [here], "co_records": [3]})
    assert len(clusters.build(twins, tied, ties=ties).clusters) == 1
    assert len(clusters.build(twins, tied, ties=ties[:0]).clusters) == 2
    with pytest.raises(InputError, match="no ties between locations"):
        clusters.build(twins, tied)


def test_nothing_depends_on_the_order_of_the_rows() -> None:
    table = points(*_world(), At(48.85, 2.5, 5, "Montreuil", "FR", DEALS))
    before = clusters.build(table, edition(2024))
    found = clusters.build(table, edition(), previous=before.members)
    for seed in range(4):
        mixed = table.sample(frac=1, random_state=seed)
        previous = before.members.sample(frac=1, random_state=seed)
        _identical(clusters.build(mixed, edition(), previous=previous), found)


def test_an_id_survives_a_renaming_and_a_small_change_of_border() -> None:
    before = clusters.build(points(*_world()), edition(2024))
    changed = [row._replace(place="Saint-Denis") if row.place == "Paris" else row for row in _world()]
    found = clusters.build(points(*changed, At(48.98, 2.35, 40, "Sarcelles", "FR")), edition(), previous=before.members)
    renamed = found.clusters[found.clusters["name"] == "Saint-Denis"].iloc[0].to_dict()
    paris = _by_name(before)["cluster_id"]["Paris"]
    assert (renamed["cluster_id"], renamed["previous_cluster_id"], renamed["identity"]) == (paris, paris, "kept")
    assert 0.99 < renamed["previous_overlap"] < 1
    assert set(found.clusters["identity"]) == {"kept"}


def test_clusters_that_merged_or_split_say_so() -> None:
    twins = points(*city(50.0, 8.0, 9000, "Mainz", "DE"), *city(50.21, 8.0, 7000, "Wiesbaden", "DE"))
    two, one = edition(2024, radius_km=3), edition(2025, radius_km=3, merge_distance_km=25)
    apart = clusters.build(twins, two)
    mainz = _by_name(apart)["cluster_id"]["Mainz"]
    merged = clusters.build(twins, one, previous=apart.members)
    assert merged.clusters[["cluster_id", "identity"]].to_numpy().tolist() == [[mainz, "merged"]]
    split = _by_name(clusters.build(twins, two, previous=merged.members))
    wiesbaden = _by_name(apart)["cluster_id"]["Wiesbaden"]
    assert split["cluster_id"].to_dict() == {"Mainz": mainz, "Wiesbaden": wiesbaden}
    assert split["identity"].to_dict() == {"Mainz": "kept", "Wiesbaden": "split"}
    assert split["previous_cluster_id"].to_dict() == {"Mainz": mainz, "Wiesbaden": mainz}


def test_a_new_cluster_never_takes_an_id_of_the_previous_edition() -> None:
    before = clusters.build(points(*city(*PARIS, 9000, "Paris", "FR")), edition(2024))
    paris = before.clusters["cluster_id"][0]
    moved = before.members.assign(latitude=before.members["latitude"] - 40)
    found = clusters.build(points(*city(*PARIS, 9000, "Paris", "FR")), edition(), previous=moved)
    assert found.clusters["identity"].tolist() == ["new"]
    assert found.clusters["cluster_id"].tolist() != [paris]


def test_footprints_cover_their_members_and_no_other_cluster() -> None:
    found = clusters.build(points(*_world(), *city(-17.0, 180.0, 5000, "Rabi", "FJ")), edition())
    assert found.footprints["cluster_id"].tolist() == found.clusters["cluster_id"].tolist()
    outlines = dict(zip(found.footprints["cluster_id"], shapely.from_wkb(found.footprints["geometry"]), strict=True))
    at = shapely.points(found.members["longitude"], found.members["latitude"])
    for cluster_id, outline in outlines.items():
        assert shapely.covers(outline, at).tolist() == (found.members["cluster_id"] == cluster_id).tolist()
    assert not any(a.intersects(b) for a, b in itertools.combinations(outlines.values(), 2))
    assert (found.footprints["area_km2"] > 78).all()


@pytest.mark.parametrize("table", [points(*_world()), points(*_world()[-1:]), points()])
def test_the_tables_have_the_columns_and_types_of_their_contracts_also_when_empty(table: pd.DataFrame) -> None:
    found = clusters.build(table, edition())
    later = {"population", "population_year", "population_cells", "population_covered"}
    names = ("clusters", "cluster_members", "cluster_footprints")
    for name, rows in zip(names, found, strict=True):
        schema = contracts.load(name).arrow_schema
        wanted = pa.schema([field for field in schema if field.name not in later]).remove_metadata()
        assert rows.columns.tolist() == wanted.names
        assert len(pa.Table.from_pandas(rows, schema=wanted, preserve_index=False)) == len(rows)
        integers = {field.name: str(field.type) for field in wanted if pa.types.is_integer(field.type)}
        assert {column: str(rows[column].dtype) for column in integers} == integers
    assert len(found.members) == table["location_id"].nunique()
    assert len(found.clusters) == len(found.footprints) == (3 if len(table) > 1 else 0)


def test_an_edition_without_clusters_still_has_its_members_as_noise() -> None:
    before = clusters.build(points(*_world()), edition(2024))
    found = clusters.build(points(*_world()[-2:]), edition(), previous=before.members)
    assert found.clusters.empty
    assert found.footprints.empty
    assert set(found.members["role"]) == {"noise"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"latitude": 90.5}, "latitude must be between -90 and 90"),
        ({"longitude": np.nan}, "longitude between -180 and 180"),
        ({"latitude": 0.0, "longitude": 0.0}, r"\(0, 0\) for an unknown place"),
        ({"people": -1.0}, "people -1.0: its people must be a number of at least 0"),
        ({"people": np.nan}, "people nan: its people must be a number"),
        ({"people": np.inf}, "people inf"),
    ],
)
def test_a_point_that_cannot_be_clustered_is_named(change: dict[str, float], named: str) -> None:
    table = points(*_world()).astype({"people": "float64"})
    row = table.index[table["place"] == "Elsewhere"]
    table.loc[row, list(change)] = list(change.values())
    with pytest.raises(InputError, match=f"points of edition 2025: location 10000001900000, pct_applications.*{named}"):
        clusters.build(table, edition())


def test_a_location_that_is_there_twice_for_a_metric_is_named() -> None:
    table = points(*_world())
    with pytest.raises(InputError, match=r"location 10000001900000, pct_applications.* twice for this metric"):
        clusters.build(pd.concat([table, table[table["place"] == "Elsewhere"]]), edition())
