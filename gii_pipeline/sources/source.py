"""One source: its reader and what must be said of its data, and people read out of files by role.

Belongs here: what every reader is called with, and the checks before that. Does not: which readers there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from pydantic import ValidationError

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers.files import explained
from gii_pipeline.sources.readers.rows import Options, chosen, dated

Reader = Callable[[duckdb.DuckDBPyConnection, Mapping[str, list[Path]], Any], duckdb.DuckDBPyRelation]


@dataclass(frozen=True)
class Source:
    """One reader and what must be said of its data.

    roles: role -> what its files are. metric: the metric that its records count towards; null for institutions, and for
    local files, which may be any. extract_version: raised by whoever changes what the reader gives for the same files.
    lacks: whether a file has no value of a field that an option needs (`Options.needs`).
    joins: whether the reader joins its files, so that only all of them together are a unit; else each file of the first
    role is one, with the files of the other roles beside it.
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

    def people(
        self, con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: Mapping[str, Any] | None = None
    ) -> duckdb.DuckDBPyRelation:
        """PEOPLE rows (or institution rows) out of files by role; options as a profile writes them.

        Raises InputError for an option, role or file that is wrong; what is wrong inside a file shows when the rows are
        read, as an InputError within `explained()`.
        """
        parsed = self.parsed(options or {})
        self._check_roles(files)
        with explained():
            parsed.refuse_lacking(self.lacking(con, files, [name for name in parsed.needs if getattr(parsed, name)]))
            return chosen(self.extracted(con, files, parsed), parsed)

    def extracted(
        self, con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: Options
    ) -> duckdb.DuckDBPyRelation:
        """As `people`, before the options that only choose are looked at: what an extract keeps."""
        self._check_roles(files)
        with explained():
            return dated(self.read(con, files, options))

    def institutions(
        self, con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: Mapping[str, Any] | None = None
    ) -> duckdb.DuckDBPyRelation:
        """Institution rows out of files by role; as `people`."""
        self._check_roles(files)
        with explained():
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
