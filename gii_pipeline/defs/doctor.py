"""Doctor: what a run of a profile needs, and whether it is there.

Belongs here: the list of things to look at. Does not: fixing them.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from gii_pipeline.defs.estimating import costs, refuse_too_much
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.planning import plan
from gii_pipeline.defs.waived import idle_waivers
from gii_pipeline.errors import GiiError, InputError
from gii_pipeline.geocoding import places_in, read_overrides
from gii_pipeline.profiles import Fetch, Gazetteer, Input, Profile, read_profile
from gii_pipeline.sources import probing
from gii_pipeline.sources.checking import check_profile
from gii_pipeline.sources.fetching import FETCHERS, FetchOptions
from gii_pipeline.sources.fetching.reaching import reachable

PACKAGES = ("gii-pipeline", "dagster", "great-expectations", "duckdb", "pyarrow", "pandas")
LEAST_FREE_GIB = 5
GIB = 2**30
LIVE, NEVER = "live: ", "never tested live"
"""How findings on a source's real answers begin, and what they say where it was never asked."""


class Finding(NamedTuple):
    """Something that a run needs: what, whether it is well, and what to know of it."""

    what: str
    well: bool
    says: str


def examine(profile: str, root: Path, *, probe: bool = False) -> list[Finding]:
    """Look at versions, disk, the profile, its local files, its keys and its servers.

    probe: whether to request the smallest response of every fetched source now.
    """
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    findings = [Finding("versions", True, f"Python {sys.version.split()[0]}, {versions}"), _disk(root)]
    try:
        read = read_profile(profile)
        check_profile(read, profile)
    except GiiError as error:
        return [*findings, Finding(f"profile {profile}", False, str(error))]
    return [*findings, Finding(f"profile {profile}", True, read.title), *_of_profile(read, root, probe=probe)]


def _of_profile(profile: Profile, root: Path, *, probe: bool) -> Iterator[Finding]:
    pipeline = Pipeline(profile, root.absolute())
    yield from _sources(profile)
    yield from probes(pipeline, ask=probe)
    yield from _costs(pipeline)
    yield from _waivers(pipeline)


def probes(pipeline: Pipeline, *, ask: bool) -> Iterator[Finding]:
    """Whether each source that is fetched was ever asked, and gave what its reader expects."""
    for name, source in {**pipeline.profile.metrics, **pipeline.yearless}.items():
        if not source.fetches():
            continue
        found = probing.recorded(pipeline.probes, name, source)
        if ask:
            found = probing.probe(pipeline.probes, name, source, _newest_year(pipeline, name))
        says = found.says if found else f"{NEVER}: `gii doctor --probe` requests its smallest response"
        yield Finding(f"{LIVE}{name}", found is None or not found.differs, says)


def _newest_year(pipeline: Pipeline, metric: str) -> int | None:
    """The newest data year of a metric that an edition demands; None of what serves every year."""
    years = [edition.data_years.get(metric, ()) for edition in pipeline.editions.values()]
    return max((year for listed in years for year in listed), default=None)


def _waivers(pipeline: Pipeline) -> Iterator[Finding]:
    """What a person allowed, and whether it still allows anything."""
    there = [label for label in pipeline.editions if pipeline.store.edition("ranking_size", label).is_file()]
    idle = idle_waivers(pipeline, there)
    for waiver in pipeline.profile.waivers:
        where = f"{waiver.subject} {waiver.partition}: the waiver of {waiver.check}"
        told = next((line.removeprefix(f"{where} ") for line in idle if line.startswith(f"{where} ")), None)
        says = told or f"allows {waiver.observed:g} until {waiver.until}: {waiver.reason}"
        yield Finding(f"waiver: {waiver.subject} {waiver.partition} {waiver.check}", told is None, says)


def _costs(pipeline: Pipeline) -> Iterator[Finding]:
    """What the newest edition still has to fetch, and whether there is room for it."""
    edition = str(max(pipeline.book.editions or pipeline.book.uncounted))
    try:
        found = costs(pipeline, plan(pipeline, [edition]))
    except GiiError as error:
        yield Finding(f"to fetch for edition {edition}", False, str(error))
        return
    for cost in found:
        yield Finding(f"to fetch: {cost.source}", True, cost.says)
    try:
        refuse_too_much(found, pipeline)
    except InputError as error:
        yield Finding("disk space", False, str(error))


def _disk(root: Path) -> Finding:
    folder = next(path for path in (root.absolute(), *root.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(folder).free / GIB
    writable = os.access(folder, os.W_OK)
    says = f"{free:.1f} GiB free under {folder}" + ("" if writable else ", which is not writable")
    return Finding("disk", writable and free >= LEAST_FREE_GIB, says)


def _sources(profile: Profile) -> Iterator[Finding]:
    inputs = {**profile.metrics, **profile.yearless}
    for name, source in inputs.items():
        yield from _local_files(name, source)
    yield from _gazetteer(profile.gazetteer)
    fetches = [_parsed(fetch) for source in inputs.values() for fetch in source.fetches().values()]
    yield from _variables(fetches)
    yield from _servers(fetches)


def _local_files(name: str, source: Input) -> Iterator[Finding]:
    for role, paths in source.local_files().items():
        missing = [path for path in paths if not list(path.parent.glob(path.name))]
        says = f"{missing[0]} does not exist" if missing else f"{len(paths)} found"
        yield Finding(f"{name}: {role}", not missing, says)


def _gazetteer(asked: Gazetteer) -> Iterator[Finding]:
    """The user's own files of places: whether they are what GeoNames publishes, and how many places they have."""
    if asked.path:
        try:
            says = f"{places_in(asked.path, asked.min_population):,} populated places in {asked.path}"
            yield Finding("gazetteer: path", True, says)
        except GiiError as error:
            yield Finding("gazetteer: path", False, str(error))
    if asked.overrides:
        try:
            yield Finding("gazetteer: overrides", True, f"{len(read_overrides(asked.overrides))} overrides")
        except GiiError as error:
            yield Finding("gazetteer: overrides", False, str(error))


def _variables(fetches: list[FetchOptions]) -> Iterator[Finding]:
    for variable in sorted({variable for fetch in fetches for variable in fetch.variables}):
        present = bool(os.environ.get(variable))
        yield Finding(f"variable {variable}", present, "set" if present else "not set in the environment")


def _servers(fetches: list[FetchOptions]) -> Iterator[Finding]:
    addresses = [urlsplit(address) for fetch in fetches for address in fetch.addresses]
    for origin in sorted({f"{address.scheme}://{address.netloc}" for address in addresses}):
        problem = reachable(origin)
        yield Finding(f"server {origin}", problem is None, problem or "answers")


def _parsed(fetch: Fetch) -> FetchOptions:
    return FETCHERS[fetch.fetch].parsed(fetch.options)
