"""`gii facts`, `history`, `diff` and `site`: what the releases say.

Belongs here: commands that read releases. Does not: wording and figures (`report`, `releases`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
from gii_pipeline.errors import InputError

if TYPE_CHECKING:
    from gii_pipeline.releases import Release
    from gii_pipeline.releases.comparison import GoneAtSource


def facts(
    edition: EditionOption,
    cluster: Annotated[
        str,
        typer.Option(
            "--cluster",
            "-c",
            help="Its name, part of its name, or its id. Without it, print the sentence on the edition.",
        ),
    ] = "",
    language: Annotated[
        str,
        typer.Option("--language", "-l", help="Language of the sentence on the edition: en, zh, ja, ko, de, fr, es."),
    ] = "en",
    method: MethodOption = None,
    root: RootOption = ROOT,
) -> None:
    """Print a sentence on an edition, or a paragraph on a cluster, ready for the press."""
    from gii_pipeline.releases import open_release
    from gii_pipeline.report.facts import fact_sheet, fact_tables
    from gii_pipeline.report.story import story_of

    release = open_release(root, label_of(edition, method))
    if not cluster:
        echo(story_of(release).sentence(language))
        for note in release.notes if language != "en" else ():
            echo(note)
    elif language == "en":
        echo(fact_sheet(fact_tables(release), cluster))
    else:
        raise InputError("The paragraph on a cluster is written in English only. Leave out --cluster, or --language.")


def cluster(
    name: Annotated[str, typer.Argument(help="Its name, part of its name, or its id; ranked or not.")],
    edition: EditionOption,
    method: MethodOption = None,
    root: RootOption = ROOT,
    as_json: JsonOption = False,
) -> None:
    """Show a cluster on one page: leaders, fields, partners and growth in each metric."""
    from gii_pipeline.releases import open_release
    from gii_pipeline.releases.about import MADE_UP
    from gii_pipeline.report.portraits import page

    release = open_release(root, label_of(edition, method))
    portrait = release.cluster(name)
    if as_json:
        print_json(portrait.as_dict())
        return
    made_up = [MADE_UP] if release.package["made_up"] else []
    echo(page(portrait, f"{release.label} ({release.version})", [*made_up, *release.notes], release.whole))


def history(
    cluster: Annotated[
        str, typer.Argument(help="Its name in any edition, part of its name, or its id. Without it, show the top five.")
    ] = "",
    root: RootOption = ROOT,
    label: Annotated[
        str, typer.Option(help="The series to follow, such as 2024@2025; by default each edition with its own method.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Show a cluster, or the top five, across the released editions."""
    from gii_pipeline.releases import first_clusters, open_release, standing
    from gii_pipeline.releases import history as history_of
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import history_table, ranks_table

    if not cluster:
        rows_of = [history_of(root, one, label=label) for one in first_clusters(root, label=label)]
        if as_json:
            print_json([row for rows in rows_of for row in rows.to_dict("records")])
            return
        console().print(ranks_table(rows_of))
        for rows in rows_of:
            console().print(standing(rows), highlight=False)
        _show_made_up(open_release(root, rows_of[0]["version"].iloc[-1]))
        return
    rows = history_of(root, cluster, label=label)
    if as_json:
        print_json(rows.to_dict("records"))
        return
    out = console()
    out.print(f"{rows['name'].iloc[-1]} ({rows['cluster_id'].iloc[-1]})", highlight=False)
    newest = open_release(root, rows["version"].iloc[-1])
    out.print(history_table(rows, newest.registry))
    out.print(standing(rows), highlight=False)
    _show_made_up(newest)


def diff(
    old: Annotated[str, typer.Argument(help="A version (v2025.1) or an edition (2024).")],
    new: Annotated[str, typer.Argument(help="A version (v2025.2) or an edition (2025).")],
    profile: ProfileOption = "sandbox",
    root: RootOption = ROOT,
    form: Annotated[
        Literal["table", "markdown", "json"], typer.Option("--format", help="The output format.")
    ] = "table",
    sources: Annotated[
        bool,
        typer.Option(
            "--sources",
            help="Compare the fields, types and counts of two vintages of a source instead. OLD and NEW are "
            "parts of their files' addresses, such as 202502 and 202602.",
        ),
    ] = False,
) -> None:
    """Compare two releases: ranks, counts, members, borders, method, sources, and records removed at the source.

    The profile is needed to locate removed records, for the ranks with and without them.
    """
    if sources:
        _diff_sources(root, old, new, form)
        return
    from gii_pipeline.releases import diff as compare
    from gii_pipeline.releases import open_release, to_json, to_markdown, to_rich
    from gii_pipeline.releases.provenance import file_hashes
    from gii_pipeline.report.progress import console

    before, after = open_release(root, old), open_release(root, new)
    same = file_hashes(before.lock) == file_hashes(after.lock)
    found = compare(before, after, gone=None if same else _gone(profile, root, before, after))
    if form == "table":
        console().print(to_rich(found))
        _show_made_up(after)
    else:
        echo(to_json(found) if form == "json" else to_markdown(found))


def site(
    folder: Annotated[
        Path, typer.Argument(help="The output folder: new, empty, or an earlier site, which is replaced.")
    ],
    root: RootOption = ROOT,
    address: Annotated[
        str,
        typer.Option(help="The public address, such as https://example.org/gii, for the preview images of its pages."),
    ] = "",
) -> None:
    """Write all releases as a static site for any host: an index, the pages, the tables.

    Withdrawn versions have a notice on every page. Versions under an embargo are left out.
    """
    from gii_pipeline.report.site import write_site

    made = write_site(root.absolute(), folder, address=address)
    echo(f"{made.folder / 'index.html'}: {len(made.versions)} versions, {made.versions[0]} to {made.versions[-1]}.")
    for version in made.embargoed:
        echo(f"{version} is left out: it is under an embargo.")


def _gone(profile: str, root: Path, before: Release, after: Release) -> GoneAtSource:
    """Records of the previous release that the sources no longer have."""
    from gii_pipeline.defs.gone import gone_between

    sides = (before.lock, before.arrow), (after.lock, after.arrow)
    with workflow_of(profile, root) as workflow:
        return gone_between(workflow.pipeline, after.label, *sides)


def _show_made_up(release: Release) -> None:
    from gii_pipeline.releases.about import MADE_UP

    if release.package["made_up"]:
        echo(MADE_UP)


def _diff_sources(root: Path, old: str, new: str, form: str) -> None:
    from gii_pipeline.report.progress import console
    from gii_pipeline.report.terminal import rows_table
    from gii_pipeline.sources.vintages import differences, vintage

    before, after = (vintage(root / "extracts", part) for part in (old, new))
    found = differences(before, after)
    if form == "json":
        print_json(found.to_dict("records"))
    elif found.empty:
        echo(f"{old} and {new} have the same fields, types and counts.")
    else:
        console().print(rows_table(found, f"Differences of {new} from {old}"))
