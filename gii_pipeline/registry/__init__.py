"""The registry of metrics: what each is called, its core table, its unit, its people and its colours.

Belongs here: the entries that the package ships (`metrics.yaml`) and their typed model; a profile adds entries.
Does not: which metrics an edition counts, over which window and with which weight; those are settings of the edition.

It decides no figure of the rankings: what an entry changes in a table, the table's contract says. Which metrics have
applicants, the recipe of an edition says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from gii_pipeline.errors import InputError
from gii_pipeline.yaml import read_yaml

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Words = Annotated[str, Field(min_length=1, max_length=200)]
Hex = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
Name = Annotated[str, Field(pattern=r"^[a-z]{2}$")]


def in_text(title: str) -> str:
    """A title inside a sentence: small letters, except where it begins with an abbreviation.

    >>> in_text("Scientific publications"), in_text("PCT applications")
    ('scientific publications', 'PCT applications')
    """
    return title if title[1].isupper() else title[0].lower() + title[1:]


class Colour(BaseModel):
    """A colour on a light and on a dark page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    light: Hex = "#868e96"
    dark: Hex = "#adb5bd"


class Metric(BaseModel):
    """One metric.

    record: one of its records, with its article; unit: what a count is of. person, people: who a record is split over.
    one_person: every record has exactly one. by_applicant: its organisations apply for what these people made, and may
    sit elsewhere. volatile: the number of records may fall by a third from year to year.
    titles: its title inside a sentence, by language.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Identifier
    core_table: Identifier
    title: Annotated[Words, Field(min_length=2)]
    record: Annotated[str, Field(pattern=r"^an? \S.*$", max_length=200)]
    unit: Words
    person: Words
    people: Words
    purpose: str = ""
    one_person: bool = False
    by_applicant: bool = False
    volatile: bool = False
    colour: Colour = Colour()
    titles: Mapping[Name, Words] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _has_a_purpose(cls, given: Any) -> Any:  # noqa: ANN401
        if isinstance(given, dict) and not given.get("purpose"):
            purpose = f"{given.get('title')} of one year by {given.get('person')} and location."
            return {**given, "purpose": purpose}
        return given

    @property
    def title_in_text(self) -> str:
        """The title inside a sentence."""
        return in_text(self.title)

    def title_in(self, language: str) -> str:
        """The title inside a sentence of a language; in English where the entry has none in it."""
        return self.titles.get(language, self.title_in_text)

    @property
    def words(self) -> dict[str, str]:
        """What the templates of contracts call the metric."""
        named = ("core_table", "title", "title_in_text", "record", "unit", "person", "people", "purpose")
        return {"metric": self.name, **{name: getattr(self, name) for name in named}}


class Registry(Mapping[str, Metric]):
    """Metrics by name, in the order in which tables and pages show them."""

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self._metrics = dict(metrics)

    def __getitem__(self, name: str) -> Metric:
        return self._metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)

    def __hash__(self) -> int:
        return hash(tuple((name, metric.core_table) for name, metric in self._metrics.items()))

    @property
    def core_tables(self) -> dict[str, str]:
        """Metric -> the core table that it is counted from."""
        return {name: metric.core_table for name, metric in self.items()}

    @property
    def by_table(self) -> dict[str, Metric]:
        return {metric.core_table: metric for metric in self.values()}

    def title(self, name: str) -> str:
        """A metric's title; of one that is not in the registry, its name."""
        return self[name].title if name in self else name

    def title_in_text(self, name: str) -> str:
        """A metric's title inside a sentence; of one that is not in the registry, its name."""
        return self[name].title_in_text if name in self else name.replace("_", " ")

    def with_entries(self, entries: Mapping[str, Any], where: str) -> Registry:
        """This registry and more entries, as YAML gives them.

        where: the file, for errors. Raises InputError naming each field that is missing or wrong, and an entry whose
        name or core table is taken.
        """
        return Registry({**self, **_read(entries, where, self)})

    def plain(self) -> dict[str, Any]:
        """The entries as JSON has them; `from_plain` reads them."""
        return {name: metric.model_dump(mode="json", exclude={"name"}) for name, metric in self.items()}


def from_plain(entries: Mapping[str, Any], where: str) -> Registry:
    """The registry that `plain` gave."""
    return Registry(_read(entries, where, {}))


@cache
def shipped() -> Registry:
    """The metrics that the package ships."""
    text = files("gii_pipeline.registry").joinpath("metrics.yaml").read_text(encoding="utf-8")
    return from_plain(read_yaml(text, "metrics.yaml"), "metrics.yaml")


def _read(entries: Mapping[str, Any], where: str, known: Mapping[str, Metric]) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for name, entry in entries.items():
        if not isinstance(entry, Mapping):
            raise InputError(f"{where}: metric {name!r} must be a name followed by its entry.")
        try:
            found[str(name)] = TypeAdapter(Metric).validate_python({**entry, "name": name})
        except ValidationError as error:
            faults = "\n".join(f"  {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise InputError(f"{where}: the entry of metric {name!r} is not complete.\n{faults}") from error
    _refuse_taken(found, where, known)
    return found


def _refuse_taken(found: Mapping[str, Metric], where: str, known: Mapping[str, Metric]) -> None:
    tables = {metric.core_table: name for name, metric in known.items()}
    for name, metric in found.items():
        if name in known:
            raise InputError(f"{where}: the metric {name!r} already exists. Choose another name.")
        if metric.core_table in tables:
            raise InputError(
                f"{where}: metric {name!r} is counted from the core table `{metric.core_table}`, which metric "
                f"{tables[metric.core_table]!r} has. Choose another `core_table`."
            )
        tables[metric.core_table] = name
