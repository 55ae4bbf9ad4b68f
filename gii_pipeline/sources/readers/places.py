"""Addresses that come as one text, in parts.

Belongs here: city, region and economy of a text that ends in its economy, a continent behind it ignored.
Does not: where that is (see `geocoding`).
"""

from __future__ import annotations

from typing import Final

CONTINENTS: Final = (
    "africa",
    "antarctica",
    "asia",
    "australia and oceania",
    "central america",
    "europe",
    "latin america",
    "north america",
    "oceania",
    "south america",
)


def parts(address: str) -> str:
    """SQL for the parts of an address between commas, without blanks and without a continent at its end."""
    split = f"list_transform(string_split({address}, ','), lambda p: trim(p))"
    known = f"list_filter({split}, lambda p: p <> '')"
    continents = ", ".join(f"'{name}'" for name in CONTINENTS)
    return f"CASE WHEN len({known}) > 1 AND lower({known}[-1]) IN ({continents}) THEN {known}[:-2] ELSE {known} END"


def place(found: str) -> dict[str, str]:
    """SQL for city, admin, economy and address of a record whose address is in these parts (a column)."""
    return {
        "city": f"CASE WHEN len({found}) > 1 THEN {found}[1] END",
        "admin": f"CASE WHEN len({found}) > 2 THEN array_to_string({found}[2:-2], ', ') END",
        "economy": f"{found}[-1]",
        "address": f"nullif(array_to_string({found}, ', '), '')",
    }
