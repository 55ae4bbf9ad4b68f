"""Reading a data year of one metric: its pinned files, extracted, united, chosen and located.

Belongs here: which extracts a data year is made of, and the steps from them to located people.
Does not: Dagster, tables and contracts (see `core`), or any of the steps themselves.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb

from gii_pipeline import geocoding, memory
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.errors import InputError
from gii_pipeline.sources import SOURCES, Options
from gii_pipeline.sources.choosing import refuse_uncounted, refuse_unseen, refuse_without
from gii_pipeline.sources.extracts import Extract, Extracts, Unit, units
from gii_pipeline.sources.gathering import pinned, pinned_files, retrieved_at
from gii_pipeline.sources.progress import Parts
from gii_pipeline.sources.rates import Rate, Rates
from gii_pipeline.sources.readers.files import quoted
from gii_pipeline.sources.readers.rows import chosen
from gii_pipeline.sources.union import Pinned, Union, union
from gii_pipeline.sources.working import in_processes, worth
from gii_pipeline.spark import on_executors
from gii_pipeline.store import Store
from gii_pipeline.verified import check_hash, here


def unused_extracts(pipeline: Pipeline) -> list[Path]:
    """The files under the root's extracts that no pinned list of any data year of the profile names."""
    named: list[Path] = []
    with memory.connect() as connection:
        for metric in pipeline.profile.metrics:
            reading = Reading(pipeline, metric, connection)
            for year in (year for year in pipeline.data_years if reading.pin(year).is_file()):
                paths = [reading.extracts.path(unit, reading.options) for unit in reading.units(year)]
                named += paths
                if all(map(here, paths)):
                    named.append(reading.extracted(year).superseded)
    return Extracts(pipeline.store.extracts).unnamed(named)


def _bytes(unit: Unit) -> int:
    return sum(file.path.stat().st_size for listed in unit.files.values() for file in listed)


def _extract(extracts: Extracts, options: Options, unit: Unit) -> None:
    """Read a unit by a worker of its own."""
    with memory.connect() as connection:
        extracts.extract(connection, unit, options)


@dataclass(frozen=True)
class Reading:
    """A metric's records of one pipeline, on one connection to work on."""

    pipeline: Pipeline
    metric: str
    connection: duckdb.DuckDBPyConnection

    @property
    def extracts(self) -> Extracts:
        return Extracts(self.pipeline.store.extracts)

    @property
    def reader(self) -> str:
        return self.pipeline.profile.metrics[self.metric].reader

    @property
    def options(self) -> Options:
        return SOURCES[self.reader].parsed(self.pipeline.profile.metrics[self.metric].options)

    @property
    def table(self) -> str:
        return self.pipeline.core_tables[self.metric]

    def pin(self, data_year: int) -> Path:
        return self.pipeline.store.raw(self.table, data_year)

    def units(self, data_year: int) -> list[Unit]:
        """What the data year's pinned list is read as."""
        return units(self.reader, pinned_files(self.pin(data_year), self.pipeline.archive))

    def extracted(self, data_year: int) -> Pinned:
        """The extracts of a data year's pinned list; what was never read is read now.

        Raises InputError naming the file where one is gone, broken or of another format.
        """
        options, wanted = self.options, self.units(data_year)
        left = [unit for unit in wanted if self.extracts.kept(unit, options) is None]
        left = [unit for unit in left if not self._kept_beside(unit)]
        for unit in left:
            self._check(unit, data_year)
        if left:
            self._read(left, options)
        found = [self.extracts.extract(self.connection, unit, options) for unit in wanted]
        self._refuse_empty(found, data_year)
        options.refuse_lacking(
            {name: [a for each in found for a in each.lacking.get(name, [])] for name in options.needs}
        )
        pinned = self._pinned(found, data_year)
        joins = SOURCES[self.reader].joins
        refuse_without(self.connection, pinned.rows(), f"{self.reader} of {data_year}", joins=joins)
        self._refuse_choices(pinned, data_year)
        return pinned

    def _read(self, units: list[Unit], options: Options) -> None:
        """Make the extracts of units, by several workers where these are worth their start."""
        size, started, engine = sum(map(_bytes, units)), time.monotonic(), self.pipeline.engine
        progress, workers = Parts(self.reader, len(units), size), worth(len(units), size, engine)
        one = partial(_extract, self.extracts, options)
        if workers > 1 and engine == "spark":
            on_executors(one, units, workers, self.extracts.folder, lambda unit, _: progress.finished(_bytes(unit)))
        elif workers > 1:
            in_processes(one, units, workers, lambda unit: progress.finished(_bytes(unit)))
        else:
            for unit in units:
                self.extracts.extract(self.connection, unit, options)
                progress.finished(_bytes(unit))
        made = sum(self.extracts.path(unit, options).stat().st_size for unit in units)
        Rates(self.pipeline.rates).note(f"read {self.reader}", Rate(size, time.monotonic() - started, made))

    def _kept_beside(self, unit: Unit) -> bool:
        """Take the extract of a file that is no longer in the archive from the root that the archive belongs to.

        What was released before is made again in an empty root, from the archive; what is not there was read once.
        """
        beside = self.pipeline.archive_root
        if beside is None or all(file.path.is_file() for listed in unit.files.values() for file in listed):
            return False
        kept = Extracts(Store(beside).extracts).kept(unit, self.options)
        if kept is None:
            return False
        self.extracts.adopt(kept, self.options)
        return True

    def elsewhere(self, data_year: int) -> dict[int, Pinned]:
        """The lists of other data years, where all of their files have been read."""
        kept = {year: self.kept(year) for year in self.pipeline.data_years if year != data_year}
        return {year: pinned for year, pinned in kept.items() if pinned}

    def kept(self, data_year: int) -> Pinned | None:
        """The extracts of a data year's pinned list; None unless all of its files have been read."""
        if not self.pin(data_year).is_file():
            return None
        kept = [self.extracts.kept(unit, self.options) for unit in self.units(data_year)]
        found = [extract for extract in kept if extract]
        return self._pinned(found, data_year) if len(found) == len(kept) else None

    def united(self, data_year: int) -> Union:
        """The data year's people, every record once."""
        return union(self.connection, self.extracted(data_year), data_year, self.elsewhere(data_year))

    def located(self, rows: duckdb.DuckDBPyRelation, data_year: int) -> duckdb.DuckDBPyRelation:
        """People as the options choose them, and where they are."""
        people = chosen(rows, self.options)
        self._refuse_nothing_left(people, data_year)
        return geocoding.locate(
            self.connection,
            people,
            self.pipeline.gazetteer,
            self._institutions(),
            geocoding.read_overrides(self.pipeline.profile.gazetteer.overrides),
            source=f"{self.reader} of {data_year}",
            unknown_economies_pct=self.pipeline.profile.gazetteer.unknown_economies_pct,
            stored=True,
            kept_in=self.pipeline.cache,
        )

    def _pinned(self, extracts: list[Extract], data_year: int) -> Pinned:
        retrieved = retrieved_at(self.pin(data_year))
        latest = int(retrieved[:4]) if retrieved else datetime.now(UTC).year
        folder = self.extracts.folder / self.reader
        return Pinned(self.metric, tuple(extracts), latest, retrieved, folder, self._gone(data_year))

    def _gone(self, data_year: int) -> str:
        """SQL for the records that the source lists as gone; empty where it lists none."""
        source = SOURCES[self.reader]
        files = pinned_files(self.pin(data_year), self.pipeline.archive)
        listed = {role: found for role, found in files.items() if role in source.gone}
        for file in (file for found in listed.values() for file in found):
            check_hash(file.path, file.sha256, f"Run `gii verify --repair`, then `gii ingest --years {data_year}`.")
        paths = {role: [file.path for file in found] for role, found in listed.items()}
        return source.listed_gone(self.connection, paths)

    def _refuse_choices(self, pinned: Pinned, data_year: int) -> None:
        """Raise InputError where no record has what an option chooses by, or a type that an edition counts.

        A list of one year need not have every value; of one that has several years nothing more is to come.
        """
        if len({year for extract in pinned.extracts for year in extract.years if year}) > 1:
            refuse_unseen(self.connection, pinned.rows(), self.options, f"{self.reader} of {data_year}")
        counted = [
            edition.metrics[self.metric].record_types.value
            for edition in self.pipeline.profile.book.editions.values()
            if self.metric in edition.metrics and data_year in edition.metrics[self.metric].window.value.years
        ]
        if counted and None not in counted:
            types = [kind for kinds in counted for kind in kinds or ()]
            refuse_uncounted(self.connection, pinned.rows(), types, f"{self.reader} of {data_year}")

    def _refuse_empty(self, extracts: list[Extract], data_year: int) -> None:
        """Raise InputError where local files have no record at all; a server may have none of a year."""
        fetched = self.pipeline.profile.metrics[self.metric].fetches()
        if fetched or any(counts.records for each in extracts for counts in each.years.values()):
            return
        names = ", ".join(each.unit.name for each in extracts[:3])
        raise InputError(
            f"{self.reader} of {data_year}: there is no record in {names}{' …' if len(extracts) > 3 else ''}. "
            f"The files are empty or not the ones this reader reads. Name others in the profile."
        )

    def _refuse_nothing_left(self, people: duckdb.DuckDBPyRelation, data_year: int) -> None:
        """Raise InputError where options that choose leave no record of a year that has some."""
        rules = self.options.drops()
        if not rules or people.filter("dropped IS NULL").limit(1).fetchall():
            return
        records = people.filter("source_rows > 0")
        dropped = records.filter(f"dropped IN ({', '.join(map(quoted, rules))})")
        reasons = dropped.aggregate("dropped, count(*) AS records", "dropped").order("records DESC, dropped").fetchall()
        if not reasons:
            return
        types = records.aggregate("coalesce(record_type, 'none') AS type, count(*) AS records", "type")
        listed = types.order("records DESC, type").limit(20).fetchall()
        raise InputError(
            f"{self.reader} of {data_year}: the reader's options exclude every record "
            f"({', '.join(f'{reason} {count:,}' for reason, count in reasons)}). The types in the files are: "
            f"{', '.join(f'{kind} {count:,}' for kind, count in listed)}. Correct the options in the profile."
        )

    def _check(self, unit: Unit, data_year: int) -> None:
        """Raise DamagedError where a file of the archive is gone or damaged, InputError where it was deleted by us."""
        shelves = [self.pipeline.archive.shelf(name) for name in self.pipeline.archive.sources()]
        files = [file for listed in unit.files.values() for file in listed]
        for file in files:
            if gone := next(filter(None, (shelf.gone(file.sha256) for shelf in shelves)), None):
                raise InputError(
                    f"{file.address} is no longer in the archive ({gone.why}, on {gone.let_go_at[:10]}), and "
                    f"the extract of {self.reader} is not under {self.extracts.folder}, or was read with "
                    f"other options. "
                    f"`{self.pipeline.archive.resume_command(data_year)}` fetches it again."
                )
        remedy = f"Run `gii verify --repair`, which sets it aside, then `gii ingest --years {data_year}`."
        for file in files:
            check_hash(file.path, file.sha256, remedy)

    def _institutions(self) -> duckdb.DuckDBPyRelation | None:
        source = self.pipeline.profile.institutions
        if source is None:
            return None
        files = pinned(self.pipeline.store.raw("institutions"), self.pipeline.archive)
        return SOURCES[source.reader].institutions(self.connection, files, source.options)
