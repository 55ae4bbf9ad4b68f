"""A shelf: what the archive holds of one source, looked up by what was asked for.

Belongs here: the index over a source's manifest, keeping something new, and finding damage.
Does not: deciding what to ask for, or connections.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from filelock import FileLock

from gii_pipeline.archive.entry import Closed, Entry, Failed, Kept, LetGo, Line
from gii_pipeline.archive.manifest import Manifest
from gii_pipeline.archive.objects import Objects
from gii_pipeline.errors import DamagedError
from gii_pipeline.remote import is_elsewhere
from gii_pipeline.verified import Problem, check_hash, sha256_of

PLEDGE = ".line"
REPAIR = "`gii verify --repair` takes the line out; what it named is fetched again."


@dataclass
class Attempt:
    """One reading of an API list, page by page. `closed` is set when it ended, well or rejected."""

    number: int
    pages: dict[int, Kept] = field(default_factory=dict)
    closed: Closed | None = None

    @property
    def complete(self) -> bool:
        return self.closed is not None and not self.closed.rejected

    @property
    def in_order(self) -> list[Kept]:
        return [self.pages[page] for page in sorted(self.pages)]


class Shelf:
    """One source's folder: the bytes, the manifest, and the index over it."""

    def __init__(self, folder: Path) -> None:
        self.objects = Objects(folder)
        self.manifest = Manifest(folder / "manifest.jsonl", self.objects.work / "manifest.lock")
        self._files: dict[tuple[str, str], Kept] = {}
        self._by_origin: dict[str, Kept] = {}
        self._lists: dict[tuple[str, str], dict[int, Attempt]] = {}
        self._let_go: dict[str, LetGo] = {}

    def read_on(self) -> None:
        """Take in what other processes have written. DamagedError when a line has changed since it was written."""
        for line in self.manifest.read_on():
            self._index(line)
        if self.manifest.broken:
            raise DamagedError(
                f"{self.manifest.path}, line {self.manifest.broken[0]}, is damaged: what it said of a kept file is "
                "lost. Run `gii verify --repair`, which takes the line out, then what you ran again."
            )

    def file(self, address: str, request: str = "") -> Kept | None:
        """The newest answer to a request that is not a page of a list, if its bytes are still there."""
        return self._whole(self.newest(address, request))

    def newest(self, address: str, request: str = "") -> Kept | None:
        """As `file`, whether or not its bytes are still there."""
        self.read_on()
        return self._files.get((address, request))

    def let_go(self, entry: Entry, at: str, why: str) -> None:
        """Delete the bytes of an entry; its line stays, and another says when and why."""
        if entry.sha256 not in self._let_go:
            self.note(LetGo(address=entry.address, sha256=entry.sha256, let_go_at=at, why=why))
        self.objects.path(entry.sha256).unlink(missing_ok=True)

    def gone(self, sha256: str) -> LetGo | None:
        """When and why the bytes of that sha256 were deleted; None where they are here, or were never let go."""
        self.read_on()
        return None if self.objects.path(sha256).is_file() else self._let_go.get(sha256)

    def local_file(self, origin: str) -> Kept | None:
        self.read_on()
        return self._whole(self._by_origin.get(origin))

    def attempts(self, listing: str, query: str) -> list[Attempt]:
        """Every reading of a list, oldest first."""
        self.read_on()
        attempts = self._lists.get((listing, query), {})
        return [attempts[number] for number in sorted(attempts)]

    def holds(self, kept: Kept) -> bool:
        return self.objects.has(kept.sha256, kept.bytes)

    def entry(self, kept: Kept) -> Entry:
        return kept.entry(self.objects.path(kept.sha256))

    def verified(self, sha256: str, data_year: str) -> Path:
        """The bytes of that sha256, as they were received; DamagedError when they are gone or have changed since."""
        return check_hash(
            self.objects.path(sha256),
            sha256,
            f"Run `gii verify --repair`, which sets it aside, then `gii ingest --years {data_year}`.",
        )

    def keep(self, staged: Path, kept: Kept) -> Entry:
        """Make finished bytes visible, then write their line.

        The line lies beside the staged bytes first: should the process be killed in between, the next one that does
        the same work (`busy`) writes it.
        """
        pledge = staged.with_suffix(PLEDGE)
        pledge.write_bytes(msgspec.json.encode(kept))
        self.objects.adopt(staged, kept.sha256)
        self.note(kept)
        pledge.unlink()
        return self.entry(kept)

    def note(self, line: Line) -> None:
        self.manifest.append(line)
        self.read_on()

    @contextmanager
    def busy(self, what: str) -> Iterator[str]:
        """Keep other processes from the same work. Gives the name of its files in `.work`."""
        name = work_name(what)
        self.objects.work.mkdir(parents=True, exist_ok=True)
        with FileLock(self.objects.work / f"{name}.lock"):
            self._redeem(self.objects.work / f"{name}{PLEDGE}")
            yield name

    def _redeem(self, pledge: Path) -> None:
        """Write the line of bytes that a killed process made visible, unless it came to that itself."""
        if not pledge.exists():
            return
        self.read_on()
        kept = _pledged(pledge)
        if kept and self.holds(kept) and kept not in self.manifest.lines:
            self.note(kept)
        pledge.unlink()

    def current(self) -> Iterator[Kept]:
        """The newest answer to every request, and of every list's pages the newest complete reading.

        Of lists under one name and data year (asked for with other filters) the one completed last.
        """
        self.read_on()
        yield from sorted(self._files.values(), key=lambda kept: (kept.data_year or 0, kept.address, kept.request))
        newest: dict[tuple[int, str], Attempt] = {}
        for (listing, _), attempts in self._lists.items():
            for attempt in attempts.values():
                if attempt.closed and attempt.complete:
                    key = (attempt.closed.data_year or 0, listing)
                    newest[key] = max(newest.get(key, attempt), attempt, key=_closed_at)
        for key in sorted(newest):
            yield from newest[key].in_order

    def problems(self) -> Iterator[Problem]:
        """Damage: changed bytes, missing files, files without a line, damaged lines."""
        list(self.manifest.read_on())
        for number in self.manifest.broken:
            yield Problem(self.manifest.path, f"has a damaged line {number}", REPAIR, aside=False)
        kept = {line.sha256: line for line in self.manifest.lines if isinstance(line, Kept)}
        pledged = {line.sha256 for line in map(_pledged, self.objects.work.glob(f"*{PLEDGE}")) if line}
        last = {line.sha256: line for line in self.manifest.lines if isinstance(line, Kept | LetGo)}
        for sha256, line in sorted(kept.items()):
            if isinstance(last[sha256], Kept) or self.objects.path(sha256).is_file():
                yield from self._damage(self.objects.path(sha256), line)
        for path in self.objects.all():
            if path.name not in kept.keys() | pledged or not self.objects.is_in_place(path):
                yield Problem(path, "is an orphan: no line of the manifest names it", "Delete it.")

    def _damage(self, path: Path, line: Kept) -> Iterable[Problem]:
        again = f"`gii ingest --years {'YEARS' if line.data_year is None else line.data_year}` gets it again."
        if not path.is_file():
            if not is_elsewhere(path):
                yield Problem(path, f"is missing ({line.address})", again, aside=False)
        elif path.stat().st_size != line.bytes:
            said = f"has {path.stat().st_size} bytes, not {line.bytes} ({line.address})"
            yield Problem(path, said, f"Once it is set aside, {again}")
        elif sha256_of(path) != line.sha256:
            said = f"is damaged: its bytes are not those that were received ({line.address})"
            yield Problem(path, said, f"Once it is set aside, {again}")

    def _whole(self, kept: Kept | None) -> Kept | None:
        return kept if kept is not None and self.holds(kept) else None

    def _index(self, line: Line) -> None:
        match line:
            case LetGo():
                self._let_go[line.sha256] = line
            case Kept(listing=None):
                self._let_go.pop(line.sha256, None)
                self._files[line.address if line.origin is None else line.origin, line.request] = line
                if line.origin is not None:
                    self._by_origin[line.origin] = line
            case Kept():
                self._attempt(line).pages[line.page] = line
            case Closed():
                self._attempt(line).closed = line
            case Failed():
                pass

    def _attempt(self, line: Kept | Closed) -> Attempt:
        attempts = self._lists.setdefault((line.listing or "", line.query), {})
        return attempts.setdefault(line.attempt, Attempt(line.attempt))


def work_name(what: str) -> str:
    """The name in `.work` of the files of one piece of work."""
    return hashlib.sha256(what.encode()).hexdigest()[:32]


def _pledged(pledge: Path) -> Kept | None:
    try:
        return msgspec.json.decode(pledge.read_bytes(), type=Kept)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _closed_at(attempt: Attempt) -> str:
    return attempt.closed.closed_at if attempt.closed else ""
