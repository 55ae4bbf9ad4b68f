"""OpenAlex institutions (`institutions`): the snapshot's JSON lines or Parquet, or pages of the API.

Belongs here: the point of an institution, which is the GeoNames point of its city, not its campus.
Does not: works (see `openalex_works`). The id is the ROR address where there is one, as works give it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers import openalex
from gii_pipeline.sources.readers.rows import NoOptions, institution_rows

_GEO = (
    "STRUCT(city VARCHAR, geonames_city_id VARCHAR, region VARCHAR, country_code VARCHAR, latitude DOUBLE, "
    "longitude DOUBLE)"
)
_COLUMNS = {
    "id": "VARCHAR",
    "ror": "VARCHAR",
    "display_name": "VARCHAR",
    "country_code": "VARCHAR",
    "updated_date": "VARCHAR",
    "geo": _GEO,
}


def institutions(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: NoOptions
) -> duckdb.DuckDBPyRelation:
    """One row per institution (see `INSTITUTION_COLUMNS`); of one that was updated, the last."""
    del options
    scan = openalex.scan(reading.named(files, "institutions"), _COLUMNS)
    newest = "QUALIFY row_number() OVER (PARTITION BY id ORDER BY updated_date DESC NULLS LAST) = 1"
    return institution_rows(
        con,
        f"(FROM ({scan}) {newest})",
        institution_id="coalesce(ror, id)",
        name="display_name",
        city="geo.city",
        admin="geo.region",
        economy="coalesce(country_code, geo.country_code)",
        latitude="geo.latitude",
        longitude="geo.longitude",
        geonameid="try_cast(geo.geonames_city_id AS BIGINT)",
    )
