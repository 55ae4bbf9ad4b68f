"""Names of places in one plain form, and the other forms under which a written name may be known.

Belongs here: rules on text alone: accents, punctuation, abbreviations, suffixes, parts of an address.
Does not: looking anything up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_LETTERS: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "&": " and "}
)
_ABBREVIATIONS: Final = {
    "st": "saint",
    "ste": "sainte",
    "mt": "mount",
    "ft": "fort",
    "univ": "university",
    "pt": "point",
    "hts": "heights",
    "jct": "junction",
    "spgs": "springs",
}
_WORDS: Final = re.compile(r"[^\W_]+")
_NOT_LATIN: Final = re.compile(r"[^\x00-\u024f\u1e00-\u1eff\u2000-\u206f]")
_PARENTHESES: Final = re.compile(r"\(([^)]*)\)?")
_SEPARATORS: Final = re.compile(r"\s*[,;/|\n]\s*|\s+[-–—]\s+")
_HYPHEN: Final = re.compile(r"(?<=\w{3})[-–](?=\w{3})")
_CODES: Final = re.compile(r"\b[A-Z]{1,3}[-–](?=\d)|\b\w*\d[\w-]*")
_AROUND: Final = re.compile(
    r"^(?:city of|municipality of|greater|downtown|metropolitan|metro|near|the)\s+"
    r"|(?:\s+|-)(?:city|town|township|village|district|county|municipality|province|prefecture|area|region|metropolitan|metro"
    r"|cedex|cdx|shi|si|gu|ku|gun|cho|machi|dong|do|city area)\.?$",
    re.IGNORECASE,
)
_QUARTERS: Final = re.compile(
    r"^(?:north|south|east|west|northeast|northwest|southeast|southwest|upper|lower)\s+"
    r"|\s+(?:north|south|east|west|heights|center|centre|central|village|station|by the sea)$"
)
_UMLAUTS: Final = re.compile(r"(?<=[aou])e")


def plain(name: str) -> str:
    """A name without accents, case, punctuation and abbreviations; native scripts keep their letters.

    >>> plain("St. Louis"), plain("SAINT-LOUIS"), plain("Kraków"), plain("東京")
    ('saint louis', 'saint louis', 'krakow', '東京')
    """
    text = name.casefold()
    if text.isascii() and text.isalpha():
        return _ABBREVIATIONS.get(text, text)
    if not text.isascii():
        text = text.translate(_LETTERS)
        decomposed = unicodedata.normalize("NFKD" if not _NOT_LATIN.search(text) else "NFKC", text)
        text = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    elif "&" in text:
        text = text.translate(_LETTERS)
    text = text.replace("'", "").replace("’", "").replace("ʻ", "")
    return " ".join(_ABBREVIATIONS.get(word, word) for word in _WORDS.findall(text))


def forms(city: str) -> list[str]:
    """Plain forms under which a written city may be known, the most literal first.

    >>> forms("City of Tel Aviv-Yafo (Jaffa)")[:3]
    ['city of tel aviv yafo jaffa', 'city of tel aviv yafo', 'tel aviv yafo']
    >>> forms("Duesseldorf")
    ['duesseldorf', 'dusseldorf']
    """
    return list(dict.fromkeys(form for written in _written(city) if (form := plain(written))))


def parts_of(city: str) -> list[str]:
    """Plain names of the larger place that a part of a city is called after.

    >>> parts_of("North Billerica"), parts_of("Arlington Heights"), parts_of("Paris")
    (['billerica'], ['arlington'], [])
    """
    form = plain(city)
    return [part for part in [_QUARTERS.sub("", form)] if part not in {form, ""}]


def _written(city: str) -> Iterator[str]:
    yield city
    outside = _PARENTHESES.sub(" ", city).strip()
    yield outside
    yield _AROUND.sub("", outside)
    without_codes = _CODES.sub(" ", outside).strip(" -,")
    parts = [part for part in _SEPARATORS.split(without_codes) if part]
    for part in [without_codes, *parts]:
        yield part
        yield _AROUND.sub("", part)
    yield from _HYPHEN.split(outside)
    yield from _PARENTHESES.findall(city)
    yield _UMLAUTS.sub("", city)


def segments(address: str) -> list[str]:
    """The parts of an address that may name a place or a region, the last first, without postcodes and numbers.

    >>> segments("12 Main St, Cambridge, MA 02139, USA")
    ['USA', 'MA', 'Cambridge', 'Main St']
    """
    parts = [_CODES.sub(" ", part).strip(" .-") for part in re.split(r"[,;\n]", address)]
    return [" ".join(part.split()) for part in reversed(parts) if any(letter.isalpha() for letter in part)]
