"""Memory: how much of the machine's a process may use, and connections to DuckDB that keep within it.

Belongs here: the setting GII_MEMORY, its default, the limits that follow from it, what a process has used, and work
without the collector.
Does not: what is computed.
"""

from __future__ import annotations

import atexit
import gc
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb
from pydantic import ByteSize, TypeAdapter

from gii_pipeline import scratch
from gii_pipeline.errors import InputError

try:
    import resource
except ImportError:  # Windows shows no peak
    resource = None  # type: ignore[assignment]

VARIABLE: Final = "GII_MEMORY"
SHARE_OF_MACHINE: Final = 0.5
SHARE_OF_DUCKDB: Final = 0.6
"""Of the memory of a process: the rest is for Python, Arrow's batches and what allocators do not give back."""
LEAST: Final = 256 << 20
_CGROUPS: Final = Path("/sys/fs/cgroup")
_UNLIMITED: Final = 1 << 60
_UNIT: Final = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of `ru_maxrss`, by getrusage(2) of each system."""
_PEAK: Final = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)
_threads: dict[str, int] = {}


def budget() -> int:
    """Bytes that this process may use: GII_MEMORY, else a share of the limit, divided by our running processes.

    Raises InputError where GII_MEMORY is not a size, or less than a run needs.
    """
    return _given() or max(LEAST, int(limit() * SHARE_OF_MACHINE) // running())


def share(processes: int) -> int:
    """Bytes for each of so many processes that have this machine or container to themselves."""
    return max(LEAST, (_given() or int(limit() * SHARE_OF_MACHINE)) // processes)


def _given() -> int:
    """GII_MEMORY; 0 where it is not set."""
    text = os.environ.get(VARIABLE, "").strip()
    found = size(text, VARIABLE) if text else 0
    if text and found < LEAST:
        raise InputError(f"{VARIABLE} is {text!r}: a run needs {LEAST >> 20} MiB or more.")
    return found


def size(text: str, name: str) -> int:
    """`50GB` as bytes; an InputError that names the setting where it is not a size."""
    try:
        return int(TypeAdapter(ByteSize).validate_python(text.strip()))
    except ValueError:
        raise InputError(f"{name} is {text!r}. Write a number of bytes, as 50GB or 800MB.") from None


def limit(cgroups: Path = _CGROUPS) -> int:
    """Bytes that the processes of this container may use together; of this machine where no cgroup limits them."""
    limits = [_machine(), *(int(text) for text in _cgroup_limits(cgroups) if text.isdecimal())]
    return min(found for found in limits if found < _UNLIMITED)


def _cgroup_limits(cgroups: Path) -> list[str]:
    """What the cgroups of this process say, of either version, from its own up to the root."""
    try:
        own = [line.split(":", 2)[2].strip("/") for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:  # not Linux
        own = []
    folders = {Path(name) for path in own for name in (path, *map(str, Path(path).parents))} | {Path()}
    files = [cgroups / "memory.limit_in_bytes", cgroups / "memory" / "memory.limit_in_bytes"]
    files += [cgroups / folder / "memory.max" for folder in folders]
    return [path.read_text().strip() for path in files if path.is_file()]


def _machine() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 8 << 30


def running() -> int:
    """How many processes of ours run for this user on this machine, this one included."""
    folder = Path(tempfile.gettempdir()) / f"gii-processes-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    folder.mkdir(exist_ok=True)
    own = folder / str(os.getpid())
    if not own.exists():
        own.touch()
        atexit.register(own.unlink, missing_ok=True)
    found = 0
    for path in folder.iterdir():
        if path.name.isdecimal() and scratch.is_alive(int(path.name)):
            found += 1
        else:
            path.unlink(missing_ok=True)
    return max(1, found)


def duckdb_settings(spill: Path | None = None) -> dict[str, str | bool | int | float | list[str]]:
    """The settings of a connection to DuckDB that keeps within the budget. spill: where it puts what does not fit."""
    spill = spill or scratch.name("spill")
    limits = {"memory_limit": f"{int(budget() * SHARE_OF_DUCKDB) >> 20}MiB", "temp_directory": str(spill)}
    return {**limits, **_threads}


def use_one_thread() -> None:
    """From now on DuckDB has one thread in this process: there are others next to it."""
    _threads["threads"] = 1


def connect(spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection to DuckDB in this process, within the budget, without a progress bar of its own."""
    connection = duckdb.connect(config=duckdb_settings(spill))
    connection.execute("SET enable_progress_bar = false")
    return connection


def peak_bytes(*, children: bool = False) -> int:
    """The most memory that this process has had, or with `children` one that it waited for; 0 where nothing says it.

    Linux counts in getrusage(2) what the process had from which this one was started, and in its status does not.
    """
    if resource is None:
        return 0
    status = Path("/proc/self/status")
    own = _PEAK.search(status.read_text(encoding="utf-8")) if status.is_file() else None
    peak = int(own[1]) << 10 if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT
    return max(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _UNIT) if children else peak


@contextmanager
def without_collector() -> Iterator[None]:
    """Without Python's collector of cycles, which would look through millions of small objects without any cycle."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
