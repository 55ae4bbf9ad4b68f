"""A bucket: objects under the sha256 of their content, and pointers that are replaced by compare-and-set.

Belongs here: the layout below `objects/` and `pointers/`, conditional puts, and one clear error for a store that does
not answer. Does not: which files are one group, or the working copy of a machine (see `working_copy`).

An object is never changed. A pointer names the files of one group; it is created with `If-None-Match: *` and replaced
with `If-Match`, so that of two runs one wins and the other knows. Nothing depends on a lease or a clock.
"""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from gii_pipeline.errors import DamagedError, InputError, TransientError
from gii_pipeline.verified import sealed, unsealed

SCHEME = "s3://"
OBJECTS, POINTERS = "objects", "pointers"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SMALL = 8 << 20
"""Bytes: less is read at once."""


class Named(NamedTuple):
    """An object: the sha256 of its content, and its size."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Pointer:
    """The files of a group: path under the root -> the objects that the file is, one after the other.

    etag: of the pointer as it was read; empty where there is none.
    """

    files: Mapping[str, tuple[Named, ...]]
    etag: str = ""

    @property
    def objects(self) -> set[Named]:
        return {named for parts in self.files.values() for named in parts}

    def content(self) -> bytes:
        """The pointer as it is stored."""
        files = {path: [named._asdict() for named in parts] for path, parts in sorted(self.files.items())}
        return sealed({"files": files})

    @classmethod
    def read(cls, content: bytes, where: str, etag: str = "") -> Pointer:
        """A stored pointer. DamagedError where a byte of it is not as it was written."""
        said = unsealed(content)
        if said is None:
            raise DamagedError(
                f"{where} is damaged: its bytes are not those that were written. Restore an earlier version of this "
                "object from the bucket's history, or delete it: what it named is then made again."
            )
        files = {path: tuple(Named(**named) for named in parts) for path, parts in said["files"].items()}
        _refuse_outside(files, where)
        return cls(files, etag)


class Stored(NamedTuple):
    """An object as the bucket lists it."""

    bytes: int
    modified: datetime


class Bucket:
    """What lies under an address, as `s3://clusters/gii_data`. Raises TransientError where it cannot be reached."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        if not re.match(rf"{SCHEME}[^/]", self.address):
            raise InputError(
                f"The root {address!r} is not an address that a root can have. A root is a folder, or lies in a bucket "
                f"that speaks the S3 protocol: {SCHEME}BUCKET/PATH."
            )
        self._base = self.address.removeprefix(SCHEME)

    @cached_property
    def _fs(self) -> Any:  # noqa: ANN401 - s3fs has no types
        try:
            import s3fs  # noqa: PLC0415
        except ImportError:
            raise InputError(
                f"The root {self.address} lies on an object store. Install the extra `s3`: pip install "
                "'gii-pipeline[s3]'."
            ) from None
        return s3fs.S3FileSystem(use_listings_cache=False)

    def etags(self) -> dict[str, str]:
        """Group -> the ETag of its pointer now."""
        listed = {name: about for name, about in self._listed(POINTERS).items() if name.endswith(".json")}
        _refuse_outside(listed, self._key(POINTERS, ""))
        return {name.removesuffix(".json"): about["ETag"] for name, about in listed.items()}

    def read(self, group: str, etag: str | None = None) -> Pointer:
        """A group's pointer, and one without files where there is none. etag: of a pointer just listed.

        The content may be newer than the ETag, never older: who replaces it by that ETag then fails, and reads again.
        """
        key = self._key(POINTERS, f"{group}.json")
        with self._told(f"read the pointer of {group}"):
            try:
                etag = etag or str(self._fs.info(key)["ETag"])
                content: bytes = self._fs.cat_file(key)
            except FileNotFoundError:
                return Pointer({})
        return Pointer.read(content, f"{SCHEME}{key}", etag)

    def swap(self, group: str, old: Pointer, files: Mapping[str, tuple[Named, ...]]) -> Pointer | None:
        """Replace a group's pointer, unless another run has replaced it since `old` was read; None then."""
        condition = {"IfMatch": old.etag} if old.etag else {"IfNoneMatch": "*"}
        content = Pointer(files).content()
        with self._told(f"replace the pointer of {group}"):
            try:
                answer = self._fs.pipe_file(self._key(POINTERS, f"{group}.json"), content, **condition)
            except FileNotFoundError:  # it was deleted
                return None
            except OSError as error:
                if not _refused(error):
                    raise
                return None
        return Pointer(files, str(answer["ETag"]))

    def upload(self, path: Path, named: Named) -> None:
        """Store a file whose content is that of the object; DamagedError where it has changed meanwhile."""
        content = path.read_bytes() if named.bytes < SMALL else None
        digest = hashlib.sha256(content).hexdigest() if content is not None else _sha256(path)
        if digest != named.sha256:
            raise DamagedError(
                f"{path} is damaged: its bytes are not those that were written. Run `gii verify --repair`, then what "
                "you ran again."
            )
        with self._told(f"store {path}"):
            if content is not None:
                self._fs.pipe_file(self._object(named), content)
            else:
                self._fs.put_file(str(path), self._object(named))

    def put(self, content: bytes) -> Named:
        """Store bytes as an object."""
        named = Named(hashlib.sha256(content).hexdigest(), len(content))
        with self._told("store an object"):
            self._fs.pipe_file(self._object(named), content)
        return named

    def download(self, named: Named, into: Path, what: str) -> None:
        """Write an object, which is the file `what`, to a new file. DamagedError where it is missing or damaged."""
        with self._told(f"fetch {what}"):
            try:
                self._fs.get_file(self._object(named), str(into))
            except FileNotFoundError:
                raise self._damaged(named, what, "is missing") from None
        if _sha256(into) != named.sha256:
            into.unlink()
            raise self._damaged(named, what, "is damaged: its bytes are not those that were written")

    def damage(self, named: Named) -> str:
        """Why an object is not what was stored, read as a whole; empty where it is."""
        digest = hashlib.sha256()
        with self._told("read an object"):
            try:
                with self._fs.open(self._object(named), "rb") as file:
                    while chunk := file.read(SMALL):
                        digest.update(chunk)
            except FileNotFoundError:
                return "is missing"
        return "" if digest.hexdigest() == named.sha256 else "is damaged: its bytes are not those that were written"

    def objects(self) -> dict[str, Stored]:
        """Every object that lies in the bucket, by sha256, whether or not a pointer names it."""
        listed = self._listed(OBJECTS)
        return {name.rpartition("/")[2]: Stored(about["size"], about["LastModified"]) for name, about in listed.items()}

    def remove(self, sha256: str) -> None:
        """Delete an object that no pointer names."""
        with self._told("delete an object"):
            self._fs.rm_file(self._object(Named(sha256, 0)))

    def where(self, named: Named) -> str:
        """The address of an object."""
        return f"{SCHEME}{self._object(named)}"

    def _listed(self, folder: str) -> dict[str, Any]:
        base = self._key(folder, "")
        with self._told(f"list {folder}"):
            found = self._fs.find(base, detail=True)
        return {name.removeprefix(base): about for name, about in found.items()}

    def _object(self, named: Named) -> str:
        return self._key(OBJECTS, f"{named.sha256[:2]}/{named.sha256}")

    def _key(self, folder: str, name: str) -> str:
        return f"{self._base}/{folder}/{name}"

    def _damaged(self, named: Named, what: str, says: str) -> DamagedError:
        return DamagedError(f"{self.where(named)}, which is {what}, {says}. Run `gii verify --repair` on the root.")

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        """Turn what the store or its client raises into one error with the address."""
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415

        try:
            yield
        except (OSError, BotoCoreError) as error:
            if isinstance(error, OSError) and error.errno in FULL:  # the disk of this machine
                raise
            raise TransientError(
                f"Cannot {doing} under {self.address}: {error}. Check the address, the network and the credentials "
                "(AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or what else your store gives), then run "
                "the same command again. What was published before is as it was."
            ) from error


def _refuse_outside(names: Iterable[str], where: str) -> None:
    """DamagedError for a name that would be a file outside the working copy."""
    for name in names:
        if not PurePosixPath(name).parts or name.startswith("/") or {"..", "\\"} & {*name.split("/"), *name}:
            raise DamagedError(
                f"{where} names {name!r}, which does not lie under a root. No run writes such a name: find out who "
                "did, and delete it."
            )


def _refused(error: OSError) -> bool:
    """Whether a store refused a put for its condition: as s3fs puts it, or while another put of that name goes on."""
    codes = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409")
    answer = getattr(error.__cause__, "response", {})
    return isinstance(error, FileExistsError) or answer.get("Error", {}).get("Code") in codes


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
