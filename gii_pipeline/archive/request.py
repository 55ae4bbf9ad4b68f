"""Requests and answers: what is requested, what identifies it, and the key that goes with it.

Belongs here: the small values that `http`, `download` and `listing` share. Does not: sending them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from gii_pipeline.archive.redaction import public_address
from gii_pipeline.errors import InputError


@dataclass(frozen=True)
class Request:
    """A GET of `url` with `parameters`, or a POST when there is a JSON `body`. Keys are not part of it."""

    url: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None

    @property
    def full_url(self) -> str:
        joint = "&" if urlsplit(self.url).query else "?"
        return f"{self.url}{joint}{urlencode(self.parameters)}" if self.parameters else self.url

    @property
    def address(self) -> str:
        return public_address(self.full_url)

    @property
    def content(self) -> str:
        """The body as it is sent; empty for a GET."""
        return "" if self.body is None else json.dumps(self.body, sort_keys=True, separators=(",", ":"))

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.address}\n{self.content}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Answer:
    """What came back, the body read in full and keys in it redacted."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def content_type(self) -> str | None:
        return self.headers.get("Content-Type")

    @property
    def is_html(self) -> bool:
        return looks_like_html(self.content_type, self.body)


def looks_like_html(content_type: str | None, start: bytes) -> bool:
    """By what it says it is, or by how it starts: error pages come under any content type."""
    return "text/html" in (content_type or "").lower() or start[:256].lstrip().lower().startswith(
        (b"<!doctype html", b"<html")
    )


@dataclass(frozen=True)
class Key:
    """A key that the environment holds and that is sent in one header, to its own source only."""

    variable: str
    header: str
    template: str = "{key}"
    required: bool = False

    def read(self) -> str:
        """The key, or an empty string: a blank one is not sent."""
        key = os.environ.get(self.variable, "").strip()
        if not key and self.required:
            raise InputError(f"This source needs a key: set the environment variable {self.variable}.")
        if not key.isascii() or not key.isprintable():
            raise InputError(
                f"The environment variable {self.variable} contains characters that are invalid in a key: set it again."
            )
        return key


@dataclass(frozen=True)
class Terms:
    """What all entries of one fetch have in common.

    data_year: None when what is fetched serves every year. tolerance_pct: by how much a refresh may move the size or
    the number of records. allow_empty: whether a list of no records may be what the source has.
    """

    source: str
    licence: str
    data_year: int | None = None
    tolerance_pct: float = 10.0
    allow_empty: bool = False
