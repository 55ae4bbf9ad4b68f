"""Runs whose process is gone are marked failed: a killed run would count as started for good.

Belongs here: a lock that a running process holds per run, and looking for runs whose lock nobody holds.
Does not: the runs of a deployment, which its daemon watches (see `watched_runs`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

GONE = (
    "The process of this run is gone: it was killed, or the machine stopped. Finished tables are kept. Start "
    "the run again."
)


@contextmanager
def alive(home: Path, run_id: str) -> Iterator[None]:
    """Within it the run counts as alive; the system frees the lock of a process that is killed."""
    lock = _lock(home, run_id)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def mark_the_dead(instance: dg.DagsterInstance, home: Path) -> list[str]:
    """Mark the runs failed whose processes are gone; give their ids."""
    marked = []
    for path in sorted((home / "alive").glob("*.lock")):
        lock = _lock(home, path.stem)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        run = instance.get_run_by_id(path.stem)
        if run is not None and not run.is_finished:
            instance.report_run_failed(run, GONE)
            marked.append(run.run_id)
        lock.release()
        path.unlink(missing_ok=True)
    return marked


def _lock(home: Path, run_id: str) -> FileLock:
    folder = home / "alive"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{run_id}.lock")
