"""`gii clean`: removing what can be made again.

Belongs here: the command. Does not: what is in use; `defs.reading` says that.
"""

from __future__ import annotations

from typing import Annotated

import typer

from gii_pipeline.cli.options import ROOT, ProfileOption, RootOption
from gii_pipeline.errors import InputError


def clean(
    profile: ProfileOption = "sandbox",
    root: RootOption = ROOT,
    extracts: Annotated[bool, typer.Option("--extracts", help="Extracts that no list of files names.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
) -> None:
    """Remove what is no longer in use and can be made again from the archive."""
    from gii_pipeline.cli.options import workflow_of
    from gii_pipeline.defs.reading import unused_extracts
    from gii_pipeline.verified import record_of

    if not extracts:
        raise InputError("Say what to remove: gii clean --extracts.")
    with workflow_of(profile, root) as workflow:
        unused = unused_extracts(workflow.pipeline)
    size = sum(path.stat().st_size for path in unused)
    for path in unused if not dry_run else ():
        for file in (path.with_suffix(".json"), path):
            record_of(file).unlink(missing_ok=True)
            file.unlink(missing_ok=True)
    typer.echo(f"{len(unused)} extracts, {size:,} bytes, {'would be' if dry_run else 'were'} removed.")
