"""A world's raw files by role, as a profile would name them, without a server in between."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gii_pipeline.sandbox.deals import funding_rounds
from gii_pipeline.sandbox.institutions import write_ror_dump
from gii_pipeline.sandbox.patents import write_table
from gii_pipeline.sandbox.works import works
from gii_pipeline.sandbox.world import World

TABLES = {
    "pct": "g_pct_data",
    "inventors": "g_inventor_disambiguated",
    "locations": "g_location_disambiguated",
    "assignees": "g_assignee_disambiguated",
    "technology": "g_wipo_technology",
    "pregrant_pct": "pg_pct_data",
    "pregrant_inventors": "pg_inventor_disambiguated",
    "pregrant_locations": "pg_location_disambiguated",
    "pregrant_assignees": "pg_assignee_disambiguated",
    "crosswalk": "pg_granted_pgpubs_crosswalk",
}


def patents(world: World, folder: Path) -> dict[str, list[Path]]:
    files = {role: folder / f"{table}.tsv.zip" for role, table in TABLES.items()}
    for role, path in files.items():
        write_table(world, TABLES[role], path)
    return {role: [path] for role, path in files.items()}


def publications(world: World, folder: Path, year: int) -> dict[str, list[Path]]:
    path = folder / f"works-{year}.jsonl"
    path.write_text("".join(f"{work}\n" for work in works(world, year)), encoding="utf-8")
    return {"works": [path]}


def deals(world: World, folder: Path, year: int) -> dict[str, list[Path]]:
    path = folder / f"rounds-{year}.json"
    rounds = list(funding_rounds(world, year))
    path.write_bytes(msgspec.json.encode({"count": len(rounds), "entities": rounds}))
    return {"rounds": [path]}


def institutions(world: World, folder: Path) -> dict[str, list[Path]]:
    path = folder / "ror.zip"
    write_ror_dump(world, path)
    return {"organizations": [path]}
