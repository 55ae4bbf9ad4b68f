from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import rasterio
import shapely
from rasterio.crs import CRS
from rasterio.transform import Affine, from_origin

from gii_pipeline.clusters.footprint import footprint
from gii_pipeline.errors import InputError
from gii_pipeline.metrics.population import PopulationRaster, population

MOLLWEIDE = "ESRI:54009"
NODATA = -200.0
GPW, SAO_MIGUEL, SINGAPORE = (
    "gpw_v4_population_count_rev11_2020_30_min.tif",
    "sao_miguel_gpw_v411_2020_count_2020.tif",
    "worldpop_singapore_2015_100m.tif",
)


def footprints(*shapes: shapely.Geometry) -> pd.DataFrame:
    names = [f"c{number}" for number in range(len(shapes))]
    return pd.DataFrame({"cluster_id": names, "geometry": [shapely.to_wkb(shape) for shape in shapes]})


def write(
    path: Path,
    cells: npt.ArrayLike | Sequence[Sequence[float]],
    *,
    west: float = 0.0,
    north: float = 10.0,
    size: float = 1.0,
    crs: str | None = "EPSG:4326",
    nodata: float | None = NODATA,
    transform: Affine | None = None,
) -> Path:
    """A raster of one-degree cells from 0° E, 10° N, unless said otherwise."""
    values = np.asarray(cells, dtype="float32")
    bands = values if values.ndim == 3 else values[None]
    profile = {"driver": "GTiff", "count": bands.shape[0], "height": bands.shape[1], "width": bands.shape[2]}
    transform = transform or from_origin(west, north, size, size)
    with rasterio.open(path, "w", **profile, dtype="float32", crs=crs, nodata=nodata, transform=transform) as raster:
        raster.write(bands)
    return path


def counted(path: Path, *shapes: shapely.Geometry) -> list[float]:
    found = population(footprints(*shapes), [PopulationRaster(path, 2020)], 2020)
    return [float(value) for value in found["population"]]


def test_the_real_world_singapore_and_sao_miguel_have_their_inhabitants(real_data: Path) -> None:
    folder = real_data / "population"
    assert counted(folder / GPW, shapely.box(-180, -90, 180, 90))[0] == pytest.approx(7.969e9, rel=1e-4)
    assert counted(folder / SINGAPORE, shapely.box(103.5, 1.1, 104.2, 1.5))[0] == pytest.approx(5_399_000, abs=500)
    assert counted(folder / SAO_MIGUEL, shapely.box(-26, 37, -25, 38))[0] == pytest.approx(145_603, abs=0.5)


def test_the_real_world_in_parts_adds_up_and_a_footprint_at_sea_has_nobody(real_data: Path) -> None:
    parts = [
        shapely.box(west, south, west + 60, south + 60) for west in range(-180, 180, 60) for south in (-90, -30, 30)
    ]
    atlantic, _ = footprint(np.array([30.0]), np.array([-40.0]), 5.0)
    people = counted(real_data / "population" / GPW, *parts, atlantic)
    assert sum(people[:-1]) == pytest.approx(7.969e9, rel=1e-4)
    assert np.isnan(people[-1])


def test_a_cell_counts_by_the_part_of_it_that_is_inside(tmp_path: Path) -> None:
    path = write(tmp_path / "people.tif", [[100, 200], [300, 400]])
    quarter, half_of_two = shapely.box(0, 9, 0.5, 9.5), shapely.box(0.5, 9, 1.5, 10)
    ring = shapely.box(0, 8, 2, 10).difference(shapely.box(0, 9, 1, 10))
    assert counted(path, quarter, half_of_two, ring) == pytest.approx([25, 150, 900])


def test_cells_without_data_do_not_count_and_a_footprint_without_inhabitants_is_null(tmp_path: Path) -> None:
    path = write(tmp_path / "people.tif", [[100.0, NODATA], [0.0, np.nan]])
    everything, no_data, nobody, outside = (
        shapely.box(0, 8, 2, 10),
        shapely.box(1, 8, 2, 10),
        shapely.box(0, 8, 1, 9),
        shapely.box(50, 50, 51, 51),
    )
    people = counted(path, everything, no_data, nobody, outside)
    assert people[0] == 100
    assert np.isnan(people[1:]).all()


def test_a_raster_without_nodata_counts_whole_and_refuses_negative_inhabitants(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.tif", [[100.0, np.nan], [300.0, 400.0]], nodata=None)
    assert counted(whole, shapely.box(0, 8, 2, 10)) == [800]
    marked = write(tmp_path / "marked.tif", [[100.0, NODATA], [300.0, 400.0]], nodata=None)
    assert counted(marked, shapely.box(0, 8, 1, 10)) == [400]
    with pytest.raises(InputError, match=r"marked.tif: a cell has -200 inhabitants.*nodata"):
        counted(marked, shapely.box(0, 8, 2, 10))


def test_a_projected_raster_is_met_by_the_projected_footprint(tmp_path: Path) -> None:
    kilometre = write(
        tmp_path / "moll.tif", np.full((400, 400), 7.0), west=0, north=6_200_000, size=1000, crs=MOLLWEIDE
    )
    outline, area_km2 = footprint(np.array([49.5, 49.55]), np.array([2.0, 2.0]), 15.0)
    assert counted(kilometre, outline) == [pytest.approx(7 * area_km2, rel=2e-3)]


def test_a_projected_world_is_met_on_both_sides_of_the_antimeridian(tmp_path: Path) -> None:
    cells = np.full((180, 361), 3.0)
    world = write(tmp_path / "world.tif", cells, west=-18_050_000, north=9_000_000, size=100_000, crs=MOLLWEIDE)
    outline, area_km2 = footprint(np.array([-17.0]), np.array([180.0]), 300.0)
    assert outline.geom_type == "MultiPolygon"
    assert counted(world, outline) == [pytest.approx(3 * area_km2 / 10_000, rel=1e-2)]


def test_a_zip_that_holds_a_raster_is_read_as_the_raster_whatever_its_name(tmp_path: Path) -> None:
    raster = write(tmp_path / "GHS_POP_E2020.tif", [[1, 2], [3, 4]])
    kept = tmp_path / "0a1b2c"
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(raster, "GHS_POP_E2020.tif")
        archive.writestr("readme.txt", "people per cell")

    assert counted(kept, shapely.box(0, 8, 2, 10)) == [10]

    with zipfile.ZipFile(kept, "a") as archive:
        archive.write(raster, "another.tif")
    with pytest.raises(InputError, match="a zip with 2 GeoTIFFs"):
        counted(kept, shapely.box(0, 8, 2, 10))


def test_tiles_of_one_year_add_up(tmp_path: Path) -> None:
    west = write(tmp_path / "west.tif", [[100, 200]])
    east = write(tmp_path / "east.tif", [[400, 800]], west=2)
    tiles = [PopulationRaster(west, 2020), PopulationRaster(east, 2020)]
    found = population(footprints(shapely.box(1, 9, 3, 10), shapely.box(3, 9, 4, 10)), tiles, 2020)
    assert found["population"].tolist() == [600, 800]


@pytest.mark.parametrize(
    ("year", "people"), [(2015, 100), (2016, 120), (2018, 160), (2020, 200), (2025, 300), (2010, 100), (2035, 400)]
)
def test_between_two_epochs_inhabitants_are_interpolated_and_outside_the_nearest_counts(
    tmp_path: Path, year: int, people: float
) -> None:
    rasters = [
        PopulationRaster(write(tmp_path / f"{epoch}.tif", [[count]]), epoch)
        for epoch, count in ((2020, 200), (2030, 400), (2015, 100))
    ]
    found = population(footprints(shapely.box(0, 9, 1, 10)), rasters, year)
    assert found["population"].tolist() == [pytest.approx(people)]


def test_an_epoch_without_data_leaves_the_year_to_the_other_and_one_without_people_does_not(tmp_path: Path) -> None:
    rasters = [
        PopulationRaster(write(tmp_path / "2015.tif", [[NODATA, 0]]), 2015),
        PopulationRaster(write(tmp_path / "2020.tif", [[200, 200]]), 2020),
    ]
    found = population(footprints(shapely.box(0, 9, 1, 10), shapely.box(1, 9, 2, 10)), rasters, 2016)
    assert found["population"].tolist() == [200, pytest.approx(40)]


def test_the_result_follows_the_footprints_and_may_be_empty(tmp_path: Path) -> None:
    path = write(tmp_path / "people.tif", [[100, 200]])
    rows = footprints(shapely.box(1, 9, 2, 10), shapely.box(70, 70, 71, 71), shapely.box(0, 9, 1, 10))
    found = population(rows.iloc[::-1], [PopulationRaster(path, 2020)], 2020)
    assert found["cluster_id"].tolist() == ["c2", "c1", "c0"]
    assert found["population"].tolist() == [100, pytest.approx(np.nan, nan_ok=True), 200]
    nothing = population(rows[:0], [PopulationRaster(path, 2020)], 2020)
    assert nothing.columns.tolist() == ["cluster_id", "population"]
    assert nothing.empty


def test_a_raster_that_cannot_serve_is_named_with_what_to_do(tmp_path: Path) -> None:
    here = shapely.box(0, 9, 1, 10)
    with pytest.raises(InputError, match=r"nowhere.tif: it has no coordinate reference system"):
        counted(write(tmp_path / "nowhere.tif", [[1]], crs=None), here)
    with pytest.raises(InputError, match=r"years.tif: it has 2 bands"):
        counted(write(tmp_path / "years.tif", np.ones((2, 1, 1))), here)
    with pytest.raises(InputError, match=r"turned.tif: it is rotated"):
        counted(write(tmp_path / "turned.tif", [[1]], transform=Affine(1, 0.2, 0, 0.2, -1, 10)), here)
    with pytest.raises(InputError, match=r"pacific.tif: its longitudes leave -180 to 180"):
        counted(write(tmp_path / "pacific.tif", np.ones((10, 360))), here)
    with pytest.raises(InputError, match=r"missing.tif is not a raster that can be read"):
        counted(tmp_path / "missing.tif", here)
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(InputError, match=r"text.tif is not a raster that can be read"):
        counted(tmp_path / "text.tif", here)
    with pytest.raises(InputError, match="No population raster was given"):
        population(footprints(here), [], 2020)


SUMMED = """
import resource, sys
from pathlib import Path
import pandas as pd, shapely
from gii_pipeline.metrics.population import PopulationRaster, population
rows = pd.DataFrame({"cluster_id": ["eighth"], "geometry": [shapely.to_wkb(shapely.box(-180, 0, -90, 90))]})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = population(rows, [PopulationRaster(Path(sys.argv[1]), 2020)], 2020)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(found["population"][0], (after - before) // 1024)
"""


def test_a_global_raster_of_30_arc_seconds_is_never_whole_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tif"
    profile = {"driver": "GTiff", "width": 43_200, "height": 21_600, "count": 1, "dtype": "float32", "nodata": NODATA}
    transform = from_origin(-180, 90, 1 / 120, 1 / 120)
    with rasterio.open(
        path, "w", **profile, crs=CRS.from_epsg(4326), transform=transform, tiled=True, sparse_ok=True
    ) as to:
        to.write(np.full((256, 256), 2.0, dtype="float32"), 1, window=((0, 256), (0, 256)))
    run = subprocess.run([sys.executable, "-c", SUMMED, str(path)], capture_output=True, text=True, check=True)
    people, more_mib = run.stdout.split()
    assert float(people) == 2 * 256 * 256
    assert int(more_mib) < 300
