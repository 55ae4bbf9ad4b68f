"""Serving a world: all its servers together, and the environment by which the profile `sandbox` finds them.

Belongs here: starting and stopping, ports, the folder of made files, the names of variables.
Does not: any protocol.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gii_pipeline import scratch
from gii_pipeline.archive.connecting import VARIABLE
from gii_pipeline.errors import InputError
from gii_pipeline.sandbox.servers.crunchbase import Crunchbase
from gii_pipeline.sandbox.servers.files import FileHost, Workshop
from gii_pipeline.sandbox.servers.http import LOOPBACK, Server, Service
from gii_pipeline.sandbox.servers.openalex import OpenAlex
from gii_pipeline.sandbox.servers.uspto import Uspto
from gii_pipeline.sandbox.world import DEMO_SCALE, DEMO_SEED, World, make_world

DEFAULT_PORT = 8741
KEY = "sandbox-key-that-opens-nothing-else"
KEY_VARIABLE = "GII_SANDBOX_KEY"
SERVICES = ("openalex", "uspto", "crunchbase", "files")
ADDRESSES = {name: f"http://{LOOPBACK}:{DEFAULT_PORT + number}" for number, name in enumerate(SERVICES)}
"""Of the profile `sandbox`, whatever ports are free: what is archived and released has these."""


@dataclass(frozen=True)
class Serving:
    """A world that is being served. servers: openalex, uspto, crunchbase, files."""

    world: World
    servers: Mapping[str, Server]

    @property
    def environment(self) -> dict[str, str]:
        """What the profile `sandbox` needs: where its addresses are reached, the key, the scale."""
        aside = " ".join(f"{_host(ADDRESSES[name])}={_host(server.url)}" for name, server in self.servers.items())
        return {VARIABLE: aside, KEY_VARIABLE: KEY, "GII_SANDBOX_SCALE": f"{self.world.scale:g}"}


@contextmanager
def serving(
    folder: Path | None = None, *, seed: int = DEMO_SEED, scale: float = DEMO_SCALE, port: int | None = DEFAULT_PORT
) -> Iterator[Serving]:
    """Serve a world on loopback for as long as the context lasts, with `environment` set in this process.

    folder: where files are made and kept for the next time (None: a temporary one). port: the first of four ports
    (openalex, uspto, crunchbase, files); free ones instead where one of these is taken, or for None.
    """
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(scratch.folder("sandbox")))
        world = make_world(seed, scale)
        servers = _started(world, Workshop(folder / f"seed={seed}" / f"scale={scale:g}"), port)
        for server in servers.values():
            stack.enter_context(server)
        running = Serving(world, servers)
        before = {name: os.environ.get(name) for name in running.environment}
        stack.callback(_restore, before)
        os.environ.update(running.environment)
        yield running


def serve_until_closed(folder: Path) -> None:
    """Serve a world until standard input is closed; the first line of output is the environment, as JSON."""
    with serving(folder) as running:
        print(json.dumps(running.environment), flush=True)  # noqa: T201 - what the other end reads
        files = running.servers["files"].service
        if isinstance(files, FileHost):
            threading.Thread(target=files.make_all, daemon=True).start()
        sys.stdin.read()
        os._exit(0)  # whatever is being made: it is begun again


def serve(
    folder: Path | None = None,
    *,
    seed: int = DEMO_SEED,
    scale: float = DEMO_SCALE,
    port: int = DEFAULT_PORT,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve a world on its fixed ports until interrupted (Ctrl-C). tell: is given what to know, line by line.

    Raises InputError where a port is taken.
    """
    with serving(folder, seed=seed, scale=scale, port=port) as running:
        if running.servers["openalex"].port != port:
            raise InputError(
                f"Ports {port} to {port + 3} are in use: stop the programs that use them, or choose another --port."
            )
        tell(
            f"A made-up world, seed {seed}, scale {scale:g}, is being served. Press Ctrl-C to stop. In another "
            f"shell, first run:"
        )
        for name, value in running.environment.items():
            tell(f"export {name}={value}")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            tell("Stopped.")


def _started(world: World, workshop: Workshop, port: int | None) -> dict[str, Server]:
    servers: dict[str, Server] = {}
    services: dict[str, Service] = {
        "openalex": OpenAlex(world, workshop, KEY),
        "uspto": Uspto(
            KEY, lambda asked: ADDRESSES["files"] if asked == _host(ADDRESSES["uspto"]) else servers["files"].url
        ),
        "crunchbase": Crunchbase(world, KEY),
        "files": FileHost(world, workshop),
    }
    try:
        for number, (name, service) in enumerate(services.items()):
            servers[name] = Server(service, 0 if port is None else port + number)
    except OSError:
        for server in servers.values():
            server.close()
        if port is None:
            raise
        servers |= _started(world, workshop, None)
    return servers


def _host(url: str) -> str:
    return url.partition("://")[2]


def _restore(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
