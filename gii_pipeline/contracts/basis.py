"""What a column rests on: the settings of an edition that decide it, each a fact, an inference or an assumption.

Belongs here: which settings a column has (`basis.yaml`), and their tags and sources in an edition.
Does not: the settings' values and tags, which are data of `editions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import yaml

from gii_pipeline.editions import Edition, MetricSettings, wipo_book

BASIS = files("gii_pipeline.contracts").joinpath("basis.yaml")
WEAKEST_FIRST = ("A", "I", "F")
OF_A_METRIC = tuple(MetricSettings.model_fields)


class Ground(NamedTuple):
    """A setting, its tag and where its value comes from; of several metrics the weakest tag, and every source."""

    setting: str
    tag: str
    value: str
    source: str


def settings_of(table: str, column: str) -> tuple[str, ...]:
    """The settings that decide a column of an edition's table, in the order of `basis.yaml`."""
    groups, columns = _basis()
    names = next(names for pattern, names in columns.items() if fnmatchcase(f"{table}.{column}", pattern))
    return tuple(dict.fromkeys(setting for name in names for setting in groups.get(name, [name])))


def ground(setting: str, edition: Edition | None = None) -> Ground:
    """A setting's tag, value and source in an edition, the newest by default."""
    edition = edition or newest()
    if setting not in OF_A_METRIC:
        found = getattr(edition, setting)
        return Ground(setting, found.tag, str(found.value), found.source)
    asked = {name: getattr(metric, setting) for name, metric in edition.metrics.items()}
    of_metrics = {name: found for name, found in asked.items() if found is not None}
    return Ground(
        setting,
        weakest(found.tag for found in of_metrics.values()),
        "; ".join(f"{name}: {_said(found.value)}" for name, found in of_metrics.items()),
        "; ".join(f"{name} ({found.tag}): {found.source}" for name, found in of_metrics.items()),
    )


def weakest(tags: Iterable[str]) -> str:
    """A before I before F; empty for no tag.

    >>> weakest(["F", "A", "I"]), weakest([])
    ('A', '')
    """
    given = set(tags)
    return next((tag for tag in WEAKEST_FIRST if tag in given), "")


def in_words(table: str, column: str) -> str:
    """A column's grounds as the dictionary shows them: the weakest tag, then the settings by tag; empty for none."""
    grounds = [ground(setting) for setting in settings_of(table, column)]
    by_tag = {tag: [f"`{one.setting}`" for one in grounds if one.tag == tag] for tag in WEAKEST_FIRST}
    listed = "; ".join(f"{tag}: {', '.join(names)}" for tag, names in by_tag.items() if names)
    return f"**{weakest(one.tag for one in grounds)}** ({listed})" if grounds else ""


@cache
def newest() -> Edition:
    """The newest edition that is shipped and whose method is published, as far as it is."""
    book = wipo_book()
    return book[max(year for year, edition in book.editions.items() if not edition.provisional)]


@cache
def _basis() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    document = yaml.safe_load(BASIS.read_text(encoding="utf-8"))
    return document["groups"], document["columns"]


def _said(value: object) -> str:
    if value is None:
        return "all"
    return ", ".join(map(str, value)) if isinstance(value, tuple) and not hasattr(value, "years") else str(value)
