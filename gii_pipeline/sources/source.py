"""One source: its reader and what must be said of its data, and people read out of files by role.

Belongs here: what every reader is called with, and the checks before that. Does not: which readers there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
from pydantic import ValidationError

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import delimited
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.files import explained
from gii_pipeline.sources.readers.rows import Options, chosen, dated
from gii_pipeline.wording import some

NUMBER: Final = "try_cast(regexp_extract(trim({}), '[0-9]+$') AS BIGINT)"
"""SQL for the number at the end of an id: `https://openalex.org/W7` and `W7` are one record."""
_SHOWN: Final = 3
Reader = Callable[[duckdb.DuckDBPyConnection, Mapping[str, list[Path]], Any], duckdb.DuckDBPyRelation]


@dataclass(frozen=True)
class Gone:
    """A role whose files list records that the source has no more. ids: names of the column of ids, the first wins.

    reason: what `dropped` says of them. Records are identified by the number at the end of their ids.
    """

    ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Source:
    """One reader and what must be said of its data.

    roles: role -> what its files are. metric: the metric that its records count towards; null for institutions, and for
    local files, which may be any. extract_version: raised by whoever changes what the reader gives for the same files.
    lacks: whether a file has no value of a field that an option needs (`Options.needs`).
    joins: whether the reader joins its files, so that only all of them together are a unit; else each file of the first
    role is one, with the files of the other roles next to it. gone: role -> of a role whose files only list what the
    source has no more; it is not part of a unit, so that a new list reads no file again.
    columns: of a reader of nested Parquet, the columns (name -> DuckDB type) that it needs.
    shares_records: whether the licence lets single records be passed on; figures that are counted from them always may.
    names_organisations: whether it lets organisations be named with what they count; null for as shares_records.
    """

    read: Reader
    options: type[Options]
    roles: Mapping[str, str]
    metric: str | None
    licence: str
    citation: str
    optional_roles: Mapping[str, str] | None = None
    extract_version: int = 1
    lacks: Callable[[duckdb.DuckDBPyConnection, Path, str], bool] | None = None
    joins: bool = False
    gone: Mapping[str, Gone] = field(default_factory=dict)
    columns: Mapping[str, str] | None = None
    shares_records: bool = False
    names_organisations: bool | None = None

    def people(
        self, con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: Mapping[str, Any] | None = None
    ) -> duckdb.DuckDBPyRelation:
        """PEOPLE rows (or institution rows) out of files by role; options as a profile writes them.

        Raises InputError for an option, role or file that is wrong; what is wrong inside a file shows when the rows are
        read, as an InputError within `explained()`.
        """
        parsed = self.parsed(options or {})
        self._check_roles(files)
        with explained(_named(files)):
            parsed.refuse_lacking(self.lacking(con, files, [name for name in parsed.needs if getattr(parsed, name)]))
            rows = self.extracted(con, {role: found for role, found in files.items() if role not in self.gone}, parsed)
            if listed := self.listed_gone(con, files):
                rows = con.sql(without(rows.sql_query(), listed))
            return chosen(rows, parsed)

    def extracted(
        self, con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: Options
    ) -> duckdb.DuckDBPyRelation:
        """As `people`, before the options that only choose are looked at: what an extract keeps."""
        self._check_roles(files)
        with explained(_named(files)):
            return dated(self.read(con, files, options))

    def listed_gone(self, con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]]) -> str:
        """SQL for `number` and `reason` of the records that the source has no more; empty where no file lists any."""
        parts = []
        for role, gone in self.gone.items():
            if paths := reading.named(files, role, optional=True):
                listed = delimited.renamed(con, paths, {"id": gone.ids}, ids=["id"])
                parts.append(f"SELECT {NUMBER.format('id')} AS number, '{gone.reason}' AS reason FROM ({listed})")
        every = " UNION ALL ".join(parts)
        return f"SELECT number, min(reason) AS reason FROM ({every}) GROUP BY number" if parts else ""

    def institutions(
        self, con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: Mapping[str, Any] | None = None
    ) -> duckdb.DuckDBPyRelation:
        """Institution rows out of files by role; as `people`."""
        self._check_roles(files)
        with explained(_named(files)):
            return self.read(con, files, self.parsed(options or {}))

    def _check_roles(self, files: Mapping[str, list[Path]]) -> None:
        unknown = set(files) - set(self.roles) - set(self.optional_roles or {})
        if unknown:
            raise InputError(f"no such role: {', '.join(sorted(unknown))}. The reader takes: {', '.join(self.roles)}")

    def lacking(
        self, con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: Iterable[str] | None = None
    ) -> dict[str, list[str]]:
        """Option -> the files that lack the field it needs; of all options that need one, or of those named."""
        return {
            option: [
                str(path)
                for path in files.get(need.role, [])
                if self.lacks is not None and self.lacks(con, path, need.field)
            ]
            for option, need in self.options.needs.items()
            if options is None or option in options
        }

    def parsed(self, options: Mapping[str, Any]) -> Options:
        """The options that a profile gives, checked. Raises InputError for one that is wrong."""
        try:
            return self.options.model_validate(dict(options))
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            known = ", ".join(self.options.model_fields) or "none"
            raise InputError(f"options of the reader: {faults}. Known options: {known}") from error


def _named(files: Mapping[str, list[Path]]) -> str:
    """The first files, for a message about one of them that does not say which."""
    return some([str(path) for paths in files.values() for path in paths], _SHOWN, " or ")


def without(rows: str, gone: str) -> str:
    """SQL for PEOPLE rows in which a record of the list of `Source.listed_gone` is dropped for the reason there."""
    return (
        f"SELECT rows.* REPLACE (coalesce(rows.dropped, gone.reason) AS dropped) FROM ({rows}) AS rows "
        f"LEFT JOIN ({gone}) AS gone ON {NUMBER.format('rows.record_id')} = gone.number"
    )
