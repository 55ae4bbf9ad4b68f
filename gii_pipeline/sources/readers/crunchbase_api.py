"""Funding rounds as the Crunchbase API v4 answers `searches/funding_rounds`: pages of entities.

Belongs here: the identifiers, dates, types and the place of the funded organisation in an entity.
Does not: asking for the pages (see `fetching.crunchbase_api`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import dates
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.companies import company, industries
from gii_pipeline.sources.readers.deal_types import CRUNCHBASE, DealOptions, deal_type
from gii_pipeline.sources.readers.rows import joined, people_rows

_PROPERTIES = (
    "STRUCT(announced_on VARCHAR, investment_type VARCHAR, updated_at VARCHAR, "
    'funded_organization_identifier STRUCT(uuid VARCHAR, "value" VARCHAR), '
    'funded_organization_categories STRUCT("value" VARCHAR)[], '
    'funded_organization_location STRUCT("value" VARCHAR, location_type VARCHAR)[])'
)


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: DealOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an entity of a page; `dropped` is no_date or no_id."""
    paths = reading.named(files, "rounds")
    _refuse_other_answers(con, paths)
    entities = " UNION ALL ".join(_entities(path) for path in paths)
    located = ", ".join(f"{_place(part)} AS {part}" for part in ("city", "region", "country"))
    categories = "array_to_string(list_transform(given.funded_organization_categories, lambda c: c.value), '|')"
    organisation = "given.funded_organization_identifier"
    return people_rows(
        con,
        f"""(
            SELECT *, {dates.year("given.announced_on", options.date_formats)} AS announced, {located},
                {categories} AS categories
            FROM (SELECT entity.uuid AS uuid, entity.properties AS given FROM ({entities}))
        )""",
        record_id="lower(uuid)",
        year="announced",
        year_text="CASE WHEN announced IS NULL THEN given.announced_on END",
        record_type=deal_type("given.investment_type", CRUNCHBASE),
        source_type="given.investment_type",
        dropped="CASE WHEN uuid IS NULL THEN 'no_id' WHEN announced IS NULL THEN 'no_date' END",
        changed="try_cast(given.updated_at AS TIMESTAMP)",
        city="city",
        admin="region",
        economy="country",
        address=joined("city", "region", "country"),
        organisations=company(f"{organisation}.value", "country", f"{organisation}.uuid"),
        fields=industries("categories"),
    )


def _refuse_other_answers(con: duckdb.DuckDBPyConnection, paths: list[Path]) -> None:
    """Raise InputError where a file has no list of entities, not even an empty one."""
    for path in paths:
        if not con.sql(f"FROM {_pages(path)} WHERE entities IS NOT NULL LIMIT 1").fetchall():
            raise InputError(
                f"{path}: it has no top-level `entities`, which pages of Crunchbase's API have. It is an error "
                f"response of the API, or a page wrapped in another object: fetch it again, or unwrap it"
            )


def _entities(path: Path) -> str:
    # Two columns, see openalex._pages.
    return f"SELECT unnest(entities) AS entity FROM {_pages(path)} WHERE count IS NOT NULL OR entities IS NOT NULL"


def _pages(path: Path) -> str:
    return (
        f"read_json({reading.file_list([path])}, format = 'unstructured', "
        f"columns = {{count: 'JSON', entities: 'STRUCT(uuid VARCHAR, properties {_PROPERTIES})[]'}}, "
        f"compression = '{reading.compression(path)}', hive_partitioning = false, maximum_object_size = 134217728)"
    )


def _place(part: str) -> str:
    located = "given.funded_organization_location"
    return f"list_filter({located}, lambda place: place.location_type = '{part}')[1].value"
