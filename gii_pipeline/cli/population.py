"""`gii population`: the inhabitants of an edition's clusters and what they are based on.

Belongs here: the table of footprints with its warnings, and the fit of a radius to known populations.
Does not: computing either (`metrics.population`, `metrics.footprint_fit`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gii_pipeline.cli.options import (
    ROOT,
    EditionOption,
    JsonOption,
    MethodOption,
    ProfileOption,
    RootOption,
    label_of,
    print_json,
    workflow_of,
)
from gii_pipeline.errors import InputError

if TYPE_CHECKING:
    from gii_pipeline.defs.inputs import EditionInputs
    from gii_pipeline.metrics.footprint_fit import Fitted, Known

COLUMNS = ["name", "area_km2", "population", "population_year", "population_cells", "population_covered", "footprint"]


def population(
    edition: EditionOption,
    profile: ProfileOption = "sandbox",
    method: MethodOption = None,
    root: RootOption = ROOT,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Fit the radius of the footprints to known populations, and test it.")
    ] = False,
    known: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=MILLIONS or NAME=LOW..HIGH; the first is fitted, the others test the fit. "
            "Default: printed figures."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the inhabitants of every cluster and what they are based on, or fit the radius of the footprints."""
    from gii_pipeline.defs.inputs import EditionInputs
    from gii_pipeline.metrics.footprint_fit import fit, printed_populations

    with workflow_of(profile, root, method=method) as workflow:
        inputs = EditionInputs(workflow.pipeline, label_of(edition, method))
        if not calibrate:
            _show(inputs, as_json=as_json)
            return
        if inputs.population_of is None:
            raise InputError(f"The profile {profile!r} has no population layer to fit: add `population` to it.")
        asked = workflow.pipeline.profile
        part = asked.world_part if asked.made_up else 1.0
        wanted = [_known(text) for text in known or ()] or printed_populations(part)
        found = fit(inputs.read("cluster_members"), inputs.read("clusters"), wanted, inputs.population_of)
    if as_json:
        parts = {"by_radius": found.by_radius.to_dict("records"), "tests": found.tests.to_dict("records")}
        print_json({"radius_km": found.radius_km, **parts})
    else:
        if asked.made_up:
            typer.echo(
                f"The records are made up: printed populations are multiplied by {part:g}, the size of this world."
            )
        _show_fit(found, wanted)
    if found.radius_km is None or not found.tests["agrees"].all():
        raise typer.Exit(1)


def _show(inputs: EditionInputs, *, as_json: bool) -> None:
    from gii_pipeline.metrics.population import warnings
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import rows_table

    footprints = inputs.read("cluster_footprints")
    rows = footprints[COLUMNS].sort_values("population", ascending=False, ignore_index=True)
    told = warnings(footprints, most=len(footprints))
    if as_json:
        print_json({"clusters": rows.to_dict("records"), "warnings": told})
        return
    console().print(rows_table(rows, f"Inhabitants of the footprints, edition {inputs.label}"))
    for line in told:
        typer.echo(f"Warning: {line}")


def _show_fit(found: Fitted, known: list[Known]) -> None:
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import rows_table

    out = console()
    out.print(rows_table(found.by_radius, "Millions of inhabitants by the radius around members"))
    first = known[0]
    wanted = f"{first.low:g} million inhabitants of {first.cluster}"
    if found.radius_km is None:
        out.print(f"No radius in the table results in the {wanted}: the population layer or the members differ.")
        return
    out.print(f"A radius of {found.radius_km:.2f} km results in the {wanted}.")
    for row in found.tests.to_dict("records"):
        verdict = "agrees with" if row["agrees"] else "differs from"
        out.print(
            f"{row['cluster']} then has {row['millions']:.4g} million, which {verdict} "
            f"{row['millions_low']:g} to {row['millions_high']:g}."
        )
    out.print("One cluster was fitted, so the radius remains an assumption (A) in the edition's settings.")


def _known(text: str) -> Known:
    from gii_pipeline.metrics.footprint_fit import Known

    name, _, figure = text.partition("=")
    low, _, high = figure.partition("..")
    try:
        return Known(name.strip(), float(low), float(high or low))
    except ValueError:
        raise InputError(f"{text!r} is not a known population. Write NAME=17.2 or NAME=17.0..17.3.") from None
