"""Rebuilding: an edition's tables once more, from the archived files that a release names.

Belongs here: finding the lists of those files, and running core and edition assets on an empty root.
Does not: comparing what comes out (`releases.rebuild`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg

from gii_pipeline import verified
from gii_pipeline.contracts import pages_later
from gii_pipeline.defs.definitions import build
from gii_pipeline.defs.failing import failure_of
from gii_pipeline.defs.inputs import EditionInputs
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.planning import recounted
from gii_pipeline.errors import InputError
from gii_pipeline.releases import open_release
from gii_pipeline.sources.gathering import copy_pin, hashes, pinned_entries
from gii_pipeline.store import FOLLOWING_TABLES, split_label

Recompute = Callable[[str, Mapping[str, Any], Path], None]


def recompute_from(pipeline: Pipeline, tell: Callable[[str], None] = lambda _: None) -> Recompute:
    """What `releases.rebuild` asks for: (label, lock, scratch) -> the edition's tables under the root `scratch`.

    tell: gets a line where files were deleted once they were read, so that what was read of them is used.
    """

    def recompute(label: str, lock: Mapping[str, Any], scratch: Path) -> None:
        again = replace(pipeline, root=scratch, archive_root=pipeline.root, offline=True, refresh=False)
        sources = lock["sources"]
        tables = _restore_lists(pipeline, again, label, sources)
        if told := _no_longer_here(again, tables):
            tell(told)
        _restore_previous_members(pipeline, again, label, lock)
        with pages_later():  # at its end all are written, before the scratch root goes away
            for year, restored in tables.items():
                _materialize(again, dg.AssetSelection.assets(*restored, *FOLLOWING_TABLES), str(year))
            for step in recounted(again):
                _materialize(again, dg.AssetSelection.assets(*step.tables, *FOLLOWING_TABLES), step.partition)
            _materialize(again, dg.AssetSelection.groups("edition"), label)

    return recompute


def _no_longer_here(again: Pipeline, tables: Mapping[int, list[str]]) -> str:
    """Which files of the restored lists were deleted on purpose; empty where none was."""
    archive, gone = again.archive, dict[str, str]()
    for pin in (again.store.raw(table, year) for year, names in tables.items() for table in names):
        for entry in pinned_entries(pin):
            if found := archive.shelf(entry["source"]).gone(entry["sha256"]):
                gone[entry["address"]] = f"{found.why}, on {found.let_go_at[:10]}"
    if not gone:
        return ""
    first, why = next(iter(gone.items()))
    others = f" and {len(gone) - 1:,} more are" if len(gone) > 1 else " is"
    return f"{first}{others} no longer in the archive ({why}): the existing extracts are used in their place."


def _restore_lists(
    pipeline: Pipeline, again: Pipeline, label: str, sources: Mapping[str, Mapping[str, list[str]]]
) -> dict[int, list[str]]:
    """Copy the lists of files that the lock's hashes come from. Returns data year -> the record tables they serve.

    A data year that no window demands is there where it was compared with one that is.
    """
    for name in pipeline.yearless:
        _restore(pipeline.store.raw(name), again.store.raw(name), sources, "all")
    years = sorted({int(year) for of_source in sources.values() for year in of_source if year != "all"})
    demanded = EditionInputs(pipeline, label).demanded
    restored: dict[int, list[str]] = {year: [] for year in years}
    for table in pipeline.tables:
        for year in years:
            try:
                _restore(pipeline.store.raw(table, year), again.store.raw(table, year), sources, str(year))
                restored[year].append(table)
            except InputError:
                if table in demanded.get(year, ()):
                    raise
    return {year: tables for year, tables in restored.items() if tables}


def _restore(current: Path, target: Path, sources: Mapping[str, Mapping[str, list[str]]], year: str) -> None:
    kept = sorted(current.parent.glob("inputs*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in [current, *kept]:
        if path.is_file() and _is_part(hashes(path), sources, year):
            copy_pin(path, target)
            return
    raise InputError(
        f"None of the lists in {current.parent} names the files of {year} that the release was made from: it "
        f"was made under another root, or the lists were deleted."
    )


def _is_part(files: Mapping[str, tuple[str, ...]], sources: Mapping[str, Mapping[str, list[str]]], year: str) -> bool:
    return all(set(found) <= set(sources.get(source, {}).get(year, ())) for source, found in files.items())


def _restore_previous_members(pipeline: Pipeline, again: Pipeline, label: str, lock: Mapping[str, Any]) -> None:
    """The clusters whose ids live on: as released, where the edition before was; else as they are under the root."""
    inputs = EditionInputs(pipeline, label)
    before = inputs.previous_members_file
    if before is None:
        return
    target = again.root / before.relative_to(pipeline.root)
    target.parent.mkdir(parents=True, exist_ok=True)
    edition, _ = split_label(label)
    released = [name for year, name in lock.get("history", {}).items() if int(year) == edition - 1]
    if released:
        release = open_release(pipeline.root, released[0])
        target.write_bytes(release.bytes("cluster_members.parquet"))
    else:
        shutil.copyfile(before, target)
    verified.record(target)


def _materialize(pipeline: Pipeline, selection: dg.AssetSelection, partition: str) -> None:
    definitions = build(pipeline)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            list(definitions.resolve_asset_graph().assets_defs),
            selection=selection,
            partition_key=partition,
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    if not result.success:
        raise failure_of(result.all_events, f"Rebuilding {partition} failed.")
