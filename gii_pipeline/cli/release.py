"""`gii release`: making, listing, checking, rebuilding, withdrawing and embargoing versions.

Belongs here: the subcommands. Does not: what a version is (`releases`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

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
    print_json,
    workflow_of,
)
from gii_pipeline.cli.telling import show_idle_waivers
from gii_pipeline.errors import ReleaseError

app = typer.Typer(help="Make, list, verify, rebuild and withdraw versions of the ranking.", no_args_is_help=True)
VersionArgument = Annotated[str, typer.Argument(help="A version, for instance v2025.1.")]


@app.command()
def make(
    edition: EditionOption,
    profile: ProfileOption = "sandbox",
    method: MethodOption = None,
    root: RootOption = ROOT,
    approve: Annotated[
        bool, typer.Option("--approve", help="Publish even if changes exceed the profile's tolerance.")
    ] = False,
    embargo: Annotated[
        str, typer.Option(help="The date of publication, such as 2026-09-16; hidden from `latest` before.")
    ] = "",
) -> None:
    """Publish a finished edition's tables as its next version, unless they are the same as in the last one."""
    from gii_pipeline.defs.release import release_edition

    label = label_of(edition, method)
    with workflow_of(profile, root, method=method) as workflow:
        echo(release_edition(workflow.pipeline, label, approved=approve, embargo=embargo).message)
        show_idle_waivers(workflow.pipeline, [label])


@app.command("list")
def list_versions(root: RootOption = ROOT, as_json: JsonOption = False) -> None:
    """List every version, oldest edition first."""
    from gii_pipeline.releases import versions
    from gii_pipeline.releases.shelf import today

    listed = versions(root)
    if as_json:
        print_json(
            [{"version": str(one.version), "withdrawn": one.withdrawn, "embargo": one.embargo} for one in listed]
        )
        return
    for one in listed:
        waits = f"  under embargo until {one.embargo}" if one.embargo and one.embargo > today() else ""
        echo(f"{one.version}{waits}" + (f"  withdrawn: {one.withdrawn}" if one.withdrawn else ""))
    if not listed:
        typer.echo(f"There is no release under {root}.", err=True)


@app.command()
def verify(version: VersionArgument, root: RootOption = ROOT) -> None:
    """Compare a version's files with their published hashes."""
    from gii_pipeline.releases import verify as damage

    if problems := damage(root, version):
        raise ReleaseError("\n".join(problems))
    echo(f"{version} is unchanged since it was published.")


@app.command()
def rebuild(version: VersionArgument, profile: ProfileOption = "sandbox", root: RootOption = ROOT) -> None:
    """Recompute a version's tables from its archived input files, and compare their content."""
    from gii_pipeline.defs.rebuilding import recompute_from
    from gii_pipeline.releases import rebuild as compare

    with workflow_of(profile, root, offline=True) as workflow:
        rebuilt = compare(root, version, recompute_from(workflow.pipeline, echo))
    if not rebuilt.same:
        raise ReleaseError(f"{version} was not reproduced: {', '.join(rebuilt.different)} differ.")
    echo(f"{version} was reproduced: {len(rebuilt.equal)} tables have the published content.")


@app.command()
def withdraw(
    version: VersionArgument,
    because: Annotated[str, typer.Option(help="The reason, shown to everyone who opens the version.")],
    root: RootOption = ROOT,
) -> None:
    """Hide a version from `latest`; it stays readable by name."""
    from gii_pipeline.releases import withdraw as hide

    latest = hide(root, version, because=because, at=_now())
    echo(f"{version} is withdrawn. The latest version is now {latest or 'none'}.")


@app.command()
def embargo(
    version: VersionArgument,
    until: Annotated[str, typer.Option(help="The date of publication; a past date lifts the embargo.")],
    root: RootOption = ROOT,
) -> None:
    """Keep a version out of `latest` and `gii site` until a date; it stays readable by name."""
    from gii_pipeline.releases import set_embargo

    latest = set_embargo(root, version, until=until, at=_now())
    echo(f"{version} may be published from {until}. The latest version is now {latest or 'none'}.")


@app.command()
def discard(version: VersionArgument, root: RootOption = ROOT) -> None:
    """Discard an unfinished version, so that the next one can be made."""
    from gii_pipeline.releases import discard as give_up

    give_up(root, version, at=_now())
    echo(f"{version} is discarded; its name will not be used again.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
