"""The made-up population: a raster in the shape of GHS-POP, 30 arc-seconds, people per cell.

Belongs here: the cells that hold people, and the GeoTIFF. A cluster's people live around its anchors, evenly on all
cells within SPREAD_KM. These are inside its footprint wholly, so that it holds exactly the population of
`Geography.clusters`, and no cell is denser than a real one can be.
Does not: summing it up again; that is the pipeline's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin
from rasterio.windows import Window

from gii_pipeline.sandbox.notice import NOTICE
from gii_pipeline.sandbox.world import World

EPOCHS = (2015, 2020, 2025)
YEAR_OF_THE_ROSTER = 2024  # the edition of 2025 asks for the inhabitants of 2024
YEARLY_GROWTH = 0.01  # of the roster's figure, so that years between two epochs are on the line between them
CELLS_PER_DEGREE = 120
KM_PER_CELL = 111.32 / CELLS_PER_DEGREE
SPREAD_KM = 3.3
"""To the middle of a cell. Half its diagonal (0.7 km) and rounding (0.8 km) stay within a footprint's 5 km."""
MOST_COLUMNS = 16
"""How many cells SPREAD_KM are along a parallel, up to the polar circles."""
TILE = 128
TOWN_AT_LEAST = 100_000
NODATA = -200.0


def population(world: World, year: int) -> pd.Series[float]:
    """People of every cluster in a year, at the world's scale, so that figures per million are those of scale 1."""
    growth = 1 + YEARLY_GROWTH * (year - YEAR_OF_THE_ROSTER)
    return world.geography.clusters["population"] * world.scale * growth


def write_raster(world: World, epoch: int, path: Path) -> None:
    """A GeoTIFF of the entire globe in EPSG:4326, float64, nodata -200, tiles without people left out."""
    cells = inhabited(world, epoch)
    profile = {
        "driver": "GTiff",
        "width": 360 * CELLS_PER_DEGREE,
        "height": 180 * CELLS_PER_DEGREE,
        "count": 1,
        "dtype": "float64",
        "crs": "EPSG:4326",
        "transform": from_origin(-180, 90, 1 / CELLS_PER_DEGREE, 1 / CELLS_PER_DEGREE),
        "nodata": NODATA,
        "tiled": True,
        "blockxsize": TILE,
        "blockysize": TILE,
        "compress": "deflate",
        "sparse_ok": True,
    }
    with rasterio.open(path, "w", **profile) as raster:
        raster.update_tags(NOTICE=NOTICE, UNITS="people per cell", EPOCH=str(epoch))
        for top, left, tile in _tiles(cells):
            height, width = min(TILE, raster.height - top), min(TILE, raster.width - left)
            block = np.zeros((height, width))
            np.add.at(block, (tile[:, 0].astype(int) - top, tile[:, 1].astype(int) - left), tile[:, 2])
            raster.write(block, 1, window=Window(left, top, width, height))


def inhabited(world: World, epoch: int) -> pd.DataFrame:
    """row, column, people of every cell with people: clusters' at their anchors, and large towns outside them."""
    places = world.geography.places
    towns = (places["role"] == "background") & (places["population"] >= TOWN_AT_LEAST)
    places = places[towns | places["role"].isin(["hub", "chain"])]
    background = places["role"] == "background"
    share = (
        places["share"].where(~background, 0).groupby(places["region"]).transform(lambda s: s / max(s.sum(), 1e-300))
    )
    of_cluster = places["region"].map(population(world, epoch)).fillna(0)
    people = (share * of_cluster).where(~background, places["population"] * world.scale)
    return _spread(places["latitude"].to_numpy(), places["longitude"].to_numpy(), people.to_numpy())


def _spread(latitude: NDArray[np.float64], longitude: NDArray[np.float64], people: NDArray[np.float64]) -> pd.DataFrame:
    """row, column, people of the cells within SPREAD_KM of places, as many people on every square kilometre."""
    down, right = (90 - latitude) * CELLS_PER_DEGREE, (longitude + 180) * CELLS_PER_DEGREE
    rows = np.floor(down)[:, None, None] + np.arange(-4, 5)[None, :, None]
    columns = np.floor(right)[:, None, None] + np.arange(-MOST_COLUMNS, MOST_COLUMNS + 1)[None, None, :]
    width = np.cos(np.radians(latitude))[:, None, None]
    km = KM_PER_CELL * np.hypot(rows + 0.5 - down[:, None, None], width * (columns + 0.5 - right[:, None, None]))
    area = np.cos(np.radians(90 - (rows + 0.5) / CELLS_PER_DEGREE)) * (km <= SPREAD_KM)
    share = area / area.sum(axis=(1, 2), keepdims=True)
    place, row, column = np.nonzero(share)
    return pd.DataFrame(
        {
            "row": rows[place, row, 0].astype("int64"),
            "column": columns[place, 0, column].astype("int64") % (360 * CELLS_PER_DEGREE),
            "people": people[place] * share[place, row, column],
        }
    )


def _tiles(cells: pd.DataFrame) -> Iterator[tuple[int, int, NDArray[np.float64]]]:
    """First row, first column and cells (row, column, people) of every tile that has any."""
    tile = cells[["row", "column"]].to_numpy() // TILE * TILE
    order = np.lexsort((tile[:, 1], tile[:, 0]))
    tile, sorted_cells = tile[order], cells[["row", "column", "people"]].to_numpy(np.float64)[order]
    starts = np.flatnonzero(np.append(True, (tile[1:] != tile[:-1]).any(axis=1)))
    for start, part in zip(starts, np.split(sorted_cells, starts[1:]), strict=True):
        yield int(tile[start, 0]), int(tile[start, 1]), part
