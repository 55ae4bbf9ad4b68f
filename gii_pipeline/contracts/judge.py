"""The program of the process that runs Great Expectations: it answers one question after the other.

Belongs here: what can be asked. Does not: suites (see `expectations`), pages (see `data_docs`), asking (see `judging`).
Only this process imports Great Expectations.
"""

from __future__ import annotations

import signal
import sys
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

for absent in ("boto3", "google.cloud", "pyspark", "sqlalchemy"):
    sys.modules[absent] = None  # type: ignore[assignment] # as the import system reads it: not there
"""Great Expectations imports what it could validate in, where it is installed: seconds for what no rule asks for."""

from gii_pipeline.contracts import data_docs, expectations  # noqa: E402 - after what it is not to import

if TYPE_CHECKING:
    from collections.abc import Callable

QUESTIONS: dict[str, Callable[..., Any]] = {
    "judged": expectations.judged,
    "note": data_docs.note,
    "finish": data_docs.finish,
}


def serve(line: Connection) -> None:
    """Answer until the other end is closed, which it also is when its process was killed; write pages in between."""
    while True:
        if data_docs.waiting() and not line.poll():
            data_docs.write_next()
            continue
        try:
            what, given = line.recv()
        except EOFError:
            return
        line.send(_answer(what, given))


def _answer(what: str, given: tuple[Any, ...]) -> Any:  # noqa: ANN401 - each question has its own kind of answer
    try:
        return QUESTIONS[what](*given)
    except Exception as error:  # noqa: BLE001 - it is raised where it was asked
        return RuntimeError(f"Great Expectations: {type(error).__name__}: {error}")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the process that asks, and with it this one
    serve(Connection(int(sys.argv[1])))
