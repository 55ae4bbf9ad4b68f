"""What the parts of an address may name: places, and regions for sure or by a likeness.

Belongs here: asking the gazetteer for everything that parts name, and taking apart a part that names nothing as it is.
Does not: taking an address apart (see `written`), or deciding which place is meant (see `weighing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, NamedTuple

from gii_pipeline.geocoding.gazetteer import FIRST_ORDER, NOTHING, Gazetteer, Named
from gii_pipeline.geocoding.names import SPACED_AT_WILL, Form, ends_in_kind, forms, joined, parts_of, plain
from gii_pipeline.geocoding.places import ALIAS, ALTERNATE, ANY_ECONOMY, IN_REGION, OWN, SHORT, ZIP
from gii_pipeline.geocoding.regions import CODE, WEAK
from gii_pipeline.geocoding.written import Part, Written

EXACT, OTHER, DERIVED, WARD, QUARTER = 0, 2, 3, 5, 6
"""How well a place is named: by its own name, by another, without a suffix, as a ward, by a name of which it is a part.
"""
_WORDS: Final = 3
_SPLIT_WITHIN: Final = 2
_LONGEST_CODE: Final = 3
_KEPT: Final = 400_000


@dataclass(slots=True)
class Evidence:
    """What a part names: places (row, how well), regions by name, and regions by no more than a likeness.

    only_region: it is a region's name; ward, regional: it has a word for a ward or a region; some_words: it is some
    words of a part.
    """

    form: str = ""
    places: list[tuple[int, int]] = field(default_factory=list)
    regions: frozenset[int] = frozenset()
    weak: frozenset[int] = frozenset()
    only_region: bool = False
    ward: bool = False
    regional: bool = False
    some_words: bool = False


class Asked(NamedTuple):
    """A part as it is looked up."""

    economy: str
    text: str
    code: bool
    raw: str = ""


Read = tuple[tuple[Part, Evidence], ...]


def asked(economy: str, part: Part) -> Asked:
    return Asked(economy, part.text, part.code, part.raw)


class Reading:
    """The evidence of parts, looked up many at a time and kept, since most addresses share theirs."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer = gazetteer
        self._evidence: dict[Asked, Evidence] = {}
        self._parts: dict[tuple[str, Part], Read] = {}
        self._matter: set[tuple[str, Part]] = set()

    def read(self, addresses: Iterable[tuple[str, Written]]) -> None:
        """Look up what the addresses say, each in an economy, so that `parts` and `zipped` know it."""
        # Dropping everything at once is simpler than tracking use, and refilling is cheap: a batch reads its parts
        # anyway.
        if len(self._parts) > _KEPT:
            self._evidence.clear()
            self._parts.clear()
            self._matter.clear()
        new: dict[tuple[str, Part], Asked] = {}
        for economy, address in addresses:
            for part in address.parts:
                if (economy, part) not in self._parts and (economy, part) not in new:
                    new[economy, part] = asked(economy, part)
        # One look-up per batch: the index is columns on disk, and a query per part would cost more than the weighing.
        zips = {_of_zip(economy, a.zip_code) for economy, a in addresses if a.zip_code}
        self._look_up({*new.values(), *zips})
        # Only parts that match nothing are split: "San Jose" must not be read as "Jose" with something before it.
        unsaid = {key for key, each in new.items() if _splits_at(key[1]) and says_nothing(self._evidence[each])}
        split = {
            Asked(economy, text, code=False)
            for economy, part in unsaid
            for tail, heads in _splits(part.text)
            for text in (tail, *heads)
        }
        self._look_up(split | {each._replace(code=True) for each in split if each.text.isupper()})
        for (economy, part), each in new.items():
            names = self._evidence[each]
            split_parts = _split(part, economy, self._evidence) if (economy, part) in unsaid else []
            said = self._parts[economy, part] = tuple(split_parts) or ((part, names),)
            # Parts that cannot matter are left out of the key of an address, so that institutes do not make addresses
            # distinct.
            if part.role == "city" or part.nth < 1 or any(_names_something(each) for _, each in said):
                self._matter.add((economy, part))

    def evidence(self, parts: Iterable[Asked]) -> dict[Asked, Evidence]:
        """What each part names, as it is written."""
        wanted = set(parts)
        self._look_up(wanted)
        return {each: self._evidence[each] for each in wanted}

    def parts(self, economy: str, part: Part) -> Read:
        """A part with what it names; one that names nothing, by its last and its first words."""
        return self._parts[economy, part]

    def matters(self, economy: str, part: Part) -> bool:
        """Whether an answer can depend on a part; a department before the city says nothing."""
        return (economy, part) in self._matter

    def zipped(self, economy: str, zip_code: str | None) -> int | None:
        """The place that a ZIP code is nearest to."""
        places = self._evidence[_of_zip(economy, zip_code)].places if zip_code else []
        return places[0][0] if places else None

    def _look_up(self, parts: set[Asked]) -> None:
        new = {part for part in parts if part not in self._evidence}
        self._evidence |= evidence_of(self.gazetteer, new)


def _of_zip(economy: str, zip_code: str) -> Asked:
    return Asked(economy, f"{ZIP}{zip_code}", code=False)


def evidence_of(gazetteer: Gazetteer, parts: Iterable[Asked]) -> dict[Asked, Evidence]:
    """What each part names, all of them looked up at once."""
    wanted = {each: _forms(each.text, each.raw, spaced=each.economy in SPACED_AT_WILL) for each in parts}
    keys = {f"{each.economy}|{form.form}" for each, found in wanted.items() for form in found}
    quarters = {each: parts_of(each.text) for each in wanted if each.economy != ANY_ECONOMY}
    keys |= {f"{each.economy}|{form}" for each, found in quarters.items() for form in found}
    named = gazetteer.named(list(keys))
    return {each: _evidence(gazetteer, each, found, quarters.get(each, []), named) for each, found in wanted.items()}


@lru_cache(maxsize=200_000)
def _forms(text: str, raw: str, *, spaced: bool) -> list[Form]:
    """The forms of a part, as it was written first; spaced: blanks in a name say nothing."""
    if text.startswith(ZIP):
        return [Form(text, derived=False, kind="")]
    found = [*([Form(plain(raw), derived=False, kind="")] if raw else []), *forms(text)]
    whole = [
        form._replace(form=name, derived=form.derived or not spaced or ends_in_kind(form.form))
        for form in found
        if (name := joined(form.form))
    ]
    return sorted([*found, *whole], key=lambda form: form.derived) if spaced else [*found, *whole]


def _evidence(
    gazetteer: Gazetteer, asked: Asked, written: Sequence[Form], quarters: Sequence[str], named: Mapping[str, Named]
) -> Evidence:
    whole = named.get(f"{asked.economy}|{plain(asked.raw)}", NOTHING).places if asked.raw else []
    # What was taken off a part may belong to the name. If the part as written is a place's own name, that wins.
    if own := [(place, EXACT) for place, tier in whole if tier == OWN]:
        return Evidence(form=plain(asked.raw), places=own)
    found = Evidence(form=written[0].form if written else "", ward=any(form.kind == "ward" for form in written))
    regions = _Regions(gazetteer)
    best: dict[int, int] = {}
    together = joined(found.form)
    as_one: set[int] = set()
    settled = False
    for form, following in zip(written, [*written, None][1:], strict=True):
        # A form as written settles the part. Derived forms could only add places of another name; the joined spelling
        # is still the same name.
        if settled and form.form != together:
            continue
        names = named.get(f"{asked.economy}|{form.form}", NOTHING)
        regions.add(asked, form, names)
        for place, tier in names.places:
            best[place] = min(_how(tier, form), best.get(place, QUARTER))
        as_one |= {place for place, _ in names.places} if form.form == together else set()
        last_as_written = not form.derived and (following is None or following.derived)
        settled |= bool(best) and last_as_written and not found.ward and not regions.strong
    for quarter in quarters if not best else ():
        places = named.get(f"{asked.economy}|{quarter}", NOTHING).places
        best |= {place: QUARTER for place, tier in places if tier <= ALTERNATE}
    found.regional = any(form.kind == "region" for form in written)
    # "… County" names the region, so a place found only by dropping that word is not meant.
    if found.regional:
        best = {place: how for place, how in best.items() if how < DERIVED or place in as_one}
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
        self.numbered = False

    def add(self, asked: Asked, form: Form, names: Named) -> None:
        self.numbered |= asked.text.isdigit()
        for region, strength in names.regions:
            first_order = self.order[region] == FIRST_ORDER
            sure = _is_sure(asked, form, strength, first_order=first_order)
            if strength == WEAK:
                self.cut.add(region)
            # The part already is a region's full name, and a name without its last word is weaker.
            if form.derived and form.kind == "region" and self.only:
                sure = False
            if sure is not None:
                (self.strong if sure else self.weak).add(region)
            self.only |= bool(sure) and strength != WEAK and (first_order or form.kind == "region")

    def told_apart(self, *, ward: bool) -> tuple[frozenset[int], frozenset[int]]:
        """(for sure, by likeness): where a region of the first order is named, others of its name are a likeness.

        Not so where a number is given: 93 is the code of a department here, and of a region there.
        """
        first = {region for region in self.strong if self.order[region] == FIRST_ORDER and not self.numbered}
        strong = first if ward or first else self.strong
        sure = frozenset(strong - self.cut or strong)
        return sure, frozenset((self.strong | self.weak) - sure)


def _is_sure(asked: Asked, form: Form, strength: int, *, first_order: bool) -> bool | None:
    """Whether a form names a region for sure, or only resembles its name; None where it is not a code in this place."""
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


def says_nothing(names: Evidence) -> bool:
    return not names.regions and not any(how <= WARD for _, how in names.places)


def _names_something(names: Evidence) -> bool:
    return bool(names.places or names.regions or names.weak)


def _splits_at(part: Part) -> bool:
    return part.nth < _SPLIT_WITHIN and part.role != "admin"


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
        if names is None or says_nothing(names):
            continue
        found = [(part._replace(text=tail), names if part.nth == 0 else _less_sure(names))]
        for head in heads:
            before = evidence.get(Asked(economy, head, code=False))
            if before is not None and not says_nothing(before):
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
