"""The world: the same for the same seed, of the planned size, with the gaps that real records have."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.windows import Window

from gii_pipeline.errors import InputError
from gii_pipeline.geocoding import Gazetteer, Resolver
from gii_pipeline.geocoding.economies import alpha2
from gii_pipeline.geocoding.written import read_fields
from gii_pipeline.metrics.rasters import MOST_PER_KM2
from gii_pipeline.sandbox import World, make_world, shapes
from gii_pipeline.sandbox.deals import funding_rounds
from gii_pipeline.sandbox.institutions import institutions, write_ror_dump
from gii_pipeline.sandbox.patents import write_table
from gii_pipeline.sandbox.plan import METRICS
from gii_pipeline.sandbox.population import inhabited, population, write_raster
from gii_pipeline.sandbox.roster import roster
from gii_pipeline.sandbox.works import works

YEAR = 2021


def drawn(world: World, metric: str, chunk_records: int = 100_000) -> pd.Series[float]:
    """Region -> count of a year's records, added up from their rows."""
    places = world.geography.places["region"].to_numpy()
    parts = [
        pd.DataFrame(
            {"region": np.where(chunk.place < 0, world.plan.nowhere, places[chunk.place]), "count": chunk.fraction}
        )
        for chunk in world.records(metric, YEAR, chunk_records)
    ]
    return pd.concat(parts).groupby("region")["count"].sum()


@pytest.mark.parametrize("metric", METRICS)
def test_records_give_every_cluster_its_planned_count(world: World, metric: str) -> None:
    planned = world.plan.in_year(metric, YEAR)
    counts = drawn(world, metric).reindex(range(world.plan.nowhere + 1), fill_value=0)
    np.testing.assert_allclose(counts[: world.plan.nowhere], planned[: world.plan.nowhere], atol=1e-9)


def test_same_seed_gives_the_same_world_and_another_seed_another(world: World) -> None:
    again = World(world.seed, world.scale)
    other = make_world(world.seed + 1, world.scale)
    first = next(works(world, YEAR))
    assert first == next(works(again, YEAR))
    assert list(works(world, YEAR))[:50] != list(works(other, YEAR))[:50]
    for metric in METRICS:
        assert (world.plan.records[metric] == again.plan.records[metric]).all()
        assert (world.plan.records[metric] != other.plan.records[metric]).any()


def test_a_name_that_records_give_alone_leads_to_its_place(gazetteer: Gazetteer) -> None:
    """By the pipeline's gazetteer, which is not the sandbox's: no place has a namesake that is as populous."""
    places = make_world(3, 0.005).geography.places.query("first_of_name")
    named = places[["place", "economy"]].itertuples(index=False, name=None)
    answers = Resolver(gazetteer).resolve([read_fields(place, None, economy, None) for place, economy in named])
    found = [None if answer.place is None else gazetteer.geonameids[answer.place] for answer in answers]
    missed = np.array(found, dtype=object) != places["geonameid"].to_numpy()
    regional = np.array([answer.method == "no_city" for answer in answers])  # Ibaraki alone is a prefecture elsewhere
    assert len(places) > 5_000
    assert regional.sum() < 10
    led_elsewhere = {"Salamanca"}  # a district of Madrid that is about as large as the town
    assert set(places[missed & ~regional]["place"]) <= led_elsewhere


def test_raw_files_of_a_world_are_the_same_bytes_every_time(world: World, tmp_path: Path) -> None:
    for number in ("first", "second"):
        folder = tmp_path / number
        folder.mkdir()
        write_ror_dump(world, folder / "ror.zip")
        write_table(world, "g_pct_data", folder / "pct.zip")
        write_raster(world, 2025, folder / "population.tif")
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_works_have_the_gaps_of_real_ones(world: World) -> None:
    """Rates within a quarter of those in `shapes`, each measured on real files."""
    found = [json.loads(line) for line in works(world, YEAR)]
    counted = found[: round(len(found) / (1 + sum(shapes.UNCOUNTED_WORKS.values())))]
    authors = [author for work in counted for author in work["authorships"]]
    rates = {
        "no_doi": (np.mean([work["doi"] is None for work in found]), shapes.WORK_WITHOUT_DOI),
        "no_source": (
            np.mean([work["primary_location"]["source"] is None for work in found]),
            shapes.UNCOUNTED_WORKS["no_source"] / (1 + sum(shapes.UNCOUNTED_WORKS.values())),
        ),
        "no_id": (np.mean([author["author"]["id"] is None for author in authors]), shapes.AUTHOR_WITHOUT_ID),
        "unlocated": (
            np.mean([not author["institutions"] for author in authors]),
            shapes.UNLOCATED["scientific_publications"],
        ),
    }
    for what, (measured, real) in rates.items():
        assert measured == pytest.approx(real, rel=0.25), what
    assert any(work.get("is_authors_truncated") for work in found)
    assert max(len(work["authorships"]) for work in found) == shapes.MAX_LISTED_AUTHORS
    assert any(work["is_retracted"] for work in found)
    assert any(work["is_xpac"] for work in found)


def test_every_name_of_an_economy_is_known_to_the_pipeline(world: World) -> None:
    named = {
        part["value"]
        for round_ in funding_rounds(world, YEAR)
        for part in round_["properties"].get("funded_organization_location", [])
        if part["location_type"] == "country"
    }
    assert len(named) > 10
    assert {name for name in named if alpha2(name) is None} == set()
    assert {code for code in world.geography.places["economy"].unique() if alpha2(code) != code} == set()


def test_identifiers_of_institutions_are_distinct(world: World) -> None:
    listed = list(institutions(world))
    assert len({each.ror for each in listed}) == len({each.openalex for each in listed}) == len(listed)
    assert all(len(each.ror) == len("https://ror.org/0xxxxxxxx") for each in listed)


def test_raster_holds_every_cluster_once(world: World, tmp_path: Path) -> None:
    path = tmp_path / "population.tif"
    write_raster(world, 2025, path)
    towns = world.geography.places.query("role == 'background' and population >= 100_000")["population"].sum()
    with rasterio.open(path) as raster:
        assert (raster.width, raster.height, raster.nodata, raster.crs.to_epsg()) == (43200, 21600, -200, 4326)
        assert "made up" in raster.tags()["NOTICE"]
        tiles = (inhabited(world, 2025)[["row", "column"]] // 128).drop_duplicates() * 128
        windows = [Window(column, row, 128, 128) for row, column in tiles.to_numpy()]
        blocks = [raster.read(1, window=window, masked=True) for window in windows]
        total = sum(block.sum() for block in blocks)
        cell_km2 = 0.9277**2 * np.cos(np.radians([raster.xy(window.row_off, 0)[1] for window in windows]))
        densest = max(block.max() / km2 for block, km2 in zip(blocks, cell_km2, strict=True)) / world.scale
        beside = next(raster.sample([(-30.0, 0.0)]))[0]
    assert beside == raster.nodata
    assert densest < MOST_PER_KM2, "at the scale of the real world, too"
    assert total == pytest.approx(population(world, 2025).sum() + towns * world.scale, rel=1e-12)


def test_roster_says_which_figures_were_printed(published_data: Path) -> None:
    """The printed figures of 2023 are the roster's."""
    printed = pd.read_csv(published_data / "gii2023_size_top20.csv")
    counts = {(int(pct), int(pub)) for pct, pub in roster()[["pct_2023", "pub_2023"]].dropna().to_numpy()}
    columns = [name for name in printed.columns if printed[name].dtype.kind in "if"]
    rows = [{int(value) for value in row if not math.isnan(value)} for row in printed[columns].to_numpy()]
    assert sum(any({pct, pub} <= row for row in rows) for pct, pub in counts) == len(counts) > 10


@pytest.mark.parametrize("scale", [0, 0.0001, 1.5])
def test_scale_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(InputError, match=r"0\.001 to 1"):
        make_world(1, scale)
