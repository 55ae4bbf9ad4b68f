"""A working copy: a folder of this machine that is a root like any other, and knows the bucket that it is a copy of.

Belongs here: which files change together, bringing what others published, publishing what was made here, and fetching
a file when it is first read. Does not: how objects and pointers are stored (see `bucket`).

A group is published by one pointer: a table's data year, all tables of an edition, a pinned list, the extracts of a
reader, the manifest of a source. Objects go up before the pointer that names them, and groups in the order in which
they are made of each other. Where another run has replaced a pointer, files that only this run changed are added to it;
of a file that both changed, the published one stays.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path, PurePosixPath

from filelock import FileLock

from gii_pipeline import scratch, verified
from gii_pipeline.errors import DamagedError, TransientError
from gii_pipeline.remote.bucket import SCHEME, Bucket, Named, Pointer

logger = logging.getLogger(__name__)

HIDDEN = ".remote"
"""The folder of a working copy that has its address and what was last seen of the bucket."""
UPSTREAM_FIRST = ("archive", "raw", "extracts", "core", "quarantine", "editions")
LAZY = ("archive", "extracts")
"""What is fetched when it is read; of the other folders all files are here."""
TOGETHER = ("core", "editions")
"""Folders in which the files of a group are one: where two runs changed some of them, one of the runs has lost."""
LAST_WINS = ("quarantine",)
MANIFEST = "manifest.jsonl"
MOST_BATCHES = 100
AT_ONCE = 8
NOTE = ".made"
_INCOMING = re.compile(r"incoming-(\d+)-[0-9a-f]+")


class WorkingCopy:
    """A folder, and the bucket that it is a copy of."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hidden = root / HIDDEN
        self.address = (self.hidden / "address").read_text(encoding="utf-8").strip()
        self.bucket = Bucket(self.address)

    @classmethod
    def made(cls, address: str, root: Path | None = None, *, files: bool = True) -> WorkingCopy:
        """The working copy of an address on this machine, up to date. root: where it lies, if not with the others."""
        bucket = Bucket(address)
        root = root or _folder_of(bucket.address)
        (root / HIDDEN / "pointers").mkdir(parents=True, exist_ok=True)
        _write(root / HIDDEN / "address", bucket.address.encode())
        found = cls(root)
        found.pull(files=files)
        return found

    @classmethod
    def at(cls, root: Path) -> WorkingCopy | None:
        """The working copy that a root is; None for a root of its own."""
        return cls(root) if (root / HIDDEN / "address").is_file() else None

    @classmethod
    def of(cls, path: Path) -> WorkingCopy | None:
        """The working copy that a path lies in; None where it lies in a root of its own."""
        return next((copy for folder in (path, *path.parents) if (copy := cls.at(folder))), None)

    def pull(self, *, files: bool = True) -> None:
        """Bring what others have published since; a file that was changed here and there is that of the bucket.

        files: whether files are brought here too. Without them what is damaged stops nothing.
        """
        with self._alone():
            etags = self.bucket.etags()
            for group in self.published().keys() - etags.keys():  # a pointer that a person deleted
                (self.hidden / "pointers" / f"{group}.json").unlink()
            for group in sorted(etags, key=_order, reverse=True):  # what is made of others first: those are newer
                known = self._known(group)
                with contextlib.nullcontext() if files else contextlib.suppress(DamagedError):
                    if known.etag != etags[group]:
                        self._adopt(group, self.bucket.read(group, etags[group]), files=files)
                    elif files and group.partition("/")[0] not in LAZY:
                        self._adopt(group, known)

    def push(self) -> None:
        """Publish what was made here since. TransientError where another run has published other content."""
        with self._alone():
            for manifest in sorted((self.root / "archive").glob(f"*/{MANIFEST}")):
                self._push_manifest(manifest)
            mine = self._files()
            for group in sorted(mine, key=_order):
                self._push(group, mine[group])

    def fetch(self, path: Path) -> bool:
        """Bring one file, where the bucket has it. DamagedError where it is not what was stored."""
        inside = path.relative_to(self.root).as_posix()
        if inside.startswith("archive/"):
            size = self._archived(path.parent.parent.name).get(path.name)
            named = None if size is None else Named(path.name, size)
        else:
            named = next(iter(self._known(_group(inside)).files.get(inside, ())), None)
        if named is None:
            return False
        self._get(inside, named)
        return True

    def holds(self, path: Path) -> bool:
        """Whether the bucket has the bytes of an archived file."""
        return path.is_relative_to(self.root / "archive") and path.name in self._archived(path.parent.parent.name)

    def forget(self, paths: Iterable[Path]) -> None:
        """Take files out of what is published, and away from here; their objects are for `gii clean --objects`."""
        groups: dict[str, set[str]] = {}
        for path in paths:
            inside = path.relative_to(self.root).as_posix()
            groups.setdefault(_group(inside), set()).add(inside)
            verified.remove(path)
        with self._alone():
            for group, gone in groups.items():
                while True:
                    theirs = self.bucket.read(group)
                    left = {name: parts for name, parts in theirs.files.items() if name not in gone}
                    done = self.bucket.swap(group, theirs, left) if left != theirs.files else theirs
                    if done:
                        self._adopt(group, done)
                        break

    def publish_whole(self, manifest: Path) -> None:
        """Publish the lines of a source's manifest again as one object, in place of batches that are damaged.

        DamagedError where this machine has not read all of them before.
        """
        group, inside = f"archive/{manifest.parent.name}", manifest.relative_to(self.root).as_posix()
        with self._alone():
            content, done = b"".join(self._lines(manifest.parent.name)), None
            while not done:
                theirs = self.bucket.read(group)
                if theirs.objects - self._known(group).objects:
                    raise DamagedError(
                        f"{inside} in {self.address} has damaged lines that this machine never read. Run `gii verify "
                        "--repair` on a machine that has worked with the root before."
                    )
                done = self.bucket.swap(group, theirs, {inside: (self.bucket.put(content),)})
            self._know(group, done)

    def published(self) -> dict[str, Pointer]:
        """Group -> what was last seen of its pointer."""
        folder = self.hidden / "pointers"
        names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.json"))]
        return {name.removesuffix(".json"): self._known(name.removesuffix(".json")) for name in names}

    def archived(self) -> dict[Path, Named]:
        """The bytes that published manifests name, by where they lie here when they were fetched."""
        return {
            self.root / "archive" / source.stem / sha256[:2] / sha256: Named(sha256, size)
            for source in sorted((self.hidden / "archive").glob("*.jsonl"))
            for sha256, size in self._archived(source.stem).items()
        }

    def _push(self, group: str, mine: Mapping[str, Named]) -> None:
        before = theirs = self._known(group)
        changed = {name: (named,) for name, named in mine.items() if before.files.get(name) != (named,)}
        folder = group.partition("/")[0]
        while changed:
            others = {name for name in changed if theirs.files.get(name) not in (before.files.get(name), changed[name])}
            if folder in TOGETHER and theirs.files != before.files:
                others |= {name for name in changed if theirs.files.get(name) != changed[name]}
            if others and folder not in LAST_WINS:
                self._adopt(group, theirs)
                raise TransientError(
                    f"Another run has published {_title(group)} under {self.address} while this one was at work, with "
                    f"other content. What it published stays. Run the same command again, which begins from there."
                )
            wanted = {**theirs.files, **changed}
            known = theirs.objects
            self._upload({self.root / name: mine[name] for name in changed if mine[name] not in known})
            done = self.bucket.swap(group, theirs, wanted) if wanted != theirs.files else theirs
            if done:
                seen = {**before.files, **changed}  # what others added is brought by the next pull, which then looks
                self._know(group, Pointer(seen, done.etag if seen == done.files else ""))
                break
            theirs = self.bucket.read(group)

    def _adopt(self, group: str, theirs: Pointer, *, files: bool = True) -> None:
        """Bring a group as it is published. What was made here and not published stays where nobody else changed it."""
        if group.startswith("archive/"):
            self._adopt_manifest(group, theirs)
            return
        before, wanted = self._known(group), {}
        for name in sorted({*theirs.files, *before.files}):
            here = self._here(self.root / name)
            new, old = (pointer.files.get(name, (None,))[0] for pointer in (theirs, before))
            if here not in (None, new, old) and new == old:
                continue
            if here not in (None, new):
                if here != old:
                    logger.warning("%s was changed here and by another run, which published first: theirs stays", name)
                verified.remove(self.root / name)
            if files and new and new != here and group.partition("/")[0] not in LAZY:
                wanted[name] = new
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._get, wanted, wanted.values()))
        self._know(group, theirs)

    def _get(self, inside: str, named: Named) -> None:
        path, staged = self.root / inside, self._incoming()
        try:
            self.bucket.download(named, staged, inside)
            path.parent.mkdir(parents=True, exist_ok=True)
            if inside.startswith("archive/"):
                staged.chmod(0o444)
            if inside.startswith("archive/") or inside.endswith(NOTE):
                staged.replace(path)
            else:
                verified.replace(staged, path)
        finally:
            staged.unlink(missing_ok=True)

    def _upload(self, files: Mapping[Path, Named]) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.bucket.upload, files, files.values()))

    def _push_manifest(self, manifest: Path) -> None:
        """Publish the lines that the bucket lacks as one object, and before them the bytes that they name."""
        from gii_pipeline.archive.manifest import Manifest  # noqa: PLC0415 - it asks this module for bytes

        source, inside = manifest.parent.name, manifest.relative_to(self.root).as_posix()
        group, lines = f"archive/{source}", Manifest.lines_in(manifest.read_bytes())
        theirs = self._known(group)
        while True:
            published = self._lines(source)
            new = [raw for raw in lines if raw not in published]
            if not new:
                return
            kept = {
                manifest.parent / each[:2] / each: Named(each, size) for each, size in Manifest.kept_by(new).items()
            }
            self._upload({path: named for path, named in kept.items() if path.is_file()})
            batches = theirs.files.get(inside, ())
            if len(batches) >= MOST_BATCHES:
                batches, new = (), [*published, *new]
            done = self.bucket.swap(group, theirs, {inside: (*batches, self.bucket.put(b"".join(new)))})
            if done:
                self._know_lines(source, {**published, **dict.fromkeys(new)})
                self._know(group, done)
                return
            theirs = self.bucket.read(group)
            self._adopt_manifest(group, theirs)

    def _adopt_manifest(self, group: str, theirs: Pointer) -> None:
        """Add the lines that others have published to those of this machine."""
        from gii_pipeline.archive.manifest import Manifest  # noqa: PLC0415

        source, before = group.partition("/")[2], self._known(group).objects
        published = self._lines(source)
        for name, batches in theirs.files.items():
            for batch in batches:
                if batch not in before:
                    staged = self._incoming()
                    self.bucket.download(batch, staged, name)
                    published |= dict.fromkeys(staged.read_bytes().splitlines(keepends=True))
                    staged.unlink()
            folder = self.root / "archive" / source
            Manifest(self.root / name, folder / ".work" / "manifest.lock").adopt(published)
        self._know_lines(source, published)
        self._know(group, theirs)

    def _files(self) -> dict[str, dict[str, Named]]:
        """Group -> the files that lie here whole, by their path in the root."""
        found: dict[str, dict[str, Named]] = {}
        for folder in UPSTREAM_FIRST[1:]:
            for path in sorted((self.root / folder).rglob("*")):
                if path.suffix != verified.SUFFIX and (here := self._here(path)):
                    inside = path.relative_to(self.root).as_posix()
                    found.setdefault(_group(inside), {})[inside] = here
        return found

    def _here(self, path: Path) -> Named | None:
        """What a file of this machine is by its record; None for one that is not there, or that is not whole yet."""
        try:
            size = path.stat().st_size
            if path.name.endswith(NOTE):
                return Named(hashlib.sha256(path.read_bytes()).hexdigest(), size)
            named = verified.recorded(path)
            return Named(named[0] if len(named) == 1 else verified.sha256_of(path), size) if named else None
        except (FileNotFoundError, IsADirectoryError):
            return None

    def _known(self, group: str) -> Pointer:
        """What was last seen of a group's pointer."""
        path = self.hidden / "pointers" / f"{group}.json"
        try:
            about = path.stat()
        except FileNotFoundError:
            return Pointer({})
        return _read_known(path, about.st_mtime_ns, about.st_ino)

    def _know(self, group: str, seen: Pointer) -> None:
        _write(self.hidden / "pointers" / f"{group}.json", seen.etag.encode() + b"\n" + seen.content())

    def _lines(self, source: str) -> dict[bytes, None]:
        """The lines of a source's manifest that are published, in their order."""
        path = self.hidden / "archive" / f"{source}.jsonl"
        return dict.fromkeys(path.read_bytes().splitlines(keepends=True)) if path.is_file() else {}

    def _know_lines(self, source: str, lines: Iterable[bytes]) -> None:
        _write(self.hidden / "archive" / f"{source}.jsonl", b"".join(lines))

    def _archived(self, source: str) -> dict[str, int]:
        """The sha256 and size of all bytes that a source's published lines name and none lets go."""
        path = self.hidden / "archive" / f"{source}.jsonl"
        return _kept_by(path, path.stat().st_mtime_ns) if path.is_file() else {}

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Of the processes of this machine, one at a time brings or publishes."""
        with FileLock(self.hidden / "lock"):
            for left in scratch.abandoned(self.hidden, _INCOMING):
                left.unlink(missing_ok=True)
            yield

    def _incoming(self) -> Path:
        """A new name for a file on its way."""
        return self.hidden / f"incoming-{os.getpid()}-{secrets.token_hex(8)}"


def _group(inside: str) -> str:
    """What a file of the root is published with: its folder, or for a table of an edition the edition."""
    folder, *rest = str(PurePosixPath(inside).parent).split("/")
    return "/".join([folder, *(rest[1:] if folder == "editions" else rest)])


def _order(group: str) -> tuple[int, str]:
    folder = group.partition("/")[0]
    return UPSTREAM_FIRST.index(folder) if folder in UPSTREAM_FIRST else len(UPSTREAM_FIRST), group


def _title(group: str) -> str:
    """A group as a person calls it: `core/patents/data_year=2020` -> core table patents, data_year=2020."""
    folder, *rest = group.split("/")
    return " ".join(
        [{"core": "core table", "editions": "the tables of", "raw": "the input list"}.get(folder, folder), *rest]
    )


def _folder_of(address: str) -> Path:
    """Where the working copy of an address lies: under GII_COPIES, or the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gii" / "roots"
    plain = re.sub(r"[^A-Za-z0-9]+", "-", address.removeprefix(SCHEME)).strip("-")
    name = f"{plain}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"
    return Path(os.environ.get("GII_COPIES") or cache).absolute() / name


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.write_bytes(content)
    staged.replace(path)


@lru_cache(maxsize=4096)
def _read_known(path: Path, changed: int, number: int) -> Pointer:
    del changed, number
    etag, _, content = path.read_bytes().partition(b"\n")
    return Pointer.read(content, str(path), etag.decode())


@lru_cache(maxsize=64)
def _kept_by(path: Path, changed: int) -> dict[str, int]:
    from gii_pipeline.archive.manifest import Manifest  # noqa: PLC0415

    del changed
    return Manifest.kept_by(path.read_bytes().splitlines(keepends=True))
