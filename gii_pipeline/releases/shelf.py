"""Versions: what a release is called, which ones are under a root, which is the latest, which are withdrawn.

Belongs here: names, the listing of `releases/`, `latest.json`, the markers in `releases/withdrawn/` and
`releases/embargoed/`.
Does not: what is inside a version.

A version is named after its edition: `v2025.1`, `v2025.2`, …; an edition under another edition's method, as
`2024@2025`, is `v2024-m2025.1`. It exists when its `datapackage.json` does, because that file is written last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import total_ordering
from typing import Any

from gii_pipeline.errors import InputError, ReleaseError
from gii_pipeline.releases.storage import Folder, folder, names_in, put, read_bytes, refresh, storage_errors
from gii_pipeline.verified import SEAL, sealed, unsealed

PACKAGE = "datapackage.json"
LATEST = "latest"
POINTER = "latest.json"
_NAME = re.compile(r"v(\d{4})(?:-m(\d{4}))?\.([1-9]\d*)")
_LABEL = re.compile(r"(\d{4})(?:@(\d{4}))?")


@total_ordering
@dataclass(frozen=True)
class Version:
    """The name of a release, taken apart. Sorts by edition; an edition's own method comes last, as the newest does."""

    edition: int
    method: int
    revision: int

    @classmethod
    def parse(cls, name: str) -> Version:
        """`v2025.1` or `v2024-m2025.1`; InputError for anything else.

        >>> str(Version.parse("v2024-m2025.3").next())
        'v2024-m2025.4'
        """
        if not (match := _NAME.fullmatch(name)):
            raise InputError(f"{name!r} is not a version. Versions are called v2025.1, or v2024-m2025.1 for 2024@2025.")
        edition, method, revision = match.groups()
        return cls(int(edition), int(method or edition), int(revision))

    @classmethod
    def first(cls, label: str) -> Version:
        """The first version of an edition's label: `2024@2025` -> v2024-m2025.1."""
        if not (match := _LABEL.fullmatch(label)):
            raise InputError(f"{label!r} is not an edition. Write 2025, or 2024@2025 for 2024 with the method of 2025.")
        edition, method = match.groups()
        return cls(int(edition), int(method or edition), 1)

    def next(self) -> Version:
        return Version(self.edition, self.method, self.revision + 1)

    @property
    def own_method(self) -> bool:
        return self.edition == self.method

    @property
    def label(self) -> str:
        return str(self.edition) if self.own_method else f"{self.edition}@{self.method}"

    def _order(self) -> tuple[int, bool, int, int]:
        return self.edition, self.own_method, self.method, self.revision

    def __lt__(self, other: Version) -> bool:
        return self._order() < other._order()

    def __str__(self) -> str:
        return f"v{self.label.replace('@', '-m')}.{self.revision}"


@dataclass(frozen=True)
class Listed:
    """A complete version under a root.

    withdrawn: why it was withdrawn, or None. discarded: it never got its tables. embargo: the day from which on it may
    be published (ISO 8601), or None where it always may.
    """

    version: Version
    withdrawn: str | None
    discarded: bool = False
    embargo: str | None = None

    def current(self, day: str) -> bool:
        """Whether a reader may be given it on a day: neither withdrawn nor under an embargo then."""
        return self.withdrawn is None and (self.embargo is None or self.embargo <= day)


def releases_folder(root: Folder) -> Folder:
    return folder(root) / "releases"


def version_folder(root: Folder, version: Version) -> Folder:
    return releases_folder(root) / str(version)


def versions(root: Folder | str) -> list[Listed]:
    """Every complete version under `root`, oldest edition first, withdrawn ones included."""
    shelf = releases_folder(folder(root))
    refresh(shelf)
    with storage_errors("list the releases under", root):
        whole = [version for version in _begun(shelf) if (shelf / str(version) / PACKAGE).exists()]
        withdrawals, embargoes = (_markers(shelf / kind) for kind in ("withdrawn", "embargoed"))
    said = [(version, withdrawals.get(str(version), {}), embargoes.get(str(version), {})) for version in whole]
    return [
        Listed(version, gone.get("because"), gone.get("discarded", False), waits.get("until"))
        for version, gone, waits in said
    ]


def _markers(folder: Folder) -> dict[str, dict[str, Any]]:
    """Version -> what its marker in a folder says."""
    names = [name for name in names_in(folder) if name.endswith(".json")]
    return {name.removesuffix(".json"): _marker(folder / name) for name in names}


def unfinished(root: Folder) -> list[Version]:
    """Versions without a data package: a copy or an upload that stopped halfway or is still running."""
    shelf = releases_folder(root)
    refresh(shelf)
    return [version for version in _begun(shelf) if not (shelf / str(version) / PACKAGE).exists()]


def withdrawn(root: Folder, version: Version) -> str | None:
    """Why `version` was withdrawn, or None."""
    try:
        return str(_marker(marker_of(root, version)).get("because", ""))
    except FileNotFoundError:
        return None


def embargo(root: Folder, version: Version) -> str | None:
    """The day from which on `version` may be published, or None."""
    try:
        return str(_marker(embargo_of(root, version))["until"])
    except FileNotFoundError:
        return None


def today() -> str:
    """The day, by the world's clock: an embargo ends everywhere at once."""
    return datetime.now(UTC).date().isoformat()


def _marker(path: Folder) -> dict[str, Any]:
    """What a marker says; a version whose marker is damaged stays withdrawn until somebody looks."""
    said = unsealed(read_bytes(path))
    if said is None:
        raise _broken(path)
    return said


def _broken(path: Folder) -> ReleaseError:
    version = path.name.removesuffix(".json")
    if path.parent.name == "embargoed":
        return ReleaseError(
            f"{path} is damaged: it contains the embargo date of {version}. Delete it, then run "
            f"`gii release embargo {version} --until DATE` again."
        )
    return ReleaseError(
        f"{path} is damaged: it contains the reason why {version} was withdrawn or discarded. Delete it, then run "
        f"`gii release withdraw {version} --because REASON` (or `gii release discard {version}`) again."
    )


def marker_of(root: Folder, version: Version) -> Folder:
    return releases_folder(root) / "withdrawn" / f"{version}.json"


def embargo_of(root: Folder, version: Version) -> Folder:
    return releases_folder(root) / "embargoed" / f"{version}.json"


def resolve(root: Folder | str, name: str = LATEST) -> Version:
    """The version that a reader means by `latest`, by an edition's label (its newest revision) or by a version's name.

    ReleaseError when there is none, naming those that exist.
    """
    root = folder(root)
    refresh(root)
    if name == LATEST and (pointed := _pointed(root)):
        return pointed
    if _NAME.fullmatch(name):
        version = Version.parse(name)
        with storage_errors(f"read {name} under", root):
            whole = (version_folder(root, version) / PACKAGE).exists()
        if not whole:
            raise ReleaseError(_why_absent(root, version))
        return version
    label = "" if name == LATEST else _readable_label(name)
    day = today()
    found = [one.version for one in versions(root) if one.current(day) and label in ("", one.version.label)]
    if not found:
        raise ReleaseError(f"No release{f' of {name}' if label else ''} under {root}: {_known(root)}.")
    return newest(found)


def _readable_label(name: str) -> str:
    if not _LABEL.fullmatch(name):
        raise InputError(
            f"{name!r} is not a version. Write `latest`, an edition such as 2025 or 2024@2025, or a version "
            f"such as v2025.1."
        )
    return Version.first(name).label


def newest(found: Iterable[Version]) -> Version:
    """The newest of the editions under their own method; of the others only if there is nothing else."""
    found = list(found)
    return max([version for version in found if version.own_method] or found)


def _pointed(root: Folder) -> Version | None:
    """What `latest.json` points to, if that is complete and neither withdrawn nor under an embargo.

    None where it is damaged, or while any version waits for the end of its embargo: the list decides then, since the
    pointer is of the day it was written.
    """
    try:
        pointed = unsealed(read_bytes(releases_folder(root) / POINTER))
    except FileNotFoundError:
        return None
    if not pointed or not pointed["version"] or pointed.get("embargoed"):
        return None
    version = Version.parse(pointed["version"])
    whole = (version_folder(root, version) / PACKAGE).exists()
    return version if whole and withdrawn(root, version) is None else None


def _why_absent(root: Folder, version: Version) -> str:
    if version in unfinished(root):
        return (
            f"{version} under {root} is unfinished: it has no {PACKAGE}, which is written last. "
            f"Wait for the run that makes it or, if that run is dead, run `gii release discard {version}`."
        )
    return f"There is no release {version} under {root}: {_known(root)}."


def _known(root: Folder) -> str:
    known = [str(listed.version) for listed in versions(root)]
    return f"there is {', '.join(known)}" if known else "there is none yet. Make one with `gii release make`"


def point_latest(root: Folder, published_at: str) -> Version | None:
    """Let `latest.json` name the newest version that is current, the newest of each label, and what is not current.

    published_at: when this was done, ISO 8601; it is the only clock in `releases/`.
    """
    path = releases_folder(root) / POINTER
    while not _says(
        path, content := pointing(root, today())
    ):  # looked at again when written: another run may have published
        put(path, sealed({**content, "updated_at": published_at}), releases_folder(root))
    return Version.parse(content["version"]) if content["version"] else None


def pointing(root: Folder, day: str) -> dict[str, Any]:
    """What `latest.json` says on a day."""
    listed = versions(root)
    current = [one.version for one in listed if one.current(day)]
    gone = {str(one.version): one.withdrawn for one in listed if one.withdrawn is not None and not one.discarded}
    waiting = {str(one.version): one.embargo for one in listed if one.withdrawn is None and not one.current(day)}
    return {
        "version": str(newest(current)) if current else None,
        "editions": {version.label: str(version) for version in sorted(current)},
        **({"withdrawn": gone} if gone else {}),
        **({"embargoed": waiting} if waiting else {}),
    }


def _says(path: Folder, content: Mapping[str, Any]) -> bool:
    try:
        said = unsealed(read_bytes(path)) or {}
    except FileNotFoundError:
        return False
    return {key: value for key, value in said.items() if key not in ("updated_at", SEAL)} == content


def _begun(shelf: Folder) -> list[Version]:
    return sorted(Version.parse(name) for name in names_in(shelf) if _NAME.fullmatch(name))
