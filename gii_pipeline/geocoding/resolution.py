"""Which place an address means, in its economy or in those that it may be in.

Belongs here: which economies are tried, resolving many addresses at once, and keeping what addresses that say the same
were resolved to. Does not: taking an address apart (see `written`), weighing places (see `weighing`), coordinates,
institutions and overrides (see `addresses`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gii_pipeline.geocoding.economies import RELATED, WITH_STATES
from gii_pipeline.geocoding.evidence import OTHER, WARD, Asked, Evidence, Reading, asked
from gii_pipeline.geocoding.gazetteer import Gazetteer
from gii_pipeline.geocoding.places import ANY_ECONOMY
from gii_pipeline.geocoding.weighing import Answer, Weighing
from gii_pipeline.geocoding.written import TAIL, Part, Written, read_fields

_KNOWN_ABROAD: Final = 500_000
_FAR_LARGER: Final = 10
_ECONOMIES_TRIED: Final = 4
_KEPT: Final = 400_000


class Found(NamedTuple):
    """A place, and how it was found: city_admin (the region agreed), city (by population), city_state."""

    geonameid: int
    place: str
    admin: str | None
    economy: str
    latitude: float
    longitude: float
    method: str


class Resolver:
    """Finds the place of many addresses at once.

    organisations: how many are at each place of the gazetteer, for the choice between places of one name.
    """

    def __init__(self, gazetteer: Gazetteer, organisations: npt.NDArray[np.int64] | None = None) -> None:
        self.gazetteer = gazetteer
        self._reading = Reading(gazetteer)
        self._weighing = Weighing(gazetteer, organisations)
        self._answers: dict[object, Answer] = {}

    def resolve(self, addresses: Sequence[Written]) -> list[Answer]:
        """An answer for each address, in their order."""
        known = [address for address in addresses if address.economy is not None]
        answers = dict(zip(map(id, known), self._in_own_economy(known), strict=True))
        missed = [a for a in known if answers[id(a)].place is None and a.economy in RELATED]
        answers.update(self._in_related_economies(missed, answers))
        unknown = [address for address in addresses if address.economy is None and address.parts]
        answers.update(self._anywhere(unknown))
        answers.update(self._in_region_of_that_name([a for a in known if answers[id(a)].place is None and a.elsewhere]))
        nothing = Answer(None, "no_address")
        return [answers.get(id(address), nothing) for address in addresses]

    def named(self, address: Written) -> tuple[set[int], set[int]]:
        """The places of its economy that the parts of an address name as they are, and by some of their words."""
        economy = str(address.economy)
        self._read([(economy, address)])
        whole: set[int] = set()
        by_words: set[int] = set()
        for part in address.parts:
            for said, names in self._reading.parts(economy, part):
                found = {place for place, how in names.places if how <= WARD}
                (whole if said == part else by_words).update(found)
        return whole, by_words

    def find(self, city: str | None, admin: str | None, economy: str) -> Found | None:
        """The one place that a city's name leads to; None when there is none, or several that are level."""
        [answer] = self.resolve([read_fields(city, admin, economy, None)])
        if answer.place is None:
            return None
        at = self.gazetteer.places.iloc[answer.place]
        return Found(
            geonameid=int(self.gazetteer.geonameids[answer.place]),
            place=str(at["name"]),
            admin=at["admin"] if isinstance(at["admin"], str) else None,
            economy=str(at["economy"]),
            latitude=float(at["latitude"]),
            longitude=float(at["longitude"]),
            method=answer.method,
        )

    def _in_own_economy(self, addresses: Sequence[Written]) -> list[Answer]:
        self._read((str(address.economy), address) for address in addresses)
        return [self._answer(address, str(address.economy)) for address in addresses]

    def _in_related_economies(self, addresses: Sequence[Written], answers: dict[int, Answer]) -> dict[int, Answer]:
        found: dict[int, Answer] = {}
        self._read((economy, address) for address in addresses for economy in RELATED[str(address.economy)])
        for address in addresses:
            if answers[id(address)].method == "no_city":
                continue
            for economy in RELATED[str(address.economy)]:
                answer = self._answer(address, economy)
                if answer.method in ("city", "city_admin"):
                    found[id(address)] = answer
                    break
        return found

    def _anywhere(self, addresses: Sequence[Written]) -> dict[int, Answer]:
        """Addresses without an economy: in the economies where their parts name a place, if one alone agrees."""
        parts = {asked(ANY_ECONOMY, part) for address in addresses for part in _tail(address, TAIL - 1)}
        abroad = self._reading.evidence(parts)
        tried = {id(address): self._economies(address, abroad) for address in addresses}
        self._read((economy, address) for address in addresses for economy in tried[id(address)])
        found = {}
        for address in addresses:
            answers = [self._answer(address, economy) for economy in tried[id(address)]]
            found[id(address)] = self._one_economy([answer for answer in answers if answer.place is not None])
        return found

    def _in_region_of_that_name(self, addresses: Sequence[Written]) -> dict[int, Answer]:
        """Addresses that end in the name of an economy where it is as well a region's that has their city."""
        anywhere = [Written(None, list(address.elsewhere), point=address.point) for address in addresses]
        found = self._anywhere(anywhere)
        answers = {id(address): found[id(other)] for address, other in zip(addresses, anywhere, strict=True)}
        return {key: answer for key, answer in answers.items() if answer.agrees}

    def _economies(self, address: Written, abroad: dict[Asked, Evidence]) -> list[str]:
        largest: dict[str, int] = {}
        for part in _tail(address, TAIL - 1):
            for place, how in abroad[asked(ANY_ECONOMY, part)].places:
                if how <= OTHER:
                    economy = self.gazetteer.economy[place]
                    largest[economy] = max(largest.get(economy, 0), self.gazetteer.population[place])
        ordered = sorted(largest, key=lambda economy: -largest[economy])
        return list(dict.fromkeys([*ordered[:_ECONOMIES_TRIED], *sorted(WITH_STATES & {*ordered, "US"})]))

    def _one_economy(self, answers: list[Answer]) -> Answer:
        agreeing = [answer for answer in answers if answer.agrees]
        if len(agreeing) == 1:
            return agreeing[0]
        population = self.gazetteer.population
        ordered = sorted(agreeing or answers, key=lambda answer: -population[answer.place or 0])
        if ordered and population[ordered[0].place or 0] >= _KNOWN_ABROAD:
            others = [population[answer.place or 0] for answer in ordered[1:]]
            if all(population[ordered[0].place or 0] >= _FAR_LARGER * other for other in others):
                return ordered[0]
        return Answer(None, "unknown_economy")

    def _read(self, addresses: Iterable[tuple[str, Written]]) -> None:
        if len(self._answers) > _KEPT:
            self._answers.clear()
        self._reading.read(list(addresses))

    def _answer(self, address: Written, economy: str) -> Answer:
        """The answer in an economy, weighed once for all addresses whose parts that matter are the same."""
        telling = [part for part in address.parts if self._reading.matters(economy, part)]
        key = (economy, address.zip_code, address.point, *telling)
        answer = self._answers.get(key)
        if answer is None:
            parts = [each for part in telling for each in self._reading.parts(economy, part)]
            zipped = self._reading.zipped(economy, address.zip_code)
            answer = self._answers[key] = self._weighing.answer(economy, parts, zipped, address.point)
        return answer


def _tail(address: Written, within: float) -> list[Part]:
    return [part for part in address.parts if part.nth < within]
