"""The made-up works as OpenAlex writes them: one JSON object a line, whole, as in the snapshot.

Belongs here: the works of a publication year, those that count and those that do not, with the gaps of real ones.
Does not: pages, filters or cursors (see `servers.openalex`).

Lines are put together from ready pieces of JSON: a world year has two million works.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from gii_pipeline.sandbox import shapes
from gii_pipeline.sandbox.behind import SCIENTIFIC_FIELDS, institution_of, scientific_fields
from gii_pipeline.sandbox.institutions import Institution, institutions
from gii_pipeline.sandbox.records import Chunk, hash_unit
from gii_pipeline.sandbox.world import World

METRIC = "scientific_publications"
UPDATED = "2026-01-15T00:00:00.000000"
COUNTED = "counted"
_CORE_SOURCES, _OTHER_SOURCES = 400, 200
_POSITIONS = ("first", "middle", "last")
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def works(world: World, year: int) -> Iterator[str]:
    """Every work of a publication year: those that count, then those that do not, each why `shapes` says."""
    writer = _Writer(world, year)
    for chunk in world.records(METRIC, year):
        yield from writer.lines(chunk, [COUNTED] * len(chunk.number))
    for chunk, kinds in world.uncounted(METRIC, year, shapes.UNCOUNTED_WORKS):
        yield from writer.lines(chunk, kinds)


@dataclass(frozen=True)
class _Piece:
    """An institution as JSON: its own object, its country, the printed affiliation, and its address at OpenAlex."""

    institution: str
    country: str
    printed: str
    id: str

    @classmethod
    def of(cls, institution: Institution) -> _Piece:
        whole = {
            "id": institution.openalex,
            "display_name": institution.name,
            "ror": institution.ror,
            "country_code": institution.economy,
            "type": institution.kind,
            "lineage": [institution.openalex],
        }
        printed = f"Department {institution.number % 7}, {institution.name}, {institution.place}, {institution.economy}"
        return cls(_json(whole), _json(institution.economy), _json(printed), _json(institution.openalex))


@lru_cache(maxsize=1)
def _pieces(world: World) -> tuple[list[_Piece], list[str]]:
    """The institutions of a world, and what an author has who belongs to one of them only."""
    pieces = [_Piece.of(institution) for institution in institutions(world)]
    return pieces, [_belonging([piece]) for piece in pieces]


class _Draws(NamedTuple):
    """What chance says of a work, each between 0 and 1; and its field."""

    date: float
    doi: float
    domain: float
    field: str


class _Writer:
    """Writes the works of one year."""

    def __init__(self, world: World, year: int) -> None:
        self._year = year
        self._pieces, self._at_one = _pieces(world)

    def lines(self, chunk: Chunk, kinds: list[str]) -> Iterator[str]:
        """One line of JSON a record, without its line feed."""
        draws = {salt: hash_unit(chunk.number, salt + self._year) for salt in (100, 200, 300)}
        authors = self._authorships(chunk)
        columns = (chunk.number, chunk.people, scientific_fields(chunk), *draws.values())
        for kind, number, people, field, date, doi, domain in zip(
            kinds, *(column.tolist() for column in columns), strict=True
        ):
            written = [next(authors) for _ in range(people)]
            yield self._work(number, kind, written, _Draws(date, doi, domain, SCIENTIFIC_FIELDS[field]))

    def _work(self, number: int, kind: str, authors: list[str], drawn: _Draws) -> str:
        id_ = f"https://openalex.org/W{work_number(self._year, number)}"
        doi = (
            f'"https://doi.org/10.5555/madeup.{self._year}.{number}"'
            if drawn.doi >= shapes.WORK_WITHOUT_DOI
            else "null"
        )
        title = f'"Made-up work {number} of {self._year}"'
        day = f"{self._year}-{1 + int(drawn.date * 12):02d}-{1 + int(drawn.date * 12 % 1 * 28):02d}"
        type_ = shapes.OTHER_TYPES[number % len(shapes.OTHER_TYPES)] if kind == "other_type" else "article"
        truncated = ',"is_authors_truncated":true' if len(authors) >= shapes.MAX_LISTED_AUTHORS else ""
        return (
            f'{{"id":"{id_}","doi":{doi},"title":{title},"display_name":{title},"publication_year":{self._year},'
            f'"publication_date":"{day}","ids":{{"openalex":"{id_}"}},"language":"en",'
            f'"primary_location":{_location(kind, number)},"type":"{type_}","indexed_in":["crossref"],'
            f'"authorships":[{",".join(authors)}],"cited_by_count":{number % 40},'
            f'"is_retracted":{_json(kind == "retracted")},"is_paratext":{_json(type_ == "paratext")},'
            f'"is_xpac":{_json(kind == "expansion_pack")},"primary_topic":{_topic(kind, drawn)},'
            f'"updated_date":"{UPDATED}","created_date":"{day}T00:00:00"{truncated}}}'
        )

    def _authorships(self, chunk: Chunk) -> Iterator[str]:
        """The authorships of a chunk's people, in order."""
        number = chunk.number[chunk.record]
        position = np.where(chunk.person_seq == 1, 0, np.where(chunk.person_seq == chunk.people[chunk.record], 2, 1))
        at = institution_of(chunk)
        luck = hash_unit(number * 128 + chunk.person_seq, 400 + self._year)
        columns = (number, chunk.person_seq, chunk.address_seq, chunk.addresses, position, at, luck)
        belongs: list[int] = []
        for work, person, address, addresses, where, institution, draw in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            if address == 1:
                belongs = []
            belongs.append(institution)
            if address == addresses:
                yield self._authorship((work, person), _POSITIONS[where], draw, self._belonging(belongs, draw))

    def _authorship(self, key: tuple[int, int], position: str, draw: float, belonging: str) -> str:
        (work, person), year = key, self._year
        name = f"Author {year}-{work}-{person}"
        unknown = 1 - draw < shapes.AUTHOR_WITHOUT_ID
        id_ = "null" if unknown else f'"https://openalex.org/A{work_number(year, work)}{person:03d}"'
        has_orcid = not unknown and 1 - draw < shapes.AUTHOR_WITH_ORCID
        orcid = f'"https://orcid.org/0000-{year}-{work // 10_000:04d}-{work % 10_000:04d}"' if has_orcid else "null"
        return (
            f'{{"author_position":"{position}","author":{{"id":{id_},"display_name":"{name}","orcid":{orcid}}},'
            f'"is_corresponding":{_json(person == 1)},"raw_author_name":"{name}",{belonging}}}'
        )

    def _belonging(self, numbers: list[int], draw: float) -> str:
        if len(numbers) == 1 and numbers[0] >= 0:
            return self._at_one[numbers[0]]
        known = [self._pieces[number] for number in numbers if number >= 0]
        if known:
            return _belonging(known)
        printed = '"Department of made-up studies"' if draw < shapes.RAW_STRING_ONLY else ""
        listed = f'{{"raw_affiliation_string":{printed},"institution_ids":[]}}' if printed else ""
        return f'"institutions":[],"countries":[],"raw_affiliation_strings":[{printed}],"affiliations":[{listed}]'


def work_number(year: int, number: int) -> int:
    """The number in an OpenAlex address, from the number that a record has in its year."""
    return 4_000_000_000 + (year - 2000) * 10_000_000 + number


def _belonging(pieces: list[_Piece]) -> str:
    countries = ",".join(dict.fromkeys(piece.country for piece in pieces))
    listed = ",".join(
        f'{{"raw_affiliation_string":{piece.printed},"institution_ids":[{piece.id}]}}' for piece in pieces
    )
    return (
        f'"institutions":[{",".join(piece.institution for piece in pieces)}],"countries":[{countries}],'
        f'"raw_affiliation_strings":[{",".join(piece.printed for piece in pieces)}],"affiliations":[{listed}]'
    )


def _location(kind: str, number: int) -> str:
    if kind == "no_source":
        return '{"id":null,"is_oa":false,"source":null,"version":null,"is_accepted":false,"is_published":false}'
    core = kind != "not_core"
    source = number % (_CORE_SOURCES if core else _OTHER_SOURCES) + (0 if core else _CORE_SOURCES)
    return (
        f'{{"id":"doi:10.5555/madeup.{number}","is_oa":{_json(number % 2 == 0)},"source":{{'
        f'"id":"https://openalex.org/S{4_000_000_000 + source}","display_name":"Journal of Made-Up Results {source}",'
        f'"issn_l":null,"issn":null,"is_oa":false,"is_in_doaj":false,"is_core":{_json(core)},"type":"journal"}},'
        '"license":null,"version":"publishedVersion","is_accepted":true,"is_published":true}'
    )


def _topic(kind: str, drawn: _Draws) -> str:
    domains = {1: "Life Sciences", 2: "Social Sciences", 3: "Physical Sciences", 4: "Health Sciences"}
    number = 2 if kind == "social_sciences" else (1, 3, 4)[int(drawn.domain * 3)]
    return (
        f'{{"id":"https://openalex.org/T{10_000 + number}","display_name":"Made-up topic {number}","score":0.9,'
        f'"domain":{{"id":"https://openalex.org/domains/{number}","display_name":"{domains[number]}"}},'
        f'"field":{{"display_name":"{drawn.field}"}}}}'
    )


def _json(value: object) -> str:
    return _ENCODER.encode(value)
