"""The lists that the OpenAlex API pages through: records on disk, and which of them a filter finds.

Belongs here: the filters' syntax, the fields that can be filtered, records by position.
Does not: pages or HTTP (see `openalex`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from gii_pipeline.sandbox.institutions import institutions, openalex_institution
from gii_pipeline.sandbox.plan import YEARS
from gii_pipeline.sandbox.servers.files import Workshop
from gii_pipeline.sandbox.works import works
from gii_pipeline.sandbox.world import World

MOST_VALUES = 100
Values = set[str]


class RefusedError(Exception):
    """The API refuses a request, and says so."""

    def __init__(self, message: str, name: str = "Invalid query parameters error.", status: int = 400) -> None:
        super().__init__(message)
        self.name = name
        self.status = status


class _Source(msgspec.Struct):
    id: str
    is_core: bool


class _Location(msgspec.Struct):
    source: _Source | None


class _Institution(msgspec.Struct):
    country_code: str


class _Authorship(msgspec.Struct):
    institutions: list[_Institution]


class _Domain(msgspec.Struct):
    id: str


class _Topic(msgspec.Struct):
    domain: _Domain


class _Work(msgspec.Struct):
    """What of a work can be filtered."""

    publication_year: int
    type: str
    is_retracted: bool
    is_xpac: bool
    primary_location: _Location
    primary_topic: _Topic
    authorships: list[_Authorship]


class _Organisation(msgspec.Struct):
    """What of an institution can be filtered."""

    country_code: str
    type: str


_WORK_FIELDS: Final[dict[str, Callable[[_Work], Values]]] = {
    "publication_year": lambda work: {str(work.publication_year)},
    "type": lambda work: {work.type},
    "is_retracted": lambda work: {_flag(work.is_retracted)},
    "is_xpac": lambda work: {_flag(work.is_xpac)},
    "primary_location.source.is_core": lambda work: (
        {_flag(work.primary_location.source.is_core)} if work.primary_location.source else {"false"}
    ),
    "primary_location.source.id": lambda work: (
        {_short(work.primary_location.source.id)} if work.primary_location.source else set()
    ),
    "primary_topic.domain.id": lambda work: {_short(work.primary_topic.domain.id)},
    "institutions.country_code": lambda work: {
        place.country_code for author in work.authorships for place in author.institutions
    },
}
_WORK_FIELDS["authorships.institutions.country_code"] = _WORK_FIELDS["institutions.country_code"]
_ORGANISATION_FIELDS: Final[dict[str, Callable[[_Organisation], Values]]] = {
    "country_code": lambda each: {each.country_code},
    "type": lambda each: {each.type},
}
_ENTITIES: Final[dict[str, tuple[type[msgspec.Struct], dict[str, Any]]]] = {
    "works": (_Work, _WORK_FIELDS),
    "institutions": (_Organisation, _ORGANISATION_FIELDS),
}


@dataclass(frozen=True)
class Shelf:
    """Records on disk, one JSON object a line. ends: where each line ends."""

    path: Path
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, path: Path) -> Shelf:
        with path.open("rb") as file:
            return cls(path, np.cumsum([len(line) for line in file], dtype=np.int64))

    def line(self, position: int) -> bytes:
        begin = int(self.ends[position - 1]) if position else 0
        with self.path.open("rb") as file:
            file.seek(begin)
            return file.read(int(self.ends[position]) - begin - 1)

    def all(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            yield from file


class Matching:
    """The records that a filter finds, in order."""

    def __init__(self, found: list[tuple[Shelf, NDArray[np.int64]]]) -> None:
        self._found = found

    def __len__(self) -> int:
        return sum(len(positions) for _, positions in self._found)

    def lines(self, begin: int, end: int) -> list[bytes]:
        lines: list[bytes] = []
        for shelf, positions in self._found:
            lines += [shelf.line(position) for position in positions[max(begin, 0) : max(end, 0)].tolist()]
            begin, end = begin - len(positions), end - len(positions)
        return lines


class Lists:
    """Every list of a world; works of a year are made when they are first asked for."""

    def __init__(self, world: World, workshop: Workshop) -> None:
        self._world, self._workshop = world, workshop
        self._shelves: dict[str, Shelf] = {}
        self._matching: dict[tuple[str, str, bool], Matching] = {}
        self._lock = Lock()

    def matching(self, entity: str, query: str, *, xpac: bool) -> Matching:
        """The records of an entity that a filter finds; the expansion pack only when asked for. Raises RefusedError."""
        if entity not in _ENTITIES:
            raise RefusedError(f"/{entity} is not served by the sandbox.", "Not Found", 404)
        key = (entity, query, xpac)
        with self._lock:
            if key not in self._matching:
                self._matching[key] = self._find(entity, query, xpac=xpac)
            return self._matching[key]

    def make_next(self) -> None:
        """Make the works of the year behind the last one that was asked for, while nobody waits for them."""
        years = [year for year in YEARS if _works_of(year) in self._shelves]
        if years and (following := years[-1] + 1) in YEARS:
            write = _writing(works(self._world, following))
            Thread(target=self._workshop.make_ahead, args=(_works_of(following), write), daemon=True).start()

    def _find(self, entity: str, query: str, *, xpac: bool) -> Matching:
        kind, fields = _ENTITIES[entity]
        conditions = list(_conditions(query, fields))
        if entity == "works" and not xpac:
            conditions.append(("is_xpac", lambda values: values == {"false"}))
        decode = msgspec.json.Decoder(kind).decode
        found = []
        for shelf in self._of(entity, conditions):
            kept = [
                all(holds(fields[name](record)) for name, holds in conditions) for record in map(decode, shelf.all())
            ]
            found.append((shelf, np.flatnonzero(kept)))
        return Matching(found)

    def _of(self, entity: str, conditions: Iterable[tuple[str, Callable[[Values], bool]]]) -> Iterator[Shelf]:
        """The shelves that can hold what is looked for."""
        if entity == "institutions":
            rows = (json.dumps(openalex_institution(each), ensure_ascii=False) for each in institutions(self._world))
            yield self._shelf("institutions.jsonl", rows)
            return
        for year in YEARS:
            if all(holds({str(year)}) for name, holds in conditions if name == "publication_year"):
                yield self._shelf(_works_of(year), works(self._world, year))

    def _shelf(self, name: str, lines: Iterable[str]) -> Shelf:
        if name not in self._shelves:
            self._shelves[name] = Shelf.of(self._workshop.file(name, _writing(lines)))
        return self._shelves[name]


def _works_of(year: int) -> str:
    return f"works-{year}.jsonl"


def _writing(lines: Iterable[str]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)

    return write


def _conditions(query: str, fields: dict[str, Any]) -> Iterator[tuple[str, Callable[[Values], bool]]]:
    """Field and test of every part of a filter; comma is AND."""
    for part in filter(None, query.split(",")):
        name, colon, value = part.partition(":")
        if name not in fields:
            known = ", ".join(fields)
            raise RefusedError(
                f"{name} is not a valid field. Valid fields are underscore or hyphenated versions of: {known}"
            )
        if not colon or value.casefold() in ("", "none", "undefined"):
            raise RefusedError(f"{name} needs a value.")
        yield name, _test(value)


def _test(value: str) -> Callable[[Values], bool]:
    """`!a`, `a|b`, `2019-2023`, `>2018`, `<2024` or a plain value."""
    if value.startswith("!"):
        plain = _test(value[1:])
        return lambda values: not plain(values)
    options = value.split("|")
    if len(options) > MOST_VALUES:
        raise RefusedError(f"Maximum number of values exceeded: {len(options)} of {MOST_VALUES}.")
    tests = [_one(option) for option in options]
    return lambda values: any(test(each) for each in values for test in tests)


def _one(option: str) -> Callable[[str], bool]:
    first, dash, last = option.partition("-")
    if dash and first.isdigit() and last.isdigit():
        return lambda value: value.isdigit() and int(first) <= int(value) <= int(last)
    if option[:1] in "<>" and option[1:].isdigit():
        bound, above = int(option[1:]), option[0] == ">"
        return lambda value: value.isdigit() and (int(value) > bound if above else int(value) < bound)
    return lambda value: value.casefold() == _short(option).casefold()


def _flag(value: bool) -> str:
    return str(value).lower()


def _short(address: str) -> str:
    return address.rsplit("/", 1)[-1]
