"""Staging: every file of a version, in a folder that nobody reads yet.

Belongs here: copying an edition's tables, making the other files from them, and listing all in the data package.
Does not: auditing, publishing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from gii_pipeline import verified
from gii_pipeline.errors import ReleaseError
from gii_pipeline.registry import Registry
from gii_pipeline.releases.about import CITATION, README, citation, readme, release_facts
from gii_pipeline.releases.comparison import GoneAtSource, Snapshot, diff, snapshot_of
from gii_pipeline.releases.comparison_text import to_markdown
from gii_pipeline.releases.files import write_csv, write_geojson, write_sqlite, write_xlsx
from gii_pipeline.releases.info import WORLD, ReleaseInfo
from gii_pipeline.releases.package import data_package
from gii_pipeline.releases.provenance import edition_lock, lock_file
from gii_pipeline.releases.reader import LOCK_FILE, Release
from gii_pipeline.releases.schemas import purposes, write_contracts
from gii_pipeline.releases.series import series_before, series_tables
from gii_pipeline.releases.shelf import PACKAGE, Version
from gii_pipeline.releases.storage import Folder, file_sha256, files_in, store_at
from gii_pipeline.releases.wide import NAME as WIDE
from gii_pipeline.releases.wide import wide_table
from gii_pipeline.store import EDITION_TABLES, LOCK_KEY, Lock, read_parquet, write_parquet
from gii_pipeline.store.content import content_sha256

CSV_TABLES = ("ranking_size", "ranking_intensity")
SQLITE_TABLES = ("cluster_metrics", "contributions", "rank_changes", "rank_stability", "rank_history", "rank_events")
RELEASE_KEY = b"gii_release"
"""In the metadata of every Parquet file: title, version, edition, method, maturity, whether the records are made up."""
RECIPE_KEY = b"gii_recipe"
"""Beside it, the sha256 of the recipe: the lock lies once, in `sources.lock.json`, and not in every file."""
CHANGES = "CHANGES.md"

Extras = Callable[[Path, Version], None]
GoneSince = Callable[[Release, Snapshot], GoneAtSource]
"""(the release before, the version as it is staged) -> the records that are gone at the source between the two."""


@dataclass(frozen=True)
class Edition:
    """An edition's tables, copied from the store to `folder` as they are, and what all were made from."""

    label: str
    folder: Path
    tables: Mapping[str, pa.Table]
    lock: Lock


@dataclass(frozen=True)
class Staged:
    """An edition under the name of a version: its tables, those of the series too, and their content hashes."""

    version: Version
    folder: Path
    tables: Mapping[str, pa.Table]
    lock: Lock
    history: Mapping[str, str]
    content: Mapping[str, str]


def gather(root: Folder, label: str, into: Path) -> Edition:
    """Copy the tables of an edition. ReleaseError when some are missing or do not belong together."""
    store = store_at(root)
    sources = {table: store.edition(table, label) for table in EDITION_TABLES}
    if missing := [table for table, path in sources.items() if not path.exists()]:
        raise ReleaseError(
            f"Edition {label} has no {', '.join(missing)} under {root}. Make them with `gii run --edition {label}`."
        )
    into.mkdir()
    copies = {table: into / f"{table}.parquet" for table in EDITION_TABLES}
    for table, path in sources.items():
        copies[table].write_bytes(verified.read_bytes(path, store.remedy(table, label)))
    tables = {table: read_parquet(path) for table, path in copies.items()}
    return Edition(label, into, tables, edition_lock(store, label, copies))


def stage(root: Folder, edition: Edition, version: Version, registry: Registry) -> Staged:
    """The edition as it would be under the name `version`; what history quotes depends on the releases under `root`."""
    earlier = series_before(root, version)
    tables = {**edition.tables, **series_tables(edition.tables, version, earlier, registry)}
    return Staged(
        version,
        edition.folder,
        tables,
        edition.lock,
        {release.label: str(release.version) for release in earlier},
        {name: content_sha256(table) for name, table in tables.items()},
    )


def write_version(
    staged: Staged, info: ReleaseInfo, before: Release | None, extras: Extras | None, gone: GoneSince | None = None
) -> None:
    """Every file of the version, over the tables as they were copied; the data package last.

    before: the release that CHANGES.md compares with.
    """
    into, about = staged.folder, release_facts(staged.version, info)
    wide = wide_table(staged.tables)
    told = {RECIPE_KEY: staged.lock.recipe.encode(), RELEASE_KEY: json.dumps(about, ensure_ascii=False).encode()}
    for name, table in {**staged.tables, WIDE: wide}.items():
        write_parquet(_without_lock(table), into / f"{name}.parquet", told)
    for name in CSV_TABLES:
        write_csv(staged.tables[name], into / f"{name}.csv", about)
    write_csv(wide, into / f"{WIDE}.csv", about)
    write_csv(wide, into / f"{WIDE}_excel.csv", about, for_excel=True)
    write_xlsx(wide, into / f"{WIDE}.xlsx", about)
    others = {name: staged.tables[name] for name in SQLITE_TABLES}
    write_sqlite({WIDE: wide, **others}, into / f"{WIDE}.sqlite", about)
    write_geojson(
        staged.tables["cluster_footprints"], into / "footprints.geojson", staged.tables["ranking_size"], about
    )
    (into / README).write_text(
        readme(staged.version, info, wide, purposes(staged.tables, info.registry)), encoding="utf-8"
    )
    (into / CITATION).write_text(citation(staged.version, info), encoding="utf-8")
    (into / CHANGES).write_text(_changes(staged, info, before, gone), encoding="utf-8")
    write_contracts(staged.tables, into, info.registry)
    if extras:
        extras(into, staged.version)
    (into / LOCK_FILE).write_bytes(verified.as_json(_lock_content(staged, info, files_in(into))))
    described = {**staged.tables, WIDE: wide}
    content = {**staged.content, WIDE: content_sha256(wide)}
    (into / PACKAGE).write_bytes(data_package(staged.version, info, files_in(into), described, content))


def _without_lock(table: pa.Table) -> pa.Table:
    metadata = {key: value for key, value in (table.schema.metadata or {}).items() if key != LOCK_KEY}
    return table.replace_schema_metadata(metadata)


def _lock_content(staged: Staged, info: ReleaseInfo, files: Mapping[str, Folder]) -> dict[str, Any]:
    hashes = {name: file_sha256(path) for name, path in files.items()}
    return lock_file(staged.lock, info, tables=staged.content, files=hashes, history=staged.history)


def _changes(staged: Staged, info: ReleaseInfo, before: Release | None, gone: GoneSince | None) -> str:
    if before is None:
        return (
            f"# {staged.version}\n\nThe first release under this root: there is no earlier version to compare with.\n"
        )
    lock = _lock_content(staged, info, {})
    after = Snapshot(str(staged.version), staged.tables.__getitem__, lock, info.settings, info.registry)
    left = gone(before, after) if gone else GoneAtSource()
    return to_markdown(diff(snapshot_of(before), after, gone=left))


def unchanged(staged: Staged, info: ReleaseInfo, last: Release) -> bool:
    """Whether a release holds the same content from the same inputs, described in the same words.

    Versions of code and libraries may differ: when the content does not, there is nothing new to read.
    """
    lock = _lock_content(staged, info, {})
    facts = ("sources", "settings", "contracts", "source_details", "waivers", "history", "tables")
    words = {"title": info.title, "made_up": info.made_up, "maturity": info.maturity, "settings": dict(info.settings)}
    words["notes"] = list(info.notes)
    words |= {"whole": info.whole} if info.whole != WORLD else {}
    return all(_plain(lock[fact]) == last.lock.get(fact, []) for fact in facts) and all(
        _plain(value) == last.package.get(word, []) for word, value in words.items()
    )


def _plain(value: Any) -> Any:  # noqa: ANN401
    """A value as it comes back from JSON."""
    import json  # noqa: PLC0415

    return json.loads(json.dumps(value))
