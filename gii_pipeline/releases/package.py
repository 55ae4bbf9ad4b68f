"""The data package: `datapackage.json`, which lists every file of a version and is written last.

Belongs here: the Frictionless descriptor, and whether one is undamaged.
Does not: writing the files that it lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from gii_pipeline.errors import ReleaseError
from gii_pipeline.registry import Registry
from gii_pipeline.releases.info import PROVISIONAL, WORLD
from gii_pipeline.verified import sealed, unsealed

if TYPE_CHECKING:
    import pyarrow as pa

    from gii_pipeline.contracts import Contract
    from gii_pipeline.registry import Registry
    from gii_pipeline.releases.info import ReleaseInfo, SourceInfo
    from gii_pipeline.releases.shelf import Version
    from gii_pipeline.releases.storage import Folder

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
FORMATS = {"parquet": "apache-parquet", "xlsx": "spreadsheetml"}
"""As `parquet` or `xlsx`, frictionless 5 reads a file through a plug-in, and finds no bytes or no reader."""
WIDE_PURPOSE = "One row per ranked cluster with the most-used columns."
DERIVED_FROM = "ranking_size"
"""Whose version the wide table has: its columns change when these do."""
BINARY = ("parquet", "png", "xlsx", "sqlite")
MEDIA_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv",
    "geojson": "application/geo+json",
    "json": "application/json",
    "md": "text/markdown",
    "html": "text/html",
    "svg": "image/svg+xml",
    "png": "image/png",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "sqlite": "application/vnd.sqlite3",
    "cff": "application/yaml",
    "yaml": "application/yaml",
}


def data_package(
    version: Version,
    info: ReleaseInfo,
    files: Mapping[str, Folder],
    tables: Mapping[str, pa.Table],
    content: Mapping[str, str],
) -> bytes:
    """The bytes of `datapackage.json`, a Frictionless Data Package; the same for the same release.

    files: path inside the version -> the file; tables: table -> its rows; content: table -> content sha256.
    """
    package: dict[str, Any] = {
        "$schema": PROFILE,
        "name": f"innovation-clusters-{version}",
        "title": info.title,
        "description": _description(version, info),
        "version": str(version),
        "edition": version.edition,
        "method": version.method,
        "maturity": info.maturity,
        "made_up": info.made_up,
        **({"whole": info.whole} if info.whole != WORLD else {}),
        **({"created": info.data_as_of} if info.data_as_of else {}),
        "keywords": info.keywords,
        "licenses": _licences(info.sources.values()),
        "sources": [
            {"name": name, "title": s.title, **_if("path", s.url), "licence": s.licence, "citation": s.citation}
            for name, s in sorted(info.sources.items())
        ],
        "settings": info.settings,
        "notes": list(info.notes),
        "metrics": info.registry.plain(),
        "waivers": list(info.waivers),
        "resources": [_resource(path, file, tables, content, info.registry) for path, file in sorted(files.items())],
    }
    return sealed(package)


def _description(version: Version, info: ReleaseInfo) -> str:
    method = "" if version.own_method else f", with the method of {version.method}"
    text = f"The ranking of the innovation clusters of {info.whole}, edition {version.edition}{method}."
    provisional = f" {PROVISIONAL}" if info.maturity == "provisional" else ""
    made_up = " Made up: its records are invented and do not describe the real world." if info.made_up else ""
    return " ".join([f"{text}{provisional}{made_up}", *info.notes])


def _if(key: str, value: str) -> dict[str, str]:
    return {key: value} if value else {}


def _licences(sources: Iterable[SourceInfo]) -> list[dict[str, str]]:
    """Every licence once, by name; Frictionless allows letters, digits, `.`, `_` and `-` in one."""
    names = sorted({source.licence for source in sources})
    return [{"name": re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-"), "title": name} for name in names]


def _resource(
    path: str, file: Folder, tables: Mapping[str, pa.Table], content: Mapping[str, str], registry: Registry
) -> dict[str, Any]:
    from gii_pipeline import contracts  # noqa: PLC0415
    from gii_pipeline.releases.storage import file_sha256  # noqa: PLC0415

    table, _, suffix = path.rpartition(".")
    resource: dict[str, Any] = {
        "name": table if suffix == "parquet" else path.lower(),
        "path": path,
        **({"type": "table"} if suffix == "csv" else {}),
        "format": FORMATS.get(suffix, suffix),
        "mediatype": MEDIA_TYPES.get(suffix, "application/octet-stream"),
        **({} if suffix in BINARY else {"encoding": "utf-8"}),
        "bytes": file.stat().st_size,
        "hash": f"sha256:{file_sha256(file)}",
    }
    if table in tables and suffix in ("parquet", "csv"):
        known = contracts.load(table, registry) if table in contracts.names(registry) else None
        basis = known or contracts.load(DERIVED_FROM, registry)
        resource |= {
            "description": known.purpose if known else WIDE_PURPOSE,
            "row_count": tables[table].num_rows,
            **({"rows": tables[table].num_rows} if suffix == "csv" else {}),  # frictionless 5 counts these
            "maturity": basis.maturity,
            "contract_version": basis.version,
            "content_sha256": content[table],
            "schema": _schema(known) if known else _schema_of(tables[table].schema),
        }
    return resource


def _schema(contract: Contract) -> dict[str, Any]:
    """The contract as a Table Schema; each field has its Arrow type too, as `integer` hides a change of width."""
    schema = contract.frictionless_schema()
    types = [str(field.type) for field in contract.arrow_schema]
    fields = [{**field, "arrow_type": kind} for field, kind in zip(schema["fields"], types, strict=True)]
    return {**schema, "fields": fields}


def _schema_of(schema: pa.Schema) -> dict[str, Any]:
    """A table without a contract of its own as a Table Schema, from what its fields say of themselves."""
    kinds = {"int32": "integer", "int64": "integer", "double": "number", "string": "string", "bool": "boolean"}
    fields = []
    for field in schema:
        words = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        kind = str(field.type)
        fields.append({"name": field.name, "type": kinds[kind], "arrow_type": kind, **words})
    return {"fields": fields}


def check_itself(content: bytes, path: str) -> dict[str, Any]:
    """A package from its bytes; ReleaseError naming the file when a byte of it is not as it was written."""
    package = unsealed(content)
    if package is None:
        raise ReleaseError(f"{path} is damaged: it differs from what was written. Restore it from a copy.")
    return package
