"""Processes that live only as long as the one that asked for them: `python -m gii_pipeline.cli.keeping COMMANDS`.

Belongs here: starting commands in a session of their own, and ending all of them when one ends or the asker is gone,
even if it was killed. Does not: which commands.

The asker holds the other end of this process's standard input; the system closes it with the asker.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

GRACE_SECONDS = 8.0


@contextmanager
def kept(commands: Sequence[Sequence[str]]) -> Iterator[subprocess.Popen[bytes]]:
    """Within it the commands run; gives the process that ends when one of them does. After it none is left."""
    asked = [sys.executable, "-m", "gii_pipeline.cli.keeping", json.dumps(commands)]
    keeper = subprocess.Popen(asked, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield keeper
    finally:
        if keeper.stdin is not None:
            keeper.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            keeper.wait(2 * GRACE_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(keeper.pid, signal.SIGKILL)
        keeper.wait()


def main() -> None:
    """Start the commands, wait for the first end, then end the entire session."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    children = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for command in json.loads(sys.argv[1])]
    for wait in (sys.stdin.buffer.read, *(child.wait for child in children)):
        threading.Thread(target=_then, args=(wait, ended.set), daemon=True).start()
    ended.wait()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(child.poll() is None for child in children):
        time.sleep(0.05)
    os.killpg(0, signal.SIGKILL)


def _then(wait: Callable[[], object], end: Callable[[], object]) -> None:
    wait()
    end()


if __name__ == "__main__":
    main()
