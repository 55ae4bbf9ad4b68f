"""Which place of one economy an address means: the one that agrees with most of what the address says.

Belongs here: weighing the places that the parts of an address name against its regions, its other places, its point and
its postcode. Does not: looking parts up (see `evidence`), or which economies are tried (see `resolution`).

The rules:
- A place outside a region that the address names is not an answer, and a name that is a region's is only the region's
  where the place is outside it.
- The town of that very name wins over another's other name; then the one with more people and organisations, and of two
  that are level the one that is not part of a city.
- A ward, a quarter ("North Billerica") and a shortened name are an answer only near a city, or in a region, that the
  address names.
- Two places that are level and apart are ambiguous.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gii_pipeline.geocoding.economies import WITH_STATES, named_economy
from gii_pipeline.geocoding.evidence import DERIVED, EXACT, OTHER, QUARTER, WARD, Evidence
from gii_pipeline.geocoding.gazetteer import FIRST_ORDER, Gazetteer
from gii_pipeline.geocoding.written import TAIL, Part

NEAR_KM: Final = 40.0
_BEYOND_A_COUNTY_KM: Final = 15.0
"""How far beyond the surroundings of a county's places a place contradicts it: historical counties had other
borders."""
_OWN_TOWN_KM: Final = 25.0
"""From here on a town is another place than the city after which its prefecture is called."""
_LEVEL_PLACES_APART_DEG: Final = 0.25
_KM_PER_DEGREE: Final = 111.2
_CONTRADICTS_WITHIN: Final = 2
"""Regions stand in the last two parts; before them a street or an institute is called after one."""
_SMALL: Final = 5_000
_VILLAGE: Final = 2_000
_FAR_LARGER: Final = 50
_TENTH: Final = 0.1
_OF_A_PART: Final = 0.97
"""What a person counts for the weight of a part of a city: Salamanca is the town, not a district of Madrid as large."""
_A_REGION_TOO, _SOME_WORDS, _LEAST_SURE, _OF_A_REGION = 1, 3, 5, 6
_LESS_SURE: Final = {WARD: 2, QUARTER: 4}
"""How sure a candidate is, the least first."""


class Answer(NamedTuple):
    """place: the row of the gazetteer, or None and why not. agrees: whether a region of the address has it."""

    place: int | None
    method: str
    agrees: bool = False


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


class Weighing:
    """Weighs the places that the parts of an address name.

    organisations: how many are at each place. The root of their number counts: measured on the half of ROR that was not
    counted, it finds the right namesake most often.
    """

    def __init__(self, gazetteer: Gazetteer, organisations: npt.NDArray[np.int64] | None = None) -> None:
        self.gazetteer = gazetteer
        people = np.array(gazetteer.population, dtype=np.float64) + 1
        # Addresses of research are where research is done: organisations find Princeton and Troy among their namesakes.
        counted = people if organisations is None else people * np.sqrt(1 + organisations)
        self._weight: list[float] = np.where(gazetteer.part, _OF_A_PART * counted, counted).tolist()

    def answer(
        self,
        economy: str,
        parts: Sequence[tuple[Part, Evidence]],
        zipped: int | None = None,
        point: tuple[float, float] | None = None,
    ) -> Answer:
        """The place in an economy, by the parts with what they name, the place of the ZIP code, and the point."""
        points = [point] if point else []
        if zipped is not None:
            points.append((self.gazetteer.latitude[zipped], self.gazetteer.longitude[zipped]))
        # A candidate is a tuple in the order of preference, so sorting is the rule. See `_Candidate`.
        candidates = self._known_better(sorted(self._candidates(economy, parts, points)))
        # A ZIP code is more reliable than an uncertain name, so only candidates near it remain.
        if candidates and zipped is not None and _yields(candidates[0]):
            candidates = [each for each in candidates if self._km(each.place, zipped) <= NEAR_KM]
        if candidates:
            best = candidates[0]
            # Two equal places far apart: a wrong location is worse than none.
            if len(candidates) > 1 and self._level(best, candidates[1]):
                return Answer(None, "ambiguous_city")
            return Answer(best.place, "city_admin" if best.agrees else "city", best.agrees)
        if zipped is not None:
            # No part names a place, but the ZIP code still locates the address to a town.
            return Answer(zipped, "postcode", agrees=True)
        named = [region for _, names in parts for region in names.regions]
        if (city_state := self.gazetteer.city_state(economy, named)) is not None:
            return Answer(city_state, "city_state", agrees=True)
        return Answer(None, _why_not(economy, parts))

    def _known_better(self, candidates: list[_Candidate]) -> list[_Candidate]:
        """The candidates; a village of that very name yields to a city far larger that is known by it (Heraklion)."""
        best = candidates[0] if candidates else None
        if best is None or best.how != EXACT or best.agrees or best.against or not self._is_village(best.place):
            return candidates
        # A village may have as its own name what a far larger city is also known by.
        least = _FAR_LARGER * (self.gazetteer.population[best.place] + 1)
        known = [each for each in candidates if each[:1] == best[:1] and each.nth == best.nth and each.how == OTHER]
        return [each for each in known if self.gazetteer.population[each.place] >= least] or candidates

    def _is_village(self, place: int) -> bool:
        gazetteer = self.gazetteer
        small = gazetteer.population[place] <= _VILLAGE and not gazetteer.part[place]
        return small and gazetteer.economy[place] not in WITH_STATES

    def _candidates(
        self, economy: str, parts: Sequence[tuple[Part, Evidence]], points: Sequence[tuple[float, float]]
    ) -> Iterable[_Candidate]:
        has_ward = any(names.ward for part, names in parts if part.role != "admin")
        for at, (part, names) in enumerate(parts):
            if part.nth >= TAIL or not names.places:
                continue
            for place, how in names.places:
                if self.gazetteer.economy[place] != economy:
                    continue
                # A region's name is not evidence for a place of that name, unless the address has a ward and so needs
                # a city.
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
        parts: Sequence[tuple[Part, Evidence]],
        points: Sequence[tuple[float, float]],
    ) -> _Candidate | None:
        """A place as a candidate, or None where the address contradicts it."""
        gazetteer = self.gazetteer
        part, names = parts[at]
        inside = self._is_inside(place, how, part, names)
        agreed = near = likeness = 0
        near_city = True
        city_km = NEAR_KM
        in_a_city = names.ward and how < WARD
        own_ward = names.ward and how == EXACT and part.role == "city"
        for other, (others_part, others) in enumerate(parts):
            # A part must not support itself: the same name twice ("Vienna, Vienna") is one piece of evidence.
            if other == at or (others.form == names.form and others_part.role != "admin"):
                continue
            verdict = self._region_says(place, others_part, others, strict=names.ward)
            # One contradicting region is enough: agreement elsewhere cannot outweigh it.
            if verdict is None:
                return None
            agreed += verdict
            likeness += any(gazetteer.lies_in(place, region) for region in others.weak)
            if others_part.nth < TAIL and (cities := [p for p, its_how in others.places if its_how <= DERIVED]):
                away_km = min((self._km(place, city) for city in cities if city != place), default=math.inf)
                is_near = away_km <= NEAR_KM
                near += is_near
                city_km = min(city_km, away_km)
                # The address names both a ward and a city, so the part means the ward even if a town has the same
                # name.
                how = WARD if in_a_city else how
                own_ward = own_ward and others_part.role == "admin"
                # Parts count from the end: a city behind this part is what the part belongs to.
                if others_part.nth < part.nth and not is_near and not verdict:
                    near_city = False
        if self._names_another(place, how, names, inside=inside, agreed=bool(agreed)):
            return None
        near += sum(self._km_to(place, *point) <= NEAR_KM for point in points)
        if (how == QUARTER and not agreed) or (how == WARD and not ((near and near_city) or agreed)):
            return None
        if own_ward and agreed:
            how = EXACT
        nth = part.nth
        if (of_city := self._city_around(place, how, at, parts)) is not None:
            how, nth = EXACT, of_city - 0.5
        rank = self._rank(place, how, parts, at, supported=bool(near or agreed), agreed=bool(agreed), near=bool(near))
        # A short form of a name is weaker evidence than the name itself, but still wins over small namesakes.
        weight = self._weight[place] * (_TENTH if how == EXACT + 1 else 1.0)
        exact = EXACT if how == EXACT + 1 and not agreed else how
        # An agreeing region outweighs nearness and likeness together; each counts once, however many parts repeat it.
        support = -(3 * (agreed > 0) + (near > 0) + (likeness > 0))
        return _Candidate(rank, exact, nth, support, -weight, int(city_km), place, bool(agreed))

    def _city_around(self, place: int, how: int, at: int, parts: Sequence[tuple[Part, Evidence]]) -> float | None:
        """Where the address has the city of whose prefecture a place is a town of its own: "Kunshan, Suzhou"."""
        part, names = parts[at]
        if how not in {EXACT, DERIVED} or names.ward or names.some_words or self.gazetteer.population[place] < _SMALL:
            return None
        for others_part, others in parts:
            regions = others.regions | others.weak
            if others_part.role == "admin" or not part.nth - 1 <= others_part.nth < part.nth or not others.places:
                continue
            of_state = self.gazetteer.economy[place] not in WITH_STATES and self.gazetteer.first[place] in regions
            if of_state or self.gazetteer.second[place] in regions:
                away_km = min((self._km(place, city) for city, its_how in others.places if its_how <= how), default=0.0)
                return others_part.nth if away_km > _OWN_TOWN_KM else None
        return None

    def _is_inside(self, place: int, how: int, part: Part, names: Evidence) -> bool:
        """Whether a place is in a region that its own part names, or is a city in the middle of one called alike."""
        gazetteer = self.gazetteer
        # States and provinces decide before counties: a county's name is often also that of a town elsewhere.
        first_order = [region for region in names.regions if gazetteer.order[region] == 1]
        if any(gazetteer.lies_in(place, region) for region in first_order or names.regions):
            return True
        if how > OTHER or not self._called_alike(place, names):
            return False
        return part.role == "city" or any(gazetteer.km_outside(place, region) <= 0 for region in first_order)

    def _names_another(self, place: int, how: int, names: Evidence, *, inside: bool, agreed: bool) -> bool:
        """Whether the place's own part is the name of a region that it is not in, or of a quarter elsewhere."""
        if names.only_region and not inside and (how > OTHER or not agreed):
            return True
        if agreed:
            return False
        if names.only_region and how >= OTHER and self._is_small_in_its_region(place):
            return True
        if names.only_region and self._own_name_is_elsewhere(place, how, names):
            return True
        return self._is_village(place) and self._is_quarter_elsewhere(place, names)

    def _is_small_in_its_region(self, place: int) -> bool:
        """Whether a place has not even a tenth of the people of the largest of its region: Kuala Selangor."""
        population = self.gazetteer.population
        return population[place] < _TENTH * population[self.gazetteer.largest_around(place)]

    def _is_quarter_elsewhere(self, place: int, names: Evidence) -> bool:
        """Whether a place has the name of a quarter of a city that lies elsewhere: Sarıyer is one of Istanbul."""
        gazetteer = self.gazetteer
        cities = {region: gazetteer.city_around(region) for region in names.regions}
        return bool(cities) and all(
            city is not None and gazetteer.first[city] != gazetteer.first[place] for city in cities.values()
        )

    def _own_name_is_elsewhere(self, place: int, how: int, names: Evidence) -> bool:
        """Whether a place has a name only besides its own, and a larger one elsewhere is called so by its own."""
        population = self.gazetteer.population
        return how >= OTHER and any(
            its_how == EXACT and population[other] > population[place] for other, its_how in names.places
        )

    def _rank(
        self,
        place: int,
        how: int,
        parts: Sequence[tuple[Part, Evidence]],
        at: int,
        *,
        supported: bool,
        agreed: bool,
        near: bool,
    ) -> int:
        """0 for a city as written; then a region's name, a small place without other evidence, and wards."""
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

    def _has_a_city_in(self, regions: frozenset[int], parts: Sequence[tuple[Part, Evidence]], nth: float) -> bool:
        """Whether a part before names a city of these regions: then this one is the region (Glasgow, Lanark)."""
        return any(
            how <= OTHER and any(self.gazetteer.lies_in(place, region) for region in regions)
            for part, others in parts
            if nth < part.nth < TAIL and not others.some_words
            for place, how in others.places
        )

    def _region_says(self, place: int, part: Part, names: Evidence, *, strict: bool = False) -> int | None:
        """1 where a part's region has the place, None where it contradicts it, 0 where it says nothing.

        A place near the city that the part names as well is not a contradiction, unless this is to be strict.
        """
        if not names.regions:
            return 0
        # One of several regions of a name is enough: "93" is a department and a region.
        if any(self.gazetteer.lies_in(place, region) for region in names.regions):
            return 1
        silent = part.nth >= _CONTRADICTS_WITHIN or (not names.only_region and names.places)
        if silent or self._called_alike(place, names):
            return 0
        near = any(its_how <= DERIVED and self._km(place, city) <= NEAR_KM for city, its_how in names.places)
        if near and not strict:
            return 0
        if any(self.gazetteer.order[region] == 1 for region in names.regions):
            return None
        return None if all(self._far_outside(place, region) for region in names.regions) else 0

    def _called_alike(self, place: int, names: Evidence) -> bool:
        """Whether the name of a region is like that of the place's own: Moscow Oblast lies around Moscow."""
        return self.gazetteer.first[place] in names.weak

    def _far_outside(self, place: int, region: int) -> bool:
        gazetteer = self.gazetteer
        return (
            gazetteer.parent[region] != gazetteer.first[place]
            or gazetteer.km_outside(place, region) > _BEYOND_A_COUNTY_KM
        )

    def _names_its_region(self, place: int, names: Evidence) -> bool:
        return any(self.gazetteer.lies_in(place, region) for region in names.regions)

    def _dominant(self, parts: Sequence[tuple[Part, Evidence]]) -> Iterable[_Candidate]:
        """The city that a region is most of, where the address names no more than that region, or a part of it."""
        for part, names in parts:
            if part.nth >= TAIL - 1:
                continue
            named = {self.gazetteer.city_around(region) for region in names.weak} if names.ward else set()
            for region in names.regions or (names.weak if len(named) == 1 else ()):
                first_order = self.gazetteer.order[region] == FIRST_ORDER
                place = self.gazetteer.dominant(region) if first_order or len(names.regions) == 1 else None
                if place is None and not names.regional:
                    place = self.gazetteer.city_around(region)
                if place is not None:
                    contradicted = any(
                        self._region_says(place, other, others) is None
                        for other, others in parts
                        if others is not names
                    )
                    if not contradicted:
                        yield _Candidate(
                            _OF_A_REGION, EXACT, part.nth, 0, 0, -self.gazetteer.population[place], place, agrees=True
                        )

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


def _why_not(economy: str, parts: Sequence[tuple[Part, Evidence]]) -> str:
    """No more than a region or an economy is not a city; otherwise the city is not known."""
    if not any(part.role != "admin" for part, _ in parts):
        return "no_city" if parts else "no_address"
    said = [(part, names) for part, names in parts if part.role == "city" or (part.role == "text" and part.nth < 1)]
    regional = all(names.regions or part.text == economy or named_economy(part.text) == economy for part, names in said)
    return "no_city" if said and regional else "unknown_city"


def _yields(best: _Candidate) -> bool:
    """Whether a place yields to a ZIP code that lies elsewhere: one found by some words, or by another's name."""
    return best.rank >= _SOME_WORDS or (best.how >= OTHER and not best.agrees)
