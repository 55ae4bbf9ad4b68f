"""Settlements: extents of towns from a user's file, as the footprints of clusters.

Belongs here: reading polygons of towns (GHS-UCDB, functional urban areas), and which belong to a cluster.
Does not: outlines that follow from members (`footprint`), or which an edition asks for (`build`).
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from gii_pipeline.errors import InputError

WGS84 = "OGC:CRS84"


def read_settlements(path: Path) -> gpd.GeoSeries:
    """The polygons of a GeoPackage, GeoJSON, shapefile or GeoParquet, in degrees.

    Raises InputError naming the file if it cannot be read, states no coordinate system, or holds anything but areas.
    """
    try:
        extents = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path, columns=[])
    except Exception as error:  # the readers raise their own errors, each of another kind
        raise InputError(f"{path} is not a readable file of settlement extents: {error}") from error
    if extents.crs is None:
        raise InputError(f"{path}: it has no coordinate reference system. Assign the right one.")
    shapes = extents.geometry.dropna().to_crs(WGS84)
    if not len(shapes) or not shapes.geom_type.isin(["Polygon", "MultiPolygon"]).all():
        kinds = ", ".join(sorted(shapes.geom_type.unique())) or "nothing"
        raise InputError(f"{path}: settlement extents are polygons, and it has {kinds}.")
    return shapes.make_valid().reset_index(drop=True)


def settlement_outlines(inside: pd.DataFrame, settlements: gpd.GeoSeries) -> pd.DataFrame:
    """Cluster -> area_km2 and geometry (WKB) of the settlements that have one of its core points in them.

    inside: locations with `cluster`, latitude, longitude and role; clusters outside every settlement are left out.
    """
    core = inside[inside["role"] == "core"]
    points = shapely.points(core["longitude"].to_numpy(), core["latitude"].to_numpy())
    point, extent = settlements.sindex.query(points, predicate="intersects")
    found = pd.DataFrame({"cluster": core["cluster"].to_numpy()[point], "extent": extent}).drop_duplicates()
    shapes = settlements.to_numpy()
    outlines = {
        cluster: shapely.union_all(shapes[group.to_numpy()]) for cluster, group in found.groupby("cluster")["extent"]
    }
    index = pd.Index(outlines, name="cluster", dtype=inside["cluster"].dtype)
    geod = pyproj.Geod(ellps="WGS84")
    areas = [abs(geod.geometry_area_perimeter(shapely.orient_polygons(shape))[0]) / 1e6 for shape in outlines.values()]
    return pd.DataFrame({"area_km2": areas, "geometry": [shapely.to_wkb(s) for s in outlines.values()]}, index=index)
