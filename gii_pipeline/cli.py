"""`gii`: the same jobs for people at a terminal.

Belongs here: arguments, progress, what is printed, exit codes. Commands import what they need when they run, so that
`gii --help` answers at once.
Does not: anything that the Dagster page could not do as well.

Exit codes: 0 done, 1 broke down, 2 bad input, 3 a contract was broken, 4 a source refused, 5 a source failed for now,
6 a release was refused.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gii_pipeline.errors import GiiError, InputError

if TYPE_CHECKING:
    from gii_pipeline.defs.planning import Step
    from gii_pipeline.defs.workflow import Workflow

app = typer.Typer(
    name="gii",
    help="The ranking of the world's innovation clusters, from raw records to versioned tables.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

ProfileOption = Annotated[
    str, typer.Option("--profile", "-p", envvar="GII_PROFILE", help="A shipped profile, or the path of one.")
]
RootOption = Annotated[Path, typer.Option("--root", envvar="GII_ROOT", help="The folder that everything lies under.")]
EditionOption = Annotated[int, typer.Option("--edition", "-e", help="The edition's year.")]
MethodOption = Annotated[
    int | None, typer.Option("--method", "-m", help="Rank by the method of this edition instead of its own.")
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Use only what the archive holds.")]
RefreshOption = Annotated[bool, typer.Option("--refresh", help="Fetch and read everything anew.")]
ROOT = Path("gii_data")


def main() -> None:
    """Run `gii`; an error that a person can mend is told in one message, with its exit code."""
    try:
        app()
    except GiiError as error:
        typer.secho(str(error), err=True, fg="red")
        sys.exit(error.exit_code)


@app.command()
def run(
    edition: EditionOption,
    profile: ProfileOption = "sandbox",
    method: MethodOption = None,
    root: RootOption = ROOT,
    offline: OfflineOption = False,
    refresh: RefreshOption = False,
) -> None:
    """Rank an edition: ingest the years it demands, find the clusters, rank them, release the tables."""
    from rich.console import Console

    from gii_pipeline.defs.planning import Step
    from gii_pipeline.releases import open_release
    from gii_pipeline.report.terminal import ranking_table

    label = _label(edition, method)
    workflow = _workflow(profile, root, method=method, offline=offline, refresh=refresh)
    _carry_out(workflow, [*workflow.plan([label]), Step("release", label, "missing")])
    release = open_release(workflow.pipeline.root, _newest_version(workflow, label))
    console = Console()
    console.print(ranking_table(release.table("ranking_size"), f"{workflow.pipeline.profile.title}, edition {label}"))
    console.print(f"Release {release.version}: {release.folder}", soft_wrap=True, highlight=False)


@app.command()
def ingest(
    years: Annotated[str, typer.Option("--years", help="Data years: 2019, 2019,2021 or 2019..2023.")],
    profile: ProfileOption = "sandbox",
    root: RootOption = ROOT,
    offline: OfflineOption = False,
    refresh: RefreshOption = False,
) -> None:
    """Fetch and read data years into the core tables, whether or not they are there already."""
    from gii_pipeline.defs.planning import Step

    workflow = _workflow(profile, root, offline=offline, refresh=refresh)
    known = workflow.pipeline.data_years
    wanted = _years(years)
    if unknown := sorted(set(wanted) - set(known)):
        raise InputError(f"No edition demands the data years {unknown}. There are {known[0]} to {known[-1]}.")
    _carry_out(workflow, [Step("ingest", str(year), "missing") for year in wanted])


@app.command()
def plan(
    edition: EditionOption,
    profile: ProfileOption = "sandbox",
    method: MethodOption = None,
    root: RootOption = ROOT,
) -> None:
    """Show what an edition needs: what is there, what is missing, what is stale and why."""
    from rich.console import Console

    from gii_pipeline.report.terminal import plan_table

    workflow = _workflow(profile, root, method=method)
    Console().print(plan_table(workflow.plan([_label(edition, method)])))


@app.command()
def explain(
    table: Annotated[str, typer.Argument(help="A table, for instance patents.")],
    partition: Annotated[str, typer.Argument(help="A data year or an edition, for instance 2024.")],
    root: RootOption = ROOT,
    rows: Annotated[int, typer.Option(help="How many rows to print.")] = 50,
) -> None:
    """Print the rows of a table's last failed validation, with the rule that each one broke."""
    import pandas as pd
    from rich.console import Console

    from gii_pipeline.report.terminal import rows_table
    from gii_pipeline.store import Store

    path = Store(root).quarantine(table, partition)
    if not path.is_file():
        raise InputError(f"No failing rows of {table} {partition} are kept: {path} is not there.")
    failing = pd.read_parquet(path)
    Console().print(
        rows_table(failing.head(rows), f"{table} {partition}: {len(failing):,} failing rows, all in {path}")
    )


def _carry_out(workflow: Workflow, steps: list[Step]) -> None:
    from rich.console import Console

    from gii_pipeline.report.progress import reporting

    waiting = [step for step in steps if step.state != "there"]
    with reporting(Console(stderr=True), len(waiting)) as reporter:
        for step in waiting:
            reporter.follow(f"{step.job} {step.partition}", workflow.run(step))


def _workflow(
    profile: str, root: Path, *, method: int | None = None, offline: bool = False, refresh: bool = False
) -> Workflow:
    """The workflow of a command's options. They go through the environment, as the Dagster page gets them."""
    from gii_pipeline.defs.pipeline import Pipeline
    from gii_pipeline.defs.workflow import Workflow

    os.environ |= {"GII_PROFILE": profile, "GII_ROOT": str(root.absolute())}
    if method is not None:
        os.environ["GII_METHODS"] = str(method)
    os.environ |= {"GII_OFFLINE": str(int(offline)), "GII_REFRESH": str(int(refresh))}
    return Workflow(Pipeline.from_environment())


def _newest_version(workflow: Workflow, label: str) -> str:
    from gii_pipeline.releases import versions

    return str([listed.version for listed in versions(workflow.pipeline.root) if listed.version.label == label][-1])


def _label(edition: int, method: int | None) -> str:
    return str(edition) if method in (None, edition) else f"{edition}@{method}"


def _years(text: str) -> list[int]:
    """`2019..2023` and `2019,2021` as years."""
    try:
        parts = [part.split("..") for part in text.split(",")]
        return sorted({year for part in parts for year in range(int(part[0]), int(part[-1]) + 1)})
    except ValueError:
        raise InputError(f"{text!r} are not years. Write 2019, 2019,2021 or 2019..2023.") from None
