"""`gii clean`: remove files that can be rebuilt.

Belongs here: the command. Does not: what is in use; `defs.reading` and `geocoding.kept` say that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gii_pipeline.cli.options import ROOT, ProfileOption, RootOption
from gii_pipeline.errors import InputError


def clean(
    profile: ProfileOption = "sandbox",
    root: RootOption = ROOT,
    extracts: Annotated[
        bool, typer.Option("--extracts", help="Remove extracts that no list of files refers to.")
    ] = False,
    answers: Annotated[
        bool, typer.Option("--answers", help="Remove cached locations from an older gazetteer or geocoder version.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
) -> None:
    """Remove files that are no longer in use and can be rebuilt from the archive."""
    from gii_pipeline.cli.options import workflow_of
    from gii_pipeline.defs.reading import unused_extracts
    from gii_pipeline.geocoding import outdated_answers

    if not extracts and not answers:
        raise InputError("Choose what to remove: gii clean --extracts, gii clean --answers, or both.")
    with workflow_of(profile, root) as workflow:
        pipeline = workflow.pipeline
        unused = unused_extracts(pipeline) if extracts else []
        outdated = outdated_answers(pipeline.cache, pipeline.gazetteer) if answers else []
    if extracts:
        _remove(
            "extracts", [file for path in unused for file in (path.with_suffix(".json"), path)], len(unused), dry_run
        )
    if answers:
        _remove("files of cached locations", outdated, len(outdated), dry_run)


def _remove(what: str, files: list[Path], count: int, dry_run: bool) -> None:
    from gii_pipeline import verified

    size = sum(path.stat().st_size for path in files if path.exists())
    for path in files if not dry_run else ():
        verified.remove(path)
    typer.echo(f"{count} {what}, {size:,} bytes, {'would be' if dry_run else 'were'} removed.")
