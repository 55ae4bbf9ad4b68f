"""Which place an address means: the one that agrees with most of what the address says.

Belongs here: weighing the places that the parts of an address name against its regions, its other places and its
postcode. Does not: taking an address apart (see `written`), coordinates, institutions and overrides (see `addresses`).

The rules:
- A place outside a region that the address names is no answer, and a name that is a region's is only the region's where
  the place lies outside it.
- The town of that very name wins over another's other name; then the larger, and of two about as large the one that
  is no part of a city.
- A ward, a quarter ("North Billerica") and a shortened name are an answer only near a city, or in a region, that the
  address names.
- Two places that are level and apart are ambiguous.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from gii_pipeline.geocoding.economies import RELATED, WITH_STATES, alpha2
from gii_pipeline.geocoding.gazetteer import Gazetteer
from gii_pipeline.geocoding.places import ANY_ECONOMY, ZIP
from gii_pipeline.geocoding.written import (
    DERIVED,
    EXACT,
    OTHER,
    QUARTER,
    WARD,
    Asked,
    Evidence,
    Part,
    Written,
    asked,
    evidence_of,
    read_fields,
)

NEAR_KM: Final = 40.0
_LEVEL_PLACES_APART_DEG: Final = 0.25
_KM_PER_DEGREE: Final = 111.2
_TAIL: Final = 4
_SPLIT_WITHIN: Final = 2
_CONTRADICTS_WITHIN: Final = 2
"""Regions stand in the last two parts; before them a street or an institute is called after one."""
_WORDS: Final = 3
_SMALL: Final = 5_000
_KNOWN_ABROAD: Final = 500_000
_FAR_LARGER: Final = 10
_TENTH: Final = 0.1
_OF_A_PART: Final = 0.97
"""What a person counts for the weight of a part of a city: Salamanca is the town, not a district of Madrid as large."""
_ECONOMIES_TRIED: Final = 4
_A_REGION_TOO, _SOME_WORDS, _LEAST_SURE, _OF_A_REGION = 1, 3, 5, 6
_LESS_SURE: Final = {WARD: 2, QUARTER: 4}
"""How sure a candidate is, the least first."""


class Answer(NamedTuple):
    """place: the row of the gazetteer, or None and why not. agrees: whether a region of the address has it."""

    place: int | None
    method: str
    agrees: bool = False


class Found(NamedTuple):
    """A place, and how it was found: city_admin (the region agreed), city (by population), city_state."""

    geonameid: int
    place: str
    admin: str | None
    economy: str
    latitude: float
    longitude: float
    method: str


class _Candidate(NamedTuple):
    """In the order of preference, the least first."""

    rank: int
    how: int
    nth: float
    against: int
    weight: float
    city_km: int
    place: int
    agrees: bool


class Resolver:
    """Finds the place of many addresses at once."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer = gazetteer

    def resolve(self, addresses: Sequence[Written]) -> list[Answer]:
        """An answer for each address, in their order."""
        known = [address for address in addresses if address.economy is not None]
        answers = dict(zip(map(id, known), self._in_own_economy(known), strict=True))
        missed = [a for a in known if answers[id(a)].place is None and a.economy in RELATED]
        answers.update(self._in_related_economies(missed, answers))
        unknown = [address for address in addresses if address.economy is None and address.parts]
        answers.update(self._anywhere(unknown))
        nothing = Answer(None, "no_address")
        return [answers.get(id(address), nothing) for address in addresses]

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
        evidence = self._evidence((str(address.economy), address) for address in addresses)
        return [self._answer(address, str(address.economy), evidence) for address in addresses]

    def _in_related_economies(self, addresses: Sequence[Written], answers: dict[int, Answer]) -> dict[int, Answer]:
        found: dict[int, Answer] = {}
        evidence = self._evidence(
            (economy, address) for address in addresses for economy in RELATED[str(address.economy)]
        )
        for address in addresses:
            if answers[id(address)].method == "no_city":
                continue
            for economy in RELATED[str(address.economy)]:
                answer = self._answer(address, economy, evidence)
                if answer.method in ("city", "city_admin"):
                    found[id(address)] = answer
                    break
        return found

    def _anywhere(self, addresses: Sequence[Written]) -> dict[int, Answer]:
        """Addresses without an economy: in the economies where their parts name a place, if one alone agrees."""
        parts = {asked(ANY_ECONOMY, part) for address in addresses for part in _tail(address, _TAIL - 1)}
        abroad = evidence_of(self.gazetteer, parts)
        tried = {id(address): self._economies(address, abroad) for address in addresses}
        evidence = self._evidence((economy, address) for address in addresses for economy in tried[id(address)])
        found = {}
        for address in addresses:
            answers = [self._answer(address, economy, evidence) for economy in tried[id(address)]]
            found[id(address)] = self._one_economy([answer for answer in answers if answer.place is not None])
        return found

    def _economies(self, address: Written, abroad: dict[Asked, Evidence]) -> list[str]:
        largest: dict[str, int] = {}
        for part in _tail(address, _TAIL - 1):
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

    def _evidence(self, addresses: Iterable[tuple[str, Written]]) -> dict[Asked, Evidence]:
        pairs = list(addresses)
        parts = {asked(economy, part) for economy, address in pairs for part in address.parts}
        parts |= {Asked(economy, f"{ZIP}{a.zip_code}", code=False) for economy, a in pairs if a.zip_code}
        evidence = evidence_of(self.gazetteer, parts)
        split = {
            Asked(economy, text, code=False)
            for economy, address in pairs
            for part in _tail(address, _SPLIT_WITHIN)
            if _says_nothing(evidence[asked(economy, part)])
            for tail, heads in _splits(part.text)
            for text in (tail, *heads)
        }
        codes = {each._replace(code=True) for each in split if each.text.isupper()}
        return evidence | evidence_of(self.gazetteer, (split | codes) - evidence.keys())

    def _answer(self, address: Written, economy: str, evidence: dict[Asked, Evidence]) -> Answer:
        parts = self._parts(address, economy, evidence)
        candidates = sorted(self._candidates(address, economy, parts, evidence))
        zipped = self._zipped(address, economy, evidence)
        if candidates and zipped is not None and _yields(candidates[0]):
            candidates = [each for each in candidates if self._km(each.place, zipped) <= NEAR_KM]
        if candidates:
            best = candidates[0]
            if len(candidates) > 1 and self._level(best, candidates[1]):
                return Answer(None, "ambiguous_city")
            return Answer(best.place, "city_admin" if best.agrees else "city", best.agrees)
        if zipped is not None:
            return Answer(zipped, "postcode", agrees=True)
        if (city_state := self.gazetteer.city_state(economy)) is not None:
            return Answer(city_state, "city_state", agrees=True)
        return Answer(None, _why_not(economy, parts))

    def _parts(self, address: Written, economy: str, evidence: dict[Asked, Evidence]) -> list[tuple[Part, Evidence]]:
        """The parts with what they name, one that names nothing by its last and its first words."""
        found: list[tuple[Part, Evidence]] = []
        for part in address.parts:
            names = evidence[asked(economy, part)]
            if part.nth < _SPLIT_WITHIN and part.role != "admin" and _says_nothing(names):
                split = _split(part, economy, evidence)
                found += split or [(part, names)]
            else:
                found.append((part, names))
        return found

    def _candidates(
        self,
        address: Written,
        economy: str,
        parts: list[tuple[Part, Evidence]],
        evidence: dict[Asked, Evidence],
    ) -> Iterable[_Candidate]:
        zipped = self._zipped(address, economy, evidence)
        points = [address.point] if address.point else []
        if zipped is not None:
            points.append((self.gazetteer.latitude[zipped], self.gazetteer.longitude[zipped]))
        has_ward = any(names.ward for part, names in parts if part.role != "admin")
        for at, (part, names) in enumerate(parts):
            if part.nth >= _TAIL or not names.places:
                continue
            for place, how in names.places:
                if self.gazetteer.economy[place] != economy:
                    continue
                if part.role == "admin" and not (has_ward and how <= OTHER and self._names_its_region(place, names)):
                    continue
                if (candidate := self._weighed(place, how, at, parts, points)) is not None:
                    yield candidate
        yield from self._dominant(parts)

    def _weighed(
        self,
        place: int,
        how: int,
        at: int,
        parts: list[tuple[Part, Evidence]],
        points: list[tuple[float, float]],
    ) -> _Candidate | None:
        """A place as a candidate, or None where the address contradicts it."""
        gazetteer = self.gazetteer
        part, names = parts[at]
        first_order = [region for region in names.regions if gazetteer.order[region] == 1]
        inside = any(gazetteer.lies_in(place, region) for region in first_order or names.regions)
        agreed = near = likeness = 0
        near_city = True
        city_km = NEAR_KM
        in_a_city = names.ward and how < WARD
        for other, (others_part, others) in enumerate(parts):
            if other == at or (others.form == names.form and others_part.role != "admin"):
                continue
            verdict = self._region_says(place, others_part, others, strict=names.ward)
            if verdict is None:
                return None
            agreed += verdict
            likeness += any(gazetteer.lies_in(place, region) for region in others.weak)
            if others_part.nth < _TAIL and (cities := [p for p, its_how in others.places if its_how <= DERIVED]):
                away_km = min((self._km(place, city) for city in cities if city != place), default=math.inf)
                is_near = away_km <= NEAR_KM
                near += is_near
                city_km = min(city_km, away_km)
                how = WARD if in_a_city else how
                if others_part.nth < part.nth and not is_near and not verdict:
                    near_city = False
        if names.only_region and not inside and not (agreed and how <= OTHER):
            return None
        near += sum(self._km_to(place, *point) <= NEAR_KM for point in points)
        if (how == QUARTER and not agreed) or (how == WARD and not ((near and near_city) or agreed)):
            return None
        rank = self._rank(place, how, parts, at, supported=bool(near or agreed), agreed=bool(agreed), near=bool(near))
        weight = (gazetteer.population[place] + 1) * (_TENTH if how == EXACT + 1 else 1.0)
        weight *= _OF_A_PART if gazetteer.part[place] else 1.0
        exact = EXACT if how == EXACT + 1 and not agreed else how
        support = -(2 * (agreed > 0) + (near > 0) + (likeness > 0))
        return _Candidate(rank, exact, part.nth, support, -weight, int(city_km), place, bool(agreed))

    def _rank(
        self,
        place: int,
        how: int,
        parts: list[tuple[Part, Evidence]],
        at: int,
        *,
        supported: bool,
        agreed: bool,
        near: bool,
    ) -> int:
        """0 for a city as it is written; then what names a region too, what is small and stands alone, and wards."""
        part, names = parts[at]
        if how in {WARD, QUARTER}:
            return _LESS_SURE[how] if supported else _LEAST_SURE
        if names.some_words:
            return _SOME_WORDS
        is_city = part.role == "city"
        if names.only_region and not (is_city and agreed):
            return _A_REGION_TOO
        if names.regions and not is_city and self._has_a_city_in(names.regions, parts, part.nth):
            return _A_REGION_TOO
        large = self.gazetteer.economy[place] in WITH_STATES or self.gazetteer.population[place] >= _SMALL
        if large or near or is_city or not any(others.only_region and others.places for _, others in parts):
            return 0
        return _SOME_WORDS

    def _has_a_city_in(self, regions: frozenset[int], parts: list[tuple[Part, Evidence]], nth: float) -> bool:
        """Whether a part before names a city of these regions: then this one is the region (Glasgow, Lanark)."""
        return any(
            how <= OTHER and any(self.gazetteer.lies_in(place, region) for region in regions)
            for part, others in parts
            if nth < part.nth < _TAIL and not others.some_words
            for place, how in others.places
        )

    def _region_says(self, place: int, part: Part, names: Evidence, *, strict: bool = False) -> int | None:
        """1 where a part's region has the place, None where it contradicts it, 0 where it says nothing.

        A place near the city that the part names as well is no contradiction, unless this is to be strict.
        """
        if not names.regions:
            return 0
        if any(self.gazetteer.lies_in(place, region) for region in names.regions):
            return 1
        if part.nth >= _CONTRADICTS_WITHIN or (not names.only_region and names.places):
            return 0
        near = any(its_how <= DERIVED and self._km(place, city) <= NEAR_KM for city, its_how in names.places)
        if near and not strict:
            return 0
        if any(self.gazetteer.order[region] == 1 for region in names.regions):
            return None
        return None if all(self._far_outside(place, region) for region in names.regions) else 0

    def _far_outside(self, place: int, region: int) -> bool:
        gazetteer = self.gazetteer
        return gazetteer.parent[region] != gazetteer.first[place] or gazetteer.km_outside(place, region) > NEAR_KM

    def _names_its_region(self, place: int, names: Evidence) -> bool:
        return any(self.gazetteer.lies_in(place, region) for region in names.regions)

    def _dominant(self, parts: list[tuple[Part, Evidence]]) -> Iterable[_Candidate]:
        """The city that a region is most of, where the address names no more than that region, or a part of it."""
        for part, names in parts:
            if part.nth >= _TAIL - 1:
                continue
            for region in names.regions:
                place = self.gazetteer.dominant(region)
                if place is not None:
                    contradicted = any(
                        self._region_says(place, other, others) is None
                        for other, others in parts
                        if others is not names
                    )
                    if not contradicted:
                        yield _Candidate(
                            6, EXACT, part.nth, 0, 0, -self.gazetteer.population[place], place, agrees=True
                        )

    def _zipped(self, address: Written, economy: str, evidence: dict[Asked, Evidence]) -> int | None:
        if not address.zip_code:
            return None
        places = evidence[Asked(economy, f"{ZIP}{address.zip_code}", code=False)].places
        return places[0][0] if places else None

    def _level(self, best: _Candidate, second: _Candidate) -> bool:
        if best[:6] != second[:6] or best.place == second.place:
            return False
        latitude, longitude = self.gazetteer.latitude, self.gazetteer.longitude
        apart = max(
            abs(latitude[best.place] - latitude[second.place]), abs(longitude[best.place] - longitude[second.place])
        )
        return apart > _LEVEL_PLACES_APART_DEG

    def _km(self, one: int, other: int) -> float:
        return self._km_to(one, self.gazetteer.latitude[other], self.gazetteer.longitude[other])

    def _km_to(self, place: int, latitude: float, longitude: float) -> float:
        here = self.gazetteer.latitude[place]
        north = here - latitude
        if abs(north) > 2 * NEAR_KM / _KM_PER_DEGREE:
            return math.inf
        turn = abs(self.gazetteer.longitude[place] - longitude)
        east = min(turn, 360 - turn) * math.cos(math.radians(here))
        return _KM_PER_DEGREE * math.hypot(north, east)


def _why_not(economy: str, parts: list[tuple[Part, Evidence]]) -> str:
    """No more than a region or an economy is no city; otherwise the city is not known."""
    if not any(part.role != "admin" for part, _ in parts):
        return "no_city" if parts else "no_address"
    said = [(part, names) for part, names in parts if part.role == "city" or (part.role == "text" and part.nth < 1)]
    regional = all(names.regions or alpha2(part.text) == economy for part, names in said)
    return "no_city" if said and regional else "unknown_city"


def _tail(address: Written, within: float) -> list[Part]:
    return [part for part in address.parts if part.nth < within]


def _yields(best: _Candidate) -> bool:
    """Whether a place yields to a ZIP code that lies elsewhere: one found by some words, or by another's name."""
    return best.rank >= _SOME_WORDS or (best.how >= OTHER and not best.agrees)


def _says_nothing(names: Evidence) -> bool:
    return not names.regions and not any(how <= WARD for _, how in names.places)


def _splits(text: str) -> Iterable[tuple[str, list[str]]]:
    """Every (last words, what may stand before them): "Cambridge Cambridgeshire", "Longgang District Shenzhen"."""
    words = text.split()
    for count in range(min(_WORDS, len(words) - 1), 0, -1):
        before = words[:-count]
        heads = [" ".join(before[-words_before:]) for words_before in range(min(_WORDS, len(before)), 0, -1)]
        yield " ".join(words[-count:]), heads
    yield "", [" ".join(words[:count]) for count in range(min(_WORDS, len(words) - 1), 0, -1)]


def _split(part: Part, economy: str, evidence: dict[Asked, Evidence]) -> list[tuple[Part, Evidence]]:
    """A part as its last words and those before, where the last name a place or a region."""
    for tail, heads in _splits(part.text):
        names = evidence.get(Asked(economy, tail, code=tail.isupper()))
        if names is None or _says_nothing(names):
            continue
        found = [(part._replace(text=tail), names if part.nth == 0 else _less_sure(names))]
        for head in heads:
            before = evidence.get(Asked(economy, head, code=False))
            if before is not None and not _says_nothing(before):
                found.append((part._replace(text=head, nth=part.nth + 0.5), _less_sure(before)))
                break
        return found
    for head in next(heads for tail, heads in _splits(part.text) if not tail) if part.nth == 0 else ():
        names = evidence.get(Asked(economy, head, code=False))
        if names is not None and any(how <= OTHER for _, how in names.places):
            return [(part._replace(text=head), _less_sure(names))]
    return []


def _less_sure(names: Evidence) -> Evidence:
    """What some words of a part name is a likeness: a street is called after a region, a university after a city."""
    places = [(place, how) for place, how in names.places if how <= DERIVED or names.ward]
    return replace(names, places=places, regions=frozenset(), weak=names.weak | names.regions, some_words=True)
