"""What a rank rests on: the rank of each cluster when one setting of the method has another value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from gii_pipeline.counting import Counted
from gii_pipeline.editions import Edition
from gii_pipeline.ranking import intensity_variants, rank_variants, size_variants
from gii_pipeline.ranking.rank import with_intensity
from gii_pipeline_tests.ranking import towns as world
from gii_pipeline_tests.ranking.contracted import broken_rules
from gii_pipeline_tests.ranking.towns import DEALS, PAPERS, PCT, Town, counted, edition

ALBA = Town("Alba", 10.0, 10.0, {PCT: 60, PAPERS: 60, DEALS: 10})
BORGO = Town("Borgo", 20.0, 20.0, {PCT: 50, PAPERS: 50, DEALS: 10})
CALA = Town("Cala", 30.0, 30.0, {PCT: 20, PAPERS: 20, DEALS: 2}, points=1)


def _of_size(this: Edition, towns: list[Town], other: dict[str, list[Town]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """rank_variants by size, and the ranking. other: setting that brings other points -> the towns as counted then."""

    def count(variant: Edition) -> Counted:
        decimals = variant.location_decimals.value != this.location_decimals.value
        return counted(other["location_decimals" if decimals else "record_types"], variant)

    found = counted(towns, this)
    tables = world.rank(found, this)
    points = found.points.to_pandas()
    variants = size_variants(tables.cluster_members, points, found.totals, this, count=count)
    return rank_variants(tables.ranking_size, variants, [], this), tables.ranking_size


def _rank(table: pd.DataFrame, name: str, setting: str) -> list[object]:
    rows = table[(table["name"] == name) & (table["setting"] == setting)]
    return rows["variant_rank"].tolist()


def test_each_setting_that_nobody_knows_for_sure_is_varied_alone() -> None:
    same = {"location_decimals": [ALBA, BORGO, CALA], "record_types": [ALBA, BORGO, CALA]}
    table, ranking = _of_size(edition(2025, min_weight=200.0), [ALBA, BORGO, CALA], same)
    told = table[table["name"] == "Alba"].set_index(["setting", "value"])["own_value"].to_dict()
    assert told == {
        ("location_decimals", "3"): "2",
        ("merge_rule", "none"): "distance",
        ("min_weight", "160"): "200",
        ("min_weight", "240"): "200",
        ("radius_km", "12"): "15",
        ("radius_km", "18"): "15",
        ("scientific_publications.record_types", "all"): "article",
        ("vc_deals.in_density", "true"): "false",
        ("vc_deals.record_types", "all"): told["vc_deals.record_types", "all"],
        ("vc_deals.weight", "0.5"): "1",
    }
    assert (table["variant_rank"] == table["rank"]).all()
    assert broken_rules("rank_variants", table, edition(2025), ranking_size=ranking) == []


def test_a_cluster_that_other_types_of_records_bring_forward_has_the_rank_under_them() -> None:
    reviewed = BORGO._replace(counts=BORGO.counts | {PAPERS: 500})
    other = {"location_decimals": [ALBA, BORGO], "record_types": [ALBA, reviewed]}
    table, _ = _of_size(edition(2024), [ALBA, BORGO], other)
    assert _rank(table, "Borgo", "scientific_publications.record_types") == [1]
    assert _rank(table, "Alba", "scientific_publications.record_types") == [2]
    assert _rank(table, "Alba", "location_decimals") == [1]


def test_a_cluster_that_a_variant_does_not_find_has_no_rank_in_it() -> None:
    towns = {"location_decimals": [ALBA, BORGO], "record_types": [ALBA, BORGO, CALA]}
    table, _ = _of_size(edition(2024), [ALBA, BORGO, CALA], towns)
    assert _rank(table, "Cala", "location_decimals") == [pd.NA]
    assert _rank(table, "Cala", "scientific_publications.record_types") == [3]


def test_other_footprints_change_the_rank_by_intensity_alone() -> None:
    """Cala is one point amid many people, Alba three among few: a wider footprint costs Cala more."""
    this = edition(2024, min_weight=200.0)

    def inhabitants(footprints: pd.DataFrame) -> pd.DataFrame:
        shapes = shapely.from_wkb(footprints["geometry"].to_list())
        crowded = footprints["cluster_id"] == cala
        people = np.where(crowded, 1e5 + 4e8 * np.maximum(shapely.area(shapes) - 0.009, 0), 1e6)
        return footprints[["cluster_id"]].assign(population=people)

    found = counted([ALBA, CALA], this)
    tables = world.rank(found, this)
    cala = tables.ranking_size.set_index("name").loc["Cala", "cluster_id"]
    footprints = tables.cluster_footprints
    people = inhabitants(footprints).set_index("cluster_id")["population"]
    size = with_intensity(tables.ranking_size.assign(population=tables.ranking_size["cluster_id"].map(people)))
    variants = intensity_variants(size, tables.cluster_members, this, inhabitants)
    table = rank_variants(size, [], variants, this)
    assert table.loc[table["name"] == "Cala", ["setting", "value", "variant_rank"]].to_numpy().tolist() == [
        ["footprint", "catchment", 2],
        ["footprint_distance_km", "10", 2],
        ["footprint_distance_km", "2.5", 1],
    ]
    assert set(table["rank_by"]) == {"intensity"}
    assert broken_rules("rank_variants", table, this, ranking_size=size) == []


def test_without_variants_the_table_is_empty_and_has_its_columns() -> None:
    this = edition(2024)
    ranking = world.rank(counted([ALBA, BORGO], this), this).ranking_size
    table = rank_variants(ranking, [], [], this)
    assert table.empty
    assert broken_rules("rank_variants", table, this, ranking_size=ranking) == []
