"""Organisations by their printed names: where an affiliation lies that names no place.

Belongs here: the names of institutions in one plain form with its abbreviations written out, matching against them, and
how many are at a place.
Does not: institutions that a source gives by id (see `addresses`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from rapidfuzz import fuzz, process

from gii_pipeline.geocoding.economies import alpha2
from gii_pipeline.geocoding.gazetteer import Gazetteer
from gii_pipeline.geocoding.names import plain
from gii_pipeline.geocoding.sphere import distance_km

_ALIKE: Final = 93.0
"""The least similarity (0 to 100) of two names whose words are in any order."""
_WORDS: Final = 2
_SAME_PLACE_KM: Final = 50.0
_AT_A_PLACE_KM: Final = 10.0
_LEFT_OUT: Final = frozenset(
    {"of", "the", "for", "and", "in", "at", "de", "la", "le", "les", "du", "des", "et", "di", "della", "e"}
    | {"da", "do", "dos", "del", "y", "fur", "und", "der"}
)
_WRITTEN_OUT: Final = {
    "univ": "university", "inst": "institute", "natl": "national", "nacl": "nacional", "technol": "technology",
    "tech": "technical", "sci": "science", "sciences": "science", "acad": "academy", "coll": "college",
    "hosp": "hospital",
    "ctr": "center", "lab": "laboratory", "labs": "laboratory", "res": "research", "dept": "department",
    "int": "international", "med": "medical", "agr": "agricultural", "engn": "engineering", "educ": "education",
    "hlth": "health", "fdn": "foundation", "fed": "federal", "politecn": "politecnico", "polytech": "polytechnic",
    "cent": "central", "sch": "school", "org": "organization", "soc": "society",
    "environm": "environmental", "biol": "biology", "phys": "physics", "chem": "chemistry", "mus": "museum",
    "hist": "history", "nat": "natural", "ind": "industrial", "calif": "california", "penn": "pennsylvania",
    "fac": "faculty", "vet": "veterinary", "minist": "ministry",
    "observ": "observatory", "corp": "corporation", "co": "company", "assoc": "association", "adv": "advanced",
    "gen": "general", "reg": "regional", "canc": "cancer",
}  # fmt: skip


class Organisations:
    """Institutions by economy and plain name.

    institutions: INSTITUTION_COLUMNS of the sources, economy as a code or a name.
    """

    def __init__(self, institutions: pd.DataFrame) -> None:
        named = institutions[institutions["name"].notna()]
        self.rows = named.assign(economy=named["economy"].map(alpha2, na_action="ignore")).reset_index(drop=True)
        self._sorted: dict[str, dict[str, str]] = {}

    @cached_property
    def _by_economy(self) -> dict[str, dict[str, list[int]]]:
        """Economy (and "" for any) -> form -> rows."""
        found: dict[str, dict[str, list[int]]] = {"": {}}
        for row, (economy, name) in enumerate(zip(self.rows["economy"], self.rows["name"], strict=True)):
            form = organisation_form(name)
            if len(form.split()) >= _WORDS:
                found[""].setdefault(form, []).append(row)
                if isinstance(economy, str):
                    found.setdefault(economy, {}).setdefault(form, []).append(row)
        return found

    def at_places(self, gazetteer: Gazetteer) -> npt.NDArray[np.int64]:
        """How many organisations are nearest to each place of a gazetteer, those far from all places left out."""
        points = self._points[~np.isnan(self._points).any(axis=1)]
        if not len(points):
            return np.zeros(len(gazetteer.geonameids), dtype=np.int64)
        rows, away_km = gazetteer.nearest_rows(points[:, 0], points[:, 1])
        return np.bincount(rows[away_km <= _AT_A_PLACE_KM], minlength=len(gazetteer.geonameids))

    def find(self, parts: Iterable[str], economy: str | None) -> int | None:
        """The row of the one institution that a part of an address names: exactly, else much alike in that economy."""
        known = self._by_economy.get(economy or "", {})
        forms = [form for part in parts if len((form := organisation_form(part)).split()) >= _WORDS]
        for form in forms:
            if form in known:
                return self._one_place(known[form])
        for form in forms if economy else ():
            alike = self._alike(form, str(economy))
            if alike is not None:
                return self._one_place(known[alike])
        return None

    def _alike(self, form: str, economy: str) -> str | None:
        """The form in an economy that is most alike, whatever the order of its words."""
        by_sorted = self._sorted.get(economy)
        if by_sorted is None:
            by_sorted = {_sorted(known): known for known in self._by_economy.get(economy, {})}
            self._sorted[economy] = by_sorted
        match = process.extractOne(_sorted(form), by_sorted.keys(), scorer=fuzz.ratio, score_cutoff=_ALIKE)
        return by_sorted[match[0]] if match else None

    def _one_place(self, rows: list[int]) -> int | None:
        """The first of several institutions of one name, if they are at one place."""
        there = [row for row in rows if not np.isnan(self._points[row]).any()]
        if not there:
            return None
        at = self._points[there]
        first = np.repeat(at[:1], len(at), axis=0)
        away = distance_km(first[:, 0], first[:, 1], at[:, 0], at[:, 1])
        return there[0] if (away <= _SAME_PLACE_KM).all() else None

    @cached_property
    def _points(self) -> npt.NDArray[np.float64]:
        return self.rows[["latitude", "longitude"]].to_numpy(dtype=np.float64, na_value=np.nan)


def _sorted(form: str) -> str:
    return " ".join(sorted(form.split()))


@lru_cache(maxsize=1 << 18)
def organisation_form(name: str) -> str:
    """A name in plain words, abbreviations written out, without small words.

    >>> organisation_form("Univ Queensland"), organisation_form("The University of Queensland")
    ('university queensland', 'university queensland')
    """
    words = [_WRITTEN_OUT.get(word, word) for word in plain(name).split()]
    return " ".join(word for word in words if word not in _LEFT_OUT)
