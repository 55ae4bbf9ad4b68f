"""`gii profile`: draft your own profile.

Belongs here: the subcommand. Does not: the guesses (`sources.inspecting`) and the draft (`sources.drafting`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gii_pipeline.errors import InputError

app = typer.Typer(help="Manage profiles, which define where records come from.", no_args_is_help=True)


@app.callback()
def profile() -> None:
    """Manage profiles, which define where records come from."""


@app.command()
def init(
    file: Annotated[
        Path, typer.Argument(help="A table of records: CSV, Excel, Parquet, JSON, or a source's own file.")
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write it.")] = None,
    metric: Annotated[
        str | None, typer.Option(help="The metric that the records count towards, if the columns do not show it.")
    ] = None,
) -> None:
    """Inspect a file, and write a profile with a guessed column map and an edition for its years.

    Check the guesses, correct them, and run the profile. The file marks the lines to check first.
    """
    from gii_pipeline.profiles import read_profile
    from gii_pipeline.sources.checking import check_profile
    from gii_pipeline.sources.drafting import draft
    from gii_pipeline.sources.inspecting import inspect

    path = output or Path(f"{file.name.partition('.')[0]}.yaml")
    if path.exists():
        raise InputError(f"{path} already exists. Choose another --output, or move the file.")
    found = inspect(file, metric)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(draft(found, path), encoding="utf-8")
    check_profile(read_profile(path), str(path))
    years = f", {min(found.years)}-{max(found.years)}" if found.years else ""
    typer.echo(f"{path}: {found.records:,} records of {found.metric}{years}, by the reader `{found.reader}`.")
    for note in found.notes:
        typer.echo(f"  {note}")
    typer.echo(f"Review it, then run: gii doctor --profile {path}")
