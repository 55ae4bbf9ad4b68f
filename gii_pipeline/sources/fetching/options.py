"""What all clients have in common: the options every profile may set, and the connection they lead to.

Belongs here: pace, patience, tolerance. Does not: anything that only one source has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gii_pipeline.archive import Answer, Archive, HttpClient, Key, Patience, Terms
from gii_pipeline.archive.redaction import public_address
from gii_pipeline.errors import InputError

NAME = r"^[A-Za-z0-9_-]+$"
FILE_NAME = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
"""What a name in a profile may have as a whole where it becomes part of a path or an address."""
MANNER = frozenset(
    {
        "per_second", "patience", "refresh_tolerance_pct", "allow_empty", "key_variable", "contact", "spend_prepaid",
        "licence", "per_page", "limit", "trust_counts", "least_records", "allowed_until",
    }
)  # fmt: skip
"""Options that say how a client asks, and not what it asks for."""
EXCEPTIONS = ("refresh_tolerance_pct", "allow_empty", "least_records", "trust_counts")
"""Options by which a person allows what else would stop a fetch."""
_LOOPBACK_PORT = re.compile(r"(?<=://127\.0\.0\.1):\d+|(?<=://localhost):\d+")


class FetchOptions(BaseModel):
    """What every client takes.

    per_second: the most requests a second. refresh_tolerance_pct: by how much --refresh may move size or records.
    allow_empty: take an answer of no records for what the source has; otherwise it stops the fetch. allowed_until: the
    last day on which what the EXCEPTIONS allow holds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_second: float = Field(default=5, gt=0)
    patience: Patience = Patience()
    refresh_tolerance_pct: float = Field(default=10, ge=0)
    allow_empty: bool = False
    allowed_until: date | None = None

    def refuse_expired(self, source: str, today: date) -> None:
        """Raise InputError where what the profile allows was allowed until a day that is over."""
        allowed = [name for name in EXCEPTIONS if name in self.model_fields_set]
        if self.allowed_until and self.allowed_until < today:
            raise InputError(
                f"{source}: the profile allows {', '.join(allowed) or 'nothing'} until {self.allowed_until}, "
                f"and that date has passed. Fetched files are kept. Check the exception again: set a later "
                f"`allowed_until`, or remove both from the profile."
            )

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that a complete fetch needs."""
        return ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where a fetch begins."""
        return ()

    @property
    def asks(self) -> dict[str, Any]:
        """What the client asks for: its options with their defaults, as JSON-like values without keys.

        A port of this machine does not cover it: a server that is started for a run takes one that is free.
        """
        return {name: _public(value) for name, value in self.model_dump(mode="json", exclude=set(MANNER)).items()}


class KeyedOptions(FetchOptions):
    """base_url: of the service. key_variable: the environment variable that holds the key."""

    base_url: str
    key_variable: str

    @property
    def variables(self) -> tuple[str, ...]:
        return (self.key_variable,)

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.base_url,)


def _public(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return _LOOPBACK_PORT.sub("", public_address(value)) if "://" in value else value
    return [_public(each) for each in value] if isinstance(value, list) else value


def terms_of(source: str, options: FetchOptions, licence: str, data_year: int | None) -> Terms:
    return Terms(source, licence, data_year, options.refresh_tolerance_pct, options.allow_empty)


def connect(
    archive: Archive,
    terms: Terms,
    options: FetchOptions,
    *,
    key: Key | None = None,
    headers: Mapping[str, str] | None = None,
    stop: Callable[[Answer], str | None] = lambda _: None,
) -> HttpClient:
    if not archive.offline:
        options.refuse_expired(terms.source, archive.clock.now().date())
    return HttpClient(
        terms.source,
        key=key,
        headers=headers,
        stop=stop,
        patience=options.patience,
        per_second=options.per_second,
        note=partial(archive.note_failure, terms.source),
        resume=archive.resume_command(terms.data_year),
        clock=archive.clock,
    )


def needed_year(client: str, data_year: int | None) -> int:
    if data_year is None:
        raise InputError(f"The client `{client}` fetches one data year at a time, so it cannot serve all years.")
    return data_year
