"""`gii year` and `gii compare`: for the person who runs an edition every year.

Belongs here: what these commands print. Does not: what is done or open (`defs.yearly`), which cluster is which
(`ranking.compared`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gii_pipeline.cli.options import (
    ROOT,
    EditionOption,
    JsonOption,
    MethodOption,
    ProfileOption,
    RootOption,
    echo,
    label_of,
    open_root,
    print_json,
    sources_up,
    workflow_of,
)

if TYPE_CHECKING:
    import pandas as pd

    from gii_pipeline.defs.pipeline import Pipeline


def year(
    edition: Annotated[int, typer.Argument(help="The edition's year.")],
    profile: ProfileOption = "sandbox",
    root: RootOption = ROOT,
    as_json: JsonOption = False,
) -> None:
    """List what is done and what is open for an edition: settings, sources, waivers, tables, moved ranks, release.

    Exits with 1 while anything is open.
    """
    from datetime import UTC, datetime

    from gii_pipeline.defs.doctor import examine
    from gii_pipeline.defs.yearly import checklist
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import checklist_table

    with workflow_of(profile, root) as workflow, sources_up(profile, root):
        today = datetime.now(UTC).date()
        items = checklist(workflow.pipeline, edition, today, lambda: examine(profile, root))
    if as_json:
        print_json([item._asdict() for item in items])
    else:
        console().print(checklist_table(items))
    if any(item.state == "open" for item in items):
        raise typer.Exit(1)


def compare(
    profile_a: Annotated[str, typer.Argument(help="A profile.")],
    profile_b: Annotated[str, typer.Argument(help="Another one.")],
    edition: EditionOption,
    root_a: Annotated[Path, typer.Option(parser=open_root, help="The root of the first profile.")],
    root_b: Annotated[Path, typer.Option(parser=open_root, help="The root of the second profile.")],
    method: MethodOption = None,
    rows: Annotated[int, typer.Option(help="How many clusters to print.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show the effect of other sources: an edition with two profiles, clusters that move furthest first."""
    from gii_pipeline.defs.pipeline import Pipeline
    from gii_pipeline.profiles import read_profile
    from gii_pipeline.ranking.compared import compared
    from gii_pipeline.releases.about import MADE_UP
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import compared_table

    sides = [
        Pipeline(read_profile(profile), root.absolute()) for profile, root in ((profile_a, root_a), (profile_b, root_b))
    ]
    label = label_of(edition, method)
    sizes, members = ([_table(side, name, label) for side in sides] for name in ("ranking_size", "cluster_members"))
    found = compared((sizes[0], sizes[1]), (members[0], members[1]))
    sources = _sources(*sides)
    if as_json:
        print_json({"sources": sources, "clusters": found.astype(object).to_dict("records")})
        return
    for line in sources:
        echo(line)
    title = f"Edition {label}: a is {profile_a}, b is {profile_b}"
    console().print(compared_table(found.head(rows), title, sides[0].registry))
    if any(side.profile.made_up for side in sides):
        echo(MADE_UP)
    alone = [int(found[f"rank_{side}"].isna().sum()) for side in ("b", "a")]
    echo(f"{len(found) - sum(alone)} clusters in both, {alone[0]} only in a, {alone[1]} only in b.")


def _table(side: Pipeline, name: str, label: str) -> pd.DataFrame:
    from gii_pipeline.store import read_parquet

    table: pd.DataFrame = read_parquet(side.store.existing_edition(name, label)).to_pandas()
    return table


def _sources(a: Pipeline, b: Pipeline) -> list[str]:
    """The metrics that the profiles read from different sources, a line each."""
    lines = []
    for metric in sorted({*a.profile.metrics, *b.profile.metrics}):
        readers = [side.profile.metrics[metric].reader if metric in side.profile.metrics else "none" for side in (a, b)]
        same = a.profile.metrics.get(metric) == b.profile.metrics.get(metric)
        lines.append(f"{metric}: {readers[0]}" + (" in both" if same else f" in a, {readers[1]} in b"))
    return lines
