"""ROR organisations as institutions: the data dump (JSON of schema 2 or 1, plain or zipped) or a flat CSV of it.

Belongs here: the first location of each organisation, which is the GeoNames point of its city, not its campus.
Does not: matching an affiliation to an organisation; OpenAlex has done that.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.rows import INSTITUTION_COLUMNS, NoOptions, institution_rows

_JSON_COLUMNS = {
    "id": "VARCHAR",
    "name": "VARCHAR",
    "names": "STRUCT(value VARCHAR, types VARCHAR[])[]",
    "locations": (
        "STRUCT(geonames_id BIGINT, geonames_details STRUCT(name VARCHAR, lat DOUBLE, lng DOUBLE, "
        "country_code VARCHAR, country_subdivision_name VARCHAR))[]"
    ),
    "addresses": (
        "STRUCT(lat DOUBLE, lng DOUBLE, city VARCHAR, state VARCHAR, "
        "geonames_city STRUCT(id BIGINT, geonames_admin1 STRUCT(name VARCHAR)))[]"
    ),
    "country": "STRUCT(country_code VARCHAR)",
}


def institutions(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: NoOptions
) -> duckdb.DuckDBPyRelation:
    """One row per organisation of the role `organizations` (see `INSTITUTION_COLUMNS`)."""
    del options
    paths = reading.unpacked(con, reading.named(files, "organizations"), (".json",))
    parts = [_json_rows(con, path) if _is_json(path) else _csv_rows(con, path) for path in paths]
    rows = parts[0]
    for part in parts[1:]:
        rows = rows.union(part)
    return rows


def _is_json(path: Path) -> bool:
    with reading.opened(path) as file:
        return file.read(64).lstrip()[:1] in (b"[", b"{")


def _csv_rows(con: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyRelation:
    needed = ["ror_id", "name", "city", "subdivision_name", "country_code", "lat", "lng", "geonames_id"]
    return institution_rows(
        con,
        f"({reading.table(con, [path], needed)})",
        institution_id="ror_id",
        name="name",
        city="city",
        admin="subdivision_name",
        economy="country_code",
        latitude="lat",
        longitude="lng",
        geonameid="geonames_id",
    )


def _json_rows(con: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyRelation:
    columns = ", ".join(f"{name}: {reading.quoted(kind)}" for name, kind in _JSON_COLUMNS.items())
    source = f"""(
        SELECT *, locations[1].geonames_details AS place, addresses[1] AS old
        FROM read_json({reading.file_list([path])}, format = 'auto', columns = {{{columns}}},
            compression = '{reading.compression(path)}', maximum_object_size = 67108864)
    )"""
    display = "list_filter(names, lambda n: list_contains(n.types, 'ror_display'))[1].value"
    return institution_rows(
        con,
        source,
        institution_id="id",
        name=f"coalesce(name, {display})",
        city="coalesce(place.name, old.city)",
        admin="coalesce(place.country_subdivision_name, old.geonames_city.geonames_admin1.name, old.state)",
        economy="coalesce(place.country_code, country.country_code)",
        latitude="coalesce(place.lat, old.lat)",
        longitude="coalesce(place.lng, old.lng)",
        geonameid="coalesce(locations[1].geonames_id, old.geonames_city.id)",
    )


__all__ = ["INSTITUTION_COLUMNS", "institutions"]
