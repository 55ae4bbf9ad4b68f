"""What an address says: its economy, its parts, and what each part may name.

Belongs here: taking an address apart, and asking the gazetteer for everything that its parts name.
Does not: deciding which of these is meant (see `resolution`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from gii_pipeline.geocoding.economies import RELATED, alpha2, named_economy
from gii_pipeline.geocoding.gazetteer import FIRST_ORDER, NOTHING, Gazetteer, Named
from gii_pipeline.geocoding.names import Form, forms, parts_of, plain, segments, without_postcode
from gii_pipeline.geocoding.places import ALIAS, ALTERNATE, ANY_ECONOMY, IN_REGION, OWN, SHORT, ZIP
from gii_pipeline.geocoding.regions import CODE, WEAK

Role = Literal["city", "admin", "text"]
EXACT, OTHER, DERIVED, WARD, QUARTER = 0, 2, 3, 5, 6
"""How well a place is named: by its own name, by another, without a suffix, as a ward, by a name of which it is a part.
"""
_TAIL: Final = 4
_WORDS_OF_A_NAME: Final = 3
_LONGEST_CODE: Final = 3
_SHORT_NAMES: Final = frozenset({"usa", "uk", "uae", "prc", "drc", "roc"})
_ZIP: Final = re.compile(r"\b\d{5}(?=(?:-\d{4})?\b)")
_ZIPPED: Final = frozenset({"US", "PR", "VI", "GU", "AS", "MP"})


class Part(NamedTuple):
    """A part of an address.

    nth: its place from the end. code: whether it may be the code of a region. raw: as it was written, where something
    was taken off that may belong to the name ("Paris 19 Buttes-Chaumont").
    """

    text: str
    role: Role
    nth: float
    code: bool
    raw: str = ""


@dataclass(slots=True)
class Evidence:
    """What a part names: places (row, how well), regions by name, and regions by no more than a likeness."""

    form: str = ""
    places: list[tuple[int, int]] = field(default_factory=list)
    regions: frozenset[int] = frozenset()
    weak: frozenset[int] = frozenset()
    only_region: bool = False
    ward: bool = False
    some_words: bool = False


@dataclass(slots=True)
class Written:
    """An address in an economy: its parts, the last first, and the ZIP code and the point that say where it is."""

    economy: str | None
    parts: list[Part]
    zip_code: str | None = None
    point: tuple[float, float] | None = None


def read_fields(city: str | None, admin: str | None, economy: str | None, postcode: str | None) -> Written:
    """An address in fields; a city's field may have several parts."""
    texts = segments(city or "", economy)
    parts = [Part(text, "city", nth, code=nth == 0) for nth, text in enumerate(texts)]
    if parts and city and any(sign.isdigit() or sign == "," for sign in city):
        parts = [parts[0]._replace(raw=city), *parts[1:]]
    economy, parts = _without_economy(parts, economy)
    if admin:
        parts.insert(0, Part(without_postcode(admin, economy) or admin, "admin", -1, code=True))
        economy = _territory(admin, economy)
    for part in parts:
        if part.role == "city" and len(parts) > 1 and not admin:
            economy = _territory(part.text, economy, codes=part.code)
    zip_code = _zip([postcode or "", city or ""], economy)
    return Written(economy, parts, zip_code)


def read_text(address: str, economy: str | None) -> Written:
    """An address as printed in one text."""
    parts = [Part(text, "text", nth, code=nth == 0) for nth, text in enumerate(segments(address, economy))]
    had = economy
    economy, parts = _without_economy(parts, economy)
    if had is None and economy is not None:
        texts = segments(address, economy)
        parts = [Part(text, "text", nth, code=nth == 0) for nth, text in enumerate(texts)]
        economy, parts = _without_economy(parts, economy)
    parts = [part._replace(nth=nth, code=nth == 0) for nth, part in enumerate(parts)]
    for part in parts[:2]:
        economy = _territory(part.text, economy, codes=part.code)
    return Written(economy, parts, _zip([address[-40:]], economy))


def _zip(texts: Iterable[str], economy: str | None) -> str | None:
    if economy in _ZIPPED:
        for text in texts:
            if found := _ZIP.findall(text):
                return str(found[-1])
    return None


def _without_economy(parts: list[Part], economy: str | None) -> tuple[str | None, list[Part]]:
    """The economy that the last part ends in, and the parts without it."""
    ended = False
    while parts:
        last = parts[0]
        named, rest = _ends_in_economy(last.text)
        if economy and len(last.text) <= _LONGEST_CODE and alpha2(last.text) == economy:
            named, rest = economy, ""
        if rest and (ended or last.role == "city"):
            break
        if named is None or (economy not in (None, named) and named not in RELATED.get(str(economy), ())):
            break
        economy, ended = named, True
        if not rest:
            keep = len(parts) == 1 or plain(last.text) in _REGIONS_TOO
            if keep:
                break
            parts = parts[1:]
        else:
            parts = [last._replace(text=rest), *parts[1:]]
            break
    return economy, parts


_REGIONS_TOO: Final = frozenset({"england", "scotland", "wales", "northern ireland", "north ireland"})


@lru_cache(maxsize=200_000)
def _ends_in_economy(text: str) -> tuple[str | None, str]:
    if named := _economy(text):
        return named, ""
    words = text.split()
    for count in range(min(_WORDS_OF_A_NAME + 1, len(words) - 1), 0, -1):
        tail = " ".join(words[-count:])
        if (named := _economy(tail)) and not (count == 1 and words[-2].lower() in _BEFORE_A_REGION):
            return named, " ".join(words[:-count]).rstrip(" -")
    return None, text


_BEFORE_A_REGION: Final = frozenset({"new", "of", "south", "north", "west", "east", "st", "saint", "lower", "upper"})


def _economy(text: str) -> str | None:
    pointless = text.replace(".", "")
    form = plain(pointless)
    if len(form) <= _LONGEST_CODE and form not in _SHORT_NAMES:
        return None
    return "TW" if form == "roc" else named_economy(pointless)


def _territory(text: str, economy: str | None, *, codes: bool = True) -> str | None:
    """The economy of its own that a region of another is: Puerto Rico of the US, Hong Kong of China."""
    related = RELATED.get(economy or "", ())
    if not related:
        return economy
    text = without_postcode(text, economy)
    if codes and text in related:
        return text
    named = named_economy(text) if len(text) > _LONGEST_CODE else None
    return named if named in related and economy not in _STATES_THAT_ARE_GONE else economy


_STATES_THAT_ARE_GONE: Final = frozenset({"RU", "RS", "CZ", "IL", "PS", "HK", "MO"})


class Asked(NamedTuple):
    """A part as it is looked up."""

    economy: str
    text: str
    code: bool
    raw: str = ""


def asked(economy: str, part: Part) -> Asked:
    return Asked(economy, part.text, part.code, part.raw)


def evidence_of(gazetteer: Gazetteer, parts: Iterable[Asked]) -> dict[Asked, Evidence]:
    """What each part names, all of them looked up at once."""
    wanted = {each: _forms(each.text) for each in parts}
    keys = {f"{each.economy}|{form.form}" for each, found in wanted.items() for form in found}
    keys |= {f"{each.economy}|{plain(each.raw)}" for each in wanted if each.raw}
    quarters = {each: parts_of(each.text) for each in wanted if each.economy != ANY_ECONOMY}
    keys |= {f"{each.economy}|{form}" for each, found in quarters.items() for form in found}
    named = gazetteer.named(sorted(keys))
    return {each: _evidence(gazetteer, each, found, quarters.get(each, []), named) for each, found in wanted.items()}


@lru_cache(maxsize=200_000)
def _forms(text: str) -> list[Form]:
    return [Form(text, derived=False, kind="")] if text.startswith(ZIP) else forms(text)


def _evidence(
    gazetteer: Gazetteer, asked: Asked, written: Sequence[Form], quarters: Sequence[str], named: Mapping[str, Named]
) -> Evidence:
    whole = named.get(f"{asked.economy}|{plain(asked.raw)}", NOTHING).places if asked.raw else []
    if own := [(place, EXACT) for place, tier in whole if tier == OWN]:
        return Evidence(form=plain(asked.raw), places=own)
    found = Evidence(form=written[0].form if written else "", ward=any(form.kind == "ward" for form in written))
    regions = _Regions(gazetteer)
    best: dict[int, int] = {}
    for form in written:
        names = named.get(f"{asked.economy}|{form.form}", NOTHING)
        regions.add(asked, form, names)
        for place, tier in names.places:
            best[place] = min(_how(tier, form), best.get(place, QUARTER))
        if best and not form.derived and not found.ward and not regions.strong:
            break
    for quarter in quarters if not best else ():
        places = named.get(f"{asked.economy}|{quarter}", NOTHING).places
        best |= {place: QUARTER for place, tier in places if tier <= ALTERNATE}
    if any(form.kind == "region" for form in written):
        best = {place: how for place, how in best.items() if how < DERIVED}
    found.only_region = regions.only
    found.regions, found.weak = regions.told_apart(ward=found.ward)
    found.places = list(best.items())
    return found


class _Regions:
    """The regions that a part names: for sure, by no more than a likeness, by a name that is cut."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.order = gazetteer.order
        self.strong: set[int] = set()
        self.weak: set[int] = set()
        self.cut: set[int] = set()
        self.only = False

    def add(self, asked: Asked, form: Form, names: Named) -> None:
        for region, strength in names.regions:
            first_order = self.order[region] == FIRST_ORDER
            sure = _is_sure(asked, form, strength, first_order=first_order)
            if strength == WEAK:
                self.cut.add(region)
            if sure is not None:
                (self.strong if sure else self.weak).add(region)
            self.only |= bool(sure) and (first_order or form.kind == "region")

    def told_apart(self, *, ward: bool) -> tuple[frozenset[int], frozenset[int]]:
        """(for sure, by likeness): where a region of the first order is named, others of its name are a likeness."""
        first = {region for region in self.strong if self.order[region] == FIRST_ORDER}
        strong = first if ward or first else self.strong
        sure = frozenset(strong - self.cut or strong)
        return sure, frozenset((self.strong | self.weak) - sure)


def _is_sure(asked: Asked, form: Form, strength: int, *, first_order: bool) -> bool | None:
    """Whether a form names a region for sure, or no more than is like it; None where it is no code in this place."""
    if strength == CODE:
        written_as_code = asked.text.isupper() or asked.text.isdigit() or len(form.form) > _LONGEST_CODE - 1
        return True if asked.code and written_as_code and not form.derived else None
    if strength == WEAK and not first_order:
        return form.kind in {"region", "ward"}
    return not form.derived or form.kind in {"region", "ward"}


def _how(tier: int, form: Form) -> int:
    if tier == IN_REGION:
        return QUARTER
    if form.kind == "ward":
        return WARD
    if form.derived:
        return DERIVED if tier in (OWN, SHORT) else DERIVED + 1
    return OTHER if tier in {ALIAS, ALTERNATE} else EXACT + (tier == SHORT)
