"""What a profile may say of a table of its own: which of its columns is which of ours.

Belongs here: our columns with their other spellings, the forms of a map, the map of vendors whose columns are known.
Does not: opening files (see `table_files`), or what becomes of the columns (see `table`).
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from gii_pipeline.sources.readers.deal_types import DealOptions
from gii_pipeline.sources.readers.rows import PEOPLE_COLUMNS

OURS: Final[Mapping[str, tuple[str, ...]]] = {
    "record_id": ("id", "deal_id", "round_id", "patent_id", "publication_id", "publication_number", "uuid", "doi"),
    "year": ("publication_year", "pub_year", "funding_year", "deal_year", "filing_year", "py"),
    "date": ("deal_date", "announced_date", "announced_on", "funded_at", "publication_date", "filing_date", "day"),
    "record_type": ("type", "deal_type", "funding_type", "investment_type", "document_type", "round", "stage"),
    "person_seq": ("inventor_sequence", "author_sequence", "author_position", "person", "sequence"),
    "address_seq": ("affiliation_sequence", "address_number"),
    "people": ("number_of_people", "nb_inventors", "author_count"),
    "people_truncated": ("truncated",),
    "fraction": ("share", "weight"),
    "institution_id": ("ror", "ror_id", "openalex_institution_id"),
    "city": ("town", "company_city", "hq_city", "city_location", "place"),
    "admin": ("region", "state", "province", "state_province", "company_state_province", "state_code", "admin1"),
    "economy": ("country", "country_code", "country_name", "nation", "company_country", "hq_country", "ctry_code"),
    "latitude": ("lat", "y"),
    "longitude": ("lon", "lng", "long", "x"),
    "address": ("location", "full_address", "headquarters", "hq_location", "organization_location", "affiliation"),
    "postcode": ("zip", "zip_code", "zipcode", "postal_code"),
    "organisation": ("organization", "company", "companies", "company_name", "startup_name", "applicant", "assignee"),
    "organisation_id": ("organization_id", "company_id", "company_uuid", "org_uuid"),
    "industry": ("sector", "vertical", "industry_vertical", "category", "category_list", "primary_industry_sector"),
    "field": ("subject", "subject_area", "technology", "research_area"),
    "changed": ("updated_at", "updated", "last_updated", "modified", "updated_date"),
    "dropped": (),
}
"""Our columns, with other spellings that people write for them; docs/tables.md says what each is."""

PITCHBOOK: Final[Mapping[str, str]] = {
    "record_id": "Deal ID",
    "date": "Deal Date",
    "record_type": "Deal Type",
    "city": "Company City",
    "admin": "Company State/Province",
    "economy": "Company Country/Territory/Region",
    "organisation": "Companies",
    "organisation_id": "Company ID",
    "industry": "Primary Industry Sector",
}
"""The columns of a table that has no map, where it has those of PitchBook; only the first two must be there."""

_KNOWN = frozenset(OURS) | frozenset(PEOPLE_COLUMNS)


class Column(BaseModel):
    """Where one of our columns comes from: the first of several spellings, a constant, a join, or the row itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    any: tuple[str, ...] = ()
    value: str | int | float | None = Field(default=None, union_mode="left_to_right")
    join: tuple[str, ...] = ()
    row: bool = False

    @field_validator("value", mode="before")
    @classmethod
    def _is_no_truth_value(cls, value: object) -> object:
        if isinstance(value, bool):
            raise ValueError("YAML reads NO, no, yes, on and off as booleans: write the value in quotes")  # noqa: TRY004
        return value

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if sum(bool(given) for given in (self.any, self.value is not None, self.join, self.row)) != 1:
            raise ValueError("use a column's name, several spellings, or one of {any:}, {value:}, {join:}, {row: true}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the table that it may be, or is made of."""
        return self.any or self.join


def _as_map(given: object) -> object:
    """A name or several spellings as a Column; of record_id, several names are parts of one id."""
    if not isinstance(given, Mapping):
        return given
    return {ours: _as_column(ours, theirs) for ours, theirs in given.items()}


def _as_column(ours: str, theirs: Any) -> Any:  # noqa: ANN401
    if isinstance(theirs, str):
        return {"any": [theirs]}
    if isinstance(theirs, list | tuple):
        return {"join" if ours == "record_id" else "any": theirs}
    return theirs


Columns = Annotated[dict[str, Column | None], BeforeValidator(_as_map)]


class TableOptions(DealOptions):
    """columns: our column -> theirs; columns of the table that it does not name are ignored.

    Without it, the columns must have our names. rows: what a row is, one of the people of a record, or a record.
    delimiter: of a text file, found by itself. sheet: of a workbook, where several have the columns. encoding: of a
    text file that is neither UTF-8, UTF-16 nor Windows-1252. scale_fractions: whether fractions are weights, whatever
    they add up to.
    """

    columns: Columns | None = None
    rows: str = Field(default="people", pattern="^(people|records)$")
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    sheet: str | None = None
    encoding: str | None = None
    scale_fractions: bool = False

    @field_validator("encoding")
    @classmethod
    def _is_an_encoding(cls, name: str | None) -> str | None:
        try:
            return name and codecs.lookup(name).name
        except LookupError:
            raise ValueError(
                f"there is no encoding {name!r}. Examples of known encodings: gb18030, shift_jis, cp1251"
            ) from None

    @field_validator("columns")
    @classmethod
    def _knows_its_columns(cls, columns: dict[str, Column | None] | None) -> dict[str, Column | None] | None:
        for ours in columns or {}:
            if ours not in _KNOWN:
                raise ValueError(f"there is no column {ours!r}{nearest(ours)}. Known: {', '.join(OURS)}")
        return columns

    @property
    def map(self) -> dict[str, Column] | None:
        """The columns that the profile maps; None where the table has our names."""
        return None if self.columns is None else {ours: there for ours, there in self.columns.items() if there}


class DealsTableOptions(TableOptions):
    """As of `table`; a row is a deal, and a column that the map does not name is PitchBook's where the table has it."""

    rows: str = Field(default="records", pattern="^(people|records)$")


def nearest(name: str, known: Iterable[str] = OURS) -> str:
    """The column that a name may mean, for a message; empty when none is near."""
    word = "_".join("".join(sign if sign.isalnum() else " " for sign in name.casefold()).split())
    listed = list(known)
    meant = next((ours for ours, spellings in OURS.items() if ours in listed and word in spellings), None)
    if meant is None:
        by_word = {text.casefold(): text for text in listed}
        close = get_close_matches(name.casefold(), by_word, n=1, cutoff=0.6)
        meant = by_word[close[0]] if close else None
    return f" (did you mean {meant!r}?)" if meant else ""
