"""The OpenAlex snapshot: all parts of one entity, as its manifest lists them.

Belongs here: the manifest, the parts that are not here yet, the list of deleted works. Does not: choosing years or
columns; a part holds works of every year, the reader picks.

Layout: SOURCES.md, Snapshot. CC0. Cite the manifest's date.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from pydantic import Field

from gii_pipeline.archive import Archive, Entry, Expected, HttpClient, Request, Terms, fetch_file
from gii_pipeline.errors import InputError
from gii_pipeline.sources.fetching.options import FILE_NAME, NAME, FetchOptions, connect, terms_of
from gii_pipeline.sources.fetching.parts import Listed, Part, fetch_parts
from gii_pipeline.verified import here

logger = logging.getLogger(__name__)

LICENCE = "CC0-1.0"
BUCKET = "https://openalex.s3.amazonaws.com"
ORDER_OF_MAGNITUDE = {"works": 200_000_000, "institutions": 50_000}
"""Entity -> records that the bucket has had for years; a manifest that lists fewer is not a release of it."""


class SnapshotOptions(FetchOptions):
    """base_url: any copy of the bucket `openalex`. what: the records themselves, or the CSV of deleted works.

    least_records: fewer in the manifest are an error, by default in the bucket itself fewer than it is known to have.
    trust_counts: whether a part with other than the records that the manifest lists is an error.
    """

    base_url: str = BUCKET
    per_second: float = Field(default=50, gt=0)
    format: Literal["jsonl", "parquet"] = "jsonl"
    entity: str = Field(default="works", pattern=NAME)
    what: Literal["records", "deleted_ids"] = "records"
    deleted_ids: str = Field(default="deleted_ids.csv.gz", pattern=FILE_NAME)
    least_records: int | None = Field(default=None, ge=0)
    trust_counts: bool = True

    @property
    def least(self) -> int:
        """The fewest records that the manifest may list."""
        known = ORDER_OF_MAGNITUDE.get(self.entity, 0) if self.base_url.rstrip("/") == BUCKET else 0
        return known if self.least_records is None else self.least_records

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
    with opened(archive, options, data_year) as http:
        return fetch_parts(archive, http, listed(archive, http, options, data_year))


def opened(archive: Archive, options: SnapshotOptions, data_year: int | None) -> HttpClient:
    """The connection to the bucket, or to a copy of it."""
    del data_year  # every part serves every year
    return connect(archive, _terms(options), options)


def listed(archive: Archive, http: HttpClient, options: SnapshotOptions, data_year: int | None) -> Listed:
    """The parts that the manifest lists, or the list of deleted works."""
    del data_year
    terms = _terms(options)
    any_size = replace(terms, tolerance_pct=math.inf)
    base = options.base_url.rstrip("/")
    folder = f"{base}/data/{options.format}/{options.entity}"
    if options.what == "deleted_ids":
        return Listed([Part(any_size, Request(f"{folder}/{options.deleted_ids}"), Expected())])
    request, expected = Request(f"{folder}/manifest.json"), Expected(count=partial(_records, least=options.least))
    began = archive.clock.timestamp()
    manifest = fetch_file(archive, http, terms, request, expected)
    if manifest.retrieved_at >= began:
        logger.warning("openalex_snapshot: %s lists %s %s", manifest.address, f"{manifest.records:,}", options.entity)
    if not options.trust_counts:
        logger.warning("openalex_snapshot: the records of each part are not compared, as `trust_counts: false` says")

    def standing() -> None:
        """Raise FetchStoppedError where the manifest was replaced; the next run goes by the new one."""
        now = fetch_file(archive, http, terms, request, expected, fresh=True)
        if now.sha256 != manifest.sha256:
            raise http.stopped(
                request,
                f"the manifest of {_read(manifest.path).date} was replaced while its parts were fetched, by one of "
                f"{_read(now.path).date}. Parts of two releases are never mixed: what was made before stays, and parts "
                "that did not change are not fetched again",
            )

    parts = [
        Part(any_size, Request(_address(base, file.url)), _expected(file, options))
        for file in _read(manifest.path).files
    ]
    return Listed(parts, standing)


def _terms(options: SnapshotOptions) -> Terms:
    return terms_of("openalex_snapshot", options, LICENCE, None)


def _expected(file: _File, options: SnapshotOptions) -> Expected:
    records = file.meta.record_count if options.trust_counts else None
    return Expected(bytes=file.meta.content_length, records=records)


def _read(path: Path) -> _Manifest:
    here(path)
    return msgspec.json.decode(path.read_bytes(), type=_Manifest)


def _records(path: Path, least: int = 0) -> int:
    """The manifest's total; ValueError when its files do not add up to it, or are fewer than are known to be there."""
    manifest = _read(path)
    listed = sum(file.meta.record_count for file in manifest.files)
    if not listed:
        raise ValueError("it lists no record")
    if listed != manifest.record_count:
        raise ValueError(f"its files hold {listed:,} records, but it says {manifest.record_count:,}")
    if listed < least:
        raise ValueError(
            f"it lists {listed:,} records, and the source is known to have {least:,} or more. If a person has checked "
            "that it is right, `least_records` in the profile allows it, and `allowed_until` dates it"
        )
    return listed


def _address(base: str, url: str) -> str:
    """Where a part lies in the copy that is asked: `s3://openalex/data/…` below the base."""
    path = urlsplit(url).path.lstrip("/")
    if not path.startswith("data/") or ".." in path.split("/"):
        raise InputError(f"openalex_snapshot: the manifest names {url}, which lies outside the snapshot's data/.")
    return f"{base}/{path}"
