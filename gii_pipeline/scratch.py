"""Scratch: temporary folders of this pipeline, which are gone when their process is, however it ended.

Belongs here: their names, which say whose they are, and sweeping those of processes that were killed.
Does not: staging next to what is replaced by a rename (`store`, `releases`).
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

_NAME = re.compile(r"gii-[a-z]+-(\d+)-\w+")


def folder(what: str) -> tempfile.TemporaryDirectory[str]:
    """A new temporary folder, to be used as a context or kept as long as it is needed. what: one word."""
    sweep()
    return tempfile.TemporaryDirectory(prefix=f"gii-{what}-{os.getpid()}-", ignore_cleanup_errors=True)


def name(what: str) -> Path:
    """Where a library may make a temporary folder that it removes by itself."""
    return Path(tempfile.gettempdir()) / f"gii-{what}-{os.getpid()}-{uuid.uuid4().hex}"


def sweep() -> None:
    """Remove the temporary folders of processes that were killed."""
    for path in abandoned(Path(tempfile.gettempdir()), _NAME):
        shutil.rmtree(path, ignore_errors=True)


def abandoned(folder: Path, name: re.Pattern[str]) -> Iterator[Path]:
    """What processes that have ended left in a folder. name: of what they make; its group is the process's number."""
    for path in folder.iterdir():
        owner = name.fullmatch(path.name)
        if owner and not is_alive(int(owner[1])):
            yield path


def is_alive(process: int) -> bool:
    """Whether a process of this machine has not ended."""
    if os.name != "posix":  # a signal would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's; no number of a process
        return True
    return True
