"""The sandbox's servers in a process beside a command: it makes what comes next while the command reads.

Belongs here: starting and ending that process. Does not: the servers (`sandbox.servers`), whose imports take a second.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gii_pipeline.errors import MachineError


@contextmanager
def serving_apart(folder: Path) -> Iterator[Callable[[], None]]:
    """As `serving`, in a process of its own, which makes the files that come next while this one reads.

    Gives a function that waits until the servers are up and sets `environment`; until then this process can import.
    The servers end when this process does, however that ends. Raises MachineError where they do not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program = [sys.executable, "-P", "-m", "gii_pipeline.sandbox.servers", str(folder)]
    added: dict[str, str] = {}
    # Ctrl-C ends this process, and with it the servers
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process:

        def wait() -> None:
            said = process.stdout.readline() if process.stdout else b""
            if not said:
                raise MachineError(f"The sandbox's servers did not start (exit code {process.wait()}); see above.")
            added.update(json.loads(said))
            os.environ.update(added)

        try:
            yield wait
        finally:
            for name in added:
                os.environ.pop(name, None)
            if process.stdin:
                process.stdin.close()
