"""ROR organisations as institutions: the data dump (JSON or CSV of schema 2 or 1, plain or zipped) or a flat CSV of it.

Belongs here: the first location of each organisation, which is the GeoNames point of its city, not its campus.
Does not: matching an affiliation to an organisation; OpenAlex has done that.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import duckdb

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import delimited
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


_CSV_NAMES: Final = {
    "id": ("ror_id", "id"),
    "name": ("names.types.ror_display", "name"),
    "city": ("locations.geonames_details.name", "addresses[0].city", "city"),
    "admin": (
        "locations.geonames_details.country_subdivision_name",
        "addresses[0].geonames_city.geonames_admin1.name",
        "addresses[0].state",
        "subdivision_name",
    ),
    "economy": ("locations.geonames_details.country_code", "country.country_code", "country_code"),
    "latitude": ("locations.geonames_details.lat", "addresses[0].lat", "lat"),
    "longitude": ("locations.geonames_details.lng", "addresses[0].lng", "lng"),
    "geonameid": ("locations.geonames_id", "addresses[0].geonames_city.id", "geonames_id"),
}
"""Our column -> its name in the CSV of schema 2, in that of schema 1, and in a flat one."""


def institutions(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: NoOptions
) -> duckdb.DuckDBPyRelation:
    """One row per organisation of the role `organizations` (see `INSTITUTION_COLUMNS`)."""
    del options
    given = reading.named(files, "organizations")
    paths = [member for path in given for member in _best(reading.unpacked(con, [path], (".json", ".csv")))]
    parts = [_json_rows(con, path) if _is_json(path) else _csv_rows(con, path) for path in paths]
    rows = parts[0]
    for part in parts[1:]:
        rows = rows.union(part)
    return rows


def _best(members: list[Path]) -> list[Path]:
    """Of the forms in which a dump has the same organisations the fullest: JSON before CSV, schema 2 before 1."""
    return sorted(members, key=lambda path: (path.suffix.lower() != ".json", "schema_v2" not in path.name))[:1]


def _is_json(path: Path) -> bool:
    with reading.opened(path) as file:
        return file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{")


def _csv_rows(con: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyRelation:
    """Rows of a CSV; where a field lists the values of several locations, the first."""
    table = delimited.renamed(con, [path], _CSV_NAMES, optional={"admin", "geonameid"}, ids=["id"])
    first = {name: f"trim(split_part({name}, ';', 1))" for name in ("city", "admin", "economy", "geonameid")}
    return institution_rows(
        con,
        f"({table})",
        institution_id="id",
        name="name",
        **{name: first.get(name, name) for name in ("city", "admin", "economy")},
        latitude="replace(split_part(latitude, ';', 1), ',', '.')",
        longitude="replace(split_part(longitude, ';', 1), ',', '.')",
        geonameid=f"try_cast({first['geonameid']} AS BIGINT)",
    )


def _json_rows(con: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyRelation:
    columns = ", ".join(f"{name}: {reading.quoted(kind)}" for name, kind in _JSON_COLUMNS.items())
    source = f"""(
        SELECT *, locations[1].geonames_details AS place, addresses[1] AS old
        FROM read_json({reading.file_list([path])}, format = 'auto', columns = {{{columns}}},
            compression = '{reading.compression(path)}', maximum_object_size = 67108864)
    )"""
    if not con.sql(f"SELECT 1 FROM {source} WHERE id IS NOT NULL LIMIT 1").fetchall():
        raise InputError(
            f"{path}: it contains no ROR organization; no object has an `id`. Name the data dump (JSON or CSV) "
            f"in the profile, not a response of the API"
        )
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
