"""What the machine refuses: a full disk, a root that cannot be written, too many open files, each as one message.

Belongs here: telling such a refusal from a bug, whichever library ran into it; files that a command may open.
Does not: what was half done; tables and releases appear whole or not at all.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

from gii_pipeline.errors import MachineError

REMEDIES = {
    errno.ENOSPC: ("the disk is full", "Free some space"),
    errno.EDQUOT: ("the quota of the disk is used up", "Free some space"),
    errno.EFBIG: ("the file is larger than the system allows", "Raise `ulimit -f`, or use another file system"),
    errno.EROFS: ("the file system is read-only", "Mount it for writing, or name another folder with --root"),
    errno.EACCES: (
        "the permission is missing",
        "Give this user the right to read and write there, or name another --root",
    ),
    errno.EPERM: (
        "the permission is missing",
        "Give this user the right to read and write there, or name another --root",
    ),
    errno.EMFILE: ("too many files are open", "Raise `ulimit -n`"),
    errno.ENFILE: ("too many files are open on this machine", "Close other programs"),
}
FILES_NEEDED, FILES_WANTED = 128, 4096
"""How many files a command may have open: at the least (a run holds some 40), and where the system allows as many."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
_LIBRARIES = ("duckdb", "_duckdb", "pyarrow", "sqlalchemy", "sqlite3")
_SAID = {
    "No space left on device": errno.ENOSPC,
    "database or disk is full": errno.ENOSPC,
    "disk I/O error": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "File too large": errno.EFBIG,
    "Read-only file system": errno.EROFS,
    "attempt to write a readonly database": errno.EACCES,
    "unable to open database file": errno.EACCES,
    "Permission denied": errno.EACCES,
    "Too many open files": errno.EMFILE,
}


@contextmanager
def refusals_told() -> Iterator[None]:
    """Within it, what the machine refuses is a MachineError that names the file and what to do."""
    try:
        yield
    except Exception as error:
        if told := refusal(error):
            raise told from error
        raise


def enough_files() -> None:
    """Raise this process's limit of open files; MachineError where the system's own is too low for any command.

    Libraries that find no descriptor wait, try again or print their own traceback, so that this is asked beforehand.
    """
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < FILES_NEEDED:
        raise MachineError(
            f"At most {most} files may be open here, and a command needs up to {FILES_NEEDED}. Nothing was begun. "
            f"{REMEDIES[errno.EMFILE][1]}, then run the same command again."
        )


def refusal(error: BaseException) -> MachineError | None:
    """The MachineError for an error that a library made of a refusal of the machine; None for any other."""
    number = error.errno if isinstance(error, OSError) and error.errno in REMEDIES else _number_in(error)
    if number is None:
        return None
    reason, remedy = REMEDIES[number]
    file = getattr(error, "filename", None)
    where = f"{file}: {reason}" if file else f"{_place(number)}: {reason} ({str(error).splitlines()[0][:300]})"
    return MachineError(f"{where}. Nothing half-written is left. {remedy}, then run the same command again.")


def _place(number: int) -> Path:
    """The folder in which a library that names no file was refused: the root, or what else has a full disk."""
    folders = [Path(os.environ.get("GII_ROOT") or os.curdir).absolute(), Path(tempfile.gettempdir())]
    there = [folder for folder in folders if folder.is_dir()]
    return min(there, key=lambda folder: shutil.disk_usage(folder).free) if number in _FULL and there else folders[0]


def _number_in(error: BaseException) -> int | None:
    """DuckDB, pyarrow and SQLite say it in words."""
    if not isinstance(error, OSError) and type(error).__module__.partition(".")[0] not in _LIBRARIES:
        return None
    return next((number for words, number in _SAID.items() if words in str(error)), None)
