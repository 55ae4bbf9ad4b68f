"""The process next to ours that runs Great Expectations.

Belongs here: starting it and asking it. Does not: what it does (see `judge`).

Importing the library takes four seconds and 265 MB. In a process of its own it is imported while ours reads records,
and it writes pages while ours continues.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager
from multiprocessing import Pipe
from typing import TYPE_CHECKING, Any

from gii_pipeline.errors import GiiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from gii_pipeline.contracts.model import Contract, Rule
    from gii_pipeline.contracts.verdict import Verdict


class _Judge:
    """The process, once somebody asks, and the line to it. It ends when ours does, however that ends."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.line: Connection | None = None
        self.pages_later = False

    def start(self) -> Connection:
        with self.lock:
            if self.line is None:
                self.line, theirs = Pipe()
                with theirs:
                    program = [sys.executable, "-P", "-m", "gii_pipeline.contracts.judge", str(theirs.fileno())]
                    self.process = subprocess.Popen(
                        program,
                        stdin=subprocess.DEVNULL,
                        pass_fds=[theirs.fileno()],
                        start_new_session=True,  # Ctrl-C ends the process that asks, and with it this one
                    )
            return self.line

    def ask(self, what: str, *given: object) -> Any:  # noqa: ANN401 - each question has its own kind of answer
        """The answer to a question (see `judge.serve`); raises what was raised there."""
        with self.lock:
            line = self.start()
            try:
                line.send((what, given))
                answer = line.recv()
            except (EOFError, OSError) as error:
                self.line = None
                code = self.process.wait()
                raise RuntimeError(f"The process that runs Great Expectations ended with exit code {code}.") from error
        if isinstance(answer, Exception):
            raise answer
        return answer


_judge = _Judge()


def prepare() -> None:
    """Start the process, unless it runs: what is going to validate soon need not wait for it then."""
    _judge.start()


def judged(contract: Contract, rules: Sequence[Rule], counts: Mapping[str, Any]) -> dict[str, bool]:
    """Whether one row of counts (see `Workbench.counts`) keeps each rule, by its name."""
    answer: dict[str, bool] = _judge.ask("judged", contract.id, contract.version, tuple(rules), dict(counts))
    return answer


def write_data_docs(verdicts: Sequence[Verdict], folder: Path) -> dict[str, Path]:
    """Write Great Expectations' page of each verdict and the index of all pages in `folder`; return each table's page.

    A folder may be shared by the tables and partitions of many runs, also by runs at the same time. Within
    `pages_later`, the pages are there at its end.
    """
    pages: dict[str, Path] = _judge.ask("note", [verdict.plain for verdict in verdicts], folder)
    if not _judge.pages_later:
        _judge.ask("finish")
    return pages


@contextmanager
def pages_later() -> Iterator[None]:
    """Within it pages are written while other work continues, and the index once, at its end.

    Whoever makes tables in a folder that goes away afterwards does so within one of its own.
    """
    before, _judge.pages_later = _judge.pages_later, True
    try:
        yield
    finally:
        _judge.pages_later = before
        if _judge.line:
            _finish()


def _finish() -> None:
    try:
        _judge.ask("finish")
    except RuntimeError as error:
        raise GiiError(
            f"The tables are published, but some pages of their checks in data_docs/ are missing. {error}"
        ) from error
