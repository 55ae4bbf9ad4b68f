"""SEC Form D data sets: the four quarterly zips of one year.

Belongs here: finding the quarters on the SEC's page (their folders change), the user agent with a contact that the SEC
asks for, at most ten requests a second. Does not: what is a deal; the reader says that.

US government work, public domain. SOURCES.md, SEC Form D data sets.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin

from pydantic import Field

from gii_pipeline.archive import Archive, Entry, Expected, HttpClient, Request, Terms, fetch_file
from gii_pipeline.archive.client import CLIENT
from gii_pipeline.errors import InputError
from gii_pipeline.sources.fetching.options import FetchOptions, connect, needed_year, terms_of
from gii_pipeline.sources.fetching.parts import Listed, Part, fetch_parts
from gii_pipeline.verified import here

LICENCE = "public domain (US government work)"
QUARTERS = (1, 2, 3, 4)
CONTACT_VARIABLE = "SEC_CONTACT"
_LINK = re.compile(r"""href=["']([^"']*/(\d{4})q([1-4])_d(?:_\d+)?\.zip)["']""", re.IGNORECASE)


class FormDOptions(FetchOptions):
    """contact: an e-mail address for the SEC's operators; by default the environment variable SEC_CONTACT.

    base_url: a folder with files `2024q1_d.zip`; None finds them on the page `index_url`.
    """

    contact: str | None = None
    index_url: str = "https://www.sec.gov/data-research/sec-markets-data/form-d-data-sets"
    base_url: str | None = None
    per_second: float = Field(default=5, gt=0, le=10)

    @property
    def variables(self) -> tuple[str, ...]:
        return () if self.contact else (CONTACT_VARIABLE,)

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.base_url or self.index_url,)


def fetch(archive: Archive, options: FormDOptions, data_year: int | None) -> list[Entry]:
    """The zips of the year's quarters, the first quarter first."""
    with opened(archive, options, data_year) as http:
        return fetch_parts(archive, http, listed(archive, http, options, data_year))


def opened(archive: Archive, options: FormDOptions, data_year: int | None) -> HttpClient:
    """The connection to the SEC."""
    agent = {"User-Agent": _user_agent(archive, options)}
    return connect(archive, _terms(options, data_year), options, headers=agent)


def listed(archive: Archive, http: HttpClient, options: FormDOptions, data_year: int | None) -> Listed:
    """The zips that the SEC's page names."""
    terms = _terms(options, data_year)
    addresses = _addresses(archive, http, terms, options)
    return Listed([Part(terms, Request(addresses[quarter]), Expected(format="zip")) for quarter in QUARTERS])


def _terms(options: FormDOptions, data_year: int | None) -> Terms:
    return terms_of("sec_form_d", options, LICENCE, needed_year("sec_form_d", data_year))


def _user_agent(archive: Archive, options: FormDOptions) -> str:
    contact = (options.contact or os.environ.get(CONTACT_VARIABLE, "")).strip()
    if not contact and not archive.offline:
        raise InputError(
            "The SEC requires a contact address: set `contact` in the profile, or the environment "
            f"variable {CONTACT_VARIABLE}, to an e-mail address."
        )
    return f"{CLIENT} {contact}".strip()


def _addresses(archive: Archive, http: HttpClient, terms: Terms, options: FormDOptions) -> dict[int, str]:
    """Quarter -> address. A kept page that does not name all quarters is asked for again."""
    if options.base_url is not None:
        return {q: f"{options.base_url.rstrip('/')}/{terms.data_year}q{q}_d.zip" for q in QUARTERS}
    request, every_year = Request(options.index_url), replace(terms, data_year=None, tolerance_pct=math.inf)
    html = Expected(format="html")
    found = _links(fetch_file(archive, http, every_year, request, html).path, options.index_url, terms)
    if len(found) < len(QUARTERS):
        page = fetch_file(archive, http, every_year, request, html, fresh=True)
        found = _links(page.path, options.index_url, terms)
    if missing := [q for q in QUARTERS if q not in found]:
        quarters = ", ".join(f"{terms.data_year}q{q}" for q in missing)
        raise http.stopped(request, f"the page does not list {quarters}: not yet published, or the page has changed")
    return found


def _links(page: Path, index_url: str, terms: Terms) -> dict[int, str]:
    here(page)
    links = _LINK.findall(page.read_text(encoding="utf-8", errors="replace"))
    return {int(quarter): urljoin(index_url, link) for link, year, quarter in links if int(year) == terms.data_year}
