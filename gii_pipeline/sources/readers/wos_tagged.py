"""Web of Science as tagged plain text (`FN Clarivate …`), as a table with the columns of the tab-delimited export.

Belongs here: the form of the file: two-letter tags, continuation lines, `ER` behind each record.
Does not: what the tags mean (see `web_of_science`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline.errors import InputError
from gii_pipeline.sources.readers import files as reading

_LISTED: Final = frozenset({"AU", "AF", "BA", "BF", "CA", "C1", "C3", "RP"})  # one value a line, each whole
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
    with _lines(path) as lines:
        first = next((line for line in lines if line.strip()), "").lstrip("\ufeff")
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
    with _lines(path) as lines:
        for number, line in enumerate(lines, start=1):  # noqa: B007 - the message names the last line
            text = line.lstrip("\ufeff").rstrip("\n")
            if not text.strip():
                continue
            if found := _TAG.match(text):
                tag = found[1]
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


class _lines:  # noqa: N801 - used like a function
    """The lines of a file, whatever their ends; UTF-8 or UTF-16, and Windows-1252 where a line is not UTF-8."""

    def __init__(self, path: Path) -> None:
        self._file = reading.opened(path)
        self._path = path

    def __enter__(self) -> Iterator[str]:
        return self._decoded()

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _decoded(self) -> Iterator[str]:
        buffered = io.BufferedReader(self._file)  # type: ignore[arg-type]
        wide = buffered.peek(2)[:2] in {b"\xff\xfe", b"\xfe\xff"}
        try:
            # Latin-1 keeps every byte, so that lines can be told apart before they are decoded.
            for line in io.TextIOWrapper(buffered, encoding="utf-16" if wide else "latin-1", newline=None):
                yield line if wide else _text(line.encode("latin-1"))
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise InputError(f"{self._path}: cut short or damaged ({error}). Export it again") from error


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")
