"""What a version says of itself in words: README.md and CITATION.cff.

Belongs here: the facts that every file of a release repeats, and the texts for people and for citation managers.
Does not: the data package, which lists the files for machines (`package`).
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import yaml

from gii_pipeline.releases.info import ReleaseInfo
from gii_pipeline.releases.shelf import Version

README = "README.md"
CITATION = "CITATION.cff"
SHOWN = 10
MADE_UP = "All records are made up: nothing here describes the real world."


def release_facts(version: Version, info: ReleaseInfo) -> dict[str, Any]:
    """What every file repeats: title, version, edition, method, maturity, and whether the records are made up."""
    return {
        "title": info.title,
        "version": str(version),
        "edition": version.edition,
        "method": version.method,
        "maturity": info.maturity,
        "made_up": info.made_up,
        **({"notes": list(info.notes)} if info.notes else {}),
    }


def readme(version: Version, info: ReleaseInfo, wide: pa.Table, tables: Mapping[str, str]) -> str:
    """README.md: what this is, how to read it, how to cite it. wide: `wide_table`; tables: name -> purpose."""
    method = "" if version.own_method else f" The data of {version.edition} by the method of {version.method}."
    notes = [MADE_UP] if info.made_up else []
    if info.maturity != "final":
        notes.append(f"This edition is {info.maturity}.")
    notes += info.notes
    listed = "\n".join(f"| `{name}.parquet` | {purpose} |" for name, purpose in sorted(tables.items()))
    first = "\n".join(
        f"| {row['rank']} | {row['name']} | {row['economy_names']} | {row['size_score']:.2f} |"
        for row in wide.slice(0, SHOWN).to_pylist()
    )
    sources = "\n".join(
        f"- {source.title}. {source.terms}. {source.citation}" for _, source in sorted(info.sources.items())
    )
    warning = "".join(f"> **{note}**\n\n" for note in notes)
    allowed = "\n".join(map(_allowed, info.waivers)) or "None: every table meets every mandatory rule."
    return f"""# {info.title}

Version {version}.{method}

{warning}| rank | cluster | economies | size score |
|---:|---|---|---:|
{first}

## Files

| file | for whom |
|---|---|
| `ranking.csv`, `ranking_excel.csv`, `ranking.xlsx` | one row per ranked cluster, rounded figures |
| `ranking.parquet`, `ranking.sqlite` | the same and more, unrounded, for programs |
| `report/index.html` | the interactive report; works offline |
| `footprints.geojson` | the borders of the clusters, for maps |
| `CHANGES.md` | what changed since the previous version |
| `TABLE.odcs.yaml` | the contract of each table: columns, units and rules (Open Data Contract Standard) |
| `sources.lock.json`, `datapackage.json` | the inputs of the release; every file with its hash |

## Tables

| table | one row |
|---|---|
{listed}

Descriptions and units of all columns are in the files, and in `datapackage.json`.

## Waivers

{allowed}

## Cite

gii_pipeline: {info.title}, version {version}. Recomputed; not published by WIPO.

## Sources

{sources}
"""


def _allowed(waiver: Mapping[str, Any]) -> str:
    """A broken rule that a person allowed, as a line of a list; the reason is a person's text."""
    reason = html.escape(" ".join(str(waiver["reason"]).split()), quote=False)
    return (
        f"- `{waiver['subject']}` {waiver['partition']} breaks `{waiver['check']}`. Allowed until {waiver['until']}, "
        f"observed {waiver['observed']:g}: {reason}"
    )


def citation(version: Version, info: ReleaseInfo) -> str:
    """CITATION.cff 1.2.0 of the version."""
    said = ["If you use these tables, cite this version.", *([MADE_UP] if info.made_up else []), *info.notes]
    document = {
        "cff-version": "1.2.0",
        "message": " ".join(said),
        "type": "dataset",
        "title": info.title,
        "version": str(version),
        "authors": [{"name": "gii_pipeline"}],
        "keywords": info.keywords,
        **({"date-released": info.data_as_of[:10]} if info.data_as_of else {}),
        "references": [
            {"type": "data", "title": source.title, "authors": [{"name": source.title}], "notes": source.citation}
            for _, source in sorted(info.sources.items())
        ],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
