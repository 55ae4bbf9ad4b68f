"""Bad input: one clear message with the file, column or years, exit code 2, and the last good tables untouched."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.commands import Gii
from gii_pipeline_tests.defs.test_tiny_world import hashes

Spoil = Callable[[Path], None]


def missing(folder: Path) -> None:
    (folder / "vc_deals.csv").unlink()


def without_a_column(folder: Path) -> None:
    path = folder / "vc_deals.csv"
    path.write_text(path.read_text().replace("record_id", "deal", 1))


def empty(folder: Path) -> None:
    (folder / "vc_deals.csv").write_bytes(b"")


def of_an_unknown_country(folder: Path) -> None:
    path = folder / "vc_deals.csv"
    path.write_text(path.read_text().replace(",AT,", ",QQ,"))


def cut_short(folder: Path) -> None:
    path = folder / "vc_deals.csv"
    whole = gzip.compress(path.read_bytes() * 50)
    path.write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (missing, ["vc_deals.csv"]),
        (without_a_column, ["vc_deals.csv", "record_id"]),
        (empty, ["vc_deals.csv", "empty"]),
        (cut_short, ["vc_deals.csv"]),
    ],
)
def test_a_file_that_is(tiny: Gii, spoil: Spoil, named: list[str]) -> None:
    before = hashes(tiny.root / "core") | hashes(tiny.root / "releases")
    spoil(tiny.profile.parent)
    outcome = tiny("ingest", "--years", "2014", "--refresh")
    assert outcome.code == 2, outcome.err
    for word in named:
        assert word in outcome.err
    assert "Traceback" not in outcome.err
    assert hashes(tiny.root / "core") | hashes(tiny.root / "releases") == before


def test_an_economy_that_nobody_knows_is_that_of_the_point_where_there_is_one(tiny: Gii) -> None:
    of_an_unknown_country(tiny.profile.parent)
    outcome = tiny("ingest", "--years", "2014", "--refresh")
    assert outcome.code == 0, outcome.err
    core = pq.ParquetFile(tiny.root / "core" / "vc_deals" / "data_year=2014" / "part-0.parquet").read()
    assert "QQ" not in core["economy"].to_pylist()
    assert None not in core["economy"].to_pylist()


def test_an_edition_that_is_not_whole(tiny: Gii) -> None:
    profile = yaml.safe_load(tiny.profile.read_text())
    del profile["editions"][2015]["radius_km"]
    tiny.profile.write_text(yaml.safe_dump(profile))
    outcome = tiny("plan", "--edition", "2015")
    assert outcome.code == 2
    assert "radius_km" in outcome.err


def test_an_edition_that_nobody_defined(tiny: Gii) -> None:
    outcome = tiny("plan", "--edition", "1999")
    assert outcome.code == 2
    assert "1999" in outcome.err


def test_a_window_without_data_names_its_years(tiny: Gii) -> None:
    for year in tiny_world.YEARS:
        shutil.rmtree(tiny.root / "core" / "vc_deals" / f"data_year={year}")
    outcome = tiny("release", "make", "--edition", "2015")
    assert outcome.code == 2
    assert "core table `vc_deals` lacks data years 2013,2014. Run `gii ingest --years 2013,2014`." in outcome.err
    outcome = tiny("plan", "--edition", "2015")
    assert outcome.out.count("no vc_deals") == len(tiny_world.YEARS)
