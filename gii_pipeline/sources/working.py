"""Workers: independent pieces of reading, spread over processes of this machine or over Spark's executors.

Belongs here: how many workers there are, when they are worth their start, and what becomes of a process that dies.
Does not: what a piece is (see `streaming`, and `defs.reading`), or Spark's ways (see `gii_pipeline.spark`).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Final, TypeVar

from gii_pipeline import memory, spark
from gii_pipeline.errors import InputError, MachineError

T = TypeVar("T")
R = TypeVar("R")
VARIABLE: Final = "GII_WORKERS"
LEAST_BYTES: Final = 64 << 20
"""Of files to read: less is read sooner than a second process starts."""
EACH: Final = 512 << 20
"""Bytes of memory that a worker needs at least; by default there are no more workers than have it."""
STARTS: Final = 2


def workers(engine: str = "duckdb") -> int:
    """How many workers read at once: GII_WORKERS, else what Spark's executors run at once.

    On one machine that is a process for each processor, as far as there is memory for them.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return spark.slots() if engine == "spark" else max(1, min(processors(), memory.budget() // EACH))
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"{VARIABLE} is {text!r}. Write how many processes may read at once, 1 or more.")
    return int(text)


def processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worth(pieces: int, size: int, engine: str = "duckdb") -> int:
    """How many workers are worth their start for so many pieces of so many bytes in all; 1 is this process alone."""
    return min(workers(engine), pieces) if pieces > 1 and size >= LEAST_BYTES else 1


def in_processes(
    function: Callable[[T], R], pieces: Sequence[T], processes: int, done: Callable[[T], None] = lambda _: None
) -> list[R]:
    """What the function gives for each piece, in their order. done: called with each piece as it is finished.

    Each process has its part of the memory, and DuckDB one thread in it. A process that is killed is replaced once, and
    what it was at is done again; after that it is a MachineError. An error of one piece stops those not yet begun.
    """
    found: dict[int, R] = {}
    for start in range(1, STARTS + 1):
        try:
            for nth, result in _round(function, pieces, processes, [n for n in range(len(pieces)) if n not in found]):
                found[nth] = result
                done(pieces[nth])
        except BrokenProcessPool:
            if start == STARTS:
                raise MachineError(
                    f"A process that reads was killed, {STARTS} times, most likely for want of memory. What was read "
                    f"is kept. Run again with fewer workers ({VARIABLE}), or more memory ({memory.VARIABLE})."
                ) from None
    return [found[nth] for nth in range(len(pieces))]


def _round(
    function: Callable[[T], R], pieces: Sequence[T], processes: int, left: Sequence[int]
) -> Iterator[tuple[int, R]]:
    if not left:
        return
    context, share = multiprocessing.get_context("spawn"), memory.budget() // processes
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(share,)) as pool:
        with _interrupts_blocked():
            futures: dict[Future[R], int] = {pool.submit(function, pieces[nth]): nth for nth in left}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """What starts within it never sees Ctrl-C: that ends the process that asked for it, and with it the workers."""
    if os.name != "posix":
        yield
        return
    resource_tracker.ensure_running()  # it unblocks them when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(share: int) -> None:
    """In a worker: its part of the memory, one thread of DuckDB, and an end with the process that asked for it."""
    os.environ[memory.VARIABLE] = str(max(share, memory.LEAST))
    os.environ[VARIABLE] = "1"
    memory.use_one_thread()
    asker = multiprocessing.parent_process()

    def end() -> None:
        if asker is not None:
            asker.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
