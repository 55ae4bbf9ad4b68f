"""Names of places in one plain form, and what a written name says besides it.

Belongs here: rules on text alone: accents, punctuation, abbreviations, words for kinds of places, postcodes.
Does not: looking anything up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal, NamedTuple

Kind = Literal["", "city", "ward", "region"]

_LETTERS: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "&": " and "}
)
_ABBREVIATIONS: Final = {
    "st": "saint",
    "ste": "sainte",
    "sta": "santa",
    "sto": "santo",
    "mt": "mount",
    "mtn": "mountain",
    "ft": "fort",
    "univ": "university",
    "pt": "point",
    "hts": "heights",
    "hbr": "harbor",
    "harbour": "harbor",
    "jct": "junction",
    "spgs": "springs",
    "pk": "park",
    "stn": "station",
    "isl": "island",
    "bch": "beach",
    "vlg": "village",
    "ctr": "center",
    "centre": "center",
    "res": "research",
}
_COMPASS: Final = {
    "n": "north",
    "s": "south",
    "e": "east",
    "w": "west",
    "ne": "northeast",
    "nw": "northwest",
    "se": "southeast",
    "sw": "southwest",
    "nth": "north",
    "sth": "south",
}
_SPELLED_OTHERWISE: Final = (
    (re.compile(r"\bmount\b"), "mountain"),
    (re.compile(r"\b([dl]) (?=\w{2})"), r"\1"),
    (re.compile(r"^s (?=\w)"), "sao "),
    (re.compile(r"^s (?=\w)"), "san "),
)
"""Mt View, Martin d Heres, S Paulo and S Francisco: what an abbreviation or a missing apostrophe may stand for."""
_WORDS: Final = re.compile(r"[^\W_]+")
_LETTER: Final = re.compile(r"[^\W\d_]")
_COMMAS: Final = re.compile(r"[,;\n]")
_NOT_LATIN: Final = re.compile(r"[^\x00-\u024f\u1e00-\u1eff\u2000-\u206f]")
_PARENTHESES: Final = re.compile(r"\(([^)]*)\)?")
_SEPARATORS: Final = re.compile(r"\s*[/|]\s*|\s+[-–—]\s+")
_HYPHEN: Final = re.compile(r"(?<=\w{3})[-–](?=\w{3})")
_REGION_WORDS: Final = """
    province prov prefecture pref ken fu do to sheng oblast obl krai kray state voivodeship region canton governorate
    department republic territory county gun hsien xian parish kommun län lan fylke vilayet wilaya zizhiqu emirate
    raion rayon kreis
"""
_CITY_WORDS: Final = """
    city town township twp village municipality metropolitan metro area shi si machi cho mura eup myeon cedex cdx
"""
_WARD_WORDS: Final = "ku gu qu ward dist district subdistrict borough dong arrondissement"
_SUFFIXES: Final[dict[str, Kind]] = {
    **dict.fromkeys(_REGION_WORDS.split(), "region"),
    **dict.fromkeys(_CITY_WORDS.split(), "city"),
    **dict.fromkeys(_WARD_WORDS.split(), "ward"),
}
_TWO_WORDS: Final[dict[str, Kind]] = {
    "autonomous region": "region",
    "federal territory": "region",
    "capital region": "region",
    "metropolitan city": "city",
    "special city": "city",
    "metropolitan area": "city",
    "metro area": "city",
    "city area": "city",
    "new area": "ward",
    "new district": "ward",
}
_BEFORE_A_CITY: Final = "city town municipality ciudad greater downtown metropolitan metro central near the"
_BEFORE_A_REGION: Final = """
    province provincia prov state estado region canton kanton county département departement departamento comunidad
    regione región região co
"""
_BEFORE: Final[dict[str, Kind]] = {
    **dict.fromkeys(_BEFORE_A_CITY.split(), "city"),
    **dict.fromkeys(_BEFORE_A_REGION.split(), "region"),
}
_OF: Final = re.compile(r"^(?:of|de la|autónoma de|de|del|di|do|da)\s+", re.IGNORECASE)
_QUARTERS: Final = re.compile(
    r"^(?:north|south|east|west|northeast|northwest|southeast|southwest|upper|lower)\s+"
    r"|\s+(?:north|south|east|west|heights|center|central|village|station|by the sea)$"
)
_UMLAUTS: Final = re.compile(r"(?<=[aou])e")
_DUTCH: Final = re.compile(r"\b\d{4}\s?[A-Z]{2}\b")
_COUNTRY_PREFIX: Final = re.compile(
    r"(?:\b[A-Z]{1,3}\s?[-–]\s?(?=\d))|^(?:[ABDEFHILNPS]|CH|DE|DK|FI|NL|SE|NO)\s(?=\d{4})"
)
_INITIALS: Final = re.compile(r"\b(?:[A-Z]\.\s?){2,}$|^[A-Z] [A-Z](?: [A-Z])?$")
_MARKUP: Final = re.compile(r"#[A-Z]+#|<[^>]*>")
_MAIL: Final = re.compile(r"\b[Ee]-?mails?\s*:.*$|\S+@\S+", re.DOTALL)
_DIGITS: Final = re.compile(r"\b\w*\d[\w/-]*")
_DISTRICT_LETTERS: Final = re.compile(r"(?<=\w{3}) (?:N[VØOW]?|S[VØOE]?|V|Ø|K|C|M|O|W|E|NE|SE|SW)$")
_POSTAL: Final = re.compile(r"\b(?:cedex|cdx|po box|p\.? ?o\.? ?box|bp|cp)\b.*$", re.IGNORECASE)
_LETTERED_ECONOMIES: Final = frozenset({"DK", "SE", "NO", "FI", "IE"})
_SMALL_WORDS: Final = frozenset(
    {"am", "an", "auf", "bei", "beim", "dem", "den", "der", "im", "in", "ob", "unter", "vor", "zu", "zur", "aan", "op"}
    | {"sur", "sous", "les", "le", "la", "en", "de", "des", "du", "upon", "on", "under", "nad", "pod"}
)
_MANY_WORDS: Final = 6
_LONGEST_JOINED: Final = 3

SPACED_AT_WILL: Final = frozenset({"CN", "TW", "HK", "MO", "JP", "KR", "KP", "VN"})
"""Economies whose names are transcribed syllable by syllable: Guang Zhou, Tai-chung and Hanoi are one name each."""


@lru_cache(maxsize=1_000_000)
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
    text = text.replace("'", "").replace("’", "").replace("ʻ", "").replace("‘", "")
    return " ".join(_ABBREVIATIONS.get(word, word) for word in _WORDS.findall(text))


class Form(NamedTuple):
    """A plain form of a written name. derived: not the name as it is written; kind: what its suffix says it is."""

    form: str
    derived: bool
    kind: Kind


def forms(written: str) -> list[Form]:
    """Plain forms under which a written name may be known, the most literal first.

    >>> [form.form for form in forms("City of Tel Aviv-Yafo (Jaffa)")][:3]
    ['city of tel aviv yafo jaffa', 'city of tel aviv yafo', 'tel aviv yafo']
    >>> forms("Minato-ku")[1]
    Form(form='minato', derived=True, kind='ward')
    """
    literal = plain(written)
    if not literal:
        return []
    found = {literal: Form(literal, derived=False, kind="")}
    if literal == written.lower() and " " not in literal and not _UMLAUTS.search(literal):
        return [found[literal]]
    words = literal.split()
    found |= {other: Form(other, derived=False, kind="") for other in _written_out(literal)}
    outside = _PARENTHESES.sub(" ", written).strip() if "(" in written else written
    derived: list[tuple[str, Kind]] = [(outside, "")] if outside != written else []
    for name, kind in _without_kind(outside):
        derived.append((name, kind))
        if "-" in name or "–" in name:
            derived += [(other, its_kind or kind) for other, its_kind in _without_kind(name)]
    if len(words) < _MANY_WORDS:
        derived += _parts(written, outside)
    for text, kind in derived:
        if form := plain(text):
            found.setdefault(form, Form(form, derived=True, kind=kind))
    return list(found.values())


def _written_out(literal: str) -> Iterator[str]:
    """What an abbreviated name may stand for: points of the compass, and `_SPELLED_OTHERWISE`."""
    words = literal.split()
    if not _COMPASS.keys().isdisjoint(words):
        yield " ".join(_COMPASS.get(word, word) for word in words)
    for pattern, replacement in _SPELLED_OTHERWISE:
        if (other := pattern.sub(replacement, literal)) != literal:
            yield other


def _parts(written: str, outside: str) -> Iterator[tuple[str, Kind]]:
    """The parts of a name of several: "Brussels/Bruxelles", "Wien - Vienna", "Tel Aviv-Yafo", "Duesseldorf"."""
    parts = [part for part in _SEPARATORS.split(outside) if part]
    for part in parts if len(parts) > 1 else ():
        yield part, ""
        yield from _without_kind(part)
    if _HYPHEN.search(outside):
        yield from ((part, "") for part in _HYPHEN.split(outside))
    if outside != written:
        yield from ((part, "") for part in _PARENTHESES.findall(written))
    if (without := _UMLAUTS.sub("", outside)) != outside:
        yield without, ""


def _without_kind(written: str) -> list[tuple[str, Kind]]:
    """The name without the word for its kind, with the kind; a District is a ward or a region."""
    found: list[tuple[str, Kind]] = []
    lower = written.lower().rstrip(".")
    cut = max(lower.rfind(" "), lower.rfind("-"), lower.rfind("–"))
    if cut > 0:
        if kind := _SUFFIXES.get(lower[cut + 1 :]):
            found.append((written[:cut].strip(), kind))
        before = max(lower.rfind(" ", 0, cut), lower.rfind("-", 0, cut))
        if before > 0 and (its_kind := _TWO_WORDS.get(lower[before + 1 :])):
            found.append((written[:before].strip(), its_kind))
        first, _, rest = lower.partition(" ")
        if rest and (its_kind := _BEFORE.get(first.rstrip("."))):
            found.append((_OF.sub("", written[len(first) + 1 :]), its_kind))
    return [(name, kind) for name, kind in found if name]


def joined(form: str) -> str:
    """A plain name without its blanks: Guang Zhou and Guangzhou are one name; "" for a name of one word, or of many.

    >>> joined("guang zhou"), joined("kyo to"), joined("seoul"), joined("nakano ku")
    ('guangzhou', 'kyoto', '', '')
    """
    words = form.split()
    a_name = 1 < len(words) <= _LONGEST_JOINED and _SUFFIXES.get(words[-1], "region") == "region"
    return "".join(words) if a_name else ""


def ends_in_kind(form: str) -> bool:
    """Whether the last word of a plain name may be the word for its kind: Osaka-fu, but Kyo-to, too."""
    return form.rpartition(" ")[2] in _SUFFIXES


def abbreviated(own: str) -> list[str]:
    """A plain name with its small words, and with its last one, as their first letters, as they are often written.

    >>> abbreviated("rothenburg ob der tauber"), abbreviated("frankfurt am main"), abbreviated("new york")
    (['rothenburg o d tauber', 'rothenburg o d t'], ['frankfurt a main', 'frankfurt a m'], [])
    """
    words = own.split()
    small = [word in _SMALL_WORDS for word in words]
    if not any(small[1:-1]) or small[-1]:
        return []
    short = [
        word[0] if is_small and nth else word for nth, (word, is_small) in enumerate(zip(words, small, strict=True))
    ]
    return [" ".join(short), " ".join([*short[:-1], short[-1][0]])]


def parts_of(name: str) -> list[str]:
    """Plain names of the larger place that a part of a city is called after.

    >>> parts_of("North Billerica"), parts_of("Arlington Hts"), parts_of("Paris")
    (['billerica'], ['arlington'], [])
    """
    form = " ".join(_COMPASS.get(word, word) for word in plain(name).split())
    return [part for part in [_QUARTERS.sub("", form)] if part not in {form, ""}]


@lru_cache(maxsize=200_000)
def without_postcode(part: str, economy: str | None) -> str:
    """A part of an address without postcodes, numbers, prefixes of countries and district letters.

    >>> without_postcode("NL-5656 AE Eindhoven", "NL"), without_postcode("1401 København K", "DK")
    ('Eindhoven', 'København')
    """
    if part.isalpha():
        return part
    text = _INITIALS.sub(lambda initials: initials[0].replace(".", "").replace(" ", ""), part)
    if any(letter.isdigit() for letter in part):
        if economy not in {"US", "CA", "AU"}:
            text = _COUNTRY_PREFIX.sub(" ", text.strip())
        if economy in {"NL", None}:
            text = _DUTCH.sub(" ", text)
        text = _DIGITS.sub(" ", text)
    if "ox" in text or "OX" in text or "edex" in text or "EDEX" in text or "BP" in text:
        text = _POSTAL.sub(" ", text)
    text = " ".join(text.split()).strip(" .-–#")
    if economy in _LETTERED_ECONOMIES:
        text = _DISTRICT_LETTERS.sub("", text)
    return text


def segments(address: str, economy: str | None = None, *, last: int | None = None) -> list[str]:
    """The parts of an address that may name a place or a region, the last first, without postcodes and numbers.

    last: how many of them are wanted, the last ones.

    >>> segments("12 Main St, Cambridge, MA 02139, USA")
    ['USA', 'MA', 'Cambridge', 'Main St']
    """
    if "#" in address or "<" in address:
        address = _MARKUP.sub(" ", address)
    if "mail" in address or "@" in address:
        address = _MAIL.sub(" ", address)
    found: list[str] = []
    for written in reversed(_COMMAS.split(address)):
        part = without_postcode(written.strip(), economy)
        if _LETTER.search(part):
            found.append(part)
            if len(found) == last:
                break
    return found
