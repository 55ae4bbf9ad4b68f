"""Verified reads: a file is read only while its bytes are those that were written.

Belongs here: the sha256 of a file, taken once per process and state of the file; the record that lies beside a stored
file and names its sha256; replacing a file together with its record; small files of JSON that name their own sha256.
Does not: what a file contains or where it lies (`archive`, `store`, `releases`).

Neither Parquet's readers nor JSON's notice a changed bit, so the hash of the whole file decides. While a file is being
replaced, its record names the old and the new sha256: whoever is killed in between leaves a file that its record knows.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gii_pipeline.errors import DamagedError

SUFFIX = ".record"
SEAL = "self_sha256"
CHANGED = "is damaged: its bytes are not those that were written"
FRESH_NS = 1_000_000_000
"""A file younger than this is hashed again on the next read: a change within one tick of the clock would not show."""


class Problem(NamedTuple):
    """A file that is not what was written: why, and what to do about it.

    aside: whether `gii verify --repair` moves the file out of the way, after which the remedy works.
    """

    path: Path
    says: str
    remedy: str
    aside: bool = True

    def __str__(self) -> str:
        return f"{self.path} {self.says}. {self.remedy}"


_State = tuple[int, int, int, int]
_known: dict[str, tuple[_State, str]] = {}


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes as they are now; a file that has not changed since is not read again."""
    if not isinstance(path, Path):  # an object store: nothing shows cheaply whether it is the same object
        return hashlib.sha256(path.read_bytes()).hexdigest()
    name, state = str(path.absolute()), _state(path)
    known = _known.get(name)
    if known and known[0] == state and time.time_ns() - state[3] > FRESH_NS:
        return known[1]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _known[name] = (state, digest)
    return digest


def record_of(path: Path) -> Path:
    """Where the record of a file lies."""
    return path.with_name(path.name + SUFFIX)


def recorded(path: Path) -> list[str] | None:
    """The hashes that a file's record names; None where it is missing or unreadable."""
    try:
        named = json.loads(record_of(path).read_bytes())["sha256"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return [str(sha256) for sha256 in named] if isinstance(named, list) else None


def here(path: Path) -> bool:
    """Whether a file is on this machine; where only the object store of its root has it, it is fetched first."""
    from gii_pipeline.remote import bring  # noqa: PLC0415 - it reads and writes records

    return path.exists() or bring(path)


def damage(path: Path) -> str | None:
    """Why a stored file is not what was written; None when it is."""
    if not here(path):
        return "is missing"
    for _ in range(3):  # another process may replace the file between a look at its record and one at its bytes
        named = recorded(path)
        if named is None:
            return f"has no readable record of its sha256 beside it ({record_of(path).name})"
        if sha256_of(path) in named:
            return None
        if recorded(path) == named:
            break
    return CHANGED


def check(path: Path, remedy: str) -> Path:
    """The path of a stored file whose bytes are those that were written; DamagedError with the remedy otherwise."""
    if reason := damage(path):
        raise DamagedError(f"{path} {reason}. {remedy}")
    return path


def check_hash(path: Path, sha256: str, remedy: str) -> Path:
    """The path of a file whose sha256 is known from elsewhere; DamagedError with the remedy when it has another."""
    if not here(path):
        raise DamagedError(f"{path} is missing. {remedy}")
    if sha256_of(path) != sha256:
        raise DamagedError(f"{path} {CHANGED}. {remedy}")
    return path


def read_bytes(path: Path, remedy: str) -> bytes:
    """The bytes of a stored file, compared with its record as they were read."""
    for _ in range(3):
        named = recorded(path)
        content = path.read_bytes()
        if named and hashlib.sha256(content).hexdigest() in named:
            return content
        if recorded(path) == named:
            break
    check(path, remedy)
    raise DamagedError(f"{path} changed while it was read. {remedy}")


def replace(staged: Path, target: Path) -> None:
    """Put a finished file in its place by one rename, so that at no moment its record does not know it."""
    sync(staged)
    new, old = sha256_of(staged), recorded(target) or []
    if old != [new]:
        _write_record(target, [new, *old])
    staged.replace(target)
    _write_record(target, [new])


def record(path: Path) -> None:
    """Write the record of a file that lies in its place already."""
    _write_record(path, [sha256_of(path)])


def remove(path: Path) -> None:
    """Take a stored file and its record away."""
    path.unlink(missing_ok=True)
    record_of(path).unlink(missing_ok=True)


def sealed(content: Mapping[str, Any]) -> bytes:
    """JSON as people read it, with the sha256 of all the rest in `self_sha256`, so that damage to it shows."""
    blank = as_json({**content, SEAL: ""})
    return blank.replace(_seal(""), _seal(hashlib.sha256(blank).hexdigest()))


def unsealed(content: bytes) -> dict[str, Any] | None:
    """What sealed bytes say; None where a byte of them is not as it was written."""
    try:
        said: dict[str, Any] = json.loads(content)
        blank = content.replace(_seal(said[SEAL]), _seal(""))
        return said if hashlib.sha256(blank).hexdigest() == said[SEAL] else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def as_json(content: Any) -> bytes:  # noqa: ANN401
    """JSON as people read it, the same bytes for the same content."""
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def sync(path: Path) -> None:
    """Wait until a file is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _seal(digest: str) -> bytes:
    return f'"{SEAL}": "{digest}"'.encode()


def _state(path: Path) -> _State:
    stat = path.stat()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def _write_record(path: Path, hashes: list[str]) -> None:
    target = record_of(path)
    staged = target.with_name(f".{target.name}.{os.getpid()}")
    with staged.open("w", encoding="utf-8") as file:
        json.dump({"sha256": hashes}, file)
        file.flush()
        os.fsync(file.fileno())
    staged.replace(target)
