"""Funding rounds as the Crunchbase API v4 answers `searches/funding_rounds`: pages of entities.

Belongs here: the identifiers, dates, types and the place of the funded organisation in an entity.
Does not: asking for the pages (see `fetching.crunchbase_api`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.rows import NoOptions, day, joined, kind, people_rows

_ENTITY = (
    "STRUCT(uuid VARCHAR, properties STRUCT(announced_on VARCHAR, investment_type VARCHAR, "
    "funded_organization_location STRUCT(value VARCHAR, location_type VARCHAR)[]))"
)


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: NoOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one a funding round; `dropped` is no_date. A round that came on two pages counts once."""
    del options
    entities = " UNION ALL ".join(_entities(path) for path in reading.named(files, "rounds"))
    places = {part: _place(part) for part in ("city", "region", "country")}
    return people_rows(
        con,
        f"""(
            SELECT *, {day("given.announced_on")} AS announced,
                {", ".join(f"{expression} AS {part}" for part, expression in places.items())}
            FROM (SELECT entity.uuid AS uuid, entity.properties AS given FROM ({entities}))
            QUALIFY row_number() OVER (PARTITION BY uuid ORDER BY given.announced_on) = 1
        )""",
        record_id="uuid",
        year="year(announced)",
        record_type=kind("given.investment_type", "undisclosed"),
        dropped="CASE WHEN announced IS NULL THEN 'no_date' END",
        city="city",
        admin="region",
        economy="country",
        address=joined("city", "region", "country"),
    )


def _entities(path: Path) -> str:
    return (
        f"SELECT unnest(entities) AS entity FROM read_json({reading.file_list([path])}, format = 'unstructured', "
        f"columns = {{entities: '{_ENTITY}[]'}}, compression = '{reading.compression(path)}', "
        "hive_partitioning = false, maximum_object_size = 134217728)"
    )


def _place(part: str) -> str:
    located = "given.funded_organization_location"
    return f"list_filter({located}, lambda place: place.location_type = '{part}')[1].value"
