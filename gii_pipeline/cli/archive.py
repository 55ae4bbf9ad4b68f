"""`gii archive`: what was fetched, and whether it is whole.

Belongs here: the subcommands. Does not: how bytes are kept (`archive`).
"""

from __future__ import annotations

import typer

from gii_pipeline.cli.options import ROOT, JsonOption, RootOption, echo, print_json

app = typer.Typer(help="Raw files as they were received: list them, verify them.", no_args_is_help=True)


@app.command()
def verify(root: RootOption = ROOT) -> None:
    """Read every archived byte again, and name each file that is not what was received."""
    from gii_pipeline.archive import Archive

    archive = Archive(root)
    if problems := archive.verify(lambda source: echo(f"reading {source}", err=True)):
        echo("\n".join(map(str, problems)))
        raise typer.Exit(1)
    echo(f"All is well with {len(archive.sources())} sources in {archive.folder}.")


@app.command("list")
def list_entries(root: RootOption = ROOT, as_json: JsonOption = False) -> None:
    """List what the archive holds, one line per source."""
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
