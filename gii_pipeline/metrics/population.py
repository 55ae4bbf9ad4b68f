"""Population: how many people live inside a footprint, from gridded layers.

Belongs here: the area-weighted sum of raster cells under an outline, people that footprints share, and the year between
two epochs.
Does not: drawing outlines (`clusters.footprint`), fetching rasters, or whether one can serve (`rasters`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely
from exactextract import exact_extract
from exactextract.raster import RasterioRasterSource

from gii_pipeline.errors import InputError
from gii_pipeline.metrics.rasters import (
    Bounds,
    PopulationRaster,
    Raster,
    check_counts,
    check_disjoint,
    check_values,
    opened,
)

MAX_CELLS_AT_ONCE = 4_000_000
"""How many raster cells are in memory at a time (32 MB of float64)."""

WGS84 = "OGC:CRS84"
DECIMALS = 6
FEWEST_CELLS = 4
COVERED_AT_LEAST = 0.99
_LONGEST_EDGE_DEG = 0.05

Shapes = npt.NDArray[np.object_]

INHABITED = {
    "population": "float64",
    "population_year": "str",
    "population_cells": "float64",
    "population_covered": "float64",
}
PopulationOf = Callable[[pd.DataFrame], pd.DataFrame]


def population(footprints: pd.DataFrame, rasters: Sequence[PopulationRaster], year: int) -> pd.DataFrame:
    """Inhabitants inside each footprint in a year, in the order of the footprints.

    footprints: cluster_id, geometry (WKB, longitude and latitude in degrees). Each cell counts by the part of its area
    that is inside; cells of nodata or NaN do not count. People where several footprints overlap are shared equally
    between them, so that nobody counts twice. Rasters of one year are tiles, whose sums add up. Between the years of
    two epochs inhabitants are interpolated, linearly; before the first and after the last the nearest counts.
    Returns cluster_id, population (null where no inhabited cell is inside), population_year (the epochs used),
    population_cells (raster cells under the footprint) and population_covered (its part with data, 0 to 1), the least
    of the epochs'.
    Raises InputError naming the raster that cannot be read or cannot serve (see `rasters`), two that count the same
    people, and when no raster is given.
    """
    if not rasters:
        raise InputError("No population raster was given. Name one in the profile's `population`.")
    outlines = shapely.from_wkb(footprints["geometry"].to_numpy(object))
    pieces, owner = apart(outlines)
    weights = _epoch_weights({raster.year for raster in rasters}, year)
    found = {epoch: _epoch(pieces, sorted(tile for tile in rasters if tile.year == epoch)) for epoch in weights}
    by_owner = {epoch: _of_owners(sums, owner, len(outlines)) for epoch, sums in found.items()}
    table = _between_epochs(by_owner, weights)
    return table.assign(cluster_id=footprints["cluster_id"].to_numpy())[
        ["cluster_id", "population", "population_year", "population_cells", "population_covered"]
    ]


def apart(outlines: Shapes) -> tuple[Shapes, pd.DataFrame]:
    """Pieces that do not overlap, and which outlines each belongs to: piece, outline, both positions.

    Outlines that overlap no other are a piece each.
    """
    tree = shapely.STRtree(outlines)
    a, b = tree.query(outlines, predicate="intersects")
    overlap = (a < b) & (shapely.area(shapely.intersection(outlines[a], outlines[b])) > 0)
    mixed = np.unique(np.concatenate([a[overlap], b[overlap]]))
    alone = np.setdiff1d(np.arange(len(outlines)), mixed)
    pieces: list[shapely.Geometry] = list(outlines[alone])
    owner = [(piece, int(outline)) for piece, outline in enumerate(alone)]
    if mixed.size:
        edges = shapely.node(shapely.union_all(shapely.boundary(outlines[mixed])))
        faces = shapely.get_parts(shapely.polygonize([edges]))
        inside, of = tree.query(shapely.point_on_surface(faces), predicate="within")
        covered, nth = np.unique(inside, return_inverse=True)  # not what several outlines enclose and none covers
        owner += [(len(pieces) + int(face), int(outline)) for face, outline in zip(nth, of, strict=True)]
        pieces += list(faces[covered])
    return np.array(pieces, dtype=object), pd.DataFrame(owner, columns=["piece", "outline"])


def warnings(footprints: pd.DataFrame, most: int = 5) -> list[str]:
    """What to know of populations before they are trusted, a sentence per cluster, from `cluster_footprints`.

    After the first `most` sentences one says how many more there are. Where no cluster has inhabitants, there is no
    layer, and nothing to say of single ones.
    """
    said = []
    known = footprints["population"].notna()
    if known.any():
        said += [
            f"{name}: the population layer has no inhabitants in its footprint, so it has no per-million "
            f"figures and no rank by intensity."
            for name in footprints.loc[~known, "name"]
        ]
    for row in footprints[known].to_dict("records"):
        if row["population_covered"] < COVERED_AT_LEAST:
            said.append(
                f"{row['name']}: the population layer has data for {row['population_covered']:.1%} of its footprint; "
                "people in the rest are missing, and per-million figures are too high if anybody lives there. "
                "If the layer marks the sea as missing, the rest may be sea."
            )
        if row["population_cells"] < FEWEST_CELLS:
            said.append(
                f"{row['name']}: its footprint is {row['population_cells']:.1f} cells of the population layer; "
                f"use a finer layer."
            )
    more = [f"{len(said) - most} more like these; see population_covered and population_cells in cluster_footprints."]
    return [*said[:most], *(more if len(said) > most else [])]


def _epoch_weights(epochs: set[int], year: int) -> dict[int, float]:
    """Epoch -> its part in the year: the two around it, or the nearest."""
    before = max((epoch for epoch in epochs if epoch <= year), default=min(epochs))
    after = min((epoch for epoch in epochs if epoch >= year), default=max(epochs))
    if before == after:
        return {before: 1.0}
    part = (year - before) / (after - before)
    return {before: 1 - part, after: part}


def _between_epochs(sums: dict[int, pd.DataFrame], weights: dict[int, float]) -> pd.DataFrame:
    """The year's inhabitants, the epochs that they are from, and the least cells and coverage of these."""
    people, cells, covered = (
        pd.DataFrame({epoch: found[name] for epoch, found in sums.items()}) for name in ("people", "cells", "covered")
    )
    used = people.notna() & (pd.Series(weights) > 0)
    weighted = (people.fillna(0) * pd.Series(weights)).sum(axis=1)
    share = (used * pd.Series(weights)).sum(axis=1)
    inhabitants = (weighted / share.where(share > 0)).round(DECIMALS)
    years = [", ".join(str(epoch) for epoch in used.columns[row]) for row in used.to_numpy()]
    return pd.DataFrame(
        {
            "population": inhabitants.where(inhabitants > 0).astype("float64"),
            "population_year": pd.Series(years, dtype="str").where(inhabitants > 0),
            "population_cells": cells.where(used).min(axis=1).astype("float64"),
            "population_covered": covered.where(used).min(axis=1).clip(upper=1.0).astype("float64"),
        }
    )


def _of_owners(pieces: pd.DataFrame, owner: pd.DataFrame, outlines: int) -> pd.DataFrame:
    """The sums of pieces by outline: people shared between the outlines over a piece; cells; part covered."""
    rows = owner.join(pieces, on="piece")
    rows["people"] /= rows.groupby("piece")["outline"].transform("size")
    sums = rows.groupby("outline")[["people", "cells", "covered_area", "area"]].sum(min_count=1)
    sums["covered"] = sums["covered_area"].fillna(0) / sums["area"]
    return sums.reindex(range(outlines))[["people", "cells", "covered"]]


def _epoch(pieces: Shapes, tiles: Sequence[PopulationRaster]) -> pd.DataFrame:
    """By piece: people and cells (null where no tile has a cell), and area with data, of all tiles together."""
    area = shapely.area(pieces)
    total = pd.DataFrame({"people": np.nan, "cells": np.nan, "covered_area": np.nan}, index=range(len(pieces)))
    near: list[Bounds] = [tuple(bounds) for bounds in shapely.bounds(pieces).tolist()]
    with ExitStack() as stack:
        rasters = [(tile.path, stack.enter_context(opened(tile.path))) for tile in tiles]
        check_disjoint(rasters, near)
        for tile, (_, raster) in zip(tiles, rasters, strict=True):
            check_counts(tile, raster, near)
    for tile in tiles:
        with opened(tile.path) as raster:
            total = total.add(_tile(pieces, tile.path, raster, area), fill_value=0)
    return total.assign(area=area)


def _tile(pieces: Shapes, path: Path, raster: Raster, area: npt.NDArray[np.float64]) -> pd.DataFrame:
    """people, cells, covered_area by position of the piece, of pieces that have a cell of the raster with data."""
    shapes = _projected(pieces, raster)
    near = np.flatnonzero(shapely.intersects(shapes, shapely.box(*raster.bounds)))
    if not near.size:
        return pd.DataFrame(columns=["people", "cells", "covered_area"], dtype="float64")
    vector = gpd.GeoDataFrame({"at": near}, geometry=shapes[near], crs=raster.crs)
    found: pd.DataFrame = exact_extract(
        RasterioRasterSource(raster),
        vector,
        ["sum", "min", "max", "count"],
        include_cols=["at"],
        strategy="feature-sequential",
        max_cells_in_memory=MAX_CELLS_AT_ONCE,
        output="pandas",
    ).set_index("at")
    found = found[found["count"] > 0]
    latitude = _latitudes(pieces[found.index])
    for (least, most), at in zip(found[["min", "max"]].to_numpy(), latitude, strict=True):
        check_values(path, raster, least, most, at)
    whole = shapely.area(shapes[found.index]) / (raster.res[0] * raster.res[1])
    share = np.minimum(found["count"] / whole, 1.0)
    return pd.DataFrame(
        {"people": found["sum"].astype("float64"), "cells": found["count"], "covered_area": share * area[found.index]}
    )


def _latitudes(pieces: Shapes) -> npt.NDArray[np.float64]:
    bounds = shapely.bounds(pieces)
    return np.asarray((bounds[:, 1] + bounds[:, 3]) / 2, dtype=np.float64)


def _projected(outlines: Shapes, raster: Raster) -> Shapes:
    """The outlines in the raster's coordinates; edges are broken up first, so that they stay where they are."""
    crs = pyproj.CRS.from_wkt(raster.crs.to_wkt())
    if crs.is_geographic:
        return outlines
    series = gpd.GeoSeries(outlines, crs=WGS84).segmentize(_LONGEST_EDGE_DEG).to_crs(crs).make_valid()
    shapes: Shapes = series.to_numpy()
    return shapes


def with_population(footprints: pd.DataFrame, population_of: PopulationOf | None) -> pd.DataFrame:
    """`cluster_footprints` with the inhabitants and what they rest on; null where there is no inhabited cell."""
    found = pd.DataFrame({"cluster_id": footprints["cluster_id"]}).reindex(columns=["cluster_id", *INHABITED])
    if population_of is not None:
        found = population_of(footprints).reindex(columns=["cluster_id", *INHABITED])
    found = found.astype(INHABITED)
    return footprints.merge(found, on="cluster_id", how="left", validate="1:1")
