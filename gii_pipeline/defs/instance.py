"""The Dagster instance of a root: where runs are recorded, and what keeps recording them cheap.

Belongs here: settings of the instance, and how its SQLite files and the output of steps are written.
Does not: running anything (see `running`).

Dagster writes every event in transactions of its own and closes the database after each. SQLite then moves its log into
the database and waits for the disk, some thousand times a run. With the files open for the length of a run, and without
waiting for the disk at each commit, a killed process still loses nothing. A power cut may lose the last seconds of the
record of a run; tables and releases do not depend on it.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, TextIO

import dagster as dg
import yaml
from dagster._core.execution.compute_logs import redirect_to_file
from dagster._core.storage.compute_log_manager import CapturedLogContext, ComputeIOType
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.local_compute_log_manager import IO_TYPE_EXTENSION, LocalComputeLogManager
from dagster._core.storage.runs import SqliteRunStorage
from dagster._serdes import ConfigurableClassData
from filelock import FileLock
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DatabaseError

from gii_pipeline.defs.lifelines import mark_the_dead
from gii_pipeline.errors import DamagedError

INDEX = "index"
"""Dagster's name for the database of the events that concern more than one run."""
COMPLETE = "complete"
"""Dagster's name for the file that says that a step's output is there as a whole."""


@event.listens_for(Engine, "connect")
def _write_ahead(connection: object, _: object) -> None:
    """Dagster's databases are its only ones: each commit is in the system's hands, on the disk with a checkpoint."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")


class StepOutput(LocalComputeLogManager):
    """What steps print: kept for the page, then passed on to where it would have gone.

    Dagster starts four processes per step for the same, and loses what is printed just before the step ends.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(str(Path(base_dir) / "storage"), inst_data=inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> StepOutput:
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        paths = {kind: Path(self.get_captured_local_path(log_key, name)) for kind, name in IO_TYPE_EXTENSION.items()}
        with (
            _kept(sys.stdout, paths[ComputeIOType.STDOUT]),
            _kept(sys.stderr, paths[ComputeIOType.STDERR]),
        ):
            yield CapturedLogContext(log_key)
        Path(self.get_captured_local_path(log_key, COMPLETE)).touch()


@contextmanager
def _kept(stream: TextIO, path: Path) -> Iterator[None]:
    """Within it, what is written to a stream goes to the file; at the end to the stream too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    before = path.stat().st_size
    try:
        with redirect_to_file(stream, str(path)):
            yield
    finally:
        with path.open(encoding="utf-8", errors="replace") as file:
            file.seek(before)
            stream.write(file.read())
            stream.flush()


SETTINGS = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "compute_logs": {
        "module": __name__,
        "class": StepOutput.__name__,
        "config": {"base_dir": {"env": "DAGSTER_HOME"}},
    },
}
"""Nothing is sent to Dagster's makers, and its page opens without their invitation."""


def instance_of(root: Path) -> dg.DagsterInstance:
    """The Dagster instance of DAGSTER_HOME, or one under the root, so that the page shows what commands ran."""
    os.environ.setdefault("DAGSTER_HOME", str(_plain(root / "dagster")))
    home = home_of()
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    if not settings.exists():
        settings.write_text(yaml.safe_dump(SETTINGS, sort_keys=False), encoding="utf-8")
    with FileLock(home / "instance.lock"), readable_history():  # two processes that make a new SQLite at once break it
        instance = dg.DagsterInstance.get()
        mark_the_dead(instance, home)
        return instance


def _plain(home: Path) -> Path:
    """The folder under a name without patterns: Dagster looks its settings up as one, and would find none.

    Without settings it would keep the runs elsewhere and send telemetry.
    """
    if not any(sign in str(home) for sign in "*?["):
        return home
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gii"
    link = cache / f"dagster-{hashlib.sha256(str(home).encode()).hexdigest()[:16]}"
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    home.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(home, target_is_directory=True)
    return link


def home_of() -> Path:
    """The folder of the Dagster instance in use."""
    return Path(os.environ["DAGSTER_HOME"])


@contextmanager
def readable_history() -> Iterator[None]:
    """Within it, what SQLite says of a damaged history of runs is a DamagedError."""
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        told = str(error.orig if isinstance(error, DatabaseError) else error)
        if not any(said in told for said in ("malformed", "not a database", "encrypted")):
            raise
        raise DamagedError(
            f"The history of runs in {os.environ.get('DAGSTER_HOME')} is damaged ({told}). No table depends on "
            f"it. Run `gii verify --repair`, which sets it aside, then run your command again."
        ) from error


class OpenRecord:
    """The databases that a run is recorded in, held open."""

    def __init__(self, connections: Sequence[sqlite3.Connection]) -> None:
        self._connections = connections

    def show(self) -> None:
        """Move what is recorded into the databases, which is when the page looks."""
        for connection in self._connections:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


@contextmanager
def open_record(instance: dg.DagsterInstance, run_id: str) -> Iterator[OpenRecord]:
    """Within it the databases of a run stay open. Where the instance has a server, nothing needs to be done."""
    events, runs = instance.event_log_storage, instance.run_storage
    with ExitStack() as stack:
        connections = []
        if isinstance(events, SqliteEventLogStorage):
            with events.run_connection(run_id):  # makes the run's database
                pass
            files = [events.path_for_shard(run_id), events.path_for_shard(INDEX)]
            connections = [stack.enter_context(closing(sqlite3.connect(file))) for file in files]
        if isinstance(runs, SqliteRunStorage):
            stack.enter_context(runs.connect())
        record = OpenRecord(connections)
        record.show()
        yield record
