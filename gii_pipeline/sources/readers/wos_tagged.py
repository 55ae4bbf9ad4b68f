"""Web of Science as tagged plain text (`FN Clarivate …`), as a table with the columns of the tab-delimited export.

Belongs here: the form of the file: two-letter tags, continuation lines, `ER` behind each record.
Does not: what the tags mean (see `web_of_science`).
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Final, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import files as reading

_LISTED: Final = frozenset({"AU", "AF", "BA", "BF", "CA", "C1", "C3", "RP"})  # one value per line, each whole
_TAG: Final = re.compile(r"([A-Z][A-Z0-9])(?: (.*))?$")
_OTHER_EXPORTS: Final = {
    r"TY  - ": "RIS, for reference managers",
    r"@\w+ *\{": "BibTeX",
    r"(PMID- |<)": "PubMed's or an XML or HTML document",
}
_ROWS_AT_ONCE: Final = 20_000
Record = Mapping[str, str]


def is_tagged(path: Path) -> bool:
    """Whether the file is tagged plain text; an `InputError` for an export that has no authors' addresses by author."""
    first = next((line for line in _lines(path) if line.strip()), "").lstrip("\ufeff")
    for start, title in _OTHER_EXPORTS.items():
        if re.match(start, first):
            raise InputError(
                f"{path}: the file is {title}. Export full records from Web of Science as plain text or tab-delimited"
            )
    return re.match(r"(FN|VR|PT) ", first) is not None


def as_table(con: duckdb.DuckDBPyConnection, path: Path, tags: Sequence[str]) -> Path:
    """The file as Parquet with a column of text a tag; values of a list are separated by semicolons."""
    table = reading.scratch(con) / f"tagged-{token_hex(8)}.parquet"
    schema = pa.schema([(tag, pa.string()) for tag in tags])
    with pq.ParquetWriter(table, schema) as writer:
        batch: list[Record] = []
        for record in _records(path):
            batch.append(record)
            if len(batch) == _ROWS_AT_ONCE:
                writer.write_table(pa.Table.from_pylist(batch, schema))
                batch = []
        writer.write_table(pa.Table.from_pylist(batch, schema))
    return table


def _records(path: Path) -> Iterator[Record]:
    fields: dict[str, list[str]] = {}
    tag = ""
    number = 0
    for number, line in enumerate(_lines(path), start=1):
        text = line.lstrip("\ufeff").rstrip("\n")
        if not text.strip():
            continue
        if found := _TAG.match(text):
            tag = found[1]
            if tag == "PT" and fields:
                raise InputError(
                    f"{path}, line {number}: a record begins where the one before has no ER. Export it again"
                )
            if tag == "ER":
                yield {name: _joined(name, values) for name, values in fields.items()}
                fields = {}
            elif tag not in {"FN", "VR", "EF"}:
                fields.setdefault(tag, []).append((found[2] or "").strip())
        elif text.startswith("  ") and tag in fields:
            fields[tag].append(text.strip())
        else:
            raise InputError(f"{path}, line {number}: neither a tag nor a continuation: {text[:60]!r}")
    if fields:
        raise InputError(f"{path}: cut short at line {number}: the last record has no ER. Export it again")


def _joined(tag: str, values: Sequence[str]) -> str:
    separator = "; " if tag in _LISTED else " "
    return separator.join(value.rstrip(". ") if tag in {"C1", "RP"} else value for value in values if value)


def _lines(path: Path) -> Iterator[str]:
    """The lines of a file, whatever their ends; UTF-8 or UTF-16, and Windows-1252 where a line is not UTF-8."""
    try:
        with reading.opened(path) as file:
            wide = file.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
        with reading.opened(path) as file:
            # Latin-1 keeps every byte, so that lines can be told apart before they are decoded.
            encoding = "utf-16" if wide else "latin-1"
            for line in io.TextIOWrapper(cast(io.BufferedReader, file), encoding=encoding, newline=None):
                yield line if wide else _text(line.encode("latin-1"))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cut short or damaged ({error}). Export it again") from error


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")
