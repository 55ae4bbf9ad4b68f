"""Versions that readers are not given: withdrawn, discarded unfinished, or under an embargo.

Belongs here: what may still be said of a version after it was made. Does not: deleting published files; nothing does.
"""

from __future__ import annotations

from datetime import date

from gii_pipeline.errors import InputError, ReleaseError
from gii_pipeline.releases.shelf import (
    PACKAGE,
    Version,
    embargo_of,
    marker_of,
    point_latest,
    releases_folder,
    resolve,
    unfinished,
    version_folder,
)
from gii_pipeline.releases.storage import Folder, files_in, folder, places, put, put_new, storage_errors
from gii_pipeline.verified import sealed


def withdraw(root: Folder | str, name: str, *, because: str, at: str) -> Version | None:
    """Hide a version from `latest`, and keep it readable by its name. Returns what is the latest now.

    because: the reason, shown to whoever opens it. at: when, ISO 8601.
    """
    root = folder(root)
    if not because.strip():
        raise InputError(f"Give the reason why {name} is withdrawn: readers who pinned it will see it.")
    version = resolve(root, str(Version.parse(name)))
    with storage_errors(f"withdraw {version} under", root):
        for place in places(root):
            _mark(place, version, because.strip(), at)
            latest = point_latest(place, at)
        return latest


def set_embargo(root: Folder | str, name: str, *, until: str, at: str) -> Version | None:
    """Keep a version out of `latest` and of sites before a day; a day that is past lifts the embargo.

    until: the day from which on it may be published, ISO 8601; at: now. Returns what is the latest now.
    """
    root = folder(root)
    version = resolve(root, str(Version.parse(name)))
    with storage_errors(f"set the embargo of {version} under", root):
        for place in places(root):
            write_embargo(place, version, until, at)
            latest = point_latest(place, at)
        return latest


def write_embargo(root: Folder, version: Version, until: str, at: str) -> None:
    """The marker of an embargo; none, where `until` is empty. InputError for what is not a day."""
    if not until:
        embargo_of(root, version).unlink(missing_ok=True)
        return
    try:
        day = date.fromisoformat(until).isoformat()
    except ValueError:
        raise InputError(f"{until!r} is not a date. Write the date of publication as 2026-09-16.") from None
    content = {"version": str(version), "until": day, "at": at}
    put(embargo_of(root, version), sealed(content), releases_folder(root))


def discard(root: Folder | str, name: str, *, at: str) -> None:
    """Give up a version that was begun and never finished, so that the next release can be made.

    Its name is not used again: a package without files takes the place of the missing one, so that the run that
    began it, should it live after all, cannot finish it; then its other files are deleted. The marker comes first, so
    that no reader takes a version without tables for the latest.
    """
    root = folder(root)
    version = Version.parse(name)
    begun = [place for place in places(root) if version in unfinished(place)]
    if not begun:
        raise ReleaseError(f"{version} under {root} is not an unfinished release. You can withdraw a finished one.")
    nothing = {
        "name": f"discarded-{version}",
        "version": str(version),
        "maturity": "discarded",
        "settings": {},
        "resources": [],
    }
    with storage_errors(f"discard {version} under", root):
        for place in begun:
            _mark(place, version, "discarded unfinished", at, discarded=True)
            target = version_folder(place, version)
            if not put_new(target / PACKAGE, sealed(nothing)):
                marker_of(place, version).unlink()
                raise ReleaseError(f"{version} has been finished in the meantime; you can withdraw it.")
            for inside, path in files_in(target).items():
                if inside != PACKAGE:
                    path.unlink()


def _mark(root: Folder, version: Version, because: str, at: str, *, discarded: bool = False) -> None:
    content = {"version": str(version), "because": because, "at": at, "discarded": discarded}
    put(marker_of(root, version), sealed(content), releases_folder(root))
