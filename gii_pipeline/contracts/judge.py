"""The program of the process that runs Great Expectations: it answers one question after the other.

Belongs here: what can be asked. Does not: suites (see `expectations`), pages (see `data_docs`), asking (see `judging`).
Only this process imports Great Expectations.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

for absent in ("boto3", "google.cloud", "pyspark", "sqlalchemy"):
    sys.modules[absent] = None  # type: ignore[assignment] # as the import system reads it: not there
"""Great Expectations imports what it could validate in, where it is installed: seconds for what no rule asks for."""

Questions = Mapping[str, Callable[..., Any]]


def serve(line: Connection) -> None:
    """Answer until the other end is closed, which it also is when its process was killed; write pages in between."""
    if hasattr(select, "poll"):
        threading.Thread(target=_end_with, args=(line.fileno(),), daemon=True).start()
    from gii_pipeline.contracts import data_docs, expectations  # noqa: PLC0415 - seconds, in which the asker may end

    questions: Questions = {"judged": expectations.judged, "note": data_docs.note, "finish": data_docs.finish}
    while True:
        if data_docs.waiting() and not line.poll():
            data_docs.write_next()
            continue
        try:
            what, given = line.recv()
            line.send(_answer(questions, what, given))
        except (EOFError, OSError):  # the asker has ended; `_answer` raises nothing
            return


def _end_with(descriptor: int) -> None:
    """End this process, whatever it is at, as soon as the other end of the line is closed."""
    closed = select.poll()
    closed.register(descriptor, 0)
    closed.poll()
    os._exit(0)


def _answer(questions: Questions, what: str, given: tuple[Any, ...]) -> Any:  # noqa: ANN401 - of many kinds
    try:
        return questions[what](*given)
    except Exception as error:  # noqa: BLE001 - it is raised where it was asked
        return RuntimeError(f"Great Expectations: {type(error).__name__}: {error}")


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
