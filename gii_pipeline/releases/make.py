"""Making a release: stage, audit, publish.

Belongs here: the order of the steps, and which version it becomes.
Does not: a step's own rule; what it means to publish on a disk or an object store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path

import pyarrow as pa

from gii_pipeline.errors import ReleaseError
from gii_pipeline.releases.audit import audit, refuse
from gii_pipeline.releases.columns import broken_promises
from gii_pipeline.releases.info import ReleaseInfo
from gii_pipeline.releases.provenance import check_sources, missing_years, records_kept_back
from gii_pipeline.releases.reader import LOCK_FILE, Release, open_version
from gii_pipeline.releases.retire import write_embargo
from gii_pipeline.releases.schemas import broken_rules
from gii_pipeline.releases.series import series_before
from gii_pipeline.releases.shelf import (
    PACKAGE,
    Version,
    newest,
    point_latest,
    releases_folder,
    resolve,
    version_folder,
    versions,
)
from gii_pipeline.releases.stage import Extras, GoneSince, gather, stage, unchanged, write_version
from gii_pipeline.releases.storage import (
    Folder,
    folder,
    places,
    publish_renamed,
    publish_uploaded,
    read_bytes,
    staging,
    storage_errors,
    store_at,
)
from gii_pipeline.store import EDITION_TABLES, read_parquet
from gii_pipeline.store.content import content_sha256

Clock = Callable[[], datetime]
Tables = Mapping[str, pa.Table]


@dataclass(frozen=True)
class Made:
    """What `make_release` came to. created: False when nothing changed; `release` is then the version it equals."""

    release: Release
    created: bool

    @property
    def message(self) -> str:
        if self.created:
            return f"Published {self.release.version}."
        withdrawn = f" It was withdrawn: {self.release.withdrawn}" if self.release.withdrawn is not None else ""
        return f"No new version: nothing has changed since {self.release.version}.{withdrawn}"


def make_release(
    root: Folder | str,
    label: str,
    info: ReleaseInfo,
    *,
    clock: Clock,
    extras: Extras | None = None,
    validated: bool = False,
    embargo: str = "",
    gone: GoneSince | None = None,
) -> Made:
    """Publish the tables of an edition as the next version, unless they are what the last one holds.

    label: `2025`, or `2024@2025`. clock: the time, for `latest.json` only; no file inside a version holds it.
    embargo: the day from which on it may be published, ISO 8601; before, readers are given it by its own name only.
    validated: the caller has just validated these tables by their contracts, so that it need not be done again.
    gone: what the sources no longer have of what the release before was made from, for CHANGES.md.
    extras: writes more files (a report) of a version into the folder it is given, which has the tables as Parquet.
    Raises ReleaseError when tables are missing, made from different inputs or at odds with each other, when another run
    has published the version meanwhile, or when the storage is full or may not be written. Nothing is published then.
    """
    root = folder(root)
    first = Version.first(label)
    broken = partial(_broken_contracts, first.label, info, clock().date())
    with storage_errors("publish a release under", root), staging(releases_folder(root)) as work:
        edition = gather(root, first.label, work / "version")
        check_sources(edition.lock, info)
        if not validated:
            refuse(first.label, broken(edition.tables, edition.tables))
        differing = audit(edition.tables, first.edition, first.method, info.settings)
        refuse(first.label, [*missing_years(edition.lock, info), *differing])
        last, coming = _last_and_next(root, first)
        if last and unchanged(stage(root, edition, last.version, info.registry), info, last):
            for place in places(root):
                if embargo:
                    write_embargo(place, last.version, embargo, clock().isoformat())
                point_latest(place, clock().isoformat())
            return Made(last, created=False)
        staged = stage(root, edition, coming, info.registry)
        refuse(first.label, records_kept_back(staged.tables, info))
        if not validated:
            made_here = [name for name in staged.tables if name not in edition.tables]
            refuse(first.label, broken(made_here, staged.tables))
        before = [last] if last else series_before(root, first)[-1:]
        write_version(staged, info, before[0] if before else None, extras, gone)
        refuse(first.label, _broken_promises(root, staged.folder))
        for place in places(root):
            write_embargo(place, staged.version, embargo, clock().isoformat())
        return _publish(staged.folder, root, staged.version, clock)


def is_released(root: Folder | str, label: str) -> bool:
    """Whether the newest version of an edition has the content of the edition's tables as they lie under `root`."""
    root = folder(root)
    last, _ = _last_and_next(root, Version.first(label))
    if last is None or last.withdrawn is not None:
        return False
    store = store_at(root)
    files = {table: store.edition(table, label) for table in EDITION_TABLES}
    stated: Mapping[str, str] = last.lock["tables"]
    return all(
        file.exists() and content_sha256(read_parquet(file)) == stated.get(table) for table, file in files.items()
    )


def _broken_contracts(label: str, info: ReleaseInfo, today: date, tables: Iterable[str], others: Tables) -> list[str]:
    return [problem for name in tables for problem in broken_rules(name, others, label, info, today)]


def _broken_promises(root: Folder, staged: Path) -> list[str]:
    """What the staged version would break for readers of the newest one."""
    known = [listed.version for listed in versions(root) if not listed.discarded]
    if not known:
        return []
    old = open_version(root, newest(known)).package
    return broken_promises(old, json.loads((staged / PACKAGE).read_bytes()))


def _last_and_next(root: Folder, first: Version) -> tuple[Release | None, Version]:
    """The newest version of the label of `first`, withdrawn or not, and the next name: none is used twice."""
    taken = [listed for listed in versions(root) if listed.version.label == first.label]
    finished = [listed.version for listed in taken if not listed.discarded]
    last = open_version(root, finished[-1]) if finished else None
    return last, taken[-1].version.next() if taken else first


def _publish(staged: Path, root: Folder, version: Version, clock: Clock) -> Made:
    package, all_created = (staged / PACKAGE).read_bytes(), True
    for place in places(root):
        target = version_folder(place, version)
        if isinstance(target, Path):
            created = publish_renamed(staged, target)
        else:
            created = publish_uploaded(staged, target, first=LOCK_FILE, last=PACKAGE)
        published = open_version(place, resolve(place, str(version)))
        if not created and read_bytes(target / PACKAGE) != package:
            raise ReleaseError(
                f"Another run published {version} under {place} during this one, from other tables. Nothing from "
                f"this run was kept. Run it again to make {version.next()}."
            )
        point_latest(place, clock().isoformat())
        all_created = all_created and created
    return Made(published, all_created)
