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
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.transform import Affine, from_origin

from gii_pipeline.clusters.footprint import footprint
from gii_pipeline.errors import InputError
from gii_pipeline.metrics.population import apart, population, warnings, with_population
from gii_pipeline.metrics.rasters import PopulationRaster

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
    """Each shape by itself."""
    return [of_files([path], shape) for shape in shapes]


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
    assert nothing.columns.tolist() == [
        "cluster_id",
        "population",
        "population_year",
        "population_cells",
        "population_covered",
    ]
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
    with pytest.raises(InputError, match=r"missing.tif is not a readable raster"):
        counted(tmp_path / "missing.tif", here)
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(InputError, match=r"text.tif is not a readable raster"):
        counted(tmp_path / "text.tif", here)
    with pytest.raises(InputError, match="No population raster was given"):
        population(footprints(here), [], 2020)


def of_files(paths: Sequence[Path], shape: shapely.Geometry) -> float:
    found = population(footprints(shape), [PopulationRaster(path, 2020) for path in paths], 2020)
    return float(found["population"].iloc[0])


def test_people_under_two_footprints_are_shared_and_nobody_counts_twice(tmp_path: Path) -> None:
    path = write(tmp_path / "people.tif", [[100, 200, 400], [10, 20, 40]])
    west, east, far = shapely.box(0, 8, 2, 10), shapely.box(1, 8, 3, 10), shapely.box(2.5, 8, 3, 9)
    people = population(footprints(west, east, far), [PopulationRaster(path, 2020)], 2020)["population"].tolist()
    assert people == pytest.approx([110 + 220 / 2, 220 / 2 + 420 + 20 / 2, 20 / 2])
    assert sum(people) == pytest.approx(770)


@given(st.lists(st.tuples(st.floats(0, 8), st.floats(0, 8), st.floats(0.3, 4)), min_size=1, max_size=7))
@settings(max_examples=30, deadline=None)
def test_pieces_do_not_overlap_and_cover_what_the_outlines_cover(discs: list[tuple[float, float, float]]) -> None:
    outlines = np.array([shapely.Point(x, y).buffer(radius, quad_segs=4) for x, y, radius in discs], dtype=object)
    pieces, owner = apart(outlines)
    assert shapely.area(pieces).sum() == pytest.approx(shapely.union_all(outlines).area, rel=1e-6)
    of = owner.groupby("outline")["piece"].agg(lambda found: shapely.area(pieces[found]).sum())
    assert of.reindex(range(len(outlines))).to_numpy() == pytest.approx(shapely.area(outlines), rel=1e-6)


def test_rasters_of_one_epoch_with_the_same_people_are_refused_by_name(tmp_path: Path) -> None:
    west = write(tmp_path / "west.tif", np.full((10, 6), 100.0))
    east = write(tmp_path / "east.tif", np.full((10, 6), 100.0), west=5)
    finer = write(tmp_path / "finer.tif", np.full((8, 8), 25.0), west=4, size=0.5)
    seam, inside = shapely.box(4.5, 5, 6.5, 6), shapely.box(1, 5, 2, 6)
    with pytest.raises(InputError, match=r"east.tif and .*west.tif are rasters of one epoch and both have data at"):
        of_files([west, east], seam)
    with pytest.raises(InputError, match=r"finer.tif and .*west.tif .* both have data"):
        of_files([west, finer], shapely.box(4, 8, 5, 9))
    with pytest.raises(InputError, match=r"west.tif is listed twice for one epoch"):
        of_files([west, west], inside)
    assert of_files([west, east], inside) == 100


def test_national_rasters_may_lie_over_each_other_where_one_has_no_data(tmp_path: Path) -> None:
    one = write(tmp_path / "one.tif", [[100, 100, NODATA], [100, NODATA, NODATA]])
    other = write(tmp_path / "other.tif", [[NODATA, NODATA, 7], [NODATA, 7, 7]])
    assert of_files([one, other], shapely.box(0, 8, 3, 10)) == 321


def test_rows_from_south_to_north_count_as_usual(tmp_path: Path) -> None:
    cells = np.arange(12.0).reshape(3, 4)
    usual = write(tmp_path / "usual.tif", cells)
    turned = write(tmp_path / "turned.tif", cells[::-1], transform=Affine(1, 0, 0, 0, 1, 7))
    part = shapely.box(0.25, 7.5, 2.5, 9.5)
    assert of_files([turned], part) == pytest.approx(of_files([usual], part))


def test_a_raster_that_is_cut_short_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "short.tif", np.random.default_rng(1).integers(1, 500, (80, 80)), size=0.1)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"short.tif is not a readable raster.*truncated"):
        counted(path, shapely.box(0, 2, 8, 10))


@pytest.mark.parametrize("mark", [65_535.0, 99_999.0, 3.4e38])
def test_a_mark_of_no_data_that_is_not_declared_is_refused(tmp_path: Path, mark: float) -> None:
    path = write(tmp_path / "marked.tif", [[100.0, mark], [300.0, 400.0]], nodata=None)
    with pytest.raises(InputError, match=r"marked.tif: a cell near latitude 9.0 has .* declare it"):
        counted(path, shapely.box(0, 8, 2, 10))
    assert counted(path, shapely.box(0, 8, 1, 10)) == [400]


def test_a_cell_denser_than_any_place_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "dense.tif", [[5e6]], size=0.01)
    with pytest.raises(InputError, match=r"dense.tif: a cell near latitude 10.0 has 5e\+06 inhabitants"):
        counted(path, shapely.box(0, 9.99, 0.01, 10))


def test_a_density_is_refused_by_its_name_and_by_its_cells(tmp_path: Path) -> None:
    here = shapely.box(0.1, 49.1, 0.9, 49.9)
    for name in ("people_density.tif", "Population_Density.tif", "PD_2020.tif"):
        with pytest.raises(InputError, match=f"{name} contains people per area"):
            counted(write(tmp_path / name, np.ones((9, 9)), north=50, size=0.1), here)
    districts = np.repeat(np.random.default_rng(2).uniform(1, 900, (30, 100)), 4, axis=0)
    area = np.cos(np.radians(50 - 0.0085 * (np.arange(120) + 0.5)))[:, None]
    density = write(tmp_path / "people.tif", districts, north=50, size=0.0085)
    with pytest.raises(
        InputError, match=r"people.tif contains people per area, .* neighbouring cells have equal values"
    ):
        counted(density, here)
    count = write(tmp_path / "count.tif", districts * area, north=50, size=0.0085)
    assert counted(count, here)[0] > 0


@pytest.mark.parametrize(
    ("columns", "equal", "is_density"), [(50, 50, True), (49, 49, False), (60, 10, True), (60, 9, False)]
)
def test_ten_equal_neighbours_among_fifty_values_make_a_density(
    tmp_path: Path, columns: int, equal: int, is_density: bool
) -> None:
    upper = np.arange(1.0, columns + 1)
    lower = np.where(np.arange(columns) < equal, upper, 3 * upper)
    path = write(tmp_path / "people.tif", [upper.tolist(), lower.tolist()], north=50, size=0.0085)
    here = shapely.box(0, 49.9, 1, 50)
    if is_density:
        with pytest.raises(InputError, match=r"people.tif contains people per area"):
            counted(path, here)
    else:
        assert counted(path, here) == [pytest.approx(upper.sum() + lower.sum(), rel=1e-5)]


def test_the_real_density_beside_the_real_count_is_refused_whatever_its_name(real_data: Path, tmp_path: Path) -> None:
    azores = shapely.box(-26, 37, -25, 38)
    for kind in ("count", "density"):
        source = real_data / "population" / f"sao_miguel_gpw_v411_2020_{kind}_2020.tif"
        (tmp_path / f"{kind[0]}.tif").write_bytes(source.read_bytes())
    assert counted(tmp_path / "c.tif", azores)[0] == pytest.approx(145_603, abs=0.5)
    with pytest.raises(InputError, match=r"d.tif contains people per area"):
        counted(tmp_path / "d.tif", azores)


def test_what_a_population_rests_on_stands_beside_it(tmp_path: Path) -> None:
    path = write(tmp_path / "half.tif", [[100.0, NODATA], [300.0, NODATA]])
    after = write(tmp_path / "after.tif", [[200.0, 1.0], [600.0, 1.0]])
    rasters = [PopulationRaster(path, 2020), PopulationRaster(after, 2025)]
    half, small = shapely.box(0, 8, 2, 9), shapely.box(0, 9, 0.5, 10)
    found = population(footprints(half, small), rasters, 2021)
    assert found["population_year"].tolist() == ["2020, 2025", "2020, 2025"]
    assert found["population_covered"].tolist() == pytest.approx([0.5, 1.0])
    assert found["population_cells"].tolist() == pytest.approx([1.0, 0.5])
    assert population(footprints(half), rasters, 2025)["population_year"].tolist() == ["2025"]
    assert population(footprints(half), rasters, 2015)["population_year"].tolist() == ["2020"]
    told = warnings(found.assign(name=["Alba", "Borgo"]))
    assert told[0].startswith("Alba: the population layer has data for 50.0% of its footprint")
    assert [line.split(":")[0] for line in told] == ["Alba", "Alba", "Borgo"]
    beyond = population(footprints(half, shapely.box(50, 50, 51, 51)), rasters, 2025).assign(name=["Alba", "Cala"])
    assert warnings(beyond)[0] == (
        "Cala: the population layer has no inhabitants in its footprint, so it has no per-million figures and no rank "
        "by intensity."
    )
    assert warnings(beyond[beyond["name"] == "Cala"]) == []


def test_a_coast_is_covered_where_the_sea_counts_nobody_and_says_so_where_the_sea_is_missing(tmp_path: Path) -> None:
    coast = footprints(shapely.box(0, 8, 2, 10))
    found = [
        population(coast, [PopulationRaster(write(tmp_path / name, [[90.0, sea], [10.0, sea]]), 2020)], 2020)
        for name, sea in (("zero.tif", 0.0), ("missing.tif", NODATA))
    ]
    assert [table["population"].tolist() for table in found] == [[100.0], [100.0]]
    assert [table["population_covered"].tolist() for table in found] == [[1.0], [0.5]]
    zero, missing = (warnings(table.assign(name="Alba")) for table in found)
    assert not [line for line in zero if "has data" in line]
    assert missing[0].endswith("If the layer marks the sea as missing, the rest may be sea.")


SUMMED = """
import sys
from pathlib import Path
import pandas as pd, shapely
from gii_pipeline.metrics.population import apart, population, warnings
from gii_pipeline.metrics.rasters import PopulationRaster
from gii_pipeline.memory import peak_bytes
rows = pd.DataFrame({"cluster_id": ["eighth"], "geometry": [shapely.to_wkb(shapely.box(-180, 0, -90, 90))]})
before = peak_bytes()
found = population(rows, [PopulationRaster(Path(sys.argv[1]), 2020)], 2020)
print(found["population"][0], (peak_bytes() - before) >> 20)
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


def test_without_a_layer_clusters_have_no_inhabitants() -> None:
    drawn = footprints(shapely.box(0, 9, 1, 10)).assign(area_km2=1.0)
    without = with_population(drawn, None)
    assert without["population"].isna().all()
    given = with_population(drawn, lambda _: drawn[["cluster_id"]].assign(population=7.0, population_year="2020"))
    assert given["population"].tolist() == [7.0]
    assert without.dtypes.to_dict() == given.dtypes.to_dict()


@pytest.mark.parametrize(("north", "west"), [(60.0, -100.0), (-40.0, 100.0)])
def test_tiles_with_the_same_people_are_refused_wherever_they_are_and_tiles_that_meet_are_not(
    tmp_path: Path, north: float, west: float
) -> None:
    here = write(tmp_path / "here.tif", [[1.0, 1.0], [1.0, 1.0]], west=west, north=north)
    outline = shapely.box(west, north - 2, west + 2, north)
    for east, south in ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        other = write(tmp_path / f"over{east}{south}.tif", [[1.0, 1.0]] * 2, west=west + east, north=north - south)
        with pytest.raises(InputError, match="both have data"):
            of_files([here, other], outline)
    for east, south in ((1.9999, 0.0), (0.0, 1.9999), (-1.9999, 0.0), (0.0, -1.9999)):
        other = write(tmp_path / f"next{east}{south}.tif", [[1.0, 1.0]] * 2, west=west + east, north=north - south)
        assert of_files([here, other], outline) == pytest.approx(4, rel=1e-3)
