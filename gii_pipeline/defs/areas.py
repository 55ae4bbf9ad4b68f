"""A user's areas, ranked by the records of an edition of one pipeline.

Belongs here: the edition's points, world totals and population for them, and what the result says of itself.
Does not: reading areas or ranking them (see `areas`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gii_pipeline.defs.inputs import EditionInputs
from gii_pipeline.defs.lacking import notes
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.releases.info import WORLD

if TYPE_CHECKING:
    import pandas as pd

    from gii_pipeline.areas import Areas


def rank_areas(pipeline: Pipeline, label: str, areas: Areas) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The ranking of the areas by an edition, and what its files say of it; `notes` are for its readers.

    The records are counted now, from the core tables; no cluster need be found.
    Raises MissingYearsError naming the data years that are not ingested.
    """
    from gii_pipeline.areas import rank

    inputs = EditionInputs(pipeline, label)
    counted = inputs.count(inputs.edition)
    points = counted.points.to_pandas()
    ranked = rank(
        areas,
        points,
        counted.totals,
        inputs.edition,
        registry=pipeline.registry,
        population_of=inputs.population_of,
    )
    about = {
        "title": f"Areas of {areas.file}, edition {label}: areas, not clusters",
        "kind": "areas",
        "edition": inputs.edition.edition,
        "method": inputs.edition.method,
        "profile": pipeline.profile.title,
        "made_up": pipeline.profile.made_up,
        "areas_file": areas.file,
        "areas_sha256": areas.sha256,
        "made_from": inputs.recipes.all.recipe,
        "notes": [*ranked.notes, f"Shares are of {pipeline.profile.country or WORLD}.", *notes(pipeline, label)],
        "whole": pipeline.profile.country or WORLD,
    }
    return ranked.table, about
