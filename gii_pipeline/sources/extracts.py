"""Extracts: what a reader gives for one unit of files, kept as Parquet, so that no file is read twice.

Belongs here: what a unit is, the key of its extract, writing it, and checking it before it is read.
Does not: which extracts make a data year, or which record supersedes which (see `union`).

A unit is what a reader can read alone: one file, the pages of one list of an API, or all files for a reader that joins
them. Its extract depends on the bytes, the options that read (not those that only choose) and the reader's
`extract_version`: a contract, a gazetteer, an edition or a choosing option that changes reads no file again.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import duckdb
from filelock import FileLock

from gii_pipeline import verified
from gii_pipeline.errors import DamagedError, InputError
from gii_pipeline.remote import published
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.fields import of_unit
from gii_pipeline.sources.readers.files import explained, quoted
from gii_pipeline.sources.readers.rows import Options
from gii_pipeline.sources.source import Source
from gii_pipeline.verified import sha256_of

FIRST_ROWS: Final = "record_id IS NOT NULL AND source_rows > 0"
_ORDER: Final = "year NULLS LAST, record_id, person_seq, address_seq, changed"


@dataclass(frozen=True)
class RawFile:
    """A file of a source: where its bytes lie, their sha256, its address, and how many records its list says it has."""

    path: Path
    sha256: str
    address: str
    records: int | None = None


@dataclass(frozen=True)
class Unit:
    """What a reader reads alone: files by role."""

    reader: str
    files: Mapping[str, tuple[RawFile, ...]]

    @property
    def name(self) -> str:
        """What the ledger calls it: the address of its file, of its list, or of its first file."""
        listed = [file.address for role in self.files.values() for file in role]
        driving = next(iter(self.files.values()))
        if len(driving) > 1 and len({_list_of(file.address) for file in driving}) == 1:
            return f"{_list_of(driving[0].address)} ({len(driving)} pages)"
        return listed[0] if len(listed) == 1 else f"{listed[0]} and {len(listed) - 1} more"

    def key(self, options: Options) -> str:
        """The name of its extract: of the bytes by role, and of the options that read."""
        content = {
            "files": {role: [file.sha256 for file in files] for role, files in sorted(self.files.items())},
            "options": options.model_dump(mode="json", exclude=set(options.choosing)),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class YearCounts:
    """Of the records of one year: rows of the source, records, and the sum of their fractions."""

    rows: int
    records: int
    fraction: float


@dataclass(frozen=True)
class Extract:
    """A kept extract and what is known of it without opening it.

    years: year -> counts, None for records without one. refused: reason -> rows of the source that are not records.
    lacking: option -> the addresses of the files that have no value of the field that it needs.
    """

    path: Path
    unit: Unit
    sha256: str
    rows: int
    refused: Mapping[str, int]
    years: Mapping[int | None, YearCounts]
    lacking: Mapping[str, list[str]]

    @property
    def key(self) -> str:
        return self.path.stem

    def verify(self) -> None:
        """Raise DamagedError if the bytes are not those that were written."""
        if sha256_of(self.path) != self.sha256:
            raise DamagedError(
                f"{self.path} is damaged: its bytes are not those that were written. Delete it; the next `gii ingest` "
                "makes it again from the archive."
            )


def units(reader: str, files: Mapping[str, Sequence[RawFile]]) -> list[Unit]:
    """The units of a list of files, in its order."""
    source = SOURCES[reader]
    roles = [role for role in (*source.roles, *(source.optional_roles or {})) if role not in source.gone]
    given = {role: tuple(files[role]) for role in roles if files.get(role)}
    first = next(iter(source.roles))
    if source.joins or first not in given:
        return [Unit(reader, given)]
    return [Unit(reader, {**given, first: tuple(group)}) for _, group in groupby(given[first], _group)]


def _group(file: RawFile) -> str:
    return _list_of(file.address) or file.address


def _list_of(address: str) -> str:
    """The address of the list that an API's answer is a page of; empty for a file."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.scheme in {"http", "https"} else ""


@dataclass(frozen=True)
class Extracts:
    """The extracts under one folder: `<reader>/v<extract version>/<key>.parquet`, each with its counts as JSON."""

    folder: Path

    def path(self, unit: Unit, options: Options) -> Path:
        version = SOURCES[unit.reader].extract_version
        return self.folder / unit.reader / f"v{version}" / f"{unit.key(options)}.parquet"

    def kept(self, unit: Unit, options: Options) -> Extract | None:
        """The unit's extract if it was made before."""
        path = self.path(unit, options)
        about = path.with_suffix(".json")
        if not is_whole(path):
            return None
        return _read(path, unit, json.loads(about.read_text(encoding="utf-8")))

    def extract(self, con: duckdb.DuckDBPyConnection, unit: Unit, options: Options) -> Extract:
        """The unit's extract: the one kept, or the files read now.

        Raises InputError where a file is broken, or is not what the reader reads.
        """
        if found := self.kept(unit, options):
            return found
        path = self.path(unit, options)
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not (found := self.kept(unit, options)):
                _make(con, SOURCES[unit.reader], unit, options, path)
                found = self.kept(unit, options)
        path.with_suffix(".lock").unlink(missing_ok=True)
        assert found is not None  # noqa: S101 - it was written above
        return found

    def adopt(self, kept: Extract, options: Options) -> None:
        """Copy an extract that lies elsewhere."""
        path = self.path(kept.unit, options)
        path.parent.mkdir(parents=True, exist_ok=True)
        for source, target in ((kept.path, path), (kept.path.with_suffix(".json"), path.with_suffix(".json"))):
            staged = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
            shutil.copyfile(source, staged)
            verified.replace(staged, target)

    def unnamed(self, named: Iterable[Path]) -> list[Path]:
        """The files that none of the `named` extracts is, or belongs to."""
        kept = {path.with_suffix("") for path in named}
        found = sorted({*self.folder.rglob("*.parquet"), *published(self.folder)}) if self.folder.is_dir() else []
        return [path for path in found if path.suffix == ".parquet" and path.with_suffix("") not in kept]


def _make(con: duckdb.DuckDBPyConnection, source: Source, unit: Unit, options: Options, path: Path) -> None:
    """Read the unit's files, write its extract, then its counts, each beside its place and renamed."""
    staged = path.with_name(f".{path.stem}-{secrets.token_hex(4)}.staged")
    files = {role: [file.path for file in listed] for role, listed in unit.files.items()}
    try:
        with explained(unit.name):
            source.extracted(con, files, options).order(_ORDER).write_parquet(str(staged), compression="zstd")
            lacking = source.lacking(con, files)
        counts = _counts(con, staged)
        _refuse_other_count(unit, counts["rows"])
        listed_fields = of_unit(con, files)
        addresses = {str(file.path): file.address for listed in unit.files.values() for file in listed}
        about = {
            "unit": {role: [{"address": f.address, "sha256": f.sha256} for f in fs] for role, fs in unit.files.items()},
            "options": options.model_dump(mode="json", exclude=set(options.choosing)),
            "sha256": sha256_of(staged),
            "fields": listed_fields,
            "lacking": {option: [addresses[path] for path in paths] for option, paths in lacking.items()},
            **counts,
        }
        write_together(staged, path, about)
    finally:
        staged.unlink(missing_ok=True)


def _refuse_other_count(unit: Unit, rows: int) -> None:
    """Raise InputError where the files have other than the records that the source's own list says."""
    driving = next(iter(unit.files.values()))
    listed = [file.records for file in driving]
    if None in listed or (said := sum(count or 0 for count in listed)) == rows:
        return
    raise InputError(
        f"{unit.name} has {rows:,} records, and its source lists {said:,}. What was made of it before stays. Fetch it "
        "again with --refresh. Where the list is wrong, `trust_counts: false` in the profile takes the file as it is; "
        "`allowed_until` dates that."
    )


def write_together(staged: Path, path: Path, about: Mapping[str, Any]) -> None:
    """Make a staged Parquet file visible at `path`, then its JSON: a file without it does not count."""
    text = staged.with_suffix(".json-staged")
    text.write_text(json.dumps(about, indent=1, sort_keys=True), encoding="utf-8")
    verified.replace(staged, path)
    verified.replace(text, path.with_suffix(".json"))


def is_whole(path: Path) -> bool:
    """Whether a Parquet file and its JSON are there, both as they were written; what is not is made again."""
    return not verified.damage(path) and not verified.damage(path.with_suffix(".json"))


def _counts(con: duckdb.DuckDBPyConnection, path: Path) -> dict[str, Any]:
    """What the ledger needs of an extract. The sum of the fractions is counted apart from the records."""
    rows = f"read_parquet({quoted(path)}, hive_partitioning = false)"
    refused = con.sql(f"SELECT dropped, sum(source_rows) FROM {rows} WHERE record_id IS NULL GROUP BY dropped")
    years = con.sql(
        f"SELECT year, sum(source_rows), count(*) FILTER (WHERE source_rows > 0), sum(fraction) FROM {rows} "
        "WHERE record_id IS NOT NULL GROUP BY year ORDER BY year"
    )
    [(total,)] = con.sql(f"SELECT coalesce(sum(source_rows), 0) FROM {rows}").fetchall()
    return {
        "rows": int(total),
        "refused": {str(reason): int(count) for reason, count in refused.fetchall()},
        "years": [
            {"year": year, "rows": int(count), "records": int(records), "fraction": float(fraction or 0)}
            for year, count, records, fraction in years.fetchall()
        ],
    }


def _read(path: Path, unit: Unit, about: Mapping[str, Any]) -> Extract:
    years = {each["year"]: YearCounts(each["rows"], each["records"], each["fraction"]) for each in about["years"]}
    return Extract(path, unit, about["sha256"], about["rows"], about["refused"], years, about["lacking"])


__all__ = ["FIRST_ROWS", "Extract", "Extracts", "RawFile", "Unit", "YearCounts", "units"]
