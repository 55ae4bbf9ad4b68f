"""Checking a profile: whether the readers, roles, clients and options that it names exist.

Belongs here: everything about a profile's sources that can be checked before a file is opened or asked for.
Does not: the form of a profile (see `profiles`), or whether its files are there; the archive says that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from gii_pipeline.editions.book import field_by_field
from gii_pipeline.errors import InputError
from gii_pipeline.profiles import Fetch, Input, Profile
from gii_pipeline.sources import SOURCES, Source
from gii_pipeline.sources.fetching import FETCHERS
from gii_pipeline.sources.streaming import unstreamable


def check_profile(profile: Profile, where: str) -> None:
    """Raise InputError with one line for every reader, role, client or option that does not exist.

    where: the profile as people named it, a shipped name or a path.
    """
    named = {f"metrics.{metric}": source for metric, source in profile.metrics.items()}
    named |= {"institutions": profile.institutions} if profile.institutions else {}
    faults = [fault for place, source in named.items() for fault in _of_reader(place, source)]
    faults += _of_metrics(profile)
    if profile.population:
        faults += _of_clients("population.rasters", profile.population.input.fetches())
    if faults:
        raise InputError(f"The profile {where} refers to things that do not exist.\n  " + "\n  ".join(faults))


def _of_reader(place: str, source: Input) -> Iterator[str]:
    if source.reader not in SOURCES:
        yield f"{place}.reader: there is no reader {source.reader!r}. Known: {', '.join(sorted(SOURCES))}"
        return
    reader = SOURCES[source.reader]
    yield from _of_roles(place, source, reader)
    try:
        reader.options.model_validate(source.options)
    except ValidationError as error:
        known = ", ".join(reader.options.model_fields) or "none"
        yield f"{place}.options of the reader `{source.reader}` (known: {known}):\n  {field_by_field(error)}"
    yield from _of_clients(f"{place}.files", source.fetches())
    every_year = "institutions are read with every data year: keep raw files" if place == "institutions" else ""
    if source.keep == "extract" and (why := every_year or unstreamable(source)):
        yield f"{place}.keep: {why}"


def _of_roles(place: str, source: Input, reader: Source) -> Iterator[str]:
    optional = reader.optional_roles or {}
    for role in sorted(reader.roles.keys() - source.files.keys()):
        yield f"{place}.files: the reader `{source.reader}` needs `{role}` ({reader.roles[role]})"
    for role in sorted(source.files.keys() - reader.roles.keys() - optional.keys()):
        known = ", ".join([*reader.roles, *optional])
        yield f"{place}.files.{role}: the reader `{source.reader}` has no such role. Known: {known}"


def _of_metrics(profile: Profile) -> Iterator[str]:
    """A reader of one metric's records in the place of another's."""
    for metric, source in profile.metrics.items():
        reads = SOURCES[source.reader].metric if source.reader in SOURCES else None
        if reads not in (None, metric):
            yield f"metrics.{metric}.reader: `{source.reader}` reads {reads}"


def _of_clients(place: str, fetches: Mapping[str, Fetch]) -> Iterator[str]:
    for role, fetch in fetches.items():
        if fetch.fetch not in FETCHERS:
            yield f"{place}.{role}.fetch: there is no client {fetch.fetch!r}. Known: {', '.join(FETCHERS)}"
            continue
        try:
            FETCHERS[fetch.fetch].parsed(fetch.options)
        except InputError as error:
            yield f"{place}.{role}: {error}"
