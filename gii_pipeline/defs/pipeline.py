"""One pipeline: a profile, the editions that it can make, and the root that its tables lie under.

Belongs here: what every asset and command needs to know before it opens a file. Does not: opening one.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from gii_pipeline import memory, remote
from gii_pipeline.archive import Archive
from gii_pipeline.editions import Edition, EditionBook
from gii_pipeline.errors import InputError, MachineError
from gii_pipeline.geocoding import Gazetteer
from gii_pipeline.profiles import Input, Profile, read_profile
from gii_pipeline.registry import Registry
from gii_pipeline.releases import opened
from gii_pipeline.sources.checking import check_profile
from gii_pipeline.sources.slicing import sliced
from gii_pipeline.spark import ENGINES
from gii_pipeline.store import Store

DEFAULT_PROFILE = "sandbox"
DEFAULT_ROOT = "gii_data"
NATIONAL = "national"
"""The folder under a root in which national slices have roots of their own, by ISO code."""


@dataclass(frozen=True)
class Pipeline:
    """A profile and a root.

    offline: read only what the archive holds. refresh: fetch again what it holds already.
    engine: what reads and counts the records, `duckdb` or `spark`. resume: the command that goes on with a fetch that
    stopped. archive_root: where the archive lies, if not under the root. refresh_since: when the refresh began (ISO
    8601, UTC), so that what serves several years is fetched again once; by default with each step. max_disk: the most
    bytes of the disk that what is fetched may take; no file may be larger. cache_root: where the index of places is
    kept, if not under the root.
    """

    profile: Profile
    root: Path
    offline: bool = False
    refresh: bool = False
    engine: str = "duckdb"
    resume: str = "gii ingest --years {years}"
    archive_root: Path | None = None
    refresh_since: str | None = None
    max_disk: int | None = None
    cache_root: Path | None = None

    @classmethod
    def from_environment(cls) -> Pipeline:
        """The pipeline that the environment asks for.

        GII_PROFILE: a shipped name or a path; GII_ROOT: a folder, or an address as `s3://clusters/gii_data`;
        GII_METHODS: `2025,2024`; GII_OFFLINE, GII_REFRESH: `1` or when it began; GII_ENGINE: `duckdb` or `spark`;
        GII_MAX_DISK: `50GB`, the most that what is fetched may take of the disk; GII_CACHE: a folder that several
        roots share.
        A root `national/CH` has a national slice.
        """
        asked, root = os.environ.get("GII_PROFILE") or DEFAULT_PROFILE, os.environ.get("GII_ROOT") or DEFAULT_ROOT
        engine = os.environ.get("GII_ENGINE") or "duckdb"
        if engine not in ENGINES:
            raise InputError(f"GII_ENGINE is {engine!r}. Write {' or '.join(ENGINES)}.")
        refresh, most_disk = os.environ.get("GII_REFRESH", ""), os.environ.get("GII_MAX_DISK", "").strip()
        if sys.getfilesystemencoding() != "utf-8":
            raise MachineError(
                "The locale is ASCII, but file names may contain other characters. Set PYTHONUTF8=1 and start again."
            )
        profile = read_profile(asked)
        check_profile(profile, asked)
        folder = opened(root)
        if folder.parent.name == NATIONAL and len(folder.name) == len("CH"):
            profile = sliced(profile, folder.name)
        if methods := os.environ.get("GII_METHODS"):
            profile = profile.model_copy(update={"methods": tuple(int(method) for method in methods.split(","))})
        return cls(
            profile=profile,
            root=folder.absolute(),
            offline=os.environ.get("GII_OFFLINE") == "1",
            refresh=refresh not in ("", "0"),
            refresh_since=refresh if "T" in refresh else None,
            engine=engine,
            max_disk=memory.size(most_disk, "GII_MAX_DISK") if most_disk else None,
            cache_root=Path(os.environ["GII_CACHE"]).absolute() if os.environ.get("GII_CACHE") else None,
            resume=shlex.join(["gii", "ingest", "--profile", asked, "--root", remote.called(folder)])
            + " --years {years}",
        )

    @cached_property
    def book(self) -> EditionBook:
        return self.profile.book

    @cached_property
    def editions(self) -> dict[str, Edition]:
        """Label -> edition: each under its own method, and under each of the profile's `methods`."""
        own = {str(year): self.book[year] for year in sorted(self.book.editions)}
        under = [
            self.book[year].under(self.book[method]) for method in self.profile.methods for year in self.book.editions
        ]
        return own | {edition.label: edition for edition in sorted(under, key=lambda e: (e.method, e.edition))}

    @cached_property
    def data_years(self) -> list[int]:
        """Every data year that some edition demands."""
        return sorted(
            {year for edition in self.editions.values() for years in edition.data_years.values() for year in years}
        )

    @property
    def registry(self) -> Registry:
        """The metrics that the profile knows."""
        return self.profile.registry

    @cached_property
    def core_tables(self) -> dict[str, str]:
        """Metric -> the core table that it is counted from."""
        return self.registry.core_tables

    @property
    def tables(self) -> dict[str, str]:
        """Core table -> metric, for the metrics that the profile has a source for."""
        return {self.core_tables[metric]: metric for metric in self.profile.metrics}

    def tables_by_year(self, editions: Iterable[Edition]) -> dict[int, tuple[str, ...]]:
        """Data year -> the record tables that some window of the editions demands of it."""
        asked: dict[int, set[str]] = {}
        for edition in editions:
            for metric, years in edition.data_years.items():
                for year in years:
                    asked.setdefault(year, set()).add(self.core_tables[metric])
        return {year: tuple(table for table in self.tables if table in asked[year]) for year in sorted(asked)}

    def counted(self, edition: Edition) -> list[Edition]:
        """What an edition is made from: itself, and the edition before by its own method and by this edition's."""
        before = self.book.previous(edition)
        return [edition, *([before, before.under(edition)] if before else [])]

    @cached_property
    def _asked(self) -> dict[int, tuple[str, ...]]:
        return self.tables_by_year(one for edition in self.editions.values() for one in self.counted(edition))

    def asked(self, data_year: int) -> tuple[str, ...]:
        """The record tables of a data year that any edition is made from, what it is compared with included.

        All where none is demanded: who asks for such a year by hand wants to see what the sources have of it.
        """
        return self._asked.get(data_year, tuple(self.tables))

    def demands(self, table: str, data_year: int) -> bool:
        """Whether a record table of a data year is fetched and made when the year is asked for."""
        return table in self.asked(data_year)

    def tables_there(self, data_year: int) -> list[str]:
        """The record tables of a data year that lie under the root, whichever edition demanded them."""
        return [table for table in self.tables if self.store.core(table, data_year).is_file()]

    @property
    def yearless(self) -> dict[str, Input]:
        """What serves every data year, where the profile has it: institutions, and population rasters by epoch."""
        return self.profile.yearless

    @property
    def cache(self) -> Path:
        """Where the gazetteer and the answers that it gave are kept; both are made again where they are not there."""
        return self.cache_root or self.root / "cache"

    @cached_property
    def gazetteer(self) -> Gazetteer:
        """The profile's places; the index of their names is kept, since it is slow to make."""
        asked = self.profile.gazetteer
        if asked.path:
            return Gazetteer.from_dump(asked.path, min_population=asked.min_population, cache=self.cache)
        return Gazetteer.default(asked.min_population, self.cache)

    @property
    def known_places(self) -> pa.Table:
        """economy, latitude, longitude of every place, by which a contract checks that a point lies in its economy."""
        return pa.Table.from_pandas(self.gazetteer.places[["economy", "latitude", "longitude"]], preserve_index=False)

    @property
    def store(self) -> Store:
        return Store(self.root)

    @property
    def rates(self) -> Path:
        """Where it is kept how fast sources were fetched and read under this root."""
        return self.root / "rates.json"

    @property
    def probes(self) -> Path:
        """Where it is kept what sources answered to `gii doctor --probe`."""
        return self.root / "probes"

    @property
    def archive(self) -> Archive:
        root = self.archive_root or self.root
        return Archive(
            root,
            offline=self.offline,
            refresh=self.refresh,
            since=self.refresh_since,
            resume=self.resume,
            max_disk=self.max_disk,
        )
