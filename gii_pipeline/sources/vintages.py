"""Two vintages of a source, compared by what was kept when their files were read: fields, types and counts.

Belongs here: finding the units of a vintage by their addresses; what differs.
Does not: reading their files, or which records are gone (see `gone_records`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from gii_pipeline import verified
from gii_pipeline.errors import InputError

NONE: Final = "–"
_SHOWN: Final = 10


@dataclass(frozen=True)
class Vintage:
    """The units of one reader that belong together. fields: `role: field` -> types. years: year -> records."""

    units: int
    fields: Mapping[str, str]
    rows: int
    refused: int
    years: Mapping[str, int]


def vintage(extracts: Path, part: str) -> dict[str, Vintage]:
    """Reader -> its units one of whose files has `part` in its address, each as it was read last.

    Raises InputError where there is none, with addresses that there are.
    """
    kept = kept_units(extracts)
    read = {key: about for key, (_, about) in kept.items() if any(part in file["address"] for file in files_of(about))}
    if not read:
        known = {file["address"] for _, about in kept.values() for file in files_of(about)}
        listed = "\n  ".join(sorted(known)[:_SHOWN])
        raise InputError(f"No file that was read has {part!r} in its address. There are {len(known)}:\n  {listed}")
    return {name: _together([about for (reader, _), about in read.items() if reader == name]) for name, _ in read}


def kept_units(extracts: Path) -> dict[tuple[str, str], tuple[Path, Any]]:
    """Reader and the sha256 of a unit's files -> its extract as it was made last, and what is known of it."""
    found: dict[tuple[str, str], tuple[Path, Any]] = {}
    for path in sorted(extracts.glob("*/v*/*.json"), key=lambda path: int(path.parent.name[1:])):
        about = json.loads(verified.read_bytes(path, "Delete it; the next `gii ingest` makes it again."))
        if "unit" in about:
            key = path.parent.parent.name, ",".join(file["sha256"] for file in files_of(about))
            found[key] = path.with_suffix(".parquet"), about
    return found


def files_of(about: Any) -> list[dict[str, str]]:  # noqa: ANN401
    return [file for role in about["unit"].values() for file in role]


def _together(units: list[Any]) -> Vintage:
    types: dict[str, set[str]] = {}
    for about in units:
        for role, found in about.get("fields", {}).items():
            for name, kind in found.items():
                types.setdefault(f"{role}: {name}", set()).add(kind)
    years: Counter[str] = Counter()
    for about in units:
        years.update({str(each["year"] or "undated"): each["records"] for each in about["years"]})
    return Vintage(
        len(units),
        {name: " or ".join(sorted(kinds)) for name, kinds in types.items()},
        sum(about["rows"] for about in units),
        sum(sum(about["refused"].values()) for about in units),
        years,
    )


def differences(old: Mapping[str, Vintage], new: Mapping[str, Vintage]) -> pd.DataFrame:
    """reader, what, old, new: the fields that one vintage lacks or has as another type, and every count that differs.

    Names are compared without regard to capitals, as readers find columns.
    """
    rows = [
        {"reader": reader, "what": what, "old": before, "new": after}
        for reader in sorted({*old, *new})
        for what, before, after in _of_reader(old.get(reader), new.get(reader))
        if before != after
    ]
    return pd.DataFrame(rows, columns=["reader", "what", "old", "new"])


def _of_reader(old: Vintage | None, new: Vintage | None) -> Iterator[tuple[str, str, str]]:
    if old is None or new is None:
        yield "units", str(old.units if old else NONE), str(new.units if new else NONE)
        return
    before, after = ({name.casefold(): kind for name, kind in one.fields.items()} for one in (old, new))
    spelt = {name.casefold(): name for name in (*old.fields, *new.fields)}
    if not before or not after:
        yield "fields", _how_many(before), _how_many(after)
    else:
        for key, name in spelt.items():
            yield f"field {name}", before.get(key, NONE), after.get(key, NONE)
    for what in ("units", "rows", "refused"):
        yield what, f"{getattr(old, what):,}", f"{getattr(new, what):,}"
    for year in sorted({*old.years, *new.years}):
        yield f"records of {year}", f"{old.years.get(year, 0):,}", f"{new.years.get(year, 0):,}"


def _how_many(fields: Mapping[str, str]) -> str:
    return f"{len(fields)} kept" if fields else "not kept when it was read"
