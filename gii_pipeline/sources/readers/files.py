"""How files are opened: compression by magic bytes, archives unpacked, headers checked, another format named.

Belongs here: what every reader needs before its first line of SQL, as functions that return the text of a table
function for DuckDB (`read_csv(...)`), so that files are read lazily, by column, and out of core.
Does not: encodings, line ends and quotes (see `text`), or what the columns mean (see the reader of each source).
"""

from __future__ import annotations

import io
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Literal
from weakref import WeakKeyDictionary

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline.errors import InputError
from gii_pipeline.machine import refusal
from gii_pipeline.sources.readers import text
from gii_pipeline.sources.readers.formats import MAGIC, UNREADABLE, looks_like

Compression = Literal["none", "gzip", "zstd"]

_HINTS = re.compile(
    r"\n\n?LINE |\n\s*(?:Possible (?:fixes|solutions):|Try setting )"
)  # of DuckDB, which no profile can follow
_NULLS = "['', '\u00a0', '\u3000']"  # what a field may be that is empty; blanks of ASCII are found as it is read
_BLANKS = "' \t\r\n\u00a0\u3000'"  # what a field without a value may consist of
DELIMITED = (".csv", ".tsv", ".txt", ".tab")
_scratch: WeakKeyDictionary[duckdb.DuckDBPyConnection, tempfile.TemporaryDirectory[str]] = WeakKeyDictionary()


def scratch(con: duckdb.DuckDBPyConnection) -> Path:
    """A temporary folder that lives as long as the connection does."""
    if con not in _scratch:
        _sweep()
        prefix = f"gii-reading-{os.getpid()}-"
        _scratch[con] = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
    return Path(_scratch[con].name)


def _sweep() -> None:
    """Remove the temporary folders of processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob("gii-reading-*-*") if os.name == "posix" else ():
        owner = folder.name.split("-")[2]
        if owner.isdecimal() and not _is_alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


@contextmanager
def explained(what: str = "the input files") -> Iterator[None]:
    """Turn what DuckDB and Arrow say about a broken file while they read into an `InputError` that says what to do."""
    try:
        yield
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException, OSError) as error:
        if isinstance(error, OSError) and (error.errno is not None or refusal(error)):  # of the system, not of the file
            raise
        raise InputError(
            f"{what} cannot be read: {_reason(str(error))}\n"
            "The file is cut short, damaged or not of the format that the profile says: fetch it again or correct the "
            "profile."
        ) from error


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
            f"the source needs files for the role {role!r}, and the profile gives none (roles given: {given})"
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
        raise InputError(f"{path}: the zip archive is cut short or damaged ({error}). Fetch it again") from error
    if not members:
        raise InputError(f"{path}: the zip archive holds no file ending in {' or '.join(suffixes)}")
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
            f"{path}: its member {member.filename!r} lies outside the archive's own folder. Do not trust the archive: "
            "ask where it comes from, or unpack it by hand and name the files"
        )
    unpacked_to = target / name
    if not unpacked_to.exists():
        try:
            archive.extract(member, target)
        except (RuntimeError, NotImplementedError) as error:  # a password; a method that Python does not know
            raise InputError(
                f"{path}: its member {member.filename} cannot be unpacked: {error}. Unpack it by hand and name "
                "the files"
            ) from error
    return unpacked_to


def header(path: Path, delimiter: str = ",") -> list[str]:
    """The column names of a delimited file, without a byte-order mark."""
    found = text.header(opened, path, delimiter, bool)
    return found.names if found else []


def table(
    con: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    columns: Sequence[str],
    *,
    optional: Sequence[str] = (),
    delimiter: str | None = None,
) -> str:
    """SQL for the named columns of delimited files, found by their header in any order and case, all as text.

    Whatever their encoding, line ends and stray quotes; plain, gzipped, zipped or Parquet. A column of `optional` that
    a file lacks is null; one of `columns` that it lacks is an `InputError`. Every field that is empty or blank is null.
    Lines that are too short or too long are errors, never skipped.
    """
    names = {name: (name,) for name in [*columns, *optional]}
    return renamed(con, paths, names, optional=optional, delimiter=delimiter)


def renamed(
    con: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    names: Mapping[str, Sequence[str]],
    *,
    optional: Collection[str] = (),
    delimiter: str | None = None,
    titled: bool = False,
) -> str:
    """As `table`, where a column may have several names: our name → the names in files, the first wins.

    delimiter: by default that of , ; | and tab which gives the header most of the columns. titled: other records may
    stand above the header, which is the first that has every column that is not optional.
    """
    plain = [path for given in paths for path in unpacked(con, [given], DELIMITED)]
    return " UNION ALL ".join(_one_table(con, path, names, optional, delimiter, titled=titled) for path in plain)


def _one_table(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    names: Mapping[str, Sequence[str]],
    optional: Collection[str],
    delimiter: str | None,
    *,
    titled: bool,
) -> str:
    if magic(path) == "parquet":
        return f"(SELECT {_selected(path, parquet_columns(path), names, optional)} FROM {parquet(path)})"
    needed = {ours: names[ours] for ours in names if ours not in optional} if titled else {}
    found = {
        separator: text.header(opened, path, separator, lambda record: bool(record) and has_all(record, needed))
        or text.Header(header(path, separator), 0)
        for separator in ([delimiter] if delimiter else text.SEPARATORS)
    }
    known = {name.lower() for possible in names.values() for name in possible}
    separator = max(found, key=lambda key: len(known.intersection(map(str.lower, found[key].names))))
    return scan(con, path, separator, found[separator], lambda present: _selected(path, present, names, optional))


def has_all(header: Sequence[str], names: Mapping[str, Sequence[str]]) -> bool:
    """Whether a header has, of every column, one of its names."""
    present = {name.lower() for name in header}
    return all(present.intersection(map(str.lower, possible)) for possible in names.values())


def scan(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    delimiter: str,
    head: text.Header,
    selected: Callable[[list[str]], str],
) -> str:
    """SQL for columns of a delimited file with that header. selected: what to select, by the header's names."""
    columns = selected(head.names)
    types = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in unique(head.names))
    sound = text.sound(opened, path, delimiter, head, scratch(con))
    return (
        f"(SELECT {columns} FROM read_csv({quoted(literal(sound))}, columns = {{{types}}}, auto_detect = false, "
        f"skip = 1, header = false, delim = {quoted(delimiter)}, quote = '\"', escape = '\"', nullstr = {_NULLS}, "
        f"null_padding = false, compression = {quoted(compression(sound))}, max_line_size = 16777216, "
        "hive_partitioning = false))"
    )


def _selected(path: Path, header: Sequence[str], names: Mapping[str, Sequence[str]], optional: Collection[str]) -> str:
    present = {name.lower(): unique for name, unique in zip(reversed(header), reversed(unique(header)), strict=True)}
    found = {
        ours: next((present[name.lower()] for name in possible if name.lower() in present), None)
        for ours, possible in names.items()
    }
    missing = [" or ".join(names[ours]) for ours, there in found.items() if there is None and ours not in optional]
    if missing:
        raise InputError(
            f"{path}: the column{'s' if len(missing) > 1 else ''} {', '.join(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} missing; the header has: {', '.join(header)[:500]}."
            f"{looks_like(start_of(path), header)} Name the right file in the profile, or correct its header"
        )
    return ", ".join(f"{'NULL' if there is None else value(there)} AS {column(ours)}" for ours, there in found.items())


def value(name: str) -> str:
    """SQL for a field without the blanks around it; most fields begin with a letter, and are left as they are."""
    value = f"{column(name)}::VARCHAR"
    return f"CASE WHEN {value} < '!' THEN nullif(trim({value}, {_BLANKS}), '') ELSE {value} END"


def start_of(path: Path) -> bytes:
    """The first bytes of a file's content."""
    with opened(path) as file:
        return file.read(8192)


def first_sign(path: Path) -> bytes:
    """The first byte of a text behind its byte-order mark and blanks: `{` or `[` of JSON, `<` of XML."""
    return start_of(path).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]


def unique(names: Sequence[str]) -> list[str]:
    """Header names, made distinct the way a table needs them."""
    seen: dict[str, int] = {}
    unique = []
    for name in (name or "unnamed" for name in names):
        count = seen[name.lower()] = seen.get(name.lower(), 0) + 1
        unique.append(name if count == 1 else f"{name}_{count}")
    return unique


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
        raise InputError(f"{path}: the Parquet file is cut short or damaged ({error}). Fetch it again") from error


def literal(path: Path | str) -> str:
    """A path in which DuckDB sees no pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
