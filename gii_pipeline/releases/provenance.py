"""Provenance: one lock for all tables of a release, and what to say when they do not belong together.

Belongs here: joining and comparing the locks that tables carry, and the lock file of a release.
Does not: making locks (see `store`).
"""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import pyarrow as pa

from gii_pipeline.errors import ReleaseError
from gii_pipeline.releases.info import ReleaseInfo
from gii_pipeline.store import EDITION_TABLES, Lock, Made, Store, made
from gii_pipeline.store.lock import merged

LIBRARIES = ("duckdb", "geopandas", "numpy", "pandas", "pyarrow", "rasterio", "scipy", "shapely")
Difference = tuple[str, str, str]


def edition_lock(store: Store, label: str, copies: Mapping[str, Path] | None = None) -> Lock:
    """What the tables of an edition were made from, down to the archive, as one lock.

    copies: table -> the same bytes on this machine. Raises ReleaseError where tables do not belong together: one was
    made from another table than the one that lies there, or two say different things of the same source, setting, code
    or library. It lists what differs, and the command that fixes it.
    """
    known = {name: made(store.edition(name, label), (copies or {}).get(name)) for name in EDITION_TABLES}
    if lines := [*_made_from_others(known), *_at_odds({name: one.lock for name, one in known.items()})]:
        raise ReleaseError(
            f"The tables of edition {label} were not made from the same inputs, so they cannot be one release:\n"
            + "\n".join(f"  {line}" for line in lines)
            + f"\nRebuild them together: `gii run --edition {label}`."
        )
    return merged([one.lock.without(EDITION_TABLES) for one in known.values()])


def _made_from_others(known: Mapping[str, Made]) -> Iterator[str]:
    """A line for each table that was made from another table of the edition than the one that lies there."""
    for name, one in known.items():
        other = [table for table in known if one.lock.inputs.get(table, known[table].content) != known[table].content]
        if other:
            yield f"{name} was made from another {', '.join(other)}"


def _at_odds(locks: Mapping[str, Lock]) -> Iterator[str]:
    """A line for each table whose lock says otherwise than most do of what both name.

    Tables without inputs of their own have the files of the archive in their place.
    """
    said = {name: _parts(lock) for name, lock in locks.items()}
    usual: dict[str, str] = {}
    for part in dict.fromkeys(part for parts in said.values() for part in parts):
        counted = Counter(parts[part] for parts in said.values() if part in parts)
        usual[part] = counted.most_common(1)[0][0]
    for name, parts in said.items():
        differing = [
            f"{part} is {theirs}, not {usual[part]}" for part, theirs in parts.items() if theirs != usual[part]
        ]
        if differing:
            yield f"{name}: {'; '.join(differing)}"


def _parts(lock: Lock) -> dict[str, str]:
    """What a lock says of what other tables may name too, hashes shortened."""
    inputs = {name: said for name, said in lock.named.items() if name not in EDITION_TABLES and name != "sources"}
    sources = {} if lock.inputs else dict(_of_sources(lock.sources))
    return {**sources, **{name: said[:12] for name, said in inputs.items()}}


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
    yield from _of_sources(content["sources"])
    yield "settings", content["settings"][:12]
    yield from ((f"code of {stage}", said[:12]) for stage, said in content["code"].items())
    for table, version in content["contracts"].items():
        yield f"contract {table}", version


def _of_sources(sources: Mapping[str, Mapping[str, Iterable[str]]]) -> Iterator[tuple[str, str]]:
    for source, years in sources.items():
        for year, hashes in years.items():
            yield f"source {source} {year}", "+".join(sorted(digest[:12] for digest in hashes))


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
