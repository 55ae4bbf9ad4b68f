"""Rebuilding: whether a version is what its inputs give.

Belongs here: comparing the content of a version with the content of tables computed again.
Does not: computing them; a caller does that, from the lock and the archive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gii_pipeline import scratch as temporary
from gii_pipeline.errors import ReleaseError
from gii_pipeline.releases.reader import Release, open_release, open_version
from gii_pipeline.releases.series import series_tables
from gii_pipeline.releases.shelf import Version
from gii_pipeline.releases.storage import Folder, folder
from gii_pipeline.store import EDITION_TABLES, Store, read_parquet
from gii_pipeline.store.content import content_sha256

Recompute = Callable[[str, Mapping[str, Any], Path], None]


@dataclass(frozen=True)
class Rebuilt:
    """equal: the tables whose content is the same; different: those where it is not, or that were not made."""

    version: Version
    equal: tuple[str, ...]
    different: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not self.different


def rebuild(root: Folder | str, version: str, recompute: Recompute) -> Rebuilt:
    """Compute a version's tables again, and compare content hashes; files may differ in encoding, tables may not.

    recompute(label, lock, scratch): makes the edition's tables under the empty root `scratch`, from the inputs that the
    lock names (`sources.lock.json`) and nothing else.
    """
    release = open_release(root, version)
    with temporary.folder("rebuild") as made:
        scratch = Path(made)
        recompute(release.label, release.lock, scratch)
        found = _content(release, root, Store(scratch))
    stated: Mapping[str, str] = release.lock["tables"]
    equal = [table for table in stated if found.get(table) == stated[table]]
    return Rebuilt(release.version, tuple(equal), tuple(table for table in stated if table not in equal))


def _content(release: Release, root: Folder | str, store: Store) -> dict[str, str]:
    paths = {table: store.edition(table, release.label) for table in EDITION_TABLES}
    tables = {table: read_parquet(path) for table, path in paths.items() if path.is_file()}
    if not tables:
        raise ReleaseError(f"Rebuilding {release.version} made no table of edition {release.label}.")
    if {"ranking_size", "rank_changes", "cluster_members"} <= set(tables):
        earlier = [open_version(folder(root), Version.parse(name)) for name in release.lock["history"].values()]
        tables |= series_tables(tables, release.version, earlier, release.registry)
    return {name: content_sha256(table) for name, table in tables.items()}
