"""Sources: how the records of each source become rows that the geocoder takes.

Belongs here: the registry of readers (`readers/`), and the clients that ask a source for files (`fetching/`).
Does not: where an address lies, or what an edition counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from pydantic import ValidationError

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import crunchbase_export_2015, local, openalex_works, patentsview_flat, ror
from gii_pipeline.sources.readers.files import explained
from gii_pipeline.sources.readers.rows import INSTITUTION_COLUMNS, PEOPLE_COLUMNS, NoOptions, Options

Reader = Callable[[duckdb.DuckDBPyConnection, Mapping[str, list[Path]], Any], duckdb.DuckDBPyRelation]


@dataclass(frozen=True)
class Source:
    """One reader and what must be said of its data.

    roles: role -> what its files are. metric: the metric that its records count towards; null for institutions, and for
    local files, which may be any.
    """

    read: Reader
    options: type[Options]
    roles: Mapping[str, str]
    metric: str | None
    licence: str
    citation: str
    optional_roles: Mapping[str, str] | None = None

    def people(
        self, con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: Mapping[str, Any] | None = None
    ) -> duckdb.DuckDBPyRelation:
        """PEOPLE rows (or institution rows) out of files by role; options as a profile writes them.

        Raises InputError for an option, role or file that is wrong; what is wrong inside a file shows when the rows are
        read, as an InputError within `explained()`.
        """
        unknown = set(files) - set(self.roles) - set(self.optional_roles or {})
        if unknown:
            raise InputError(f"no such role: {', '.join(sorted(unknown))}. The reader takes: {', '.join(self.roles)}")
        with explained():
            return self.read(con, files, self._parsed(options or {}))

    institutions = people

    def _parsed(self, options: Mapping[str, Any]) -> Options:
        try:
            return self.options.model_validate(dict(options))
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            known = ", ".join(self.options.model_fields) or "none"
            raise InputError(f"options of the reader: {faults}. Known options: {known}") from error


_CRUNCHBASE = "Data from Crunchbase (www.crunchbase.com)"
_OPENALEX = (
    "Priem, J., Piwowar, H., & Orr, R. (2022). OpenAlex: A fully-open index of scholarly works. arXiv:2205.01833"
)

SOURCES: dict[str, Source] = {
    "crunchbase_export_2015": Source(
        read=crunchbase_export_2015.people,
        options=NoOptions,
        roles={"rounds": "rounds2.csv", "companies": "companies.csv"},
        metric="vc_deals",
        licence="CC-BY-NC-4.0",
        citation=f"{_CRUNCHBASE}, Crunchbase Data Export of December 2015",
    ),
    "openalex_works": Source(
        read=openalex_works.people,
        options=openalex_works.OpenalexOptions,
        roles={"works": "works as JSON lines, Parquet or pages of the API"},
        optional_roles={"deleted_ids": "works/deleted_ids.csv of the snapshot"},
        metric="scientific_publications",
        licence="CC0-1.0",
        citation=_OPENALEX,
    ),
    "patentsview_flat": Source(
        read=patentsview_flat.people,
        options=patentsview_flat.PatentsviewFlatOptions,
        roles={"inventors": "inventors_flat.csv: patent_id, inventor_sequence, city, state, country"},
        metric="pct_applications",
        licence="CC-BY-4.0",
        citation="PatentsView, U.S. Patent and Trademark Office (www.patentsview.org)",
    ),
    "ror": Source(
        read=ror.institutions,
        options=NoOptions,
        roles={"organizations": "the ROR data dump (JSON, plain or zipped) or a flat CSV of it"},
        metric=None,
        licence="CC0-1.0",
        citation="Research Organization Registry (ror.org), data dump, doi:10.5281/zenodo.6347574",
    ),
    "local": Source(
        read=local.people,
        options=NoOptions,
        roles={"people": "Parquet or CSV with the PEOPLE columns"},
        metric=None,
        licence="the user's",
        citation="Local file",
    ),
}

__all__ = ["INSTITUTION_COLUMNS", "PEOPLE_COLUMNS", "SOURCES", "Options", "Source", "explained"]
