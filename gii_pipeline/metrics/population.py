"""Population: how many people live inside a footprint, from gridded layers.

Belongs here: the area-weighted sum of raster cells under an outline, and the year between two epochs.
Does not: drawing outlines (`clusters.footprint`), or fetching rasters.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import rasterio
import shapely
from exactextract import exact_extract

from gii_pipeline.errors import InputError

MAX_CELLS_AT_ONCE = 4_000_000
"""How many raster cells are in memory at a time (32 MB of float64)."""

GDAL_CACHE_BYTES = 64 * 2**20
"""How much of a raster GDAL may keep; its own default is a twentieth of the machine's memory."""

WGS84 = "OGC:CRS84"
_LONGEST_EDGE_DEG = 0.05


class PopulationRaster(NamedTuple):
    """A raster of inhabitants per cell (a count, not a density), whole or a tile, and the year it stands for."""

    path: Path
    year: int


def population(footprints: pd.DataFrame, rasters: Sequence[PopulationRaster], year: int) -> pd.DataFrame:
    """Inhabitants inside each footprint in a year: cluster_id, population (float64), in the order of the footprints.

    footprints: cluster_id, geometry (WKB, longitude and latitude in degrees). Each cell counts by the part of its area
    that is inside; cells of nodata or NaN do not count. Rasters of one year are tiles, whose sums add up. Between the
    years of two epochs inhabitants are interpolated, linearly; before the first and after the last the nearest counts.
    Null where no inhabited cell is inside. A raster need not declare nodata, but then may hold no negative cell.
    Raises InputError naming the raster that cannot be read, lacks a coordinate system, is rotated, has several bands or
    longitudes beyond 180 degrees, or has a negative cell inside a footprint; and when no raster is given.
    """
    if not rasters:
        raise InputError("No population raster was given. Name one in the profile's `population`.")
    outlines = gpd.GeoSeries.from_wkb(footprints["geometry"].to_numpy(object), crs=WGS84)
    weights = _epoch_weights({raster.year for raster in rasters}, year)
    sums = pd.DataFrame({epoch: _epoch(outlines, _of_year(rasters, epoch)) for epoch in weights})
    known = sums.notna() * pd.Series(weights)
    weighted = (sums.fillna(0) * pd.Series(weights)).sum(axis=1)
    inhabitants = (weighted / known.sum(axis=1).where(lambda part: part > 0)).to_numpy(np.float64)
    return pd.DataFrame(
        {"cluster_id": footprints["cluster_id"].array, "population": np.where(inhabitants > 0, inhabitants, np.nan)}
    )


def _epoch_weights(epochs: set[int], year: int) -> dict[int, float]:
    """Epoch -> its part in the year: the two around it, or the nearest."""
    before = max((epoch for epoch in epochs if epoch <= year), default=min(epochs))
    after = min((epoch for epoch in epochs if epoch >= year), default=max(epochs))
    if before == after:
        return {before: 1.0}
    part = (year - before) / (after - before)
    return {before: 1 - part, after: part}


def _of_year(rasters: Sequence[PopulationRaster], year: int) -> Iterable[Path]:
    return sorted(raster.path for raster in rasters if raster.year == year)


def _epoch(outlines: gpd.GeoSeries, tiles: Iterable[Path]) -> pd.Series:
    """Inhabitants by position of the outline, null where no tile has a cell."""
    total = pd.Series(np.nan, index=range(len(outlines)))
    for tile in tiles:
        total = total.add(_tile(outlines, tile), fill_value=0)
    return total


def _tile(outlines: gpd.GeoSeries, path: Path) -> pd.Series:
    """Inhabitants by position of the outline, of those outlines that have a cell of the raster with data."""
    with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_BYTES), _opened(path) as raster:
        shapes = _projected(outlines, raster)
        near = np.flatnonzero(shapely.intersects(shapes, shapely.box(*raster.bounds)))
        if not near.size:
            return pd.Series(dtype="float64")
        vector = gpd.GeoDataFrame({"at": near}, geometry=shapes[near], crs=raster.crs)
        found: pd.DataFrame = exact_extract(
            raster,
            vector,
            ["sum", "min", "count"],
            include_cols=["at"],
            strategy="feature-sequential",
            max_cells_in_memory=MAX_CELLS_AT_ONCE,
            output="pandas",
        ).set_index("at")
    if (found["min"] < 0).any():
        raise InputError(
            f"{path}: a cell has {found['min'].min():g} inhabitants. If that stands for no data, declare it as the "
            f"raster's nodata value (rio edit-info --nodata {found['min'].min():g} {path.name})."
        )
    return found.loc[found["count"] > 0, "sum"].astype("float64")


def _opened(path: Path) -> rasterio.DatasetReader:
    """The raster, open, if it can serve as a population layer."""
    try:
        raster = rasterio.open(_inside(path))
    except rasterio.errors.RasterioError as error:
        raise InputError(f"{path} is not a raster that can be read: {error}") from error
    problem = _problem(raster)
    if problem:
        raster.close()
        raise InputError(f"{path}: {problem}")
    return raster


def _inside(path: Path) -> Path | str:
    """The address of the GeoTIFF in a zip, whatever the zip is called; any other file as it is."""
    if not zipfile.is_zipfile(path):
        return path
    with zipfile.ZipFile(path) as archive:
        rasters = [name for name in archive.namelist() if name.lower().endswith((".tif", ".tiff"))]
    if len(rasters) != 1:
        raise InputError(f"{path}: a zip with {len(rasters)} GeoTIFFs, and a population layer is one. Name the file.")
    return f"/vsizip/{{{path.absolute()}}}/{rasters[0]}"


def _problem(raster: rasterio.DatasetReader) -> str | None:
    if raster.crs is None:
        return "it has no coordinate reference system. Assign the right one (rio edit-info --crs)."
    if raster.count != 1:
        return f"it has {raster.count} bands, and a population layer has one. Split it, and name the year of each."
    if raster.transform.b or raster.transform.d:
        return "it is rotated. Warp it to an upright grid (rio warp)."
    if raster.crs.is_geographic and (raster.bounds.left < -180.5 or raster.bounds.right > 180.5):
        return "its longitudes leave -180 to 180 degrees. Shift it (rio warp --bounds -180 -90 180 90)."
    return None


def _projected(outlines: gpd.GeoSeries, raster: rasterio.DatasetReader) -> npt.NDArray[np.object_]:
    """The outlines in the raster's coordinates; edges are broken up first, so that they stay where they are."""
    crs = pyproj.CRS.from_wkt(raster.crs.to_wkt())
    if not crs.is_geographic:
        outlines = outlines.segmentize(_LONGEST_EDGE_DEG).to_crs(crs).make_valid()
    shapes: npt.NDArray[np.object_] = outlines.to_numpy()
    return shapes
