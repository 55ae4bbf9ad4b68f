"""Estimating: what a run asks of sources, disk, memory and time, before it begins.

Belongs here: per source, what is to be fetched and read for the steps of a plan, and whether the disk has room for it.
Does not: measuring (see `sources.rates`), or how it is shown.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from gii_pipeline import memory, scratch
from gii_pipeline.archive import Archive, Begun, Patience
from gii_pipeline.archive.download import known_file
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.planning import Step
from gii_pipeline.errors import GiiError, InputError
from gii_pipeline.profiles import Fetch, Input
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.extracts import Extracts
from gii_pipeline.sources.fetching import FETCHERS, Part
from gii_pipeline.sources.fetching.options import KeyedOptions
from gii_pipeline.sources.fetching.reaching import size_at
from gii_pipeline.sources.progress import duration, readable
from gii_pipeline.sources.rates import Rates
from gii_pipeline.sources.streaming import Taking, streamed_role
from gii_pipeline.sources.working import workers

T = TypeVar("T")
UNKNOWN: Final = "not known before the first request"
BRIEF: Final = Patience(attempts=1, connect_s=3, read_s=10)
"""An estimate waits for no server that does not answer."""


@dataclass(frozen=True)
class Cost:
    """What one source takes, as far as anybody knows before it is asked.

    requests, fetch: to its server, and bytes that come. credits: of the budget that a server keeps. read: bytes that a
    reader reads. peak, final: of the disk, while it runs and after it. measured: whether the rates behind `seconds` and
    the disk come from this root. unknown: whether there is more that nobody knows.
    """

    source: str
    requests: int = 0
    fetch: int = 0
    credits: float = 0
    read: int = 0
    peak: int = 0
    final: int = 0
    seconds: float = 0
    measured: bool = True
    unknown: bool = False

    def __add__(self, other: Cost) -> Cost:
        """Of two parts of one source."""
        numbers = ("requests", "fetch", "credits", "read", "peak", "final", "seconds")
        both = {name: getattr(self, name) + getattr(other, name) for name in numbers}
        measured = (self.measured or not self.read) and (other.measured or not other.read)
        return replace(self, **both, measured=measured, unknown=self.unknown or other.unknown)

    @property
    def nothing(self) -> bool:
        return not (self.requests or self.read or self.unknown)

    @property
    def basis(self) -> str:
        return "rates measured under this root" if self.measured else "rates that ship with the package"

    @property
    def told(self) -> str:
        """One line for a person."""
        return f"{self.source}: {self.says}"

    @property
    def says(self) -> str:
        """The line without the name of the source."""
        if self.nothing:
            return "nothing to fetch"
        known = [f"{self.requests:,} request{'s' * (self.requests != 1)}"] if self.requests else []
        known += [f"{self.credits:,.0f} credits"] if self.credits else []
        if self.read:
            known += [f"{readable(self.fetch)} to fetch" if self.fetch else "local files"]
            known += [
                f"disk {readable(self.peak)} at the peak and {readable(self.final)} at the end",
                f"memory {readable(memory.budget())}",
                f"about {duration(self.seconds)} (estimated from {self.basis})",
            ]
        if not self.unknown:
            return ", ".join(known)
        rest = "the rest is" if self.read else "bytes are" if known else "what it takes is"
        return "; ".join([*([", ".join(known)] if known else []), f"{rest} {UNKNOWN}"])

    def as_dict(self) -> dict[str, Any]:
        """The figures for a program."""
        return {
            "source": self.source,
            "requests": self.requests,
            "credits": self.credits,
            "bytes_to_fetch": self.fetch,
            "disk_peak_bytes": self.peak,
            "disk_final_bytes": self.final,
            "memory_bytes": memory.budget(),
            "seconds": round(self.seconds, 1),
            "estimated_from": self.basis,
            "more_is_unknown": self.unknown,
        }


def costs(pipeline: Pipeline, steps: Sequence[Step], *, ask: bool = True, keep: bool = False) -> list[Cost]:
    """The costs of what the data years of a plan fetch, one per source and client.

    ask: whether to request lists and sizes from sources; else only what the archive knows counts. keep: whether
    what they answer is kept for the run that follows, so that they are asked once; else the archive stays as it is.
    """
    # Only ingest steps that fetch can cost requests or disk; rankings use existing tables.
    waiting = [step for step in steps if step.job == "ingest" and step.state != "there" and step.fetches]
    if not waiting:
        return []
    # Offline, so that looking up a list in the archive never sends a request. With --refresh, archived lists do not
    # count.
    kept = () if pipeline.refresh else (replace(pipeline, offline=True).archive,)
    if pipeline.offline or not ask:
        return list(_costs(_Lists(pipeline, kept), waiting))
    # A plan must not change the archive, so its answers go to a scratch archive that is deleted afterwards.
    with scratch.folder("lists") as folder:
        asking = pipeline.archive if keep else Archive(Path(folder))
        return list(_costs(_Lists(pipeline, (*kept, asking)), waiting))


@dataclass(frozen=True)
class _Lists:
    """Where the lists of sources are looked for, one archive after the other."""

    pipeline: Pipeline
    archives: tuple[Archive, ...]

    @property
    def may_ask(self) -> bool:
        return not all(archive.offline for archive in self.archives)

    def first(self, ask: Callable[[Archive], T]) -> T | None:
        """What the first archive that knows it, or can ask for it, gives; None where none does."""
        for archive in self.archives:
            with suppress(GiiError):
                return ask(archive)
        return None


def _costs(lists: _Lists, waiting: Sequence[Step]) -> Iterator[Cost]:
    pipeline = lists.pipeline
    for table, metric in pipeline.tables.items():
        years = [int(step.partition) for step in waiting if table in (step.tables or pipeline.tables)]
        if years:
            yield from _together(_of_source(lists, metric, pipeline.profile.metrics[metric], years))
    for name, source in pipeline.yearless.items():
        yield from _together(_of_source(lists, name, source, [None]))


def _together(costs: Iterable[Cost]) -> list[Cost]:
    """One for all files that come the same way."""
    found: dict[str, Cost] = {}
    for cost in costs:
        found[cost.source] = found[cost.source] + cost if cost.source in found else cost
    return list(found.values())


def refuse_too_much(costs: Sequence[Cost], pipeline: Pipeline) -> None:
    """Raise InputError where what is known to come has no room: under --max-disk, or on the disk."""
    # The sum is an upper bound: sources may be fetched at the same time.
    peak = sum(cost.peak for cost in costs)
    # The root may not exist before the first run; its disk is that of the nearest existing parent.
    folder = next(path for path in (pipeline.root, *pipeline.root.parents) if path.is_dir())
    free = shutil.disk_usage(folder).free
    if peak <= free and (pipeline.max_disk is None or peak <= pipeline.max_disk):
        return
    room = f"{readable(free)} are free" if peak > free else f"--max-disk allows {readable(pipeline.max_disk or 0)}"
    raise InputError(
        f"The run would take {readable(peak)} of disk space under {pipeline.root}, and {room}. Nothing was started.\n"
        + "\n".join(f"  {cost.told}" for cost in costs if cost.peak)
        + "\nWith `keep: extract` in the profile, files are deleted after they are read."
    )


def _of_source(lists: _Lists, name: str, source: Input, years: Sequence[int | None]) -> Iterator[Cost]:
    pipeline = lists.pipeline
    for role, files in source.files.items():
        if isinstance(files, Fetch):
            title, client = f"{name} ({files.fetch})", FETCHERS[files.fetch]
            if client.listed:
                cost, largest = _of_parts(lists, source, role, years)
                yield _estimated(replace(cost, source=title), largest, source, pipeline)
            else:
                cost = _estimated(replace(_of_pages(lists, files, years), source=title), 0, source, pipeline)
                # An API is often limited by its rate limit and not by bandwidth, so the longer of the two counts.
                paced = cost.requests / client.parsed(files.options).per_second
                yield replace(cost, seconds=max(cost.seconds, paced))
        else:
            size = sum(path.stat().st_size for path in _new(pipeline.archive, source.reader, files))
            if size:
                yield _estimated(Cost(f"{name} (local files)", read=size), 0, source, pipeline)


def _of_pages(lists: _Lists, fetch: Fetch, years: Sequence[int | None]) -> Cost:
    """What a client of lists still has to ask for, by the first page of each year's."""
    client, total = FETCHERS[fetch.fetch], Cost("")
    options = client.parsed(fetch.options).model_copy(update={"patience": BRIEF})
    for year in years:

        def first(archive: Archive, year: int | None = year) -> Begun:
            with client.connection(archive, options, year) as http:
                return client.begin(archive, http, options, year)

        begun = lists.first(first)
        if begun is None:  # nor will it answer for another year
            return total + Cost("", unknown=True)
        total += Cost("", begun.requests, begun.bytes, begun.credits, begun.bytes)
    return total


def _of_parts(lists: _Lists, source: Input, role: str, years: Sequence[int | None]) -> tuple[Cost, int]:
    """What a client of complete files has to fetch for a role, and the bytes of the largest file."""
    fetch, parts, unknown = source.fetches()[role], dict[str, Part](), False
    client = FETCHERS[fetch.fetch]
    options = client.parsed(fetch.options).model_copy(update={"patience": BRIEF})
    for year in years:

        def listed(archive: Archive, year: int | None = year) -> list[Part]:
            with client.connection(archive, options, year) as http:
                return client.parts(archive, http, options, year).parts

        found = lists.first(listed)
        if unknown := found is None:
            break
        # Years may share a list, and a part is fetched once: the address identifies it.
        parts |= {part.request.address: part for part in found or ()}
    left = [part for part in parts.values() if not _is_here(lists.pipeline, source, role, part)]
    sizes = _sizes(left, asks=lists.may_ask and not isinstance(options, KeyedOptions))
    known = [size for size in sizes if size is not None]
    size = sum(known)
    unknown |= len(known) < len(sizes)
    return Cost("", len(left), size, read=size, unknown=unknown), max(known, default=0)


def _sizes(parts: Sequence[Part], *, asks: bool) -> list[int | None]:
    """Bytes of each part, by its list or else its server; a server that does not say is asked once."""
    sizes = [part.expected.bytes for part in parts]
    for nth, part in enumerate(parts):
        if asks and sizes[nth] is None:
            sizes[nth] = size_at(part.request.full_url)
            # A server that hides one size hides all: do not send a request per file of a snapshot.
            asks = sizes[nth] is not None
    return sizes


def _is_here(pipeline: Pipeline, source: Input, role: str, part: Part) -> bool:
    archive = pipeline.archive
    if source.keep == "extract" and role == streamed_role(source):
        return Taking(source.reader, role, source.options, Extracts(pipeline.store.extracts)).known(archive, part)
    known = known_file(archive.shelf(part.terms.source), part.request, part.expected)
    return known is not None and (part.expected.bytes is not None or archive.usable(known.retrieved_at))


def _estimated(cost: Cost, largest: int, source: Input, pipeline: Pipeline) -> Cost:
    """With disk and time, from the rates measured under the root, or from those that ship. largest: file, in bytes.

    Spark's executors have parts in flight on their own disks.
    """
    if not cost.read:
        return cost
    rates = Rates(pipeline.rates)
    is_read, client = source.reader in SOURCES, cost.source.partition("(")[2].rstrip(")")
    streamed = source.keep == "extract" and client in FETCHERS
    if streamed:
        done = [rates.of("stream", source.reader)]
    else:
        fetched = [rates.of("fetch", client)] if client in FETCHERS else []
        done = [*fetched, *([rates.of("read", source.reader)] if is_read else [])]
    # Extracts stay on disk, while streamed parts are deleted: this is what remains in the end.
    extracts = round(cost.read * done[-1][0].share) if is_read else 0
    final = extracts if streamed else cost.read + extracts
    seconds = sum(cost.read / rate.per_second for rate, _ in done)
    # In the worst case every worker has the largest part on disk at the same moment.
    in_flight = workers() * largest if streamed and pipeline.engine != "spark" else 0
    fetch = round(cost.fetch * (done[0][0].fetched_share if streamed else 1))
    measured = all(here for _, here in done)
    return replace(cost, fetch=fetch, peak=final + in_flight, final=final, seconds=seconds, measured=measured)


def _new(archive: Archive, name: str, paths: Sequence[Path]) -> Iterator[Path]:
    """The local files of a role that the archive has no copy of as they are now."""
    shelf = archive.shelf(name)
    for pattern in paths:
        for path in pattern.parent.glob(pattern.name) if pattern.parent.is_dir() else ():
            if path.is_file():
                kept, now = shelf.local_file(str(path.absolute())), path.stat()
                if kept is None or (kept.bytes, kept.mtime_ns) != (now.st_size, now.st_mtime_ns):
                    yield path
