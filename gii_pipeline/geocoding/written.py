"""What an address says: its economy, its parts, and what each part may name.

Belongs here: taking an address apart, and asking the gazetteer for everything that its parts name.
Does not: deciding which of these is meant (see `resolution`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from gii_pipeline.geocoding.economies import RELATED, alpha2, named_economy
from gii_pipeline.geocoding.names import plain, segments, without_postcode

Role = Literal["city", "admin", "text"]
TAIL: Final = 4
"""Cities and regions stand among the last parts; institutes and streets before them."""
_READ: Final = TAIL + 2
_ENDS: Final = 3
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
class Written:
    """An address in an economy: its parts, the last first, and the ZIP code and the point that say where it is.

    elsewhere: all parts where the last was taken for the economy, which may as well be a region (Georgia).
    """

    economy: str | None
    parts: list[Part]
    zip_code: str | None = None
    point: tuple[float, float] | None = None
    elsewhere: Sequence[Part] = ()


def read_fields(city: str | None, admin: str | None, economy: str | None, postcode: str | None) -> Written:
    """An address in fields; a city's field may have several parts."""
    if not city and not admin:
        return Written(economy, [], _zip([postcode or ""], economy))
    texts = segments(city or "", economy) or [text for text in [city] if text and not text.isdigit()]
    named, left = _without_economy(texts, economy, of_city=True)
    is_a_town = economy and admin and left == texts and len(texts) == 1 and _territory(admin, economy) != named
    if not is_a_town:  # as Sint Maarten, North Holland, is: not the economy of that name
        economy = named
    several = city and any(sign.isdigit() or sign == "," for sign in city)
    raw = city if several and city and len(left) == len(texts) else ""
    parts = [Part(text, "city", nth, code=nth == 0, raw="" if nth else raw) for nth, text in enumerate(left)]
    if admin:
        text = without_postcode(admin, economy) or admin
        parts.insert(0, Part(text, "admin", -1, code=True, raw="" if text == admin else admin))
        economy = _territory(admin, economy)
    for part in parts if len(parts) > 1 and not admin else ():
        economy = _territory(part.text, economy, codes=part.code)
    return Written(economy, parts, _zip([postcode or "", city or ""], economy))


def read_text(address: str, economy: str | None) -> Written:
    """An address as printed in one text."""
    given = economy
    if economy is None:
        economy, _ = _without_economy(segments(address, None, last=_ENDS), None)
    written = segments(address, economy, last=_READ)
    economy, texts = _without_economy(written, economy)
    for nth, text in enumerate(texts[:2]):
        economy = _territory(text, economy, codes=nth == 0)
    elsewhere = _parts(written) if given is None and len(texts) < len(written) else ()
    return Written(economy, _parts(texts), _zip([address[-40:]], economy), elsewhere=elsewhere)


def _parts(texts: list[str]) -> list[Part]:
    return [Part(text, "text", nth, code=nth == 0) for nth, text in enumerate(texts)]


def _zip(texts: Iterable[str], economy: str | None) -> str | None:
    if economy in _ZIPPED:
        for text in texts:
            if found := _ZIP.findall(text):
                return str(found[-1])
    return None


def _without_economy(texts: list[str], economy: str | None, *, of_city: bool = False) -> tuple[str | None, list[str]]:
    """The economy that the last part ends in, and the parts without it; a city's name never ends in one."""
    for nth, last in enumerate(texts):
        named, rest = _ends_in_economy(last)
        if economy and len(last) <= _LONGEST_CODE and alpha2(last) == economy:
            named, rest = economy, ""
        if rest and (nth or of_city):
            return economy, texts[nth:]
        if named is None or (economy not in (None, named) and named not in RELATED.get(str(economy), ())):
            return economy, texts[nth:]
        economy = named
        if rest:
            return economy, [rest, *texts[nth + 1 :]]
        if nth == len(texts) - 1 or plain(last) in _REGIONS_TOO:
            return economy, texts[nth:]
    return economy, texts


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
