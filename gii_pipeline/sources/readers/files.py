"""How files are opened: compression by magic bytes, archives unpacked, another format named, errors explained.

Belongs here: what every reader needs before its first line of SQL, and names and paths as SQL.
Does not: delimited tables and their columns (see `delimited`), or encodings, line ends and quotes (see `text`).
"""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Literal
from weakref import WeakKeyDictionary

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline import scratch as temporary
from gii_pipeline.errors import InputError
from gii_pipeline.machine import refusal
from gii_pipeline.sources.readers import text
from gii_pipeline.sources.readers.formats import MAGIC, UNREADABLE

Compression = Literal["none", "gzip", "zstd"]

_HINTS = re.compile(
    r"\n\n?LINE |\n\s*(?:Possible (?:fixes|solutions):|Try setting )"
)  # of DuckDB, which no profile can follow
_REFUSED = "refused: "  # by what a reader found in a row
DELIMITED = (".csv", ".tsv", ".txt", ".tab")
_scratch: WeakKeyDictionary[duckdb.DuckDBPyConnection, tempfile.TemporaryDirectory[str]] = WeakKeyDictionary()


def scratch(con: duckdb.DuckDBPyConnection) -> Path:
    """A temporary folder that lives as long as the connection does."""
    if con not in _scratch:
        _scratch[con] = temporary.folder("reading")
    return Path(_scratch[con].name)


@contextmanager
def explained(what: str = "the input files") -> Iterator[None]:
    """Turn what DuckDB and Arrow say about a broken file while they read into an `InputError` that says what to do."""
    try:
        yield
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException, OSError) as error:
        if refused := str(error).partition(_REFUSED)[2]:
            raise InputError(refused) from error
        if isinstance(error, OSError) and (error.errno is not None or refusal(error)):  # of the system, not of the file
            raise
        raise InputError(
            f"{what} cannot be read: {_reason(str(error))}\n"
            "The file is truncated, damaged, or not in the format set in the profile: fetch it again or correct "
            "the profile."
        ) from error


def refusing(*parts: str) -> str:
    """SQL that stops the reading with an `InputError`, within `explained`; parts: SQL for parts of its message."""
    return f"error(concat({quoted(_REFUSED)}, {', '.join(parts)}))"


def _reason(told: str) -> str:
    """DuckDB's message without the hints that no profile can follow, its copy of a file named for the original."""
    reason = _HINTS.split(told, maxsplit=1)[0].strip()
    if not (file := re.search(r"^\s*file ?= ?(.+)$", told, re.MULTILINE)):
        return reason
    original, above = text.original(Path(file[1].strip()))
    reason = re.sub(r"(?<=on Line: )\d+", lambda line: str(int(line[0]) + above), reason)
    return f"{original}: " + re.sub(r"\s*\n\s*", "; ", reason)


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
            f"the source needs files for the role {role!r}, but the profile has none (roles in the profile: {given})"
        )
    for path in paths:
        if not path.is_file():
            raise InputError(
                f"{path}: no such file (role {role!r}). Correct the path in the profile, or fetch it again"
            )
    return paths


def magic(path: Path) -> str:
    """What a file is by its first bytes (`formats.MAGIC`), or none of these."""
    with path.open("rb") as file:
        head = file.read(6)
    if not head:
        raise InputError(f"{path}: the file is empty. Fetch it again")
    return next((kind for start, kind in MAGIC.items() if head.startswith(start)), "none")


def compression(path: Path) -> Compression:
    """The compression that DuckDB reads as a stream; an `InputError` for a file that is not text, even decompressed."""
    kind = magic(path)
    if kind in UNREADABLE:
        raise InputError(f"{path}: {UNREADABLE[kind]}")
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
    target = folder / f"{path.name}-{path.stat().st_mtime_ns}"
    try:
        with zipfile.ZipFile(path) as archive:
            wanted = sorted((m for m in archive.infolist() if _is_table(m, suffixes)), key=lambda m: m.filename)
            members = [_unpacked_member(archive, member, path, target) for member in wanted]
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path}: the zip archive is truncated or damaged ({error}). Fetch it again") from error
    if not members:
        raise InputError(f"{path}: the zip archive contains no file ending in {' or '.join(suffixes)}")
    return members


def _is_table(member: zipfile.ZipInfo, suffixes: tuple[str, ...]) -> bool:
    return (
        member.filename.lower().endswith(suffixes)
        and not member.is_dir()
        and PurePosixPath(member.filename).parts[0] != "__MACOSX"
    )


def _unpacked_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, target: Path) -> Path:
    name = PurePosixPath(member.filename)
    if name.is_absolute() or ".." in name.parts:
        raise InputError(
            f"{path}: its member {member.filename!r} is outside the archive's own folder. Do not trust the "
            f"archive: check where it comes from, or unpack it yourself and name the files"
        )
    unpacked_to = target / name
    if not unpacked_to.exists():
        try:
            archive.extract(member, target)
        except (RuntimeError, NotImplementedError) as error:  # a password; a method that Python does not know
            raise InputError(
                f"{path}: its member {member.filename} cannot be unpacked: {error}. Unpack it yourself and name "
                f"the files"
            ) from error
    return unpacked_to


def start_of(path: Path) -> bytes:
    """The first bytes of a file's content."""
    with opened(path) as file:
        return file.read(8192)


def first_sign(path: Path) -> bytes:
    """The first byte of a text behind its byte-order mark and blanks: `{` or `[` of JSON, `<` of XML."""
    return start_of(path).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]


def file_list(paths: Sequence[Path]) -> str:
    """An SQL list of files."""
    return "[" + ", ".join(quoted(literal(path)) for path in paths) + "]"


def parquet(path: Path) -> str:
    """SQL for the rows of a Parquet file."""
    return f"read_parquet({quoted(literal(path))}, hive_partitioning = false)"


def parquet_columns(path: Path) -> list[str]:
    """The column names of a Parquet file."""
    return list(parquet_schema(path).names)


def parquet_schema(path: Path) -> pa.Schema:
    """The columns of a Parquet file with their types."""
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: the Parquet file is truncated or damaged ({error}). Fetch it again") from error


def literal(path: Path | str) -> str:
    """A path in which DuckDB sees no pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
