"""The ranking of areas: the locations inside each, counted, weighed and ordered as those of clusters are.

Belongs here: which area a location lies in, and what to know of a ranking of areas before it is used.
Does not: shares, scores and their order (see `metrics` and `ranking`, whose rules these are).

A location counts for every area that has it inside. One on a border counts once: for the area that has it inside, else
for the first in the file that it lies on the border of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyproj
import shapely

from gii_pipeline import ranking
from gii_pipeline.areas.reading import Areas
from gii_pipeline.counting import Total
from gii_pipeline.counting.units import counted, percent, to_units
from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError
from gii_pipeline.metrics.cluster_metrics import check_points, figures
from gii_pipeline.metrics.population import PopulationOf, warnings, with_population
from gii_pipeline.registry import Registry
from gii_pipeline.wording import some

NOT_CLUSTERS = "These are user-defined areas, not clusters. They are ranked among themselves."
NAMED, AND = 5, ", and "
RESTS_ON = ("population_cells", "population_covered")
"""What says how far the inhabitants of an area can be trusted."""


class Ranked(NamedTuple):
    """The ranking of areas and, in sentences, what a reader has to know of it."""

    table: pd.DataFrame
    notes: tuple[str, ...]


def rank(
    areas: Areas,
    points: pd.DataFrame,
    totals: Mapping[str, Total],
    edition: Edition,
    *,
    registry: Registry,
    population_of: PopulationOf | None = None,
) -> Ranked:
    """Every area by size score, with the columns of `ranking_size` that are not of clusters; `area` is its name.

    points: `points` of the edition; totals: metric -> world total. Areas without a record are ranked, too.
    Raises InputError where no record of the edition lies in any of the areas.
    """
    rows = points[points["metric"].isin(edition.metrics)]
    check_points(rows, edition)
    inside = located_in(areas.shapes, rows)
    if inside.empty:
        raise InputError(
            f"{areas.file}: no location of edition {edition.label} lies in any of its {len(areas.shapes)} areas. "
            "GeoJSON puts longitude before latitude: are they swapped?"
        )
    footprints = _footprints(areas.shapes, population_of)
    parts = rows[["location_id", "metric", "fractions"]].merge(inside, on="location_id")
    units = pd.Series(to_units(parts["fractions"])).groupby([parts["area"], parts["metric"]]).sum().unstack()  # noqa: PD010
    grid = units.reindex(index=range(len(areas.shapes)), columns=pd.Index(edition.metrics, name="metric"))
    names = pd.Index(areas.shapes["name"], name="cluster_id")
    counts = pd.DataFrame(counted(grid.fillna(0).astype("int64")), index=names, columns=grid.columns)
    named = areas.shapes.assign(cluster_id=areas.shapes["name"], economies="")
    every = edition.ranking_length.model_copy(update={"value": len(named)})
    size = ranking.rank_size(
        named,
        footprints,
        figures(counts, totals, footprints, edition),
        edition.model_copy(update={"ranking_length": every}),
        tuple(registry),
    )
    size = size.merge(footprints[["cluster_id", *RESTS_ON]], on="cluster_id", validate="1:1")
    table = size.drop(columns=["cluster_id", "economies"]).rename(columns={"name": "area"})
    return Ranked(table, (NOT_CLUSTERS, *areas.notes, *_notes(areas, rows, inside, counts, footprints)))


def located_in(shapes: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """location_id, area: the position of each area that a location counts for."""
    where = points[["location_id", "longitude", "latitude"]].drop_duplicates("location_id")
    at = np.asarray(shapely.points(where["longitude"].to_numpy(), where["latitude"].to_numpy()))
    tree = shapely.STRtree(at)
    area, location = tree.query(shapes["geometry"].to_numpy(object), predicate="intersects")
    within = shapely.contains(shapes["geometry"].to_numpy(object)[area], at[location])
    found = pd.DataFrame({"location_id": where["location_id"].to_numpy()[location], "area": area, "within": within})
    found = found.sort_values(["location_id", "area"], ignore_index=True)
    somewhere = found.groupby("location_id")["within"].transform("any")
    first = ~found.duplicated("location_id")
    return found.loc[found["within"] | (~somewhere & first), ["location_id", "area"]].reset_index(drop=True)


def _footprints(shapes: pd.DataFrame, population_of: PopulationOf | None) -> pd.DataFrame:
    """cluster_id, name, area_km2, geometry and the inhabitants of each area; those of an overlap are in each."""
    geod = pyproj.Geod(ellps="WGS84")
    oriented = shapely.orient_polygons(shapes["geometry"].to_numpy(object))
    footprints = pd.DataFrame(
        {
            "cluster_id": shapes["name"],
            "name": shapes["name"],
            "area_km2": [abs(geod.geometry_area_perimeter(shape)[0]) / 1e6 for shape in oriented],
            "geometry": [shapely.to_wkb(shape) for shape in oriented],
        }
    )
    # Together, areas that overlap would share the people there between them, while records count in each.
    overlapping = sorted({at for pair in overlaps(shapes) for at in pair})
    alone = footprints.drop(index=overlapping)
    groups = [alone, *(footprints.loc[[at]] for at in overlapping)]
    return pd.concat([with_population(group, population_of) for group in groups if len(group)])


def overlaps(shapes: pd.DataFrame) -> list[tuple[int, int]]:
    """The positions of areas that share more than a border, in pairs."""
    outlines = shapes["geometry"].to_numpy(object)
    first, second = shapely.STRtree(outlines).query(outlines, predicate="intersects")
    pairs = (first < second) & (shapely.area(shapely.intersection(outlines[first], outlines[second])) > 0)
    return sorted(zip(first[pairs].tolist(), second[pairs].tolist(), strict=True))


def _notes(
    areas: Areas, points: pd.DataFrame, inside: pd.DataFrame, counts: pd.DataFrame, footprints: pd.DataFrame
) -> list[str]:
    names = areas.shapes["name"]
    units = points.assign(units=to_units(points["fractions"]))
    often = inside["location_id"].value_counts()
    notes = []
    pairs = [f"{names[a]} and {names[b]}" for a, b in overlaps(areas.shapes)]
    if pairs:
        twice = units[units["location_id"].isin(often.index[often > 1])].groupby("metric")["units"].sum()
        said = ", ".join(f"{counted(part):,.1f} {metric}" for metric, part in twice.items()) or "no record"
        notes.append(
            f"Areas overlap: {some(pairs, NAMED, AND)}. Records in an overlap count in each area: {said}. "
            "Do not add up these areas."
        )
    whole = units.groupby("metric")["units"].sum()
    outside = units[~units["location_id"].isin(often.index)].groupby("metric")["units"].sum()
    left = percent(outside, whole).fillna(0)
    parts = ", ".join(f"{left.get(metric, 0):.1f} % of {metric}" for metric in counts.columns)
    notes.append(f"Outside all areas: {parts} (of located records).")
    empty = counts.index[(counts == 0).all(axis=1)].tolist()
    if empty:
        notes.append(f"No record of the windows is in: {some(empty, NAMED, AND)}.")
    uninhabited = footprints.loc[footprints["population"].isna(), "name"].tolist()
    if uninhabited:
        which = "these areas" if len(uninhabited) == len(footprints) else some(uninhabited, NAMED, AND)
        notes.append(f"No figures per million inhabitants: no population layer has people in {which}.")
    warned = warnings(footprints, most=2 * len(footprints))
    more = [f"{len(warned) - NAMED} more like these; see {' and '.join(RESTS_ON)} in the output of --out or --json."]
    return [*notes, *warned[:NAMED], *(more if len(warned) > NAMED else [])]
