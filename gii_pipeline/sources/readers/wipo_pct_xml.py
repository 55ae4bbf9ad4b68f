"""WIPO's weekly PCT bibliographic XML (ST.36): `gazettes`, as tar.gz or zip archives or single files.

Belongs here: the publication, and its inventors with their addresses; an applicant who is an inventor too is one of
them, since older applications list these under the applicants only.
Does not: names. They only tell whether an inventor is listed twice, and go no further.

XML that declares entities, or is not XML, is refused: it comes from outside.
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from secrets import token_hex
from typing import IO, Final
from xml.etree.ElementTree import Element, ParseError

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.rows import NoOptions, joined, people_rows

_SCHEMA: Final = pa.schema(
    [
        ("number", pa.string()),
        ("published", pa.string()),
        ("person_seq", pa.int32()),
        ("people", pa.int32()),
        *((name, pa.string()) for name in ("street", "city", "state", "postcode", "country")),
    ]
)
_PARTS: Final = {
    "street": ("street", "address-1", "address-2", "address-3", "address-4"),
    "city": ("city",),
    "state": ("state", "province"),
    "postcode": ("postcode",),
    "country": ("country",),
}
_ROWS_AT_ONCE: Final = 50_000
_BYTES_AT_MOST: Final = 64 << 20
Row = dict[str, object]


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: NoOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an inventor; `dropped` is no_date. Of an application published again, the first counts."""
    del options
    table = reading.scratch(con) / f"pct-{token_hex(8)}.parquet"
    documents = chain.from_iterable(_documents(path) for path in reading.named(files, "gazettes"))
    _write(table, chain.from_iterable(_rows(name, text) for name, text in documents))
    return people_rows(
        con,
        f"(FROM {reading.parquet(table)} QUALIFY rank() OVER (PARTITION BY number ORDER BY published) = 1)",
        record_id="number",
        year="try_cast(published[1:4] AS INTEGER)",
        record_type="'pct'",
        dropped="CASE WHEN try_cast(published[1:4] AS INTEGER) IS NULL THEN 'no_date' END",
        person_seq="person_seq",
        people="people",
        fraction="1 / greatest(people, 1)",
        city="city",
        admin="state",
        economy="country",
        address=joined("street", "postcode", "city", "state", "country"),
    )


def _write(path: Path, rows: Iterator[Row]) -> None:
    """The rows as Parquet, some at a time."""
    with pq.ParquetWriter(path, _SCHEMA) as writer:
        batch: list[Row] = []
        for row in rows:
            batch.append(row)
            if len(batch) == _ROWS_AT_ONCE:
                writer.write_table(pa.Table.from_pylist(batch, _SCHEMA))
                batch = []
        writer.write_table(pa.Table.from_pylist(batch, _SCHEMA))


def _documents(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name for messages, bytes) of every XML document of a file."""
    try:
        if reading.magic(path) == "zip":
            with zipfile.ZipFile(path) as archive:
                for name in sorted(name for name in archive.namelist() if name.lower().endswith(".xml")):
                    with archive.open(name) as file:
                        yield f"{path}, {name}", _content(file, path, name)
        elif path.name.lower().endswith(".xml"):
            with reading.opened(path) as file:
                yield str(path), _content(file, path, path.name)
        else:
            with reading.opened(path) as file, tarfile.open(fileobj=file, mode="r|") as tar:
                for member in tar:
                    inside = tar.extractfile(member) if member.name.lower().endswith(".xml") else None
                    if inside is not None:
                        yield f"{path}, {member.name}", _content(inside, path, member.name)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{path}: the archive is cut short or damaged ({error}). Fetch it again") from error


def _content(file: IO[bytes], path: Path, name: str) -> bytes:
    content = file.read(_BYTES_AT_MOST + 1)
    if len(content) > _BYTES_AT_MOST:
        raise InputError(f"{path}, {name}: more than {_BYTES_AT_MOST >> 20} MiB, which no PCT application has")
    return content


def _rows(name: str, text: bytes) -> Iterator[Row]:
    """One row an inventor; an application that names none is one row with person_seq 0."""
    try:
        root = fromstring(text)
    except DefusedXmlException as error:
        raise InputError(
            f"{name}: the XML declares entities ({error!r}), which WIPO's does not. Do not use this file"
        ) from error
    except ParseError as error:
        raise InputError(f"{name}: not well-formed XML ({error}). Fetch it again") from error
    document = root.find(".//publication-reference//document-id")
    number = _text(document, "doc-number") if document is not None else None
    if document is None or number is None:
        raise InputError(f"{name}: no publication-reference with a doc-number; is this a wo-published-application?")
    record = {"number": f"WO{number.replace('/', '')}", "published": _text(document, "date")}
    inventors = _inventors(root)
    if not inventors:
        yield {**record, "person_seq": 0, "people": 0}
    for nth, inventor in enumerate(inventors, start=1):
        yield {**record, "person_seq": nth, "people": len(inventors), **inventor}


def _inventors(root: Element) -> list[dict[str, str | None]]:
    """The address of every inventor, of those who are listed twice the first that says more than an economy."""
    listed = [
        *(element for element in root.iter("applicant") if element.get("app-type") == "applicant-inventor"),
        *root.iter("inventor"),
    ]
    found: dict[str, dict[str, str | None]] = {}
    for nth, element in enumerate(listed):
        book = element.find("addressbook")
        address = _address(book) if book is not None else {}
        name = _name(book) if book is not None else ""
        known = found.setdefault(name or f"#{nth}", address)
        if not known.get("city") and not known.get("street"):
            known.update(address)
    return list(found.values())


def _name(book: Element) -> str:
    parts = (_text(book, part) for part in ("name", "last-name", "first-name"))
    return " ".join(sorted(" ".join(part for part in parts if part).replace(",", " ").casefold().split()))


def _address(book: Element) -> dict[str, str | None]:
    address = book.find("address")
    if address is None:
        return {}
    found = {ours: [text for name in names if (text := _text(address, name))] for ours, names in _PARTS.items()}
    return {ours: ", ".join(texts) or None for ours, texts in found.items()}


def _text(element: Element, name: str) -> str | None:
    return " ".join((element.findtext(name) or "").split()) or None
