"""Reading editions from YAML, and finding one by its label.

Belongs here: the book of editions (WIPO's, and those that a user's profile adds) and its error messages.
Does not: what an edition must hold; that is the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from gii_pipeline.editions.model import Edition, MetricSettings
from gii_pipeline.errors import InputError
from gii_pipeline.yaml import read_yaml

PROVISIONAL = "provisional_after"
ALSO_COUNTS = "also_counts"
WIPO_EDITIONS = files("gii_pipeline.editions").joinpath("editions.yaml")


@dataclass(frozen=True)
class EditionBook:
    """Every edition that is known, by year. uncounted: year -> why an edition that is known cannot be ranked."""

    editions: Mapping[int, Edition]
    uncounted: Mapping[int, str] = field(default_factory=dict)

    def __getitem__(self, year: int) -> Edition:
        try:
            return self.editions[year]
        except KeyError:
            if year in self.uncounted:
                raise InputError(self.uncounted[year]) from None
            known = ", ".join(str(known_year) for known_year in sorted(self.editions))
            raise InputError(
                f"There is no edition {year}. Known: {known}. Add it to the profile's `editions`, or choose another."
            ) from None

    def edition(self, label: str) -> Edition:
        """The edition of a label: `2025`, or `2024@2025` for 2024 under the method of 2025."""
        year, at, method = label.partition("@")
        if not (year.isdigit() and (method.isdigit() or not at)):
            raise InputError(f"{label!r} is not an edition. Write 2025, or 2024@2025 for 2024 with the method of 2025.")
        own = self[int(year)]
        return own.under(self[int(method)]) if method else own

    def previous(self, edition: Edition) -> Edition | None:
        """The edition before this one under its own method, or None for the first."""
        earlier = [year for year in self.editions if year < edition.edition]
        return self.editions[max(earlier)] if earlier else None

    def with_editions(self, more: Mapping[int, Edition]) -> EditionBook:
        return EditionBook({**self.editions, **more})

    def adapted(self, change: Callable[[Edition], Edition | str]) -> EditionBook:
        """Every edition changed in the same way; those for which `change` says why not cannot be ranked."""
        changed = {year: change(edition) for year, edition in self.editions.items()}
        return EditionBook(
            {year: edition for year, edition in changed.items() if isinstance(edition, Edition)},
            {year: why for year, why in changed.items() if isinstance(why, str)},
        )


def parse_editions(
    document: Mapping[Any, Any], where: str, known: Mapping[int, Edition] | None = None
) -> dict[int, Edition]:
    """Editions from a parsed YAML mapping of year -> settings, `{provisional_after: YEAR}` or `{also_counts: METRICS}`.

    where: the file named in errors. known: further editions, which a provisional one follows, or which count more.
    Raises InputError naming the file, the edition and each field that is missing or wrong.
    """
    editions: dict[int, Edition] = {}
    for year, settings in document.items():
        if not isinstance(year, int) or not isinstance(settings, Mapping):
            raise InputError(f"{where}: under `editions`, {year!r} must be a year followed by settings.")
        if ALSO_COUNTS in settings:
            editions[year] = _also_counting(year, settings, known or {}, where)
            continue
        if PROVISIONAL in settings:
            editions[year] = _provisional(year, settings, {**(known or {}), **editions}, where)
            continue
        try:
            editions[year] = Edition.model_validate({"edition": year, "method": year, **settings})
        except ValidationError as error:
            raise InputError(f"{where}: edition {year} is incomplete.\n{field_by_field(error)}") from error
    return editions


def _also_counting(year: int, settings: Mapping[Any, Any], known: Mapping[int, Edition], where: str) -> Edition:
    """A known edition with more metrics."""
    if set(settings) != {ALSO_COUNTS} or year not in known:
        raise InputError(
            f"{where}: edition {year} says `{ALSO_COUNTS}`: it can have no other setting, and must be a shipped "
            f"edition: "
            f"{', '.join(map(str, sorted(known)))}."
        )
    try:
        more = TypeAdapter(dict[str, MetricSettings]).validate_python(settings[ALSO_COUNTS])
    except ValidationError as error:
        raise InputError(
            f"{where}: `{ALSO_COUNTS}` of edition {year} is not complete.\n{field_by_field(error)}"
        ) from error
    if twice := sorted(set(more) & set(known[year].metrics)):
        raise InputError(f"{where}: edition {year} already counts {', '.join(twice)}. Remove it from `{ALSO_COUNTS}`.")
    return known[year].model_copy(update={"metrics": {**known[year].metrics, **more}})


def _provisional(year: int, settings: Mapping[Any, Any], known: Mapping[int, Edition], where: str) -> Edition:
    before = settings[PROVISIONAL]
    if set(settings) != {PROVISIONAL} or before not in known or before >= year:
        earlier = ", ".join(str(found) for found in sorted(known) if found < year)
        raise InputError(
            f"{where}: edition {year} must contain only `{PROVISIONAL}: YEAR`, with the year of an edition "
            f"above it in the file or of a shipped one: {earlier}."
        )
    return known[before].provisional_for(year)


def read_book(path: Path) -> EditionBook:
    """The book of editions in a YAML file with a top-level `editions` mapping."""
    return _book(path.read_text(encoding="utf-8"), str(path))


@cache
def wipo_book() -> EditionBook:
    """WIPO's editions, as shipped."""
    return _book(WIPO_EDITIONS.read_text(encoding="utf-8"), "editions.yaml")


def _book(text: str, where: str) -> EditionBook:
    document = read_yaml(text, where)
    if not isinstance(document, Mapping) or not isinstance(document.get("editions"), Mapping):
        raise InputError(f"{where}: a top-level mapping `editions` is missing.")
    return EditionBook(parse_editions(document["editions"], where))


def field_by_field(error: ValidationError) -> str:
    """One line for every field that a validation found missing or wrong."""
    return "\n".join(
        f"  {'.'.join(map(str, problem['loc'])) or 'edition'}: {problem['msg']}" for problem in error.errors()
    )
