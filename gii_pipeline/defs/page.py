"""How things are put so that Dagster's page shows them: addresses that a browser follows, and rows as a table.

Belongs here: the forms that the page wants. Does not: what is shown of which table.

A browser follows no link from the page to a file, and the page hides Markdown of 1,000 characters or more behind a
button. So rows are tables, and files are named by an address on the page itself, which leads to where they are served
now (see `guarded_page`): a link holds on any port, also of a run that a terminal started.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

FILES = "/files"
"""The part of the page that leads to the files."""
FILES_VARIABLE = "GII_FILES_AT"
"""Where the files of the root are served while the page is up; `gii dev` sets it."""
PREVIEW_ROWS = 10


def files_url() -> str:
    """The address that data_docs/, report/ and releases/ of the root are served at; empty where they are not.

    GII_FILES_URL: the whole address, where the page is another program than `guarded_page`.
    """
    return os.environ.get("GII_FILES_URL", FILES).rstrip("/")


def address(root: Path, path: Path) -> str:
    """The address of a file or folder under the root."""
    base = files_url()
    return f"{base}/{quote(path.relative_to(root).as_posix())}" if base else path.as_uri()


def link(root: Path, path: Path) -> dg.UrlMetadataValue:
    return dg.MetadataValue.url(address(root, path))


def release_links() -> dict[str, dg.MetadataValue]:
    """From a table to the releases that hold it: the asset that makes them, and their folders."""
    folders = {"releases": dg.MetadataValue.url(f"{files_url()}/releases/")} if files_url() else {}
    return {"release": dg.MetadataValue.asset(dg.AssetKey("release")), **folders}


def preview(path: Path) -> dg.TableMetadataValue:
    """The first rows of a Parquet file, without the columns that no person reads."""
    with pq.ParquetFile(path) as file:
        readable = [column for column in file.schema_arrow if not pa.types.is_binary(column.type)]
        head = next(file.iter_batches(PREVIEW_ROWS, columns=[column.name for column in readable]), None)
    return table(head.to_pylist() if head else [], {column.name: str(column.type) for column in readable})


def table(rows: Sequence[Mapping[str, object]], types: Mapping[str, str] | None = None) -> dg.TableMetadataValue:
    """Rows as the page's table. types: of the columns, in their order; otherwise the columns that the rows have."""
    types = types or dict.fromkeys(_columns(rows), "string")
    return dg.MetadataValue.table(
        [dg.TableRecord({name: _cell(row.get(name)) for name in types}) for row in rows],
        schema=dg.TableSchema([dg.TableColumn(name, kind) for name, kind in types.items()]),
    )


def _columns(rows: Iterable[Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _cell(value: object) -> str | int | float | None:
    """As a person reads it: six digits, or all before the point."""
    if isinstance(value, float):
        return (float(f"{value:.6g}") if abs(value) < 1e6 else round(value)) if math.isfinite(value) else None
    return value if isinstance(value, str | int) or value is None else str(value)
