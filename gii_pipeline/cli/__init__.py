"""`gii`: the same jobs from a terminal.

Belongs here: arguments, progress, what is printed, exit codes. Commands import what they need when they run, so that
`gii --help` answers at once.
Does not: anything that the Dagster UI could not do as well.

Exit codes: 0 done, 1 failed or a check did not hold, 2 bad input, 3 a contract was broken, 4 a source refused,
5 a source failed for now, 6 a release was refused, 7 a file is damaged, 8 the machine refused, 130 Ctrl-C.
"""

from __future__ import annotations

import atexit
import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from gii_pipeline.cli import (
    archive,
    areas,
    checks,
    cleaning,
    pipeline,
    population,
    profile,
    release,
    results,
    sandbox,
    yearly,
)
from gii_pipeline.cli.interrupts import end_at_once_on_interrupt
from gii_pipeline.errors import GiiError
from gii_pipeline.machine import enough_files, refusals_told
from gii_pipeline.report.plain import plain

app = typer.Typer(
    name="gii",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (
    pipeline.run,
    pipeline.plan,
    pipeline.ingest,
    pipeline.backfill,
    pipeline.dev,
    pipeline.files,
    checks.verify,
    checks.explain,
    checks.doctor,
    cleaning.clean,
    results.facts,
    results.cluster,
    results.history,
    results.diff,
    results.site,
    areas.rank,
    yearly.year,
    yearly.compare,
    population.population,
):
    app.command()(command)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"gii_pipeline {version('gii-pipeline')}")
        raise typer.Exit


@app.callback()
def gii(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """The ranking of the world's innovation clusters, from raw records to versioned tables."""
    enough_files()


app.add_typer(release.app, name="release")
app.add_typer(archive.app, name="archive")
app.add_typer(profile.app, name="profile")
app.add_typer(sandbox.app, name="sandbox")


def main() -> None:
    """Run `gii`; an error that a person can fix is reported as one message, with its exit code."""
    try:
        with refusals_told():
            app()
    except GiiError as error:
        typer.secho(plain(str(error)), err=True, fg="red")
        sys.exit(error.exit_code)


def _with_paths_in_utf8() -> None:
    """Restart in Python's UTF-8 mode if the locale supports only ASCII, because paths may have other characters."""
    if sys.getfilesystemencoding() != "utf-8":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606


def process() -> None:
    """`gii` as a separate process.

    It ends without the interpreter's teardown, in which threads of native libraries that still run would abort it.
    """
    _with_paths_in_utf8()
    code: int | str | None = 0
    end_at_once_on_interrupt()
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    sys.stdout.flush()
    sys.stderr.flush()
    atexit._run_exitfuncs()  # noqa: SLF001
    os._exit(code if isinstance(code, int) else int(code is not None))
