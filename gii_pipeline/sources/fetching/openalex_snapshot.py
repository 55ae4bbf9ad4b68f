"""The OpenAlex snapshot: all parts of one entity, as its manifest lists them.

Belongs here: the manifest, the parts that are not here yet, the list of deleted works. Does not: choosing years or
columns; a part holds works of every year, the reader picks.

Layout: SOURCES.md, Snapshot. CC0. Cite the manifest's date.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from pydantic import Field

from gii_pipeline.archive import Archive, Entry, Expected, Request, fetch_file
from gii_pipeline.errors import InputError
from gii_pipeline.sources.fetching.options import FILE_NAME, NAME, FetchOptions, connect, terms_of

logger = logging.getLogger(__name__)

LICENCE = "CC0-1.0"


class SnapshotOptions(FetchOptions):
    """base_url: any copy of the bucket `openalex`. what: the records themselves, or the CSV of deleted works."""

    base_url: str = "https://openalex.s3.amazonaws.com"
    format: Literal["jsonl", "parquet"] = "jsonl"
    entity: str = Field(default="works", pattern=NAME)
    what: Literal["records", "deleted_ids"] = "records"
    deleted_ids: str = Field(default="deleted_ids.csv.gz", pattern=FILE_NAME)

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.base_url,)


class _Meta(msgspec.Struct):
    content_length: int
    record_count: int


class _File(msgspec.Struct):
    url: str
    meta: _Meta


class _Manifest(msgspec.Struct):
    date: str
    record_count: int
    files: list[_File]


def fetch(archive: Archive, options: SnapshotOptions, data_year: int | None) -> list[Entry]:
    """Every part of the entity, in the manifest's order; those here already, by size and records, are not asked for."""
    del data_year  # every part serves every year
    terms = terms_of("openalex_snapshot", options, LICENCE, None)
    any_size = replace(terms, tolerance_pct=math.inf)
    base = options.base_url.rstrip("/")
    folder = f"{base}/data/{options.format}/{options.entity}"
    with connect(archive, terms, options) as http:
        if options.what == "deleted_ids":
            return [fetch_file(archive, http, any_size, Request(f"{folder}/{options.deleted_ids}"))]
        began = archive.clock.timestamp()
        manifest = fetch_file(archive, http, terms, Request(f"{folder}/manifest.json"), Expected(count=_records))
        if manifest.retrieved_at >= began:
            listed = f"{manifest.records:,} {options.entity}"
            logger.warning("openalex_snapshot: %s lists %s", manifest.address, listed)
        return [
            fetch_file(archive, http, any_size, Request(_address(base, file.url)), _expected(file))
            for file in _read(manifest.path).files
        ]


def _expected(file: _File) -> Expected:
    return Expected(bytes=file.meta.content_length, records=file.meta.record_count)


def _read(path: Path) -> _Manifest:
    return msgspec.json.decode(path.read_bytes(), type=_Manifest)


def _records(path: Path) -> int:
    """The manifest's total; ValueError when its files do not add up to it."""
    manifest = _read(path)
    listed = sum(file.meta.record_count for file in manifest.files)
    if not listed:
        raise ValueError("it lists no record")
    if listed != manifest.record_count:
        raise ValueError(f"its files hold {listed:,} records, but it says {manifest.record_count:,}")
    return listed


def _address(base: str, url: str) -> str:
    """Where a part lies in the copy that is asked: `s3://openalex/data/…` below the base."""
    path = urlsplit(url).path.lstrip("/")
    if not path.startswith("data/") or ".." in path.split("/"):
        raise InputError(f"openalex_snapshot: the manifest names {url}, which lies outside the snapshot's data/.")
    return f"{base}/{path}"
