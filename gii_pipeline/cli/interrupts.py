"""Ctrl-C: the command ends at once, whatever library is at work, and says what is kept.

Belongs here: the signal. Does not: cleaning up; whatever is half done is invisible, and swept by the next command.

Python's own handler waits for the native call under way, which can be minutes of a query. The signal wakes a thread
instead, which ends the process.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading

CODE = 130
KEPT = (
    "\nStopped. Every finished table, release and fetched file is kept, and nothing half-written is visible. "
    "The same command goes on from here.\n"
)


def end_at_once_on_interrupt() -> None:
    """From now on Ctrl-C ends this process within a moment. A command may set a handler of its own instead."""
    if threading.current_thread() is not threading.main_thread():
        return
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGINT, _left_to_the_thread)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(woken, wake), daemon=True).start()


def _left_to_the_thread(_number: int, _frame: object) -> None:
    """A handler of Python's, so that the signal is written to the socket."""


def _wait(woken: socket.socket, wake: socket.socket) -> None:
    while received := woken.recv(1):
        if received[0] == signal.SIGINT and signal.getsignal(signal.SIGINT) is _left_to_the_thread:
            sys.stderr.write(KEPT)
            sys.stderr.flush()
            os._exit(CODE)
    wake.close()
