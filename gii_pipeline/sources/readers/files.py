"""How files are opened: compression by magic bytes, archives unpacked, headers checked, encodings mended.

Belongs here: what every reader needs before its first line of SQL, as functions that return the text of a table
function for DuckDB (`read_csv(...)`), so that files are read lazily, by column, and out of core.
Does not: what the columns mean (see the reader of each source).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal
from weakref import WeakKeyDictionary

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline.errors import InputError

Compression = Literal["none", "gzip", "zstd"]

_MAGIC: dict[bytes, str] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"PAR1": "parquet",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"BZh": "bzip2",
}
_CHUNK_BYTES = 8 << 20
_scratch: WeakKeyDictionary[duckdb.DuckDBPyConnection, tempfile.TemporaryDirectory[str]] = WeakKeyDictionary()


def scratch(con: duckdb.DuckDBPyConnection) -> Path:
    """A temporary folder that lives as long as the connection does."""
    if con not in _scratch:
        _scratch[con] = tempfile.TemporaryDirectory(prefix="gii-reading-", ignore_cleanup_errors=True)
    return Path(_scratch[con].name)


@contextmanager
def explained(what: str = "the input files") -> Iterator[None]:
    """Turn what DuckDB says about a broken file while it reads into an `InputError` that says what to do."""
    try:
        yield
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException) as error:
        reason = str(error).split("\n\nLINE ")[0].strip()
        raise InputError(
            f"{what} cannot be read: {reason}\n"
            "The file is cut short, damaged or not of the format that the profile says: fetch it again or correct the "
            "profile."
        ) from error


def quoted(text: object) -> str:
    """An SQL string literal."""
    return "'" + str(text).replace("'", "''") + "'"


def column(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def named(files: Mapping[str, list[Path]], role: str, *, optional: bool = False) -> list[Path]:
    """The files of one role, each of them there; an `InputError` names the role or the missing file."""
    paths = [Path(path) for path in files.get(role, [])]
    if not paths and not optional:
        given = ", ".join(sorted(files)) or "none"
        raise InputError(
            f"the source needs files for the role {role!r}, and the profile gives none (roles given: {given})"
        )
    for path in paths:
        if not path.is_file():
            raise InputError(
                f"{path}: no such file (role {role!r}). Correct the path in the profile, or fetch it again"
            )
    return paths


def magic(path: Path) -> str:
    """What a file is by its first bytes: gzip, zstd, zip, parquet, 7z, bzip2, or none of these."""
    with path.open("rb") as file:
        head = file.read(6)
    if not head:
        raise InputError(f"{path}: the file is empty. Fetch it again")
    return next((kind for start, kind in _MAGIC.items() if head.startswith(start)), "none")


def compression(path: Path) -> Compression:
    """The compression that DuckDB reads as a stream; an `InputError` for the ones that must be unpacked by hand."""
    kind = magic(path)
    if kind in ("7z", "bzip2"):
        raise InputError(f"{path}: a {kind} archive cannot be read as a stream. Unpack it and name the unpacked files")
    return "gzip" if kind == "gzip" else "zstd" if kind == "zstd" else "none"


def opened(path: Path) -> IO[bytes]:
    """The decompressed bytes of a file, as a stream."""
    kind = compression(path)
    stream = pa.input_stream(str(path), compression=None if kind == "none" else kind)
    return io.BufferedReader(stream)


def unpacked_bytes(path: Path) -> int:
    """The size of a file below 4 GiB once it is decompressed, as gzip's last four bytes say it."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if magic(path) != "gzip" or size < 4:
            return size
        file.seek(-4, 2)
        return int.from_bytes(file.read(4), "little")


def unpacked(con: duckdb.DuckDBPyConnection, paths: Sequence[Path], suffixes: tuple[str, ...]) -> list[Path]:
    """The files themselves, and for a zip its members with one of the suffixes, unpacked once to a temporary folder."""
    found: list[Path] = []
    for path in paths:
        found += _members(scratch(con), path, suffixes) if magic(path) == "zip" else [path]
    return found


def _members(folder: Path, path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(
                n for n in archive.namelist() if n.lower().endswith(suffixes) and not n.startswith("__MACOSX")
            )
            target = folder / f"{path.name}-{path.stat().st_mtime_ns}"
            members = [target / name for name in names]
            for name, member in zip(names, members, strict=True):
                if not member.exists():
                    archive.extract(name, target)
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise InputError(f"{path}: the zip archive is cut short or damaged ({error}). Fetch it again") from error
    if not members:
        raise InputError(f"{path}: the zip archive holds no file ending in {' or '.join(suffixes)}")
    return members


def header(path: Path, delimiter: str = ",", *, skip: int = 0) -> list[str]:
    """The column names of a delimited file, without a byte-order mark."""
    try:
        with opened(path) as file:
            lines = [file.readline() for _ in range(skip + 1)]
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {error}. Fetch it again") from error
    first = _decoded(lines[-1]).lstrip("\ufeff").rstrip("\r\n")
    return [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]


def table(
    paths: Sequence[Path],
    columns: Sequence[str],
    *,
    optional: Sequence[str] = (),
    delimiter: str = ",",
    quote: str = '"',
    skip: int = 0,
) -> str:
    """SQL for the named columns of delimited files, found by their header in any order and case, all as text.

    A column of `optional` that a file lacks is null; one of `columns` that it lacks is an `InputError`.
    Every empty field is null. Lines that are too short or too long are errors, never skipped. skip: lines above the
    header.
    """
    names = {name: (name,) for name in [*columns, *optional]}
    return renamed(paths, names, optional=optional, delimiter=delimiter, quote=quote, skip=skip)


def renamed(
    paths: Sequence[Path],
    names: Mapping[str, Sequence[str]],
    *,
    optional: Collection[str] = (),
    delimiter: str = ",",
    quote: str = '"',
    skip: int = 0,
) -> str:
    """As `table`, where a column may have several names: our name → the names in files, the first wins."""
    dialect = _Dialect(delimiter, quote, skip)
    return " UNION ALL ".join(_one_table(path, names, optional, dialect) for path in paths)


@dataclass(frozen=True)
class _Dialect:
    delimiter: str
    quote: str
    skip: int


def _one_table(path: Path, names: Mapping[str, Sequence[str]], optional: Collection[str], dialect: _Dialect) -> str:
    if magic(path) == "parquet":
        selected = _selected(path, parquet_columns(path), names, optional)
        return f"(SELECT {selected} FROM {parquet(path)})"
    present = header(path, dialect.delimiter, skip=dialect.skip)
    selected = _selected(path, present, names, optional)
    types = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in _unique(present))
    return (
        f"(SELECT {selected} FROM read_csv({quoted(_literal(path))}, columns = {{{types}}}, auto_detect = false, "
        f"skip = {dialect.skip + 1}, header = false, delim = {quoted(dialect.delimiter)}, "
        f"quote = {quoted(dialect.quote)}, escape = {quoted(dialect.quote)}, "
        f"nullstr = '', null_padding = false, compression = {quoted(compression(path))}, max_line_size = 16777216))"
    )


def _selected(path: Path, header: Sequence[str], names: Mapping[str, Sequence[str]], optional: Collection[str]) -> str:
    present = {name.lower(): unique for name, unique in zip(reversed(header), reversed(_unique(header)), strict=True)}
    found = {
        ours: next((present[name.lower()] for name in possible if name.lower() in present), None)
        for ours, possible in names.items()
    }
    missing = [" or ".join(names[ours]) for ours, there in found.items() if there is None and ours not in optional]
    if missing:
        raise InputError(
            f"{path}: the column{'s' if len(missing) > 1 else ''} {', '.join(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} missing; the header has: {', '.join(header)[:500]}. "
            "Name the right file in the profile, or correct its header"
        )
    return ", ".join(
        f"{'NULL' if there is None else column(there)}::VARCHAR AS {column(ours)}" for ours, there in found.items()
    )


def _unique(names: Sequence[str]) -> list[str]:
    """Header names, made distinct the way a table needs them."""
    seen: dict[str, int] = {}
    unique = []
    for name in (name or "unnamed" for name in names):
        count = seen[name.lower()] = seen.get(name.lower(), 0) + 1
        unique.append(name if count == 1 else f"{name}_{count}")
    return unique


def file_list(paths: Sequence[Path]) -> str:
    """An SQL list of files."""
    return "[" + ", ".join(quoted(_literal(path)) for path in paths) + "]"


def parquet(path: Path) -> str:
    """SQL for the rows of a Parquet file."""
    return f"read_parquet({quoted(_literal(path))})"


def parquet_columns(path: Path) -> list[str]:
    """The column names of a Parquet file."""
    return list(parquet_schema(path).names)


def parquet_schema(path: Path) -> pa.Schema:
    """The columns of a Parquet file with their types."""
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: the Parquet file is cut short or damaged ({error}). Fetch it again") from error


def _literal(path: Path) -> str:
    """A path in which DuckDB sees no pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def utf8(con: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> list[Path]:
    """The files, those that are not UTF-8 throughout as a copy that is.

    A file that opens with the byte-order mark of UTF-16 is that. A line that is not UTF-8 is taken as Windows-1252 (of
    which Latin-1 is a part), its undefined bytes as U+FFFD, so that a file of mixed encodings loses no line and no
    valid character.
    """
    return [path if _is_utf8(path) else _copy_as_utf8(path, scratch(con)) for path in paths]


def _is_utf8(path: Path) -> bool:
    try:
        for chunk in _chunks_of_lines(path):
            chunk.decode()
    except UnicodeDecodeError:
        return False
    return True


def _copy_as_utf8(path: Path, folder: Path) -> Path:
    copy = folder / f"{path.name}-{path.stat().st_mtime_ns}.utf8"
    with opened(path) as file:
        wide = file.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
    decode = codecs.getincrementaldecoder("utf-16")("replace").decode if wide else _decoded
    with copy.open("wb") as out:
        for chunk in _chunks_of_lines(path):
            out.write(decode(chunk).encode())
    return copy


def _chunks_of_lines(path: Path) -> Iterator[bytes]:
    try:
        with opened(path) as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk + file.readline()
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cut short or damaged ({error}). Fetch it again") from error


def _decoded(chunk: bytes) -> str:
    try:
        return chunk.decode()
    except UnicodeDecodeError:
        return "".join(_decoded_line(line) for line in chunk.splitlines(keepends=True))


def _decoded_line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")
