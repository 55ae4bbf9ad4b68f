"""What an edition is made from: records, earlier tables, population, and its own tables as stages read them.

Belongs here: finding and asserting the inputs of an edition. Does not: Dagster, computing, or recipes (see
`edition_recipes`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow.parquet as pq

from gii_pipeline.defs import retrievals
from gii_pipeline.defs.between_years import counted_twice
from gii_pipeline.defs.edition_recipes import EditionRecipes
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.stages import STAGE_OF, Stage, Take
from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError, MissingYearsError
from gii_pipeline.profiles import Input
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.gathering import named_by_address, pinned, pinned_entries
from gii_pipeline.store import read_lock, read_parquet
from gii_pipeline.store.lock import TOTALS_KEY

if TYPE_CHECKING:
    import geopandas as gpd
    import ibis.expr.types as ir
    from ibis.backends import BaseBackend

    from gii_pipeline.composition import Licence
    from gii_pipeline.counting import Counted, Makeup, Total
    from gii_pipeline.metrics.completeness import Shown
    from gii_pipeline.metrics.population import PopulationOf


@dataclass(frozen=True)
class EditionInputs:
    """What one edition of one pipeline is made from. stage: the one that reads, where only one does."""

    pipeline: Pipeline
    label: str
    stage: Stage | None = None

    @cached_property
    def edition(self) -> Edition:
        return self.pipeline.book.edition(self.label)

    @cached_property
    def previous(self) -> Edition | None:
        """The edition before, by its own method; None where there is none or one of its years is not ingested."""
        before = self.pipeline.book.previous(self.edition)
        try:
            found = before and self.core_files(before.under(self.edition)) and self.core_files(before)
        except (MissingYearsError, InputError):
            return None
        return before if found else None

    @property
    def years(self) -> set[int]:
        """The data years of its windows, and of the edition before's, which it is compared with."""
        return set(self.demanded)

    @property
    def demanded(self) -> dict[int, tuple[str, ...]]:
        """Data year -> the record tables that its windows demand of it, or those of the edition it is compared with."""
        return self.pipeline.tables_by_year(self.pipeline.counted(self.edition))

    @property
    def pins(self) -> list[tuple[Path, Input, str | None]]:
        """Every list of files that the edition's tables may come from, with its source, and its metric if it has one.

        What tables were made from is in their locks; these say what those sources are called. `locations` are those of
        the records of all metrics, also of one that the edition does not count.
        """
        store, profile = self.pipeline.store, self.pipeline.profile
        pins: list[tuple[Path, Input, str | None]] = [
            (store.raw(name), source, None) for name, source in self.pipeline.yearless.items()
        ]
        for table, metric in self.pipeline.tables.items():
            pins += [(store.raw(table, year), profile.metrics[metric], metric) for year in sorted(self.years)]
        return [pin for pin in pins if pin[0].is_file()]

    def core_files(self, edition: Edition) -> dict[str, list[Path]]:
        """Core table -> the files of the years that the edition's windows demand, and of `locations` for all of them.

        Raises MissingYearsError naming the missing years, InputError where two of them count the same record.
        """
        store = self.pipeline.store
        tables = self.pipeline.core_tables
        files = {tables[name]: store.core_years(tables[name], years) for name, years in edition.data_years.items()}
        for metric, metric_years in edition.data_years.items():
            for year in metric_years:
                if twice := counted_twice(self.pipeline, tables[metric], year):
                    raise InputError(f"Data year {year}: {twice}. Run `gii ingest --years {year}`.")
        years = {year for years in edition.data_years.values() for year in years}
        return {**files, "locations": store.core_years("locations", years)}

    def core(self, connection: BaseBackend, edition: Edition) -> tuple[dict[str, ir.Table], ir.Table]:
        """Metric -> its core table, and the locations, for the edition's years on one connection."""
        from gii_pipeline.counting.engine import read_core

        files = self.core_files(edition)
        tables = self._records(connection, edition, files)
        return self._calibrated(tables, edition), read_core(connection, files["locations"])

    def _records(
        self, connection: BaseBackend, edition: Edition, files: Mapping[str, list[Path]]
    ) -> dict[str, ir.Table]:
        """Metric -> its core table; of a national slice, its rows in the country."""
        from gii_pipeline.counting.engine import read_core

        names, country = self.pipeline.core_tables, self.pipeline.profile.country
        tables = {metric: read_core(connection, files[names[metric]]) for metric in edition.metrics}
        return {metric: rows.filter(rows.economy == country) for metric, rows in tables.items()} if country else tables

    def _calibrated(self, tables: dict[str, ir.Table], edition: Edition) -> dict[str, ir.Table]:
        """The core tables, weighted to official totals where the profile says so."""
        wanted = [metric for metric in edition.metrics if metric in self.pipeline.profile.calibration]
        if not wanted:
            return tables
        from gii_pipeline import counting
        from gii_pipeline.metrics.coverage import weights

        counts = counting.by_economy(tables, edition)
        for metric in wanted:
            own = counts[counts["metric"] == metric].drop(columns="metric")
            tables[metric] = counting.calibrated(tables[metric], weights(own, self.official_totals[metric]))
        return tables

    @cached_property
    def official_totals(self) -> dict[str, pd.DataFrame]:
        """Metric -> the official totals that the profile names, those of the calibration before others."""
        from gii_pipeline.metrics.coverage import read_totals

        profile = self.pipeline.profile
        return {metric: read_totals(path) for metric, path in (profile.official_totals | profile.calibration).items()}

    @cached_property
    def retrieved(self) -> dict[str, dict[int, Shown]]:
        """Metric -> data year -> what retrievals show of it, where they show whether it is complete."""
        found = retrievals.shown_for(self.pipeline, self.edition)
        return {metric: {year: one for year, one in of.items() if one.tells} for metric, of in found.items()}

    def coverage(self) -> pd.DataFrame:
        """The `coverage` table of the records as they are, before any weight."""
        from gii_pipeline import counting
        from gii_pipeline.metrics.coverage import coverage

        self._takes("records")
        with closing_engine(self.pipeline.engine) as connection:
            tables = self._records(connection, self.edition, self.core_files(self.edition))
            counts = counting.by_economy(tables, self.edition)
        calibrated = tuple(self.pipeline.profile.calibration)
        return coverage(counts, self.official_totals, self.edition, calibrated=calibrated, retrieved=self.retrieved)

    def count(self, edition: Edition) -> Counted:
        """All that is counted for this edition, or for one that it is compared with, from the core files."""
        from gii_pipeline import counting

        self._takes("records" if edition.data_years == self.edition.data_years else "records before")
        with closing_engine(self.pipeline.engine) as connection:
            return counting.count(*self.core(connection, edition), edition)

    def co_counts(self, clusters: pd.DataFrame) -> pd.DataFrame:
        """How the parts of single records fall on numbered clusters together."""
        from gii_pipeline import counting

        self._takes("records")
        with closing_engine(self.pipeline.engine) as connection:
            core, _ = self.core(connection, self.edition)
            return counting.co_counts(core, self.edition, clusters)

    def makeup(self, clusters: pd.DataFrame) -> Makeup:
        """What the counts of numbered clusters are made of."""
        from gii_pipeline import counting

        self._takes("records")
        with closing_engine(self.pipeline.engine) as connection:
            core, _ = self.core(connection, self.edition)
            return counting.makeup(core, self.edition, clusters)

    @property
    def licences(self) -> dict[str, Licence]:
        """Metric -> the licence of its source, and whether organisations may be named, as profile or reader says."""
        from gii_pipeline.composition import Licence

        found = {}
        for metric in self.edition.metrics:
            source = self.pipeline.profile.metrics[metric]
            reader = SOURCES[source.reader]
            said = (source.names_organisations, source.shares_records, reader.names_organisations)
            named = next((each for each in said if each is not None), reader.shares_records)
            found[metric] = Licence(source.licence or reader.licence, named)
        return found

    @property
    def by_applicant(self) -> frozenset[str]:
        """The metrics whose organisations may sit elsewhere than the people that are counted."""
        registry = self.pipeline.registry
        return frozenset(metric for metric in self.edition.metrics if registry[metric].by_applicant)

    @property
    def organisation_names(self) -> pd.DataFrame | None:
        """Which names are one organisation, where the profile says so."""
        from gii_pipeline.composition import read_names

        path = self.pipeline.profile.organisations
        return read_names(path) if path else None

    @property
    def counts_ties(self) -> bool:
        """Whether the edition merges clusters by co-records between locations."""
        return self.edition.merge_rule.value == "distance_and_ties"

    @cached_property
    def ties(self) -> pd.DataFrame | None:
        """Co-records between locations, where the edition merges clusters by them."""
        from gii_pipeline import counting

        self._takes("ties")
        if not self.counts_ties:
            return None
        with closing_engine(self.pipeline.engine) as connection:
            core, _ = self.core(connection, self.edition)
            return counting.ties(core, self.edition)

    @property
    def earlier_labels(self) -> list[str]:
        """The editions whose cluster ids may live on: the one before, by this method or its own, or the same year."""
        before = self.pipeline.book.previous(self.edition)
        labels = [before.under(self.edition).label, before.label] if before else []
        return labels if self.edition.method == self.edition.edition else [*labels, str(self.edition.edition)]

    @property
    def previous_label(self) -> str | None:
        """The edition whose cluster ids live on: the first that is there of those whose may."""
        store = self.pipeline.store
        made = (label for label in self.earlier_labels if store.edition("cluster_members", label).is_file())
        return next(made, None)

    @property
    def previous_members_file(self) -> Path | None:
        """The members of the clusters whose ids live on."""
        if self.previous_label is None:
            return None
        return self.pipeline.store.existing_edition("cluster_members", self.previous_label)

    @property
    def previous_members(self) -> pd.DataFrame | None:
        self._takes("ids")
        return read_parquet(self.previous_members_file).to_pandas() if self.previous_members_file else None

    @cached_property
    def recipes(self) -> EditionRecipes:
        """What its stages would be made from now."""
        return EditionRecipes(self)

    @property
    def population_of(self) -> PopulationOf | None:
        """What gives footprints their inhabitants; None where the profile has no population layer."""
        self._takes("population")
        return self._population_of if self.pipeline.profile.population else None

    def _population_of(self, footprints: pd.DataFrame) -> pd.DataFrame:
        """cluster_id, population of the footprints, from the pinned rasters of the epochs around the edition's year."""
        from gii_pipeline.metrics.population import population
        from gii_pipeline.metrics.rasters import PopulationRaster

        pin = self.pipeline.store.raw("population")
        came_from = {entry["sha256"]: entry["address"] for entry in pinned_entries(pin)}
        files = pinned(pin, self.pipeline.archive)
        rasters = [
            PopulationRaster(path, int(year), came_from.get(path.name, ""))
            for year, paths in files.items()
            for path in paths
        ]
        with named_by_address([pin]):
            return population(footprints, rasters, self.edition.population_year.value)

    @cached_property
    def settlements(self) -> gpd.GeoSeries | None:
        """The extents of settlements, where the edition's footprints are these."""
        from gii_pipeline.clusters.settlements import read_settlements

        self._takes("settlements")
        if self.edition.footprint.value != "settlements":
            return None
        layer = self.pipeline.profile.population
        path = layer.settlements if layer else None
        if path is None:
            raise InputError(
                f"The footprints of edition {self.label} are settlements, and the profile "
                f"{self.pipeline.profile.name!r} names no settlements file. Set `population.settlements`, or "
                "`footprint` to members or catchment."
            )
        return read_settlements(path)

    def _takes(self, what: Take) -> None:
        if self.stage and what not in self.stage.takes:
            raise LookupError(f"Stage {self.stage.name!r} reads {what}, which its recipe does not name.")

    def read(self, table: str) -> pd.DataFrame:
        """A table of this edition."""
        frame: pd.DataFrame = read_parquet(self.file(table)).to_pandas()
        return frame

    def file(self, table: str) -> Path:
        """The file of a table that this run has made.

        Raises InputError where another run made it from other inputs, so that one edition never mixes two.
        """
        path = self.pipeline.store.existing_edition(table, self.label)
        if self.stage and table not in self.stage.reads:
            raise LookupError(f"Stage {self.stage.name!r} reads {table}, which its recipe does not name.")
        if read_lock(path).recipe != self.recipes.lock(STAGE_OF[table]).recipe:
            raise InputError(
                f"{path} was made from other inputs than edition {self.label} has now: they changed, or another "
                f"run of the edition is in progress. Run the job `ranking` of {self.label} again."
            )
        return path

    @property
    def totals(self) -> dict[str, Total]:
        """Metric -> the world total that was counted with the points."""
        from gii_pipeline.counting import Total

        path = self.file("points")
        return {name: Total(*total) for name, total in json.loads(pq.read_schema(path).metadata[TOTALS_KEY]).items()}


@contextmanager
def closing_engine(engine: str) -> Iterator[BaseBackend]:
    """A connection to count on, closed at the end; Spark's session is left to whoever comes next."""
    from gii_pipeline import counting

    connection = counting.connect(engine)
    try:
        yield connection
    finally:
        if engine == "duckdb":
            connection.disconnect()


def totals_metadata(totals: Mapping[str, Total]) -> dict[bytes, bytes]:
    """What the file of the points carries beside its rows: the world totals that shares are taken of."""
    return {TOTALS_KEY: json.dumps({name: list(total) for name, total in totals.items()}, sort_keys=True).encode()}
