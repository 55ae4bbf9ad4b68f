"""Storage: how a finished folder becomes visible under a root, on a disk and on an object store.

Belongs here: renames, conditional puts, staging folders, and one clear error for a full, read-only or lost storage.
Does not: what is published, or under which name.

A root is a local folder or anything that UPath opens, such as `s3://bucket/gii`.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeAlias, cast

from upath import UPath

from gii_pipeline import scratch, verified
from gii_pipeline.errors import GiiError, ReleaseError
from gii_pipeline.remote import WorkingCopy
from gii_pipeline.store.layout import Store

Folder: TypeAlias = Path | UPath
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_WRITE = (errno.EROFS, errno.EACCES, errno.EPERM)


def folder(root: Folder | str) -> Folder:
    """A root as a plain Path when it is local, as a UPath otherwise."""
    opened = UPath(root)
    return Path(opened.path) if opened.protocol in ("", "file", "local") else opened


def places(root: Folder) -> list[Folder]:
    """Where versions of a root are published: where it is a copy of a bucket, there first."""
    copy = WorkingCopy.at(root) if isinstance(root, Path) else None
    return [folder(copy.address), root] if copy else [root]


def refresh(path: Folder) -> None:
    """Forget what an object store listed earlier: another process may have published since."""
    if not isinstance(path, Path):
        path.fs.invalidate_cache()


def store_at(root: Folder) -> Store:
    """The store under a root. A UPath has what the store needs of a Path: joining, existence, reading."""
    return Store(cast("Path", root))


def file_sha256(path: Folder) -> str:
    return verified.sha256_of(cast("Path", path))


def read_bytes(path: Folder) -> bytes:
    return path.read_bytes()


def names_in(path: Folder) -> list[str]:
    """The names in a folder; none when it is not there."""
    try:
        return [inside.name for inside in path.iterdir()]
    except FileNotFoundError:
        return []
    except NotADirectoryError:
        if isinstance(path, Path):
            raise
        return []  # so S3 says that nothing is there


def files_in(path: Folder) -> dict[str, Folder]:
    """Every file below a folder by its path inside it, with `/`, sorted."""
    if isinstance(path, Path):
        inside = [file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()]
    else:
        refresh(path)
        inside = [found.removeprefix(path.path.rstrip("/") + "/") for found in path.fs.find(path.path)]
    return {name: path / name for name in sorted(inside)}


@contextmanager
def storage_errors(doing: str, root: Folder | str) -> Iterator[None]:
    """Turn what a storage raises into one ReleaseError that says what was being done and what to do."""
    try:
        yield
    except GiiError:
        raise
    except OSError as error:
        raise ReleaseError(f"Cannot {doing} {root}: {_explained(error)} Published versions are unchanged.") from error


def _explained(error: OSError) -> str:
    if error.errno in FULL:
        return f"no space left ({error.strerror}). Free some space, then run again."
    if error.errno in NO_WRITE or isinstance(error, PermissionError):
        return f"it is not writable ({error.strerror or error}). Check its permissions, or set GII_ROOT."
    return f"{error}."


def put(path: Folder, content: bytes, releases: Folder) -> None:
    """Replace one file below `releases` atomically."""
    if not isinstance(path, Path):
        path.write_bytes(content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with staging(releases) as work:
        written = work / path.name
        written.write_bytes(content)
        sync(written)
        written.replace(path)


def put_new(path: Folder, content: bytes) -> bool:
    """Write a file unless there is one of this name already; False then. On an object store: If-None-Match."""
    try:
        if isinstance(path, Path):
            with path.open("xb") as file:
                file.write(content)
        else:
            path.fs.pipe_file(path.path, content, mode="create")
    except FileExistsError:
        return False
    return True


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk; Windows can wait for neither by these means."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def staging(releases: Folder) -> Iterator[Path]:
    """An empty local folder that is gone afterwards; for a local root on its own file system, so that a rename works.

    Staging folders of runs that were killed are deleted on the way: no living process holds their lock.
    """
    if not isinstance(releases, Path):
        with scratch.folder("release") as temporary:
            yield Path(temporary)
        return
    parent = releases / ".staging"
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.iterdir():
        with ExitStack() as held:
            if _lock(left, held):
                shutil.rmtree(left, ignore_errors=True)
    with ExitStack() as held:
        made = Path(mkdtemp(dir=parent))
        while not _lock(made, held) and sys.platform != "win32":  # taken for a leftover between the two calls
            made = Path(mkdtemp(dir=parent))
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)


def _lock(path: Path, held: ExitStack) -> bool:
    """Whether this process now holds the folder; a lock goes with the process that holds it, however that ends.

    Where there are no such locks (Windows) nothing is held, and leftovers of killed runs are for a person to delete.
    """
    if sys.platform == "win32":
        return False
    import fcntl  # noqa: PLC0415

    try:
        descriptor = os.open(path, os.O_RDONLY)
        held.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def publish_renamed(staged: Path, target: Path) -> bool:
    """Rename a finished folder to its name; False when the name is taken."""
    for path in [*staged.rglob("*"), staged]:
        sync(path)
    if target.exists():
        return False
    try:
        staged.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    sync(target.parent)
    return True


def publish_uploaded(staged: Path, target: UPath, *, first: str, last: str) -> bool:
    """Upload a finished folder; False when another run has the name.

    `first` is the claim: only a run with the very same bytes of it may write on, whose other files are then the same.
    `last` completes the version, and only the first one to put it has published.
    """
    claim = (staged / first).read_bytes()
    if not put_new(target / first, claim) and read_bytes(target / first) != claim:
        return False
    for name, path in files_in(staged).items():
        if name not in (first, last):
            (target / name).write_bytes(path.read_bytes())
    return put_new(target / last, (staged / last).read_bytes())
