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
    objects: Annotated[
        bool, typer.Option("--objects", help="Remove objects of a bucket that no pointer refers to.")
    ] = False,
    days: Annotated[int, typer.Option(min=1, help="Remove objects older than this; more days than a run takes.")] = 7,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
) -> None:
    """Remove files that are no longer in use and can be rebuilt from the archive."""
    from gii_pipeline.cli.options import workflow_of
    from gii_pipeline.defs.reading import unused_extracts
    from gii_pipeline.geocoding import outdated_answers
    from gii_pipeline.remote import forget

    if not extracts and not answers and not objects:
        raise InputError("Choose what to remove: gii clean --extracts, --answers, --objects, or several of them.")
    if objects:
        _remove_objects(root, days, dry_run)
    if not extracts and not answers:
        return
    with workflow_of(profile, root) as workflow:
        pipeline = workflow.pipeline
        unused = unused_extracts(pipeline) if extracts else []
        outdated = outdated_answers(pipeline.cache, pipeline.gazetteer) if answers else []
    if extracts:
        files = [file for path in unused for file in (path.with_suffix(".json"), path)]
        _remove("extracts", files, len(unused), dry_run)
        forget(pipeline.root, files if not dry_run else ())
    if answers:
        _remove("files of cached locations", outdated, len(outdated), dry_run)


def _remove(what: str, files: list[Path], count: int, dry_run: bool) -> None:
    from gii_pipeline import verified

    size = sum(path.stat().st_size for path in files if path.exists())
    for path in files if not dry_run else ():
        verified.remove(path)
    _tell(what, count, size, dry_run)


def _remove_objects(root: Path, days: int, dry_run: bool) -> None:
    from datetime import UTC, datetime, timedelta

    from gii_pipeline.remote import WorkingCopy
    from gii_pipeline.remote.inspection import unnamed

    copy = WorkingCopy.at(root.absolute())
    if copy is None:
        raise InputError(f"{root} is a folder, which has no objects. Name the address with --root: s3://BUCKET/PATH.")
    found = unnamed(copy, datetime.now(UTC), timedelta(days=days))
    for sha256 in found if not dry_run else ():
        copy.bucket.remove(sha256)
    _tell("objects", len(found), sum(found.values()), dry_run)


def _tell(what: str, count: int, size: int, dry_run: bool) -> None:
    typer.echo(f"{count} {what}, {size:,} bytes, {'would be' if dry_run else 'were'} removed.")
