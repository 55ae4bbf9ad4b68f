"""`gii rank`: a user's own areas, ranked by the records of an edition.

Belongs here: options, and what is printed. Does not: reading areas or ranking them (see `areas`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gii_pipeline.cli.options import (
    ROOT,
    CountryOption,
    EditionOption,
    JsonOption,
    MethodOption,
    ProfileOption,
    RootOption,
    echo,
    label_of,
    print_json,
    workflow_of,
)


def rank(
    areas: Annotated[
        Path, typer.Option("--areas", help="GeoJSON of polygons in degrees (WGS 84), each with a unique name.")
    ],
    edition: EditionOption,
    profile: ProfileOption = "sandbox",
    method: MethodOption = None,
    root: RootOption = ROOT,
    name_property: Annotated[str, typer.Option(help="The property that contains an area's name.")] = "name",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write all columns to this file: .parquet or .csv.")
    ] = None,
    country: CountryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rank your own areas, such as regions or metropolitan areas, by the records of an edition.

    Areas are not clusters. Counts, shares and scores follow the same rules as in the ranking. The data years must
    exist (`gii ingest`).
    """
    from gii_pipeline.areas import read_areas, write
    from gii_pipeline.defs.areas import rank_areas
    from gii_pipeline.releases.about import MADE_UP
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import ranking_table

    drawn = read_areas(areas, name_property)
    with workflow_of(profile, root, method=method, country=country) as workflow:
        registry = workflow.pipeline.registry
        table, about = rank_areas(workflow.pipeline, label_of(edition, method), drawn)
    if out:
        write(table, out, about, registry)
    if as_json:
        print_json({**about, "areas": table.astype(object).where(table.notna(), None).to_dict("records")})
        return
    console().print(ranking_table(table, about["title"], registry, rows=len(table), of="area", whole=about["whole"]))
    for note in [*([MADE_UP] if about["made_up"] else []), *about["notes"]]:
        echo(note)
    if out:
        echo(f"Written to {out}.")
