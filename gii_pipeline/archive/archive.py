"""The archive: raw bytes as received, found again by what was requested.

Belongs here: keeping local files, finding entries, the damage report, and when an entry may stand in for a fetch.
Does not: connections (`http`, `download`, `listing`), or what to ask a source for.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from gii_pipeline.archive.client import CLIENT
from gii_pipeline.archive.entry import Entry, Failed, Kept
from gii_pipeline.archive.objects import chunks
from gii_pipeline.archive.pacing import Clock
from gii_pipeline.archive.shelf import Shelf
from gii_pipeline.errors import InputError
from gii_pipeline.verified import Problem, sha256_of

RACY_NS = 2_000_000_000
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_WILDCARD = re.compile(r"[*?]")


class Archive:
    """Everything received, under `<root>/archive/<source>/`, and one manifest a source.

    offline: use only what is here; what is missing is an InputError.
    refresh: ask again for what is here already; the old entries stay in the manifest. since: when the refresh began
    (ISO 8601, UTC), for a run that opens the archive several times; what was fetched after it is not asked for again.
    max_disk: the most bytes of one fetched file; None is bounded by the free disk alone.
    resume: the command that a message shows people to run; `{years}` stands for the data year.
    """

    def __init__(
        self,
        root: Path,
        *,
        offline: bool = False,
        refresh: bool = False,
        since: str | None = None,
        resume: str = "gii ingest --years {years}",
        clock: Clock | None = None,
        max_disk: int | None = None,
    ) -> None:
        if offline and refresh:
            raise InputError("--offline and --refresh cannot be combined: choose one.")
        self.folder = Path(root) / "archive"
        self.offline = offline
        self.refresh = refresh
        self.clock = clock or Clock()
        self.max_disk = max_disk
        self._since = since or self.clock.timestamp()
        self._resume = resume
        self._shelves: dict[str, Shelf] = {}

    def __getstate__(self) -> dict[str, object]:
        """Another process reads the manifests itself."""
        return {**vars(self), "_shelves": {}}

    def elsewhere(self, root: Path) -> Archive:
        """An archive with the same settings under another root."""
        found = copy.copy(self)
        found.folder = root / "archive"
        return found

    def shelf(self, source: str) -> Shelf:
        if not _NAME.fullmatch(source):
            raise InputError(f"{source!r} is not a valid name of a source: use letters, digits, `_` and `-`.")
        if source not in self._shelves:
            self._shelves[source] = Shelf(self.folder / source)
        return self._shelves[source]

    def sources(self) -> list[str]:
        """The sources that something is kept of."""
        return sorted(path.parent.name for path in self.folder.glob("*/manifest.jsonl"))

    def resume_command(self, data_year: int | None) -> str:
        return self._resume.replace("{years}", "<years>" if data_year is None else str(data_year))

    def note_failure(self, source: str, address: str, status: int, reason: str) -> None:
        """Write into the manifest that an answer was not data."""
        self.shelf(source).note(Failed(address=address, failed_at=self.clock.timestamp(), status=status, reason=reason))

    def usable(self, retrieved_at: str) -> bool:
        """Whether something that is here already may be used: not under `refresh`, unless this run fetched it."""
        return not self.refresh or retrieved_at >= self._since

    def entries(self, source: str | None = None, *, data_year: int | None = None) -> list[Entry]:
        """What is current: the newest answer to every request, and the pages of complete lists only.

        data_year: only what was requested that year or serves every year. Sorted by source, data year and address;
        pages in the order of their list.
        """
        sources = self.sources() if source is None else [source]
        return [
            self.shelf(name).entry(kept)
            for name in sources
            for kept in self.shelf(name).current()
            if data_year is None or kept.data_year in (None, data_year)
        ]

    def keep_files(self, source: str, pattern: Path, *, licence: str = "") -> list[Entry]:
        """Keep copies of local files: one by its path, or by a pattern all that fit (`wos/2023-*.txt`), by name.

        Offline, a pattern that fits nothing gives the kept files whose names fit.
        """
        if not _WILDCARD.search(pattern.name):
            return [self.keep_file(source, pattern, licence=licence)]
        if found := sorted(path for path in pattern.parent.glob(pattern.name) if path.is_file()):
            return [self.keep_file(source, path, licence=licence) for path in found]
        shelf = self.shelf(source)
        kept = {Path(k.origin).name: k for k in shelf.current() if k.origin and Path(k.origin).match(pattern.name)}
        if not (self.offline and kept):
            raise InputError(f"No file matches {pattern}. Correct it in the profile's entry for `{source}`.")
        return [shelf.entry(kept[name]) for name in sorted(kept)]

    def keep_file(self, source: str, path: Path, *, licence: str = "", data_year: int | None = None) -> Entry:
        """Keep a copy of a local file. One that has not changed since gives its entry, without reading it again."""
        shelf = self.shelf(source)
        if self.offline and not Path(path).is_file():
            return shelf.entry(shelf.local_file(_origin(path)) or self._moved(source, Path(path)))
        if not Path(path).is_file():
            raise InputError(f"{path} is not a file. Name a file that exists in the profile's entry for `{source}`.")
        if unchanged := _unchanged(shelf, Path(path)):
            return shelf.entry(unchanged)
        return self._copy(shelf, source, Path(path), licence=licence, data_year=data_year)

    def verify(self, progress: Callable[[str], None] = lambda _: None) -> list[Problem]:
        """Read every kept byte again. Returns what is wrong, an empty list when all is well."""
        return list(self._problems(progress))

    def _problems(self, progress: Callable[[str], None]) -> Iterator[Problem]:
        for path in sorted(self.folder.glob("*/")):
            progress(path.name)
            yield from Shelf(path).problems()

    def _copy(self, shelf: Shelf, source: str, path: Path, *, licence: str, data_year: int | None) -> Entry:
        with shelf.busy(_origin(path)) as name:
            if unchanged := _unchanged(shelf, path):
                return shelf.entry(unchanged)
            before = path.stat()
            with path.open("rb") as file:
                staged, sha256, size = shelf.objects.write(f"{name}.part", chunks(file))
            after = path.stat()
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                raise InputError(f"{path} changed while it was read. Run again when nothing writes to it.")
            kept = Kept(
                source=source,
                address=f"file:{path.name}",
                retrieved_at=self.clock.timestamp(),
                bytes=size,
                sha256=sha256,
                licence=licence,
                client=CLIENT,
                data_year=data_year,
                origin=_origin(path),
                mtime_ns=after.st_mtime_ns,
            )
            return shelf.keep(staged, kept)

    def _moved(self, source: str, path: Path) -> Kept:
        """The entry of a file that is gone from its place: the one kept file of that name."""
        shelf = self.shelf(source)
        found = {
            kept.sha256: kept
            for kept in shelf.current()
            if kept.origin and Path(kept.origin).name == path.name and shelf.holds(kept)
        }
        if len(found) != 1:
            raise InputError(
                f"{path} does not exist, and the archive of `{source}` does not have exactly one file of that name. "
                f"Restore the file and run `{self.resume_command(None)}` without --offline."
            )
        return next(iter(found.values()))


def _origin(path: Path) -> str:
    return str(Path(path).absolute())


def _unchanged(shelf: Shelf, path: Path) -> Kept | None:
    """The entry of a local file that is what it was when it was kept."""
    known = shelf.local_file(_origin(path))
    return known if known and _is_same(known, path) else None


def _is_same(kept: Kept, path: Path) -> bool:
    """As git decides: by size and time of change, by content only when it was kept right after a change."""
    stat = path.stat()
    if (stat.st_size, stat.st_mtime_ns) != (kept.bytes, kept.mtime_ns):
        return False
    return _nanoseconds(kept.retrieved_at) - stat.st_mtime_ns > RACY_NS or sha256_of(path) == kept.sha256


def _nanoseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1e9)
