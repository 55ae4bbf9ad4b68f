"""`gii archive`: the fetched files, and whether they are intact.

Belongs here: the subcommands. Does not: how bytes are kept (`archive`).
"""

from __future__ import annotations

import typer

from gii_pipeline.cli.options import ROOT, JsonOption, RootOption, echo, print_json

app = typer.Typer(help="List and verify the raw files as received.", no_args_is_help=True)


@app.command()
def verify(root: RootOption = ROOT) -> None:
    """Read every archived file again, and list each one that differs from what was received."""
    from gii_pipeline.archive import Archive
    from gii_pipeline.remote import WorkingCopy

    archive = Archive(root)
    if problems := archive.verify(lambda source: echo(f"reading {source}", err=True)):
        echo("\n".join(map(str, problems)))
        raise typer.Exit(1)
    echo(f"No problems found in {len(archive.sources())} sources in {archive.folder}.")
    if WorkingCopy.at(root.absolute()):
        echo("Files that are only in the bucket were not read; `gii verify` reads them.")


@app.command("list")
def list_entries(root: RootOption = ROOT, as_json: JsonOption = False) -> None:
    """List the contents of the archive, one line per source."""
    from gii_pipeline.archive import Archive

    archive = Archive(root)
    found = []
    for source in archive.sources():
        entries = archive.entries(source)
        records = sum(entry.records or 0 for entry in entries)
        newest = max((entry.retrieved_at for entry in entries), default="")
        size = sum(entry.bytes for entry in entries)
        found.append({"source": source, "files": len(entries), "bytes": size, "records": records, "newest": newest})
    if as_json:
        print_json(found)
        return
    for row in found:
        echo("{source}: {files:,} files, {bytes:,} bytes, {records:,} records, newest {newest}".format(**row))
