"""`gii run`, `plan`, `ingest` and `backfill`: running the jobs.

Belongs here: which steps a command carries out, and what it prints at its end.
Does not: deciding what is missing or stale (`defs.planning`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gii_pipeline.cli.options import (
    ROOT,
    CountryOption,
    EditionOption,
    JsonOption,
    MaxDiskOption,
    MemoryOption,
    MethodOption,
    OfflineOption,
    ProfileOption,
    RefreshOption,
    RootOption,
    echo,
    label_of,
    print_json,
    sources_up,
    workflow_of,
    years_in,
)
from gii_pipeline.cli.telling import say, show_idle_waivers
from gii_pipeline.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gii_pipeline.defs.planning import Step
    from gii_pipeline.defs.workflow import Workflow
    from gii_pipeline.releases import Release
    from gii_pipeline.report.progress import Reporter


def run(
    edition: EditionOption,
    profile: ProfileOption = "sandbox",
    method: MethodOption = None,
    root: RootOption = ROOT,
    offline: OfflineOption = False,
    refresh: RefreshOption = False,
    memory: MemoryOption = None,
    max_disk: MaxDiskOption = None,
    country: CountryOption = None,
) -> None:
    """Rank an edition: ingest the years it needs, find clusters, rank them, and release the tables."""
    from gii_pipeline.contracts import prepare
    from gii_pipeline.defs.planning import Step
    from gii_pipeline.report.progress import reporting

    label = label_of(edition, method)
    options: dict[str, Any] = {"offline": offline, "refresh": refresh, "fetches": True}
    options |= {"memory": memory, "max_disk": max_disk, "country": country}
    with workflow_of(profile, root, method=method, **options) as workflow:
        before = _newest_version(workflow, label)
        steps = [*workflow.plan([label]), Step("release", label, "missing")]
        waiting = [step for step in steps if step.state != "there"]
        if waiting[:-1]:
            prepare()
        made: list[Step] = []
        with reporting(len(waiting)) as reporter:
            _tell_notes(workflow, label, reporter)
            _tell_costs(workflow, waiting, reporter)
            for step in workflow.in_order(waiting):
                say(reporter.console, workflow.empty_years(label) if step.job == "ranking" else (), "Warning")
                with reporter.run(step.title) as follow:
                    workflow.run(step, follow)
                made.append(step)
        for step in steps:
            if step.state == "there":
                workflow.recall(step)
        _show_release(workflow, label, before)
        _show_account(workflow, made)
        show_idle_waivers(workflow.pipeline, [label], workflow.warnings)


def plan(
    edition: EditionOption,
    profile: ProfileOption = "sandbox",
    method: MethodOption = None,
    root: RootOption = ROOT,
    country: CountryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the state of an edition: what exists, what is missing, and what is stale and why."""
    with workflow_of(profile, root, method=method, country=country) as workflow:
        _show_plan(workflow, [label_of(edition, method)], as_json=as_json)


def ingest(
    years: Annotated[str, typer.Option("--years", help="Data years: 2019, 2019,2021 or 2019..2023.")],
    profile: ProfileOption = "sandbox",
    root: RootOption = ROOT,
    offline: OfflineOption = False,
    refresh: RefreshOption = False,
    memory: MemoryOption = None,
    max_disk: MaxDiskOption = None,
    country: CountryOption = None,
) -> None:
    """Fetch and read data years into the core tables, even if they already exist."""
    from gii_pipeline.contracts import prepare

    prepare()
    from gii_pipeline.defs.planning import Step
    from gii_pipeline.report.progress import reporting

    options: dict[str, Any] = {"offline": offline, "refresh": refresh, "fetches": True}
    options |= {"memory": memory, "max_disk": max_disk, "country": country}
    with workflow_of(profile, root, **options) as workflow:
        known = workflow.pipeline.data_years
        wanted = years_in(years)
        if unknown := sorted(set(wanted) - set(known)):
            raise InputError(f"No edition needs the data years {unknown}. Known: {known[0]} to {known[-1]}.")
        steps = [Step("ingest", str(year), "missing", tables=workflow.pipeline.asked(year)) for year in wanted]
        made: list[Step] = []
        with reporting(len(steps)) as reporter:
            _tell_costs(workflow, steps, reporter)
            for step in workflow.in_order(steps):
                with reporter.run(step.title) as follow:
                    workflow.run(step, follow)
                made.append(step)
        _show_account(workflow, made)
        show_idle_waivers(workflow.pipeline, told=workflow.warnings)


def backfill(
    editions: Annotated[str, typer.Option("--editions", help="Editions: 2018..2025 or 2020,2024.")],
    profile: ProfileOption = "sandbox",
    method: MethodOption = None,
    root: RootOption = ROOT,
    release: Annotated[bool, typer.Option("--release", help="Release each edition after its ranking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan without running it.")] = False,
    offline: OfflineOption = False,
    refresh: RefreshOption = False,
    memory: MemoryOption = None,
    max_disk: MaxDiskOption = None,
    country: CountryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the missing or stale parts of several editions: first the data years, once each, then the rankings.

    A failed step does not stop steps that do not need it. Run the command again to resume.
    """
    from gii_pipeline.contracts import prepare
    from gii_pipeline.report.progress import console, reporting
    from gii_pipeline.report.terminal import outcome_table

    labels = [label_of(edition, method) for edition in years_in(editions)]
    options: dict[str, Any] = {"offline": offline, "refresh": refresh, "fetches": not dry_run}
    options |= {"memory": memory, "max_disk": max_disk, "country": country}
    with workflow_of(profile, root, method=method, **options) as workflow:
        if dry_run:
            _show_plan(workflow, labels, as_json=as_json)
            return
        steps = workflow.plan(labels)
        if release:
            steps = workflow.with_releases(steps)
        waiting = sum(step.state != "there" for step in steps)
        if waiting:
            prepare()
        with reporting(waiting) as reporter:
            _tell_costs(workflow, steps, reporter)
            outcomes = list(workflow.run_all(steps, reporter.run))
    if as_json:
        print_json([outcome.as_dict() for outcome in outcomes])
    else:
        console().print(outcome_table(outcomes))
    _show_account(workflow, [outcome.step for outcome in outcomes if outcome.state == "done"], stderr=as_json)
    show_idle_waivers(workflow.pipeline, labels, workflow.warnings, stderr=as_json)
    if errors := [outcome.error for outcome in outcomes if outcome.error]:
        raise typer.Exit(errors[0].exit_code)


def dev(
    profile: ProfileOption = "sandbox",
    root: RootOption = ROOT,
    port: Annotated[int, typer.Option(help="The port of the UI; the files it links to are on the next port.")] = 3000,
) -> None:
    """Start the Dagster UI for a profile, with the sandbox's servers if needed, until Ctrl-C."""
    import os
    import signal
    import sys

    from gii_pipeline.cli.interrupts import leave_to
    from gii_pipeline.cli.keeping import kept
    from gii_pipeline.defs.instance import instance_of
    from gii_pipeline.defs.page import FILES_VARIABLE
    from gii_pipeline.report.serving import check_free, serving

    check_free(port)
    os.environ |= {"GII_PROFILE": profile, "GII_ROOT": str(root.absolute())}
    instance_of(root.absolute()).dispose()
    definitions = ["-m", "gii_pipeline.defs.definitions"]
    page = ["-m", "gii_pipeline.defs.guarded_page", "--host", "127.0.0.1", "--port", str(port), *definitions]
    daemon = ["-m", "dagster._daemon", "run", *definitions]
    asked_to_end: list[int] = []
    with sources_up(profile, root), serving(root.absolute(), port + 1) as files_url:
        os.environ[FILES_VARIABLE] = files_url
        with kept([[sys.executable, *page], [sys.executable, *daemon]]) as keeper:

            def end(number: int, _frame: object) -> None:
                asked_to_end.append(number)
                keeper.terminate()

            leave_to(end)
            signal.signal(signal.SIGTERM, end)
            echo(f"The Dagster UI is at http://127.0.0.1:{port} until Ctrl-C.")
            keeper.wait()
    if not asked_to_end:
        raise typer.Exit(1)


def files(
    root: RootOption = ROOT,
    port: Annotated[int, typer.Option(help="The port.")] = 3001,
    host: Annotated[
        str, typer.Option(help="Who may connect: 127.0.0.1 for this machine only, 0.0.0.0 for everybody.")
    ] = "127.0.0.1",
) -> None:
    """Serve the files that the Dagster UI links to (Data Docs, pictures, releases) until Ctrl-C.

    `gii dev` also does this.
    """
    import signal

    from gii_pipeline.report.serving import serving

    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with serving(root.absolute(), port, host) as address:
        echo(f"{root} is at {address}/data_docs/, /report/ and /releases/")
        signal.sigwait(ends)


def _show_plan(workflow: Workflow, labels: list[str], *, as_json: bool) -> None:
    from gii_pipeline.defs.estimating import costs
    from gii_pipeline.defs.lacking import notes
    from gii_pipeline.defs.waived import idle_waivers
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import plan_table

    steps = workflow.plan(labels)
    found = costs(workflow.pipeline, steps)
    noted = list(dict.fromkeys(note for label in labels for note in notes(workflow.pipeline, label)))
    if as_json:
        costed = [cost.as_dict() for cost in found]
        warned = idle_waivers(workflow.pipeline, labels)
        print_json({"steps": [vars(step) for step in steps], "costs": costed, "notes": noted, "warnings": warned})
    else:
        console().print(plan_table(steps))
        say(console(), [cost.told for cost in found])
        say(console(), noted, "Note")
        show_idle_waivers(workflow.pipeline, labels)


def _tell_notes(workflow: Workflow, label: str, reporter: Reporter) -> None:
    """Print the limits of a run's result before it starts."""
    from gii_pipeline.defs.lacking import notes

    say(reporter.console, notes(workflow.pipeline, label), "Note")


def _tell_costs(workflow: Workflow, steps: Sequence[Step], reporter: Reporter) -> None:
    """Print the cost of each source as the first lines of a run. Raises InputError if there is not enough disk."""
    from gii_pipeline.defs.estimating import costs, refuse_too_much

    found = costs(workflow.pipeline, steps, keep=True)
    say(reporter.console, [cost.told for cost in found if not cost.nothing])
    refuse_too_much(found, workflow.pipeline)


def _show_release(workflow: Workflow, label: str, before: str | None) -> None:
    from gii_pipeline.metrics import coverage
    from gii_pipeline.metrics.population import warnings as population_warnings
    from gii_pipeline.releases import PROVISIONAL, open_release
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.story import story_of
    from gii_pipeline.report.terminal import ranking_table

    release: Release = open_release(workflow.pipeline.root, _newest_version(workflow, label) or "latest")
    ranking = release.table("ranking_size")
    out = console()
    title = f"{workflow.pipeline.profile.title}, edition {label}"
    provisional = release.maturity == "provisional"
    title = f"{title} (provisional)" if provisional else title
    out.print(ranking_table(ranking, title, release.registry, whole=release.whole))
    covered, title_of = release.table("coverage"), release.registry.title_in_text
    incomplete = coverage.warnings(covered, title_of)
    story = story_of(release)
    story = replace(story, notes=tuple(note for note in story.notes if note not in incomplete))
    out.print(story.sentence(), highlight=False, markup=False)
    if provisional:
        out.print(PROVISIONAL, highlight=False)
    say(out, [*incomplete, *population_warnings(release.table("cluster_footprints"))], "Warning")
    say(out, () if workflow.pipeline.profile.made_up else coverage.notes(covered, title_of), "Note")
    unchanged = " (unchanged: the inputs are the same)" if str(release.version) == before else ""
    say(out, [f"Release {release.version}: {release.folder}{unchanged}"])


def _show_account(workflow: Workflow, made: Sequence[Step], *, stderr: bool = False) -> None:
    """Print the outcome of every row of the ingested data years, and every contract warning of the command."""
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import by_rule
    from gii_pipeline.sources.ledger import told

    out = console(stderr=stderr)
    for year in sorted({step.partition for step in made if step.job == "ingest"}):
        say(out, [*told(workflow.ledger(year)), *workflow.misses(year)])
    say(out, by_rule(workflow.warnings), "Warning")


def _newest_version(workflow: Workflow, label: str) -> str | None:
    from gii_pipeline.releases import versions

    found = [listed.version for listed in versions(workflow.pipeline.root) if listed.version.label == label]
    return str(found[-1]) if found else None
