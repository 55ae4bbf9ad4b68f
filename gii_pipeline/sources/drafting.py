"""The draft of a profile for a file that was inspected, as YAML with notes for whoever corrects it.

Belongs here: the wording and layout of the profile, and the edition that fits the file's years.
Does not: the guesses (see `inspecting`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from gii_pipeline.editions import Method, wipo_book
from gii_pipeline.profiles.reading import SHIPPED
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.inspecting import Inspected
from gii_pipeline.sources.readers.deal_types import VENTURE_EQUITY

_YEARS_AT_MOST: Final = 5
_PART_OF_PEOPLE: Final = 1000
_ELSEWHERE: Final = "PATH OF THIS FILE"
_TYPES: Final = {"vc_deals": VENTURE_EQUITY, "scientific_publications": ("article",)}


def draft(found: Inspected, profile: Path) -> str:
    """A profile for the file, to be written at `profile`."""
    return "\n".join(_lines(found, profile)) + "\n"


def _lines(found: Inspected, profile: Path) -> Iterator[str]:
    yield f"# Drafted from {found.path.name}. Lines that begin with `# !` are guesses: check them first."
    if found.records:
        yield f"# {found.records:,} records" + (f", {found.undated:,} of them without a year" if found.undated else "")
    name = profile.stem.replace("_", "-").lower()
    yield _yaml({"name": name})
    yield _yaml({"title": f"Records of {found.path.name}"})
    yield "metrics:"
    yield f"  {found.metric}:"
    source: dict[str, Any] = {
        "reader": found.reader,
        "files": dict.fromkeys(SOURCES[found.reader].roles, _ELSEWHERE)
        | {found.role: os.path.relpath(found.path.resolve(), profile.resolve().parent)},
    }
    yield _yaml(source | ({"options": found.options} if found.options else {}), indent=4)
    yield from (f"    # ! {note}" for note in found.notes)
    if found.unmapped:
        yield "    # columns of the file that are not mapped, with examples:"
        yield from (f"    #   {name}: {', '.join(examples) or 'empty'}" for name, examples in found.unmapped.items())
    if any(theirs for theirs, *_ in found.types):
        yield "    # types of the file -> ours, records; editions filter by ours (docs/tables.md):"
        yield from (f"    #   {theirs or '(none)'} -> {ours}, {count:,}" for theirs, ours, count in found.types)
    yield ""
    yield "# From the shipped profile `open`: 500 MB, fetched once."
    yield _yaml({"population": _population(max(found.years, default=2020))})
    if found.years:
        yield from _edition(found)


def _population(year: int) -> dict[str, Any]:
    """GHS-POP as the profile `open` has it, of the epoch nearest the year."""
    shipped = yaml.safe_load((SHIPPED / "open.yaml").read_text(encoding="utf-8"))["population"]
    epoch = min(shipped["rasters"], key=lambda epoch: abs(epoch - year))
    return {**shipped, "rasters": {epoch: shipped["rasters"][epoch]}}


def _edition(found: Inspected) -> Iterator[str]:
    last = max(found.years)
    first = max(min(found.years), last - _YEARS_AT_MOST + 1)
    window = sum(count for year, count in found.years.items() if first <= year <= last)
    like = wipo_book()[2025]
    least = max(1, round(found.people * window / max(found.records, 1) / _PART_OF_PEOPLE))
    settings: dict[str, Any] = {
        name: {"value": getattr(like, name).value, "tag": "A", "source": "As in edition 2025"}
        for name in Method.model_fields
    }
    settings["min_weight"] = {"value": least, "tag": "A", "source": "One thousandth of the people in the file's window"}
    settings["population_year"] = {"value": last, "tag": "A", "source": "The last year of the window"}
    counted = _TYPES.get(found.metric)
    occurring = {ours for _, ours, _ in found.types}
    types = [kind for kind in counted or () if kind in occurring]
    settings["metrics"] = {
        found.metric: {
            "window": {"value": [first, last], "tag": "A", "source": "The last years of the file, at most five"},
            "weight": {"value": 1.0, "tag": "A", "source": "The only metric"},
            "in_density": {"value": True, "tag": "A", "source": "The only metric"},
            "record_types": {
                "value": types or None,
                "tag": "A",
                "source": "The types of edition 2025 that the file has" if types else "Every type of the file",
            },
        }
    }
    yield ""
    yield f"# The records of {first}-{last}: {window:,}. Increase min_weight if too many places become clusters."
    yield _yaml({"editions": {last + 1: settings}})


def _yaml(value: dict[str, Any], indent: int = 0) -> str:
    flat = False if len(value) == 1 and not isinstance(next(iter(value.values())), dict) else None
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110, default_flow_style=flat)
    return "\n".join(" " * indent + line for line in text.rstrip().split("\n"))
