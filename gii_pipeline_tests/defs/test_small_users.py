"""A profile with one metric and without a population layer runs to a release, and every output says what it lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from gii_pipeline import open_release
from gii_pipeline.errors import InputError
from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.commands import Gii

LEFT_OUT = "it counts VC deals only, because there is no source of PCT applications and scientific publications"
NO_POPULATION = "No population layer: the ranking by intensity is empty"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def only_deals(folder: Path, least: float = 10) -> Path:
    """The profile of the tiny world with one metric of its edition's three, and no population."""
    path = tiny_world.write(folder)
    document = tiny_world.profile()
    del document["population"]
    document["metrics"] = {"vc_deals": document["metrics"]["vc_deals"]}
    document["editions"][2015]["min_weight"]["value"] = least
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def test_what_a_profile_lacks_is_left_out_and_every_output_says_so(
    tmp_path: Path, gii_on: Callable[[Path], Gii]
) -> None:
    gii = gii_on(only_deals(tmp_path / "world"))
    planned, ran = gii("plan", "--edition", "2015"), gii("run", "--edition", "2015")
    assert ran.code == 0, ran.err
    release = open_release(gii.root)
    assert release.table("ranking_size")["name"].tolist() == ["Graz", "Lyon", "Oslo"]
    assert release.table("ranking_intensity").empty
    folder = Path(str(release.folder))
    about = pq.read_schema(folder / "clusters.parquet").metadata[b"gii_release"].decode()
    outputs = {
        "plan": planned.out,
        "run": ran.out,
        "facts": gii("facts", "--edition", "2015").out,
        "facts of a cluster": gii("facts", "--edition", "2015", "--cluster", "Graz").out,
        **{name: (folder / name).read_text(encoding="utf-8") for name in ("README.md", "report/index.html")},
        "table": "\n".join(json.loads(about)["notes"]),
        "package": "\n".join(release.package["notes"]),
    }
    for name, text in outputs.items():
        said = " ".join(text.split())
        assert LEFT_OUT in said, name
        assert NO_POPULATION in said, name
    assert "breaks `population_mostly_present`" in outputs["README.md"]


def test_an_edition_without_a_cluster_says_what_the_densest_place_has(
    tmp_path: Path, gii_on: Callable[[Path], Gii]
) -> None:
    gii = gii_on(only_deals(tmp_path / "world", least=4500))
    ran = gii("run", "--edition", "2015")
    assert ran.code == InputError.exit_code
    assert "the place with most, Graz, has 18. If the sources have a part" in ran.err


def test_a_national_slice_counts_one_country_in_a_root_of_its_own_and_every_output_says_so(
    tmp_path: Path, gii_on: Callable[[Path], Gii]
) -> None:
    gii = gii_on(only_deals(tmp_path / "world"))
    ran = gii("run", "--edition", "2015", "--country", "Austria")
    assert ran.code == 0, ran.err
    assert [path.name for path in gii.root.iterdir() if path.name in ("core", "releases", "national")] == ["national"]
    root = gii.root / "national" / "AT"
    release = open_release(root)
    ranking = release.table("ranking_size")
    assert ranking["name"].tolist() == ["Graz"]
    assert ranking["vc_deals_share_pct"].tolist() == [100.0]
    folder = Path(str(release.folder))
    outputs = {
        "run": ran.out,
        "facts": gii("facts", "--edition", "2015", "--root", str(root)).out,
        "package": "\n".join(release.package["notes"]),
        **{name: (folder / name).read_text(encoding="utf-8") for name in ("README.md", "report/index.html")},
    }
    for name, text in outputs.items():
        assert "National slice of AT, not a ranking of the world" in " ".join(text.split()), name
    assert "its share of AT, and the count per million" in " ".join(ran.out.split())
    assert release.package["description"].startswith("The ranking of the innovation clusters of AT, edition 2015.")
    facts = gii("facts", "--edition", "2015", "--cluster", "Graz", "--root", str(root)).out
    assert "100.00 % of AT's)" in " ".join(facts.split())
    rebuilt = gii("release", "rebuild", str(release.version), "--root", str(root))
    assert rebuilt.code == 0, rebuilt.out + rebuilt.err
    assert f"{release.version} was reproduced" in rebuilt.out
