"""Numerals and lists in English sentences.

Belongs here: what sentences of several pages and messages share. Does not: the sentences, or those in other
languages (see `report.story`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def nth(rank: float) -> str:
    """A rank as a numeral.

    >>> nth(1), nth(12), nth(22)
    ('1st', '12th', '22nd')
    """
    number = int(rank)
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def ordinal(number: int) -> str:
    """A place in a ranking as people say it.

    >>> ordinal(2), ordinal(21), ordinal(112)
    ('second', '21st', '112th')
    """
    return ORDINALS[number - 1] if number <= len(ORDINALS) else nth(number)


def listed(items: Iterable[str]) -> str:
    """Items as a sentence lists them.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def some(items: Sequence[str], most: int, rest: str = " and ", between: str = ", ") -> str:
    """The first items, and how many more there are.

    >>> some(["a", "b", "c", "d"], 2), some(["a", "b"], 2), some(["a", "b", "c"], 2, "; or ", "; ")
    ('a, b and 2 more', 'a, b', 'a; b; or 1 more')
    """
    more = f"{rest}{len(items) - most} more" if len(items) > most else ""
    return between.join(items[:most]) + more
