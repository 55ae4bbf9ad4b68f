"""`gii verify`, `explain` and `doctor`: find problems and their causes.

Belongs here: commands that look and change nothing.
Does not: the checks themselves.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gii_pipeline.cli.options import (
    ROOT,
    JsonOption,
    LookedAtRootOption,
    ProfileOption,
    RootOption,
    echo,
    print_json,
    sources_up,
    workflow_of,
    years_in,
)
from gii_pipeline.errors import DamagedError, InputError


def verify(
    root: LookedAtRootOption = ROOT,
    published: Annotated[
        bool, typer.Option("--published", help="Compare the method with WIPO's printed figures instead.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Move damaged files to the folder `damaged`, so that they are rebuilt.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read all files under a root again, and list each file that was changed or damaged and how to repair it."""
    if published:
        _verify_published(as_json=as_json)
        return
    from gii_pipeline.cli.verifying import COMPARED, look, look_in_bucket, not_compared, repair_in_bucket, set_aside

    cache, others = os.environ.get("GII_CACHE"), not_compared(root.absolute())
    in_bucket, damaged = look_in_bucket(root.absolute())
    looked = [*look(root.absolute(), Path(cache).absolute() if cache else None), *in_bucket]
    problems = [problem for each in looked for problem in each.problems]
    if not in_bucket and not any((root / folder).is_dir() for folder in (*COMPARED, "dagster")):
        raise InputError(f"There are no files of the pipeline under {root}, so nothing was compared. Set --root.")
    moved = set_aside(root.absolute(), problems) if repair else []
    if repair:
        repair_in_bucket(root.absolute(), damaged)
    if as_json:
        kinds = [{"kind": each.kind, "files": each.files, "bytes": each.bytes} for each in looked]
        print_json({"read": kinds, "not_compared": others, "problems": list(map(str, problems)), "set_aside": moved})
    else:
        for each in looked:
            state = f"{len(each.problems)} damaged" if each.problems else "as written" if each.files else "none there"
            echo(f"{each.kind:16} {each.files:8,} files {each.bytes:18,} bytes  {state}")
        if others:
            echo(f"Not compared, because no table is made from them: {', '.join(others)}.")
        echo("\n".join(map(str, problems)) or f"All files read under {root} are as they were written.")
        echo("".join(f"set aside: {path}\n" for path in moved), nl=False)
    if problems:
        raise typer.Exit(DamagedError.exit_code)


def explain(
    table: Annotated[str, typer.Argument(help="A table, for instance patents.")],
    partition: Annotated[str, typer.Argument(help="A data year or an edition, for instance 2024.")],
    profile: ProfileOption = "sandbox",
    root: RootOption = ROOT,
    rows: Annotated[int, typer.Option(help="How many rows to print per outcome.")] = 50,
    outcome: Annotated[
        str | None,
        typer.Option(
            help="Print records with this outcome in the ledger of a data year instead: undated, "
            "refused, 'superseded: equal', not_chosen, unlocated …"
        ),
    ] = None,
) -> None:
    """Print the rows of a table's last failed validation, each with the rule that it broke.

    With --outcome, print the records of a data year that have this outcome, with file and id.
    """
    if outcome is not None:
        _explain_outcome(profile, root, table, partition, outcome, rows)
        return
    from gii_pipeline.cli.verifying import TURNED_AWAY
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import rows_table
    from gii_pipeline.store import Store, read_parquet
    from gii_pipeline.verified import check

    path = Store(root).quarantine(table, partition)
    if not path.is_file():
        raise InputError(f"There are no failing rows of {table} {partition}: {path} does not exist.")
    failing = read_parquet(check(path, TURNED_AWAY)).to_pandas()
    title = f"{table} {partition}: {len(failing):,} failing rows, all in {path}"
    console().print(rows_table(failing.head(rows), title))


def _explain_outcome(profile: str, root: Path, table: str, partition: str, outcome: str, rows: int) -> None:
    from gii_pipeline.defs.explaining import examples
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import rows_table

    with workflow_of(profile, root) as workflow:
        for year in years_in(partition):
            for found in examples(workflow.pipeline, table, year, outcome, rows):
                console().print(rows_table(found.rows, f"{table} {year}, {found.outcome}: {found.told}"))


def doctor(
    profile: ProfileOption = "sandbox",
    root: RootOption = ROOT,
    probe: Annotated[
        bool,
        typer.Option(
            "--probe",
            help="Request the smallest response from every source, and show what its reader does not find in it.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check what a run needs: versions, disk, the profile's files, keys and servers."""
    from contextlib import nullcontext

    from gii_pipeline.defs.doctor import examine
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import findings_table

    with sources_up(profile, root) if probe else nullcontext():
        findings = examine(profile, root, probe=probe)
    if as_json:
        print_json([finding._asdict() for finding in findings])
    else:
        console().print(findings_table(findings))
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)


def _verify_published(*, as_json: bool) -> None:
    from gii_pipeline.ranking.published import verify_published, what_it_proves
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import published_table

    rows = verify_published()
    if as_json:
        print_json(rows.to_dict("records"))
    else:
        console().print(published_table(rows))
        typer.echo("\n".join(what_it_proves(rows)))
    if not rows["agrees"].all():
        raise typer.Exit(1)
