"""`gii sandbox`: the servers of the made-up world, for experiments.

Belongs here: the subcommands. Does not: the world (`sandbox`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from gii_pipeline.cli.options import ROOT, RootOption

app = typer.Typer(help="Serve a made-up world with known results on this machine.", no_args_is_help=True)


@app.callback()
def sandbox() -> None:
    """Serve a made-up world with known results on this machine."""


@app.command()
def serve(
    root: RootOption = ROOT,
    port: Annotated[int, typer.Option(help="The first of four ports.")] = 8741,
    seed: Annotated[int | None, typer.Option(help="The random seed of the world.")] = None,
    scale: Annotated[float | None, typer.Option(help="The size of the world; 1 is the size of the real world.")] = None,
) -> None:
    """Keep the servers running, so that you can try `gii run` and `dagster dev` against them."""
    from gii_pipeline.sandbox.servers import serve as serve_world
    from gii_pipeline.sandbox.world import DEMO_SCALE, DEMO_SEED

    serve_world(
        root.absolute() / "sandbox",
        seed=DEMO_SEED if seed is None else seed,
        scale=DEMO_SCALE if scale is None else scale,
        port=port,
        tell=typer.echo,
    )
