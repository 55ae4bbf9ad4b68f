"""What a release says of one cluster, as plain data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.registry import shipped
from gii_pipeline.releases import Portraits, open_release
from gii_pipeline.releases.portrait import Portrait
from gii_pipeline_tests.releases.small_edition import tables, write_and_release

FRAMES = {name: table.to_pandas() for name, table in tables().items() if name != "cluster_footprints"} | {
    "cluster_footprints": tables()["cluster_footprints"].drop_columns("geometry").to_pandas()
}


@pytest.fixture
def first() -> Portrait:
    every = Portraits(FRAMES, shipped())
    assert len(every) == len(FRAMES["clusters"])
    return every[min(every)]


def test_a_portrait_has_who_in_what_and_with_whom(first: Portrait) -> None:
    pct = first.metrics[0]
    [figures] = (
        FRAMES["cluster_metrics"]
        .query(f"cluster_id == '{first.cluster_id}' and metric == '{pct.metric}'")
        .to_dict("records")
    )
    assert pct.count == figures["count"]
    [partner] = pct.partners
    assert (partner.co_records, partner.name) == (
        1,
        FRAMES["clusters"].set_index("cluster_id")["name"][partner.cluster_id],
    )
    assert pct.ways == {"within": 100, "clusters": 0, "outside": 0, "unlocated": 0, "economies": 0}
    assert sum(pct.years.values()) == pytest.approx(pct.count)


def test_what_is_known_of_less_than_60_pct_is_not_shown(first: Portrait) -> None:
    pct = first.metrics[0]
    assert [(leader.name, round(leader.share_pct)) for leader in pct.leaders] == [("Alpha Ltd", 70)]
    [optics] = pct.fields
    assert optics.name == "Optics"
    assert optics.specialisation == pytest.approx(1)
    assert sum(pct.origin.values()) == pytest.approx(100)
    unknown = {name: FRAMES[name].assign(is_known=False) for name in ("leaders", "fields", "origin")}
    for part in Portraits({**FRAMES, **unknown}, shipped())[first.cluster_id].metrics:
        assert not part.leaders_known
        assert not part.fields_known
        assert (part.leaders, part.fields, part.origin) == ((), (), {})


def test_a_release_from_before_there_were_profiles_has_portraits_without_them(first: Portrait) -> None:
    old = {name: FRAMES[name] for name in ("clusters", "cluster_footprints", "cluster_metrics", "ranking_size")}
    portrait = Portraits(old, shipped())[first.cluster_id]
    assert portrait.metrics[0].count == first.metrics[0].count
    assert (portrait.metrics[0].leaders, portrait.metrics[0].years) == ((), {})


def test_a_release_opens_a_cluster_by_its_name(tmp_path: Path, first: Portrait) -> None:
    write_and_release(tmp_path)
    release = open_release(tmp_path)
    assert release.cluster(first.name).as_dict() == release.cluster(first.cluster_id).as_dict()
    assert json.loads(json.dumps(release.cluster(first.name).as_dict()))["name"] == first.name
    with pytest.raises(InputError, match=r"No cluster of edition 2025 is called 'Atlantis'\. Near: "):
        release.cluster("Atlantis")


def test_a_cluster_beyond_the_ranking_has_a_portrait_without_rank_and_score(first: Portrait) -> None:
    ranked = FRAMES["ranking_size"]
    others = {**FRAMES, "ranking_size": ranked[ranked["cluster_id"] != first.cluster_id]}
    portrait = Portraits(others, shipped())[first.cluster_id]
    assert (portrait.rank, portrait.size_score, portrait.metrics) == (None, None, first.metrics)
    assert (first.rank, first.size_score) == tuple(
        ranked.set_index("cluster_id").loc[first.cluster_id, ["rank", "size_score"]]
    )
