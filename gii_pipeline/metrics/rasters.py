"""Population rasters: opening one, and whether it can serve as a layer of people per cell.

Belongs here: what makes a raster unusable, each with what to do about it; rasters that lie over each other.
Does not: summing people up (`population`).

A raster rarely says what its cells count, so that a wrong one has to be recognised by its values:

- negative cells, cells that hold the limit of a number type or nothing but nines where no nodata value is declared,
  and cells denser than any place on Earth stand for no data;
- layers that spread the people of a district evenly have neighbours in a column with equal densities, but with counts
  that differ as the areas of their rows do. Where the first is common and the second is not, the file is a density.
"""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.warp
from rasterio.transform import Affine, from_origin
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window, from_bounds

from gii_pipeline.errors import InputError

GDAL_CACHE_BYTES = 64 * 2**20
"""How much of a raster GDAL may keep; its own default is a twentieth of the machine's memory."""

MOST_PER_KM2 = 1_000_000
"""More people on a square kilometre than in any cell of any layer."""

KM_PER_DEGREE = 111.32
Floats = npt.NDArray[np.float64]
Bounds = tuple[float, float, float, float]
Raster: TypeAlias = rasterio.DatasetReader

_DENSITY = re.compile(r"densit|per[ _]?(sq|km)|/ ?km|km-2|(?<![a-z0-9])pd_", re.IGNORECASE)
_MARGIN_CELLS = 30
_LOOKED_AT_ACROSS = 500
_CELLS_COMPARED = 2_000_000
_FOOTPRINTS_LOOKED_AT = 60
_LEAST_VALUES, _LEAST_PAIRS = 50, 10


class PopulationRaster(NamedTuple):
    """A raster of inhabitants per cell (a count, not a density), whole or a tile, and the year it stands for."""

    path: Path
    year: int
    name: str = ""
    """What the file was called where it came from, if that is not its path."""


@contextmanager
def opened(path: Path) -> Iterator[Raster]:
    """The raster, open, its rows from north to south; InputError naming the file if it cannot serve, or ends early."""
    with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_BYTES):
        try:
            with rasterio.open(_inside(path)) as raster:
                if problem := _problem(raster):
                    raise InputError(f"{path}: {problem}")
                if raster.transform.e < 0 < raster.transform.a:
                    yield raster
                    return
                with _upright(raster) as turned:
                    yield turned
        except rasterio.errors.RasterioError as error:
            raise InputError(
                f"{path} is not a readable raster: {error} If it is truncated, fetch or copy it again."
            ) from error


def cell_km2(raster: Raster, latitude: float) -> float:
    """The area of a cell of the raster at a latitude, in square kilometres."""
    width, height = raster.res
    if raster.crs.is_geographic:
        return float(width * height * KM_PER_DEGREE**2 * np.cos(np.radians(latitude)))
    metres: float = raster.crs.linear_units_factor[1]
    return float(width * height * (metres / 1000) ** 2)


def check_values(path: Path, raster: Raster, least: float, most: float, latitude: float) -> None:
    """InputError where the least or the most that a cell under a footprint holds is not a number of people."""
    if least < 0:
        raise InputError(
            f"{path}: a cell has {least:g} inhabitants. If that stands for no data, declare it as the "
            f"raster's nodata value (rio edit-info --nodata {least:g} {path.name})."
        )
    undeclared = raster.nodata is None and _is_a_mark(most, raster.dtypes[0])
    if undeclared or most > MOST_PER_KM2 * max(cell_km2(raster, latitude), 1e-4):
        raise InputError(
            f"{path}: a cell near latitude {latitude:.1f} has {most:g} inhabitants. If that stands for no data, "
            f"declare it as the raster's nodata value (rio edit-info --nodata {most:g} {path.name}); if cells "
            f"contain people per square kilometre, use the layer of counts."
        )


def check_counts(file: PopulationRaster, raster: Raster, near: Sequence[Bounds]) -> None:
    """InputError where the raster is a density: by what it says of itself, or by its cells around the footprints."""
    said = [
        file.path.name,
        file.name,
        *raster.tags().values(),
        *raster.tags(1).values(),
        *raster.units,
        *raster.descriptions,
    ]
    words = next((str(text) for text in said if text and _DENSITY.search(str(text))), None)
    if words or _looks_like_a_density(raster, near):
        why = (
            f"its metadata describes it as {words!r}"
            if words
            else "neighbouring cells have equal values where their areas differ"
        )
        raise InputError(
            f"{file.path} contains people per area, not per cell: {why}. Use the layer of counts, or multiply by the "
            "areas of the cells."
        )


def check_disjoint(rasters: Sequence[tuple[Path, Raster]], near: Sequence[Bounds]) -> None:
    """InputError naming two rasters of one epoch that both have data at one place under a footprint.

    near: bounds of the footprints in degrees; tiles may touch, and lie over each other where one has no data.
    """
    for (path, raster), (other_path, other) in combinations(rasters, 2):
        if path == other_path:
            raise InputError(f"{path} is listed twice for one epoch; its people would count twice. List it once.")
        for bounds in near if _overlap(raster, other) else ():
            if at := _both_have_data(raster, other, bounds):
                raise InputError(
                    f"{path} and {other_path} are rasters of one epoch and both have data at {at}: people there "
                    f"would count twice. List tiles that do not overlap, or only one of the two."
                )


def window_of(raster: Raster, bounds: Bounds, margin: int = 0) -> Window | None:
    """The cells of the raster that a box in degrees touches, and a margin around them; None if there are none."""
    box = bounds
    if not raster.crs.is_geographic:
        box = rasterio.warp.transform_bounds("OGC:CRS84", raster.crs, *bounds, densify_pts=21)
    if not np.isfinite(box).all():
        return None
    window = from_bounds(*box, transform=raster.transform)
    top, left = int(np.floor(window.row_off)) - margin, int(np.floor(window.col_off)) - margin
    bottom = int(np.ceil(window.row_off + window.height)) + margin
    right = int(np.ceil(window.col_off + window.width)) + margin
    top, left, bottom, right = max(top, 0), max(left, 0), min(bottom, raster.height), min(right, raster.width)
    return Window(left, top, right - left, bottom - top) if right > left and bottom > top else None


def _overlap(raster: Raster, other: Raster) -> bool:
    """Whether the extents share an area of at least a thousandth of a cell."""
    bounds = tuple(other.bounds)
    if raster.crs != other.crs:
        bounds = rasterio.warp.transform_bounds(other.crs, raster.crs, *bounds, densify_pts=21)
        if not np.isfinite(bounds).all():
            return True
    width = min(raster.bounds.right, bounds[2]) - max(raster.bounds.left, bounds[0])
    height = min(raster.bounds.top, bounds[3]) - max(raster.bounds.bottom, bounds[1])
    return bool(width > 1e-3 * raster.res[0] and height > 1e-3 * raster.res[1])


def _both_have_data(raster: Raster, other: Raster, bounds: Bounds) -> str | None:
    """Where both have data inside a box in degrees, as text: the middle of a cell of the first."""
    window = window_of(raster, bounds)
    if window is None or window_of(other, bounds) is None:
        return None
    step = max(1, math.ceil(math.sqrt(window.width * window.height / _CELLS_COMPARED)))
    size = {"width": math.ceil(window.width / step), "height": math.ceil(window.height / step)}
    mine = raster.read_masks(1, window=window, out_shape=(size["height"], size["width"])) > 0
    part = Affine.scale(window.width / size["width"], window.height / size["height"])
    transform = raster.window_transform(window) @ part
    with WarpedVRT(other, crs=raster.crs, transform=transform, **size, add_alpha=other.nodata is None) as same_grid:
        theirs = same_grid.dataset_mask() > 0
    rows, columns = np.nonzero(mine & theirs)
    if not rows.size:
        return None
    x, y = rasterio.transform.xy(transform, rows[0], columns[0])
    if not raster.crs.is_geographic:
        (x,), (y,) = rasterio.warp.transform(raster.crs, "OGC:CRS84", [x], [y])
    return f"latitude {y:.2f}, longitude {x:.2f}"


def _looks_like_a_density(raster: Raster, near: Sequence[Bounds]) -> bool:
    if not raster.crs.is_geographic:
        return False
    equal, as_area, values = 0, 0, set[float]()
    for bounds in near[:_FOOTPRINTS_LOOKED_AT]:
        if (window := window_of(raster, bounds, _MARGIN_CELLS)) is None:
            continue
        window = window.intersection(_middle(window))
        cells = raster.read(1, window=window, masked=True).astype("float64").filled(np.nan)
        found = _equal_neighbours(cells, raster, int(window.row_off))
        equal, as_area = equal + found[0], as_area + found[1]
        values.update(np.unique(cells[cells > 0])[:_LEAST_VALUES].tolist())
    return len(values) >= _LEAST_VALUES and equal >= _LEAST_PAIRS and equal > 10 * as_area


def _middle(window: Window) -> Window:
    """The middle of a window that is too large to be looked at as a whole."""
    top, left = (
        int(start + max(length - _LOOKED_AT_ACROSS, 0) // 2)
        for start, length in ((window.row_off, window.height), (window.col_off, window.width))
    )
    return Window(left, top, _LOOKED_AT_ACROSS, _LOOKED_AT_ACROSS)


def _equal_neighbours(cells: Floats, raster: Raster, first_row: int) -> tuple[int, int]:
    """Pairs of cells, one above the other, of equal value, and pairs whose values differ as their areas do."""
    rows = first_row + np.arange(len(cells)) + 0.5
    area = np.cos(np.radians(raster.transform.f + raster.transform.e * rows))
    upper, lower = cells[:-1], cells[1:]
    expected = np.broadcast_to((area[1:] / area[:-1])[:, None], upper.shape)
    tell = (upper > 0) & (lower > 0) & (np.abs(expected - 1) > 5e-5)
    ratio = np.divide(lower, upper, out=np.zeros_like(upper), where=tell)
    return int((tell & (np.abs(ratio - 1) < 1e-5)).sum()), int((tell & (np.abs(ratio - expected) < 1e-5)).sum())


def _is_a_mark(value: float, dtype: str) -> bool:
    """Whether a number is what programs write for no data: the limit of a number type, or nothing but nines."""
    if not np.isfinite(value) or value > 1e15:
        return True
    limits = {2**bits - 1 for bits in (15, 16, 31, 32)}
    if np.issubdtype(np.dtype(dtype), np.integer):
        limits.add(int(np.iinfo(dtype).max))
    nines = value >= 9999 and set(str(int(value))) == {"9"}
    return float(value).is_integer() and (int(value) in limits or nines)


def _upright(raster: Raster) -> WarpedVRT:
    """The same cells with rows from north to south and columns from west to east."""
    west, east = sorted((raster.bounds.left, raster.bounds.right))
    south, north = sorted((raster.bounds.bottom, raster.bounds.top))
    transform = from_origin(west, north, (east - west) / raster.width, (north - south) / raster.height)
    return WarpedVRT(raster, crs=raster.crs, transform=transform, width=raster.width, height=raster.height)


def _inside(path: Path) -> Path | str:
    """The address of the GeoTIFF in a zip, whatever the zip is called; any other file as it is."""
    if not zipfile.is_zipfile(path):
        return path
    with zipfile.ZipFile(path) as archive:
        rasters = [name for name in archive.namelist() if name.lower().endswith((".tif", ".tiff"))]
    if len(rasters) != 1:
        raise InputError(
            f"{path}: a zip with {len(rasters)} GeoTIFFs, but a population layer is a single one. Name the file."
        )
    return f"/vsizip/{{{path.absolute()}}}/{rasters[0]}"


def _problem(raster: Raster) -> str | None:
    if raster.crs is None:
        return "it has no coordinate reference system. Assign the right one (rio edit-info --crs)."
    if raster.count != 1:
        return f"it has {raster.count} bands, but a population layer has one. Split it, and name the year of each."
    if raster.transform.b or raster.transform.d:
        return "it is rotated. Warp it to an upright grid (rio warp)."
    west, east = sorted((raster.bounds.left, raster.bounds.right))
    if raster.crs.is_geographic and (west < -180.5 or east > 180.5):
        return "its longitudes leave -180 to 180 degrees. Shift it (rio warp --bounds -180 -90 180 90)."
    return None
