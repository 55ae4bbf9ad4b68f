"""WIPO's weekly PCT bibliographic XML (ST.36): `gazettes`, as tar.gz or zip archives or single files.

Belongs here: the publication, and its inventors with their addresses; an applicant who is an inventor too is one of
them, since older applications list these under the applicants only. Its applicants and technical fields.
Does not: names. They only show whether an applicant is listed as an inventor too, and go no further.

Two inventors of one name are two. What is written in several languages is one. XML that declares entities, that is not
XML, or that is a document of another office is refused: it comes from outside. What a file is, its first bytes say.
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
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
from gii_pipeline.sources.readers.organisations import organisation, shared
from gii_pipeline.sources.readers.rows import NoOptions, joined, people_rows
from gii_pipeline.sources.readers.technology import fields_by_symbol

_APPLICANT: Final = pa.struct([("name", pa.string()), ("economy", pa.string()), ("organised", pa.bool_())])
_SCHEMA: Final = pa.schema(
    [
        ("document", pa.int64()),
        ("number", pa.string()),
        ("published", pa.string()),
        ("person_seq", pa.int32()),
        ("people", pa.int32()),
        *((name, pa.string()) for name in ("street", "city", "state", "postcode", "country")),
        ("applicants", pa.list_(_APPLICANT)),
        ("symbols", pa.list_(pa.string())),
    ]
)
_PARTS: Final = {
    "street": ("street", "address-1", "address-2", "address-3", "address-4", "address-5"),
    "city": ("city",),
    "state": ("state", "province"),
    "postcode": ("postcode",),
    "country": ("country",),
}
_ROWS_AT_ONCE: Final = 50_000
_BYTES_AT_MOST: Final = 64 << 20
_DECLARATION: Final = b"<?xml version"
Row = dict[str, object]
Address = dict[str, str | None]


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: NoOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an inventor; `dropped` is no_date, or no_id for a document of WIPO's that is not a publication.

    changed: the date of publication, since an application published again in its first year comes corrected.
    """
    del options
    table = reading.scratch(con) / f"pct-{token_hex(8)}.parquet"
    documents = chain.from_iterable(_some_documents(path) for path in reading.named(files, "gazettes"))
    _write(table, chain.from_iterable(_rows(nth, name, text) for nth, (name, text) in enumerate(documents)))
    rows = reading.parquet(table)
    symbols = f"(SELECT document, unnest(symbols) AS symbol FROM {rows} WHERE person_seq <= 1)"
    published = "try_strptime(published, ['%Y%m%d', '%Y-%m-%d'])"
    year = f"year({published})"
    one = organisation("a.name", "a.economy", known="a.organised")
    return people_rows(
        con,
        f"""(SELECT rows.*, fields, list_transform(applicants, lambda a: {one}) AS applied
            FROM {rows} rows LEFT JOIN {fields_by_symbol(symbols, "document")} USING (document))""",
        record_id="number",
        year=year,
        record_type="'pct'",
        dropped=f"CASE WHEN number IS NULL THEN 'no_id' WHEN {year} IS NULL THEN 'no_date' END",
        person_seq="person_seq",
        people="people",
        fraction="1 / greatest(people, 1)",
        city="city",
        admin="state",
        economy="country",
        address=joined("street", "postcode", "city", "state", "country"),
        postcode="postcode",
        year_text=f"CASE WHEN {year} IS NULL THEN published END",
        changed=published,
        organisations=f"CASE WHEN len(applied) > 0 THEN {shared('applied')} END",
        fields="fields",
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


def _some_documents(path: Path) -> Iterator[tuple[str, bytes]]:
    """As `_documents`; an `InputError` where the file has none."""
    documents = _documents(path)
    first = next(documents, None)
    if first is None:
        raise InputError(f"{path}: it has no file ending in .xml. Name WIPO's weekly archives, or unpack its contents")
    yield first
    yield from documents


def _documents(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name for messages, bytes) of every XML document of a file."""
    try:
        if reading.magic(path) == "zip":
            with zipfile.ZipFile(path) as archive:
                for name in sorted(name for name in archive.namelist() if name.lower().endswith(".xml")):
                    with archive.open(name) as file:
                        yield from _apart(f"{path}, {name}", file)
        elif _is_xml(path):
            with reading.opened(path) as file:
                yield from _apart(str(path), file)
        else:
            with reading.opened(path) as file, tarfile.open(fileobj=file, mode="r|") as tar:
                for member in tar:
                    inside = tar.extractfile(member) if member.name.lower().endswith(".xml") else None
                    if inside is not None:
                        yield from _apart(f"{path}, {member.name}", inside)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{path}: the archive is cut short or damaged ({error}). Fetch it again") from error


def _is_xml(path: Path) -> bool:
    with reading.opened(path) as file:
        start = file.read(512)
    return start.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")


def _apart(name: str, file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """(name for messages, bytes) of the documents of a file: one, or several that were put one behind the other."""
    nth, document = 1, b""
    while read := file.read(1 << 20):
        document += read
        while (end := document.find(_DECLARATION, len(_DECLARATION))) > 0:
            if document[:end].strip():
                yield _of(name, nth), document[:end]
                nth += 1
            document = document[end:]
        if len(document) > _BYTES_AT_MOST:
            raise InputError(
                f"{_of(name, nth)}: more than {_BYTES_AT_MOST >> 20} MiB, which no PCT application has. Take it out of "
                "the profile"
            )
    yield _of(name, nth), document


def _of(name: str, nth: int) -> str:
    return name if nth == 1 else f"{name}, document {nth}"


def _rows(nth: int, name: str, text: bytes) -> Iterator[Row]:
    """One row an inventor; an application that names none is one row with person_seq 0."""
    root = _root(name, text)
    document = root.find(".//publication-reference//document-id")
    number = _text(document, "doc-number") if document is not None else None
    office = (_text(document, "country") if document is not None else None) or root.get("country")
    kind = root.tag
    if not kind.startswith("wo-") or office not in ("WO", None):
        raise InputError(
            f"{name}: a document of {office or 'another office'} (`{kind}`), not of WO, so no application under the "
            "PCT. Take it out of the profile"
        )
    inventors = _inventors(root)
    record: Row = {
        "document": nth,
        "number": f"WO{number.replace('/', '')}" if number else None,
        "published": _text(document, "date") if document is not None else None,
        "people": len(inventors),
        "applicants": _applicants(root),
        "symbols": list(_symbols(root)),
    }
    if not inventors:
        yield {**record, "person_seq": 0}
    for person, address in enumerate(inventors, start=1):
        yield {**record, "person_seq": person, **address}


def _root(name: str, text: bytes) -> Element:
    try:
        root: Element = fromstring(text)
    except DefusedXmlException as error:
        raise InputError(
            f"{name}: the XML declares entities ({error!r}), which WIPO's does not. Do not use this file"
        ) from error
    except ParseError as error:
        raise InputError(f"{name}: not well-formed XML ({error}). Fetch it again") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _inventors(root: Element) -> list[Address]:
    """The address of every inventor: of applicants who are inventors, then of the other inventors.

    An applicant is the first inventor of their name whom no other applicant is; of the two addresses the first that
    says more than an economy counts.
    """
    inventors = [(_names(listed), _address(listed)) for listed in _listed(root.iter("inventor"))]
    found = []
    for listed in _listed(_applicant_inventors(root)):
        names, address = _names(listed), _address(listed)
        same = next((nth for nth, (others, _) in enumerate(inventors) if names & others), None)
        other = inventors.pop(same)[1] if same is not None else {}
        known = address.get("city") or address.get("street")
        found.append(address if known or not other else {**address, **other})
    return [*found, *(address for _, address in inventors)]


def _applicant_inventors(root: Element) -> Iterator[Element]:
    return (element for element in root.iter("applicant") if element.get("app-type") == "applicant-inventor")


def _listed(elements: Iterable[Element]) -> list[list[Element]]:
    """The address books of each person; elements of one sequence number in different languages are one person."""
    people: list[list[Element]] = []
    by_sequence: dict[str, tuple[int, set[str | None]]] = {}
    for element in elements:
        books = element.findall("addressbook")
        languages = {book.get("lang") for book in books} | ({element.get("lang")} - {None})
        sequence = element.get("sequence")
        place, known = by_sequence.get(sequence or "", (-1, set()))
        if sequence and place >= 0 and languages and known and not languages & known:
            people[place].extend(books)
            known |= languages
            continue
        if sequence:
            by_sequence[sequence] = (len(people), set(languages))
        people.append(books)
    return people


def _applicants(root: Element) -> list[dict[str, object]]:
    """All applicants; `organised` is false for one who is an inventor or has a first name, true for an orgname.

    The name of such a person is left out here already.
    """
    inventors = {name for listed in _listed(root.iter("inventor")) for name in _names(listed)}
    found: list[dict[str, object]] = []
    inventive = {id(element) for element in _applicant_inventors(root)}
    for element in root.iter("applicant"):
        books = element.findall("addressbook")
        book = _latin_first(books)
        organisation_name = _text(book, "orgname") if book is not None else None
        person = id(element) in inventive or bool(_names(books) & inventors)
        person = person or (book is not None and _text(book, "first-name") is not None)
        name = organisation_name or (_text(book, "name") or _text(book, "last-name") if book is not None else None)
        organised = False if person else True if organisation_name else None
        economy = _address(books).get("country") or _text(element, "residence/country")
        found.append({"name": "-" if person else name, "economy": economy, "organised": organised})
    return found


def _symbols(root: Element) -> Iterator[str]:
    """The IPC symbols: of the parts of each, or as printed."""
    for element in chain(root.iter("classification-ipcr"), root.iter("classification-ipc")):
        parts = [_text(element, name) or "" for name in ("section", "class", "subclass", "main-group")]
        if all(parts[:3]):
            yield f"{''.join(parts[:3])} {parts[3]}"
        elif text := (_text(element, "text") or _text(element, "main-classification")):
            yield text


def _names(books: Iterable[Element]) -> set[str]:
    """A person's name in every language, the same in whatever order, case and punctuation."""
    found = set()
    for book in books:
        parts = (_text(book, part) for part in ("name", "last-name", "first-name"))
        found.add(" ".join(sorted(" ".join(part for part in parts if part).replace(",", " ").casefold().split())))
    return found - {""}


def _latin_first(books: list[Element]) -> Element | None:
    """The address book in English, else the first."""
    return next((book for book in books if book.get("lang") == "en"), books[0] if books else None)


def _address(books: list[Element]) -> Address:
    """The address of a person: of the address book in English, else of the first that has one."""
    first = _latin_first(books)
    for book in [*([first] if first is not None else []), *books]:
        address = book.find("address")
        if address is not None:
            found = {ours: [text for name in names if (text := _text(address, name))] for ours, names in _PARTS.items()}
            return {ours: ", ".join(texts) or None for ours, texts in found.items()}
    return {}


def _text(element: Element, name: str) -> str | None:
    return " ".join((element.findtext(name) or "").split()) or None
