"""Delimited text in whatever form it comes, as a file that DuckDB reads without a guess: UTF-8, LF, sound quotes.

Belongs here: encodings, line ends, stray quotes, title rows above the header. A file that is sound already is read as
it lies; of any other a copy is written to a scratch folder.
Does not: what the columns mean, or how the file was compressed (see `files`).

A quote is a quote only around a complete field: behind a separator, doubled within, a separator or line end after it.
Any other is text. A quoted field may span lines, but where its first and last line are complete records by
themselves, the quote that opened it is text, too: a record that another swallows is worse than a quote too many.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from gii_pipeline.errors import InputError

Opener = Callable[[Path], IO[bytes]]

SEPARATORS = (",", ";", "\t", "|")
TITLE_ROWS = 50
_CHUNK_BYTES = 8 << 20
_LOOK_BYTES = 1 << 20  # of a file that may be sound: what fits the cache of a core is copied fastest
_HEAD_BYTES = 1 << 20
_LINES_OF_A_FIELD = 500  # a quoted field that spans more lines was never closed
_LEAST_COLUMNS = 3  # of a table with fewer, a line of text looks like a record
_LF, _CR, _QUOTE = b'\n\r"'
_originals: dict[Path, tuple[Path, int]] = {}
_BEYOND = re.compile(r"[\u0080-\u009f\u00a1-\u2017\u201e-\uffff]")  # but for blanks and quotation marks
_ODD = re.compile(
    rf"{_BEYOND.pattern}{{2,}}|(?<=[A-Za-z])[\u0080-\u00a9\u00ab-\u00b6\u00b8\u00b9\u00bb-\u00bf](?=[A-Za-z])"
)
_ODD_PART = 0.4
_SEPARATOR_LINE = re.compile(r'"?sep=.?"?$', re.IGNORECASE)  # by which a file tells Excel its separator
_QUOTED_TEXT = re.compile(rb'"(?:[^"]|"")*+"')


@dataclass(frozen=True)
class Header:
    """The column names, and how many lines (ended by LF, once sound) stand above them."""

    names: list[str]
    lines_above: int


def header(opener: Opener, path: Path, delimiter: str, is_header: Callable[[list[str]], bool]) -> Header | None:
    """The first of the records at the top of the file that is the header; None when none of them is."""
    text = _Text(opener, path)
    chunk = text.with_lf(next(text.chunks(_HEAD_BYTES), b"")).decode()
    lines = [f"{line}\n" for line in chunk.split("\n")]
    first = 1 if _SEPARATOR_LINE.match(lines[0]) else 0
    found = _among_records(lines[first:], delimiter, is_header) or _among_lines(lines[first:], delimiter, is_header)
    return Header(found.names, found.lines_above + first) if found else None


def _among_records(lines: list[str], delimiter: str, is_header: Callable[[list[str]], bool]) -> Header | None:
    records = csv.reader(lines, delimiter=delimiter)
    above = 0
    try:
        for record in islice(records, TITLE_ROWS):
            if is_header(names := [name.strip() for name in record]):
                return Header(names, above)
            above = records.line_num
    except csv.Error:  # a field of the head without an end
        return None
    return None


def _among_lines(lines: list[str], delimiter: str, is_header: Callable[[list[str]], bool]) -> Header | None:
    """As among the records, for a title whose stray quote swallows the header."""
    for above, line in enumerate(lines[:TITLE_ROWS]):
        names = [name.strip().strip('"') for name in line.rstrip("\n").split(delimiter)]
        if is_header(names):
            return Header(names, above)
    return None


def sound(opener: Opener, path: Path, delimiter: str, head: Header, folder: Path) -> Path:
    """The file itself where DuckDB reads it right from its header on, else a copy in `folder` that it does."""
    text = _Text(opener, path)
    if head.lines_above == 0 and text.is_sound(delimiter):
        return path
    key = hashlib.sha256(f"{path}\0{path.stat().st_mtime_ns}\0{delimiter}\0{head}".encode()).hexdigest()[:16]
    copy = folder / f"{key}-{path.name}"
    if not copy.exists():
        part = copy.with_name(f"{copy.name}.part")
        with part.open("wb") as out:
            for piece in _Records(path, delimiter, head).settled(text):
                out.write(piece)
        part.replace(copy)
    _originals[copy] = (path, head.lines_above)
    return copy


def original(copy: Path) -> tuple[Path, int]:
    """The file that a copy was made of, and how many of its lines the copy leaves out; a file itself and 0."""
    return _originals.get(copy, (copy, 0))


class _Text:
    """The bytes of a file as UTF-8 or an extension of ASCII, in chunks that end at line ends."""

    def __init__(self, opener: Opener, path: Path) -> None:
        self.path, self.opener = path, opener
        with self._opened() as file:
            head = self._read(file, _HEAD_BYTES)
        self.encoding = unicode_of(head)
        plain = head.decode(self.encoding, "replace").encode() if self.encoding else head
        unquoted = _QUOTED_TEXT.sub(b"", plain)
        crlf = unquoted.count(b"\r\n")
        self.line_end = b"\r" if unquoted.count(b"\r") - crlf > unquoted.count(b"\n") else b"\n"

    def chunks(self, size: int = _CHUNK_BYTES) -> Iterator[bytes]:
        """Whole lines, some MiB at a time, without a byte-order mark."""
        decoder = codecs.getincrementaldecoder(self.encoding)("replace") if self.encoding else None
        rest, first = b"", True
        with self._opened() as file:
            while True:
                read = self._read(file, size)
                piece = decoder.decode(read, final=not read).encode() if decoder else read
                if first:
                    piece, first = piece.removeprefix(codecs.BOM_UTF8), False
                piece = rest + piece if rest else piece
                end = piece.rfind(self.line_end) + 1
                rest = piece[end:]
                if end:
                    yield piece[:end]
                if not read:
                    break
        if rest:
            yield rest

    def _opened(self) -> IO[bytes]:
        try:
            return self.opener(self.path)
        except OSError as error:
            raise _damaged(self.path, error) from error

    def _read(self, file: IO[bytes], size: int) -> bytes:
        try:
            return file.read(size)
        except (OSError, EOFError) as error:
            raise _damaged(self.path, error) from error

    def with_lf(self, chunk: bytes) -> bytes:
        """The chunk as UTF-8 with lines ended by LF; another CR within a line becomes a space."""
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n" if self.line_end == b"\r" else b" ")
        return chunk if _is_utf8(chunk) else _decoded(chunk, self.path).encode()

    def is_sound(self, delimiter: str) -> bool:
        """Whether DuckDB reads the file correctly without a copy."""
        if self.encoding or self.line_end != b"\n":
            return False
        ends = set()
        for chunk in self.chunks(_LOOK_BYTES):
            ends.add(b"\r" in chunk)
            if len(ends) > 1 or (True in ends and not chunk.count(b"\r") == chunk.count(b"\r\n") == chunk.count(b"\n")):
                return False
            if not _is_utf8(chunk) or not quotes_are_sound(chunk, delimiter):
                return False
        return True


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: truncated or damaged ({error}). Fetch it again")


def transcoded(opener: Opener, path: Path, encoding: str, folder: Path) -> Path:
    """A copy in UTF-8 of a text in another encoding. Raises InputError where it is not in that encoding."""
    key = hashlib.sha256(f"{path}\0{path.stat().st_mtime_ns}\0{encoding}".encode()).hexdigest()[:16]
    copy = folder / key / path.name.removesuffix(".gz").removesuffix(".zst")
    if not copy.exists():
        copy.parent.mkdir(exist_ok=True)
        part, decoder = copy.with_name(f"{copy.name}.part"), codecs.getincrementaldecoder(encoding)()
        with part.open("wb") as out, opener(path) as file:
            try:
                while read := file.read(_CHUNK_BYTES):
                    out.write(decoder.decode(read).encode())
                out.write(decoder.decode(b"", final=True).encode())
            except UnicodeError as error:
                raise InputError(f"{path}: the text is not in the encoding {encoding}: {error}") from error
        part.replace(copy)
    _originals[copy] = (path, 0)
    return copy


def unicode_of(head: bytes) -> str | None:
    """The name of the UTF-16 or UTF-32 that a file begins in, by its mark or by the zeros between its letters."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = head[:200]
    even, odd = start[::2].count(0), start[1::2].count(0)
    if even + odd < len(start) / 3:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _is_utf8(chunk: bytes) -> bool:
    """Arrow decides ten times as fast as decoding does."""
    if chunk.isascii():
        return True
    ends = pa.py_buffer(np.array([0, len(chunk)], np.int64))
    try:
        pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(chunk)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _decoded(chunk: bytes, path: Path) -> str:
    """Lines that are not UTF-8 as Windows-1252 (of which Latin-1 is a part), its undefined bytes as U+FFFD.

    Raises InputError where the result does not read as a language of Western Europe: the text is in another encoding.
    """
    lines = [(line, _is_utf8(line)) for line in chunk.splitlines(keepends=True)]
    odd = "".join(line.decode("cp1252", errors="replace") for line, is_utf8 in lines if not is_utf8)
    if not _is_western(odd) and all(line.isascii() for line, is_utf8 in lines if is_utf8):
        shown = next(line for line in odd.splitlines() if not _is_western(line, least=1) or not line.isascii())
        raise InputError(
            f"{path}: the text is neither UTF-8, UTF-16 nor Windows-1252: it would be read as {shown[:80]!r}. "
            f"Save it as "
            "UTF-8; the reader `table` has an option for its encoding, for instance `encoding: gb18030`"
        )
    return "".join(line.decode() if is_utf8 else line.decode("cp1252", errors="replace") for line, is_utf8 in lines)


def _is_western(text: str, least: int = 4) -> bool:
    """Whether letters outside ASCII stand as in Western Europe: one by one between others, and without signs in words.

    least: signs of the contrary below which a text is taken as it is.
    """
    beyond = len(_BEYOND.findall(text))
    odd = sum(len(run) for run in _ODD.findall(text))
    return odd < least or odd < beyond * _ODD_PART


def quotes_are_sound(chunk: bytes, delimiter: str) -> bool:
    """Whether every line of the chunk is sound by itself: each quote opens, closes or doubles within a field."""
    if b'"' not in chunk:
        return True
    letters = np.frombuffer(chunk, np.uint8)
    at = np.flatnonzero(letters == _QUOTE)
    line = np.searchsorted(np.flatnonzero(letters == _LF), at)
    first = np.flatnonzero(np.r_[True, line[1:] != line[:-1]])
    count = np.diff(np.r_[first, len(at)])
    if (count % 2).any():
        return False
    opens = (np.arange(len(at)) - np.repeat(first, count)) % 2 == 0
    before = np.where(at > 0, letters[at - 1], _LF)
    after = np.where(at + 1 < len(letters), letters[np.minimum(at + 1, len(letters) - 1)], _LF)
    neighbours = np.where(opens, before, after)
    ends = (neighbours == ord(delimiter)) | (neighbours == _LF) | (neighbours == _CR)
    return bool((ends | (neighbours == _QUOTE)).all())


class _Records:
    """The lines of one file from its header on, each record with quotes that can be read in one way only."""

    def __init__(self, path: Path, delimiter: str, head: Header) -> None:
        self.path, self.delimiter, self.columns = path, delimiter, len(head.names)
        self.above = self.line = head.lines_above
        end = re.escape(delimiter)
        plain = rf'(?! *")[^{end}\n]*+'
        quoted = rf' *+"(?:[^"]|"")*+" *+(?={end}|\Z)'
        self.strict = re.compile(rf"(?:{quoted}|{plain})(?:{end}|\Z)")
        loose = rf' *"(?:[^"]|"(?!{end}|\Z))*+"(?={end}|\Z)'
        self.readings = [re.compile(rf"({field}|[^{end}]*+)(?:{end}|\Z)") for field in (loose, quoted)]

    def settled(self, text: _Text) -> Iterator[bytes]:
        rest, above = b"", self.above
        for chunk in text.chunks():
            piece = rest + text.with_lf(chunk)
            while above and (end := piece.find(b"\n") + 1):
                piece, above = piece[end:], above - 1
            if quotes_are_sound(piece, self.delimiter):
                self.line += piece.count(b"\n")
                rest = b""
                yield piece
            else:
                done, rest = self._settle(piece.decode(), last=False)
                yield done
        if rest:
            yield self._settle(rest.decode(), last=True)[0]

    def _settle(self, piece: str, *, last: bool) -> tuple[bytes, bytes]:
        """The piece with its records settled, and the lines at its end of which the next piece decides."""
        lines = piece.split("\n")
        if not lines[-1]:
            lines.pop()
        done: list[str] = []
        at = 0
        while at < len(lines):
            spanned = self._lines_of_record(lines, at)
            if spanned is None and not last and len(lines) - at < _LINES_OF_A_FIELD:
                break
            record = "\n".join(lines[at : at + (spanned or 1)])
            self.line += 1
            done.append(record if spanned and self._strict_fields(record) else self._written(record))
            self.line += (spanned or 1) - 1
            at += spanned or 1
        rest = "\n".join(lines[at:])
        return ("\n".join(done) + "\n" if done else "").encode(), (f"{rest}\n" if rest else "").encode()

    def _lines_of_record(self, lines: list[str], at: int) -> int | None:
        """How many lines the record has that begins here; None when its quoted field does not end in these lines."""
        first = lines[at]
        if '"' not in first or self._strict_fields(first):
            return 1
        quotes = 0
        for count, line in enumerate(lines[at : at + _LINES_OF_A_FIELD], start=1):
            quotes += line.count('"')
            if count == 1 or quotes % 2 or '"' not in line:
                continue
            if self._strict_fields("\n".join(lines[at : at + count])) != self.columns:
                continue
            return 1 if self._are_records(first, line) else count
        return 1 if self._fields(first) else None

    def _are_records(self, first: str, last: str) -> bool:
        if not (self._fields(first) and self._fields(last)) or self.columns == 1:
            return False
        if self.columns < _LEAST_COLUMNS:
            raise InputError(
                f"{self.path}: line {self.line + 1}: a quote opens a field that spans lines, each of which would be a "
                "record. Close the quote, or double it if it is text"
            )
        return True

    def _strict_fields(self, record: str) -> int:
        """How many fields the record has by the letter of the format; 0 when it breaks it."""
        at = fields = 0
        while match := self.strict.match(record, at):
            fields += 1
            at = match.end()
            if at == len(record):
                return fields + record.endswith(self.delimiter)
        return 0

    def _fields(self, line: str) -> list[str] | None:
        """The fields of a line whose stray quotes are text; None when no reading gives one for each column."""
        for reading in self.readings:
            fields = reading.findall(line)
            if not line.endswith(self.delimiter):
                fields = fields[:-1]
            while len(fields) > self.columns and not fields[-1]:
                fields.pop()
            if len(fields) == self.columns:
                return [self._bare(field) for field in fields]
        return plain if len(plain := line.split(self.delimiter)) == self.columns else None

    def _bare(self, field: str) -> str:
        inner = field.strip(" ")
        if len(inner) > 1 and inner.startswith('"') and inner.endswith('"'):
            return inner[1:-1].replace('""', '"')
        return field

    def _written(self, line: str) -> str:
        fields = self._fields(line)
        if fields is None:
            found = len(line.split(self.delimiter))
            raise InputError(
                f"{self.path}: line {self.line}: {found} fields, but the header has {self.columns}, and there "
                f"is an unclosed quote: {line[:200]}. Correct the line"
            )
        return self.delimiter.join('"' + field.replace('"', '""') + '"' if '"' in field else field for field in fields)
