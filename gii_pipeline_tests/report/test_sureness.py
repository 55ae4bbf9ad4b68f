"""The picture of how sure a rank is: a bar per thing that is different, in words that need no statistics."""

from __future__ import annotations

import re

import pandas as pd

from gii_pipeline.report.sureness import sureness_picture

RANKED = {"cluster_id": "gii-a", "name": "Alba", "rank": 3, "intensity_rank": 2}
STABILITY = {"cluster_id": "gii-a", "rank_low": 2, "rank_high": 5}
TITLES = {"scientific_publications": "Scientific publications"}
COLUMNS = ["cluster_id", "rank_by", "setting", "value", "own_value", "variant_rank"]
VARIANTS = pd.DataFrame(
    [
        ("gii-a", "intensity", "footprint_distance_km", "10", "5", 4),
        ("gii-a", "intensity", "footprint_distance_km", "2.5", "5", 1),
        ("gii-a", "size", "min_weight", "3600", "4500", 3),
        ("gii-a", "size", "min_weight", "5400", "4500", None),
        ("gii-a", "size", "radius_km", "12", "15", None),
        ("gii-a", "size", "scientific_publications.record_types", "all", "article", 7),
    ],
    columns=COLUMNS,
)


def _said(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)", svg)


def test_each_thing_that_is_different_is_a_bar_with_its_ranks() -> None:
    said = _said(sureness_picture(RANKED, STABILITY, VARIANTS, TITLES))
    assert said[0] == "How certain are the ranks of Alba?"
    rows = dict(zip(said[3::2], said[4::2], strict=False))
    assert rows["A cluster needs 3,600 or 5,400 inventors and authors (here 4,500)"] == "rank 3 or none"
    assert rows["Places within 12 km belong together (here 15 km)"] == "no cluster then"
    assert rows["All types of records count: Scientific publications (here article)"] == "rank 7"
    assert [said[3 + 1], said[2]] == ["ranks 2 to 5", "By size: rank 3"]
    assert said[-1] == "ranks 1 to 4"
    assert "Its inhabitants live within 2.5 or 10 km of its places (here 5 km)" in said[-2]


def test_a_longer_bar_stands_for_more_ranks() -> None:
    svg = sureness_picture(RANKED, STABILITY, VARIANTS, TITLES)
    widths = [width for width, height in re.findall(r"<rect x='[^']*' y='[^']*' width='([^']*)' height='([^']*)'", svg)]
    resampled, least_people, all_types, _ = map(float, widths)
    assert resampled > least_people == all_types


def test_a_name_is_text_in_the_picture() -> None:
    svg = sureness_picture({**RANKED, "name": "<script>alert('1')</script>"}, STABILITY, VARIANTS, TITLES)
    assert "<script" not in svg
    assert "'1'" not in svg


def test_without_inhabitants_there_is_no_rank_by_intensity() -> None:
    said = " ".join(_said(sureness_picture({**RANKED, "intensity_rank": None}, STABILITY, VARIANTS, TITLES)))
    assert "By size: rank 3" in said
    assert "By intensity" not in said
