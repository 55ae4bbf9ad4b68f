"""`gii verify`, `explain` and `doctor`: whether things are as they should be, and why not.

Belongs here: commands that look and change nothing.
Does not: the checks themselves.
"""

from __future__ import annotations

from typing import Annotated

import typer

from gii_pipeline.cli.options import ROOT, JsonOption, ProfileOption, RootOption, print_json
from gii_pipeline.errors import InputError


def verify(
    root: RootOption = ROOT,
    published: Annotated[
        bool, typer.Option("--published", help="Compare the method with WIPO's printed figures instead.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read every archived file and every released table again, and name what is not as it was written."""
    if published:
        _verify_published(as_json=as_json)
        return
    from gii_pipeline.archive import Archive
    from gii_pipeline.releases import verify as verify_release
    from gii_pipeline.releases import versions

    problems = Archive(root).verify()
    whole = [listed for listed in versions(root) if not listed.discarded]
    for listed in whole:
        problems += verify_release(root, str(listed.version))
    if as_json:
        print_json({"problems": problems, "releases": [str(listed.version) for listed in whole]})
    elif problems:
        typer.echo("\n".join(problems))
    else:
        typer.echo(f"All is well: the archive, and {len(whole)} releases under {root}.")
    if problems:
        raise typer.Exit(1)


def explain(
    table: Annotated[str, typer.Argument(help="A table, for instance patents.")],
    partition: Annotated[str, typer.Argument(help="A data year or an edition, for instance 2024.")],
    root: RootOption = ROOT,
    rows: Annotated[int, typer.Option(help="How many rows to print.")] = 50,
) -> None:
    """Print the rows of a table's last failed validation, with the rule that each one broke."""
    import pandas as pd

    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import rows_table
    from gii_pipeline.store import Store

    path = Store(root).quarantine(table, partition)
    if not path.is_file():
        raise InputError(f"No failing rows of {table} {partition} are kept: {path} is not there.")
    failing = pd.read_parquet(path)
    title = f"{table} {partition}: {len(failing):,} failing rows, all in {path}"
    console().print(rows_table(failing.head(rows), title))


def doctor(profile: ProfileOption = "sandbox", root: RootOption = ROOT, as_json: JsonOption = False) -> None:
    """Check what a run needs: versions, disk, the profile's files, keys and servers."""
    from gii_pipeline.defs.doctor import examine
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import findings_table

    findings = examine(profile, root)
    if as_json:
        print_json([finding._asdict() for finding in findings])
    else:
        console().print(findings_table(findings))
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)


def _verify_published(*, as_json: bool) -> None:
    from gii_pipeline.ranking.published import verify_published
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import published_table

    rows = verify_published()
    if as_json:
        print_json(rows.to_dict("records"))
    else:
        console().print(published_table(rows))
    if (rows["agrees"] == False).any():  # noqa: E712 - a nullable column: null is neither
        raise typer.Exit(1)
