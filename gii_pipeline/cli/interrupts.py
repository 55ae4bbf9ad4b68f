"""Ctrl-C: the command ends at once, whatever library is running, and reports what is kept.

Belongs here: the signal. Does not: cleaning up; whatever is half done is invisible, and swept by the next command.

Python's own handler waits for the native call under way, which can be minutes of a query. The signal wakes a thread
instead, which ends the process, whatever handler a library has set meanwhile: Dagster's waits for its step to end.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

CODE = 130
KEPT = (
    "\nStopped. Finished tables, releases and fetched files are kept, and no partial file is visible. "
    "Run the same command to resume.\n"
)
_left_to_a_command = threading.Event()


def end_at_once_on_interrupt() -> None:
    """Make Ctrl-C end this process at once, until a command installs its own handler."""
    if threading.current_thread() is not threading.main_thread():
        return
    terminal = os.dup(sys.stderr.fileno())  # Dagster sends what a step prints to a file
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGINT, _left_to_the_thread)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(woken, wake, terminal), daemon=True).start()


def leave_to(handler: Callable[[int, FrameType | None], None]) -> None:
    """Leave Ctrl-C to a command's own handler."""
    _left_to_a_command.set()
    signal.signal(signal.SIGINT, handler)


def _left_to_the_thread(_number: int, _frame: object) -> None:
    """A handler of Python's, so that the signal is written to the socket."""


def _wait(woken: socket.socket, wake: socket.socket, terminal: int) -> None:
    while received := woken.recv(1):
        if received[0] == signal.SIGINT and not _left_to_a_command.is_set():
            with suppress(OSError):  # there may be nobody who reads it
                os.write(terminal, KEPT.encode())
            os._exit(CODE)
    wake.close()
