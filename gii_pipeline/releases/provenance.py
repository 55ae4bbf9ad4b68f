"""Provenance: one lock for all tables of a release, and what to say when there are several.

Belongs here: comparing the locks that tables carry, and the lock file of a release.
Does not: making locks (see `store`).
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version as installed
from typing import Any

import pyarrow as pa

from gii_pipeline.errors import ReleaseError
from gii_pipeline.releases.info import ReleaseInfo
from gii_pipeline.store import Lock

LIBRARIES = ("duckdb", "geopandas", "numpy", "pandas", "pyarrow", "rasterio", "scipy", "shapely")
Difference = tuple[str, str, str]


def common_lock(locks: Mapping[str, Lock], label: str) -> Lock:
    """The lock that all tables share; ReleaseError lists what differs by table, and the command that fixes it."""
    groups: dict[bytes, tuple[Lock, list[str]]] = {}
    for table, lock in locks.items():
        groups.setdefault(lock.recipe.encode(), (lock, []))[1].append(table)
    seen = sorted(groups.values(), key=lambda group: len(group[1]), reverse=True)
    if len(seen) == 1:
        return seen[0][0]
    usual, most = seen[0]
    lines = []
    for lock, tables in seen[1:]:
        differing = "; ".join(f"{what} is {theirs}, not {ours}" for what, ours, theirs in differences(usual, lock))
        lines.append(f"  {', '.join(tables)}: {differing}")
    raise ReleaseError(
        f"The tables of edition {label} were not made from the same inputs, so they cannot be one release. "
        f"Compared with {', '.join(most)}:\n"
        + "\n".join(lines)
        + f"\nRebuild them together: `gii run --edition {label}`."
    )


def differences(old: Lock | Mapping[str, Any], new: Lock | Mapping[str, Any]) -> list[Difference]:
    """What two locks do not share: (what, old, new), hashes shortened, `nothing` where one side has none."""
    before, after = dict(_flat(old)), dict(_flat(new))
    return [
        (what, before.get(what, "nothing"), after.get(what, "nothing"))
        for what in sorted({*before, *after})
        if before.get(what) != after.get(what)
    ]


def _flat(lock: Lock | Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    content = json.loads(lock.to_bytes()) if isinstance(lock, Lock) else lock
    for source, years in content["sources"].items():
        for year, hashes in years.items():
            yield f"source {source} {year}", "+".join(sorted(digest[:12] for digest in hashes))
    yield "settings", content["settings"][:12]
    yield from ((f"code of {stage}", said[:12]) for stage, said in content["code"].items())
    for table, version in content["contracts"].items():
        yield f"contract {table}", version


def file_hashes(lock: Mapping[str, Any]) -> dict[int, set[str]]:
    """Data year -> the sha256 of every file that its records were read from."""
    found: dict[int, set[str]] = {}
    for years in lock["sources"].values():
        for year, hashes in years.items():
            if year.isdecimal():  # what serves every year has no records
                found.setdefault(int(year), set()).update(hashes)
    return found


def check_sources(lock: Lock, info: ReleaseInfo) -> None:
    """ReleaseError when a source that was used has no title, licence and citation."""
    if unnamed := sorted(set(lock.sources) - set(info.sources)):
        raise ReleaseError(
            f"No title, licence and citation for {', '.join(unnamed)}. "
            "A release names all its sources: add them to the profile's sources."
        )


def records_kept_back(tables: Mapping[str, pa.Table], info: ReleaseInfo) -> list[str]:
    """Tables with single records, of a release whose sources do not all let them be passed on; a line for each."""
    closed = sorted(source.title for source in info.sources.values() if source.shares_records is False)
    return [
        f"{name} contains individual records, which the licence of {', '.join(closed)} does not allow to "
        "redistribute: leave out the table, or set `shares_records: true` for the source in the profile if its "
        "licence allows it"
        for name, table in tables.items()
        if closed and "record_id" in table.column_names
    ]


def missing_years(lock: Lock, info: ReleaseInfo) -> list[str]:
    """Data years that a metric's window demands and none of its sources has in the lock; a line for each metric.

    A metric's sources are those that say so, or all when none does. [] when the edition's settings are not known.
    """
    problems = []
    for metric, chosen in info.settings.get("metrics", {}).items():
        stated = [name for name in lock.sources if metric in info.sources[name].metrics]
        found = {year for name in stated or lock.sources for year in lock.sources[name]}
        first, last = chosen["window"]["value"]
        if lacking := [str(year) for year in range(first, last + 1) if str(year) not in found]:
            named = ",".join(lacking)
            problems.append(
                f"{metric} is counted over {first} to {last}, and the tables were made without any file of {named}: "
                f"`gii ingest --years {named}` fetches them"
            )
    return problems


@cache
def _libraries() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: installed(name) for name in LIBRARIES}}


def lock_file(
    lock: Lock, info: ReleaseInfo, *, tables: Mapping[str, str], files: Mapping[str, str], history: Mapping[str, str]
) -> dict[str, Any]:
    """The content of `sources.lock.json`.

    tables: table -> content sha256; files: every other file of the version -> sha256;
    history: earlier edition -> the version that `rank_history` quotes.
    """
    return {
        "sources": lock.sources,
        "settings": lock.settings,
        "code": lock.code,
        "contracts": lock.contracts,
        "recipe": lock.recipe,
        "inputs": lock.inputs,
        "source_details": {
            name: {"title": s.title, "licence": s.licence, "citation": s.citation}
            for name, s in sorted(info.sources.items())
        },
        "waivers": list(info.waivers),
        "libraries": _libraries(),
        "history": history,
        "tables": tables,
        "files": files,
    }
