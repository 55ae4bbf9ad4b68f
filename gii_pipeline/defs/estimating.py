"""Estimating: what a run asks of sources, disk, memory and time, before it begins.

Belongs here: per source, what is to be fetched and read for the steps of a plan, and whether the disk has room for it.
Does not: measuring (see `sources.rates`), or how it is shown.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gii_pipeline import memory
from gii_pipeline.archive import Archive, Patience
from gii_pipeline.archive.download import known_file
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.planning import Step
from gii_pipeline.errors import GiiError, InputError
from gii_pipeline.profiles import Fetch, Input
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.extracts import Extracts
from gii_pipeline.sources.fetching import FETCHERS, Part
from gii_pipeline.sources.fetching.reaching import size_at
from gii_pipeline.sources.progress import duration, readable
from gii_pipeline.sources.rates import Rates
from gii_pipeline.sources.streaming import Taking, streamed_role
from gii_pipeline.sources.working import workers

UNKNOWN: Final = "not known before it is asked"
BRIEF: Final = Patience(attempts=1, connect_s=3, read_s=10)
"""An estimate waits for no server that does not answer."""


@dataclass(frozen=True)
class Cost:
    """What one source takes. None: nobody says before it is asked.

    requests, fetch: to its server, and bytes that come. read: bytes that a reader reads. peak, final: of the disk,
    while it runs and after it. basis: where the rates behind `seconds` and the disk come from.
    """

    source: str
    requests: int | None
    fetch: int | None
    read: int | None = None
    peak: int | None = None
    final: int | None = None
    seconds: float | None = None
    basis: str = ""

    @property
    def told(self) -> str:
        """One line for a person."""
        return f"{self.source}: {self.says}"

    @property
    def says(self) -> str:
        """The line without the name of the source."""
        if self.requests == 0 and not self.read:
            return "nothing to fetch"
        if self.fetch is None or self.read is None:
            asked = f"{self.requests:,} requests" if self.requests is not None else "requests"
            return f"{asked}, bytes {UNKNOWN}"
        requests = f"{self.requests:,} requests, {readable(self.fetch)} to fetch" if self.requests else "local files"
        disk = f"disk {readable(self.peak or 0)} at the peak and {readable(self.final or 0)} in the end"
        return (
            f"{requests}, {disk}, memory {readable(memory.budget())}, about "
            f"{duration(self.seconds or 0)} (estimated from {self.basis})"
        )


def costs(pipeline: Pipeline, steps: Sequence[Step], *, ask: bool = True) -> list[Cost]:
    """The costs of what the data years of a plan fetch, one per source and client.

    ask: whether sources may be asked for their lists and sizes, which leaves the archive as it is; else only what the
    archive knows counts.
    """
    waiting = [step for step in steps if step.job == "ingest" and step.state != "there" and step.fetches]
    if not waiting:
        return []
    with tempfile.TemporaryDirectory(prefix="gii-lists-") as folder:
        lists = Archive(Path(folder)) if ask and not pipeline.offline else replace(pipeline, offline=True).archive
        return list(_costs(pipeline, lists, waiting))


def _costs(pipeline: Pipeline, lists: Archive, waiting: Sequence[Step]) -> Iterator[Cost]:
    for table, metric in pipeline.tables.items():
        years = [int(step.partition) for step in waiting if table in (step.tables or pipeline.tables)]
        if years:
            yield from _of_source(pipeline, lists, metric, pipeline.profile.metrics[metric], years)
    for name, source in pipeline.yearless.items():
        yield from _of_source(pipeline, lists, name, source, [None])


def refuse_too_much(costs: Sequence[Cost], pipeline: Pipeline) -> None:
    """Raise InputError where what is known to come has no room: under --max-disk, or on the disk."""
    peak = sum(cost.peak or 0 for cost in costs)
    folder = next(path for path in (pipeline.root, *pipeline.root.parents) if path.is_dir())
    free = shutil.disk_usage(folder).free
    if peak <= free and (pipeline.max_disk is None or peak <= pipeline.max_disk):
        return
    room = f"{readable(free)} are free" if peak > free else f"--max-disk allows {readable(pipeline.max_disk or 0)}"
    raise InputError(
        f"The run would take {readable(peak)} of the disk under {pipeline.root}, and {room}. Nothing was begun.\n"
        + "\n".join(f"  {cost.told}" for cost in costs if cost.peak)
        + "\n`keep: extract` in the profile deletes files once they are read."
    )


def _of_source(
    pipeline: Pipeline, lists: Archive, name: str, source: Input, years: Sequence[int | None]
) -> Iterator[Cost]:
    rates = Rates(pipeline.rates)
    for role, files in source.files.items():
        if isinstance(files, Fetch):
            title = f"{name} ({files.fetch})"
            found = _of_parts(pipeline, lists, source, role, years) if FETCHERS[files.fetch].listed else None
            cost, largest = found or (_of_lists(pipeline, files.fetch, years), 0)
            yield _estimated(replace(cost, source=title), largest, source, rates)
        elif size := sum(path.stat().st_size for path in _new(pipeline.archive, source.reader, files)):
            yield _estimated(Cost(f"{name} ({role})", 0, size, size), size, source, rates)


def _of_lists(pipeline: Pipeline, client: str, years: Sequence[int | None]) -> Cost:
    """What a client of lists takes: nothing where every year is in the archive, else nobody knows."""
    there = all(pipeline.archive.entries(client, data_year=year) for year in years) and not pipeline.refresh
    return Cost("", 0, 0, 0) if there else Cost("", None, None)


def _of_parts(
    pipeline: Pipeline, lists: Archive, source: Input, role: str, years: Sequence[int | None]
) -> tuple[Cost, int]:
    """What a client of whole files has to fetch for a role, and the bytes of the largest file."""
    fetch, parts = source.fetches()[role], dict[str, Part]()
    client = FETCHERS[fetch.fetch]
    options = client.parsed(fetch.options).model_copy(update={"patience": BRIEF})
    try:
        for year in years:
            with client.connection(lists, options, year) as http:
                parts |= {part.request.address: part for part in client.parts(lists, http, options, year).parts}
    except GiiError:
        return Cost("", None, None), 0
    left = [part for part in parts.values() if not _is_here(pipeline, source, role, part)]
    sizes = [part.expected.bytes or (None if lists.offline else size_at(part.request.full_url)) for part in left]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return Cost("", len(left), None), 0
    return Cost("", len(left), sum(known), sum(known)), max(known, default=0)


def _is_here(pipeline: Pipeline, source: Input, role: str, part: Part) -> bool:
    archive = pipeline.archive
    if source.keep == "extract" and role == streamed_role(source):
        return Taking(source.reader, role, source.options, Extracts(pipeline.store.extracts)).known(archive, part)
    known = known_file(archive.shelf(part.terms.source), part.request, part.expected)
    return known is not None and (part.expected.bytes is not None or archive.usable(known.retrieved_at))


def _estimated(cost: Cost, largest: int, source: Input, rates: Rates) -> Cost:
    """With disk and time, from the rates measured under the root, or from those that ship. largest: file, in bytes."""
    if cost.fetch is None or cost.read is None:
        return cost
    is_read, client = source.reader in SOURCES, cost.source.partition("(")[2].rstrip(")")
    streamed = source.keep == "extract" and client in FETCHERS
    if streamed:
        done = [rates.of("stream", source.reader)]
    else:
        fetched = [rates.of("fetch", client)] if client in FETCHERS else []
        done = [*fetched, *([rates.of("read", source.reader)] if is_read else [])]
    extracts = round(cost.read * done[-1][0].share) if is_read else 0
    final = extracts if streamed else cost.read + extracts
    basis = "rates measured under this root" if all(here for _, here in done) else "rates that ship with the package"
    seconds = sum(cost.read / rate.per_second for rate, _ in done)
    return replace(cost, peak=final + streamed * workers() * largest, final=final, seconds=seconds, basis=basis)


def _new(archive: Archive, name: str, paths: Sequence[Path]) -> Iterator[Path]:
    """The local files of a role that the archive has no copy of."""
    shelf = archive.shelf(name)
    for pattern in paths:
        for path in pattern.parent.glob(pattern.name) if pattern.parent.is_dir() else ():
            if path.is_file() and shelf.local_file(str(path.absolute())) is None:
                yield path
