"""Hostile inputs: files made to mislead a reader; every record is there as it was written, or an error names the file.

Each file is read in a process of its own, so that one which ends the process, or never ends, is seen.
"""

from __future__ import annotations

import gzip
import io
import json
import multiprocessing
import os
import random
import zipfile
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline.errors import GiiError
from gii_pipeline.sources import SOURCES, explained
from gii_pipeline_tests.faults.outcomes import Table

LIMIT_SECONDS = 60
DEEP = 200_000
Rows = list[tuple[str, str, str | None]]
Write = Callable[[Path], Path]
HOSTILE = (
    "=cmd|' /C calc'!A0", "<img src=x onerror=alert(1)>", "'; DROP TABLE people; --",
    "[/dim] [bold]x", "\x1b[2J\x07x",
    "a\u202egnp.exe", "$(rm -rf ~)", "../../etc/passwd", "%s%n{0}",
    "NULL", "-", "O\u2019Brien \U0001f600", "x" * 100_000,
)  # fmt: skip
ROWS: Rows = [(f"R{number}", "2015", city) for number, city in enumerate(HOSTILE)]
FOLDERS = ("year=2030", "city=Nowhere/a", "[a-z]*?", 'it\'s "here"', "ü 中 \u202e", "{1,2}", "~", "%41", "a" * 200)
CONTEXT = multiprocessing.get_context("forkserver")


def inputs(number: int, chance: random.Random, scratch: Path, table: Table) -> None:
    """Read each of the files in turn; where more are asked for, those that chance decides on are other ones."""
    given = [made for _ in range(1 + number // 40) for made in _inputs(chance)]
    chance.shuffle(given)
    for turn, (sort, reader, write, right) in enumerate(given[:number]):
        folder = scratch / str(turn)
        folder.mkdir()
        table.note(f"input: {sort}", *_outcome(reader, write(folder), right))


def _outcome(reader: str, path: Path, right: Rows | None) -> tuple[str, str]:
    """right: what the file says; None where nothing it says can be relied on."""
    here, there = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_read, args=(reader, path, there))
    process.start()
    there.close()
    kind: str = "crash"
    said: Any = f"no end within {LIMIT_SECONDS} s"
    if here.poll(LIMIT_SECONDS):
        try:
            kind, said = here.recv()
        except EOFError:
            said = "the process was ended"
    process.kill()
    process.join()
    if kind in {"crash", "traceback"}:
        return "traceback", f"{path.name}: {said}"
    if kind == "refused":
        return ("detected", "") if path.name in said else ("traceback", f"{path.name} is not named: {said}")
    return ("survived", "") if said == right else ("silent", f"{path.name}: {str(said)[:500]}")


def _read(reader: str, path: Path, there: Connection) -> None:
    role = next(iter(SOURCES[reader].roles))
    try:
        with duckdb.connect(config={"memory_limit": "2GB"}) as con, explained(str(path)):
            people = SOURCES[reader].people(con, {role: [path]}, None)
            shown = (
                "record_id, year::VARCHAR, coalesce(city, address)" if reader == "local" else "record_id, '', address"
            )
            there.send(("read", sorted(people.select(shown).fetchall(), key=str)))
    except GiiError as error:
        there.send(("refused", str(error)))
    except BaseException as error:  # noqa: BLE001 - an error that the pipeline does not know is what is looked for
        there.send(("traceback", f"{type(error).__name__}: {error}"))
    os._exit(0)  # no library's teardown


def _csv(rows: Rows = ROWS, header: str = "record_id,year,city") -> str:
    quoted = ('","'.join(str(cell).replace('"', '""') for cell in row) for row in rows)
    return "\n".join([header, *(f'"{line}"' for line in quoted)]) + "\n"


def _bytes(name: str, content: bytes | str) -> Write:
    def write(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def _inputs(chance: random.Random) -> Iterator[tuple[str, str, Write, Rows | None]]:
    """The sort of fault, the reader, how the file is written, and what is right."""
    right = sorted(ROWS, key=str)
    yield "values with markup, SQL, formulas", "local", _bytes("x.csv", _csv()), right
    yield "values with markup, SQL, formulas", "local", _parquet("x.parquet"), right
    yield "values with markup, SQL, formulas", "local", _bytes("x.jsonl", _jsonl()), right
    for folder in FOLDERS:
        yield "folders that look like data", "local", _bytes(f"{folder}/x.csv", _csv()), right
        yield "folders that look like data", "local", _parquet(f"{folder}/x.parquet"), right
    for encoding in ("utf-16", "utf-16-le", "utf-8-sig", "utf-32"):
        yield "another encoding", "local", _bytes("x.csv", _csv().encode(encoding)), right
    for name, text in _texts():
        yield "a truncated table, or a file that is not a table", "local", _bytes(name, text), None
    stray = 'record_id,year,city\n1,2015,"Oslo\n2,2015,Bergen\n'
    yield "a stray quote", "local", _bytes("x.csv", stray), [("1", "2015", '"Oslo'), ("2", "2015", "Bergen")]
    without_place = "record_id,year,latitude,longitude\n1,2015,NaN,1e400\n"
    yield "nested or invalid values", "local", _bytes("x.csv", without_place), [("1", "2015", None)]
    yield from _packed(chance, right)
    yield from _nested()
    yield "not a regular file", "local", _special(os.mkfifo), None
    yield "not a regular file", "local", _special(Path.mkdir), None
    yield "not a regular file", "local", _special(lambda path: path.symlink_to("/dev/zero")), None
    yield "not a regular file", "local", _special(lambda path: path.symlink_to(path)), None


def _jsonl() -> str:
    return "\n".join(json.dumps(dict(zip(("record_id", "year", "city"), row, strict=True))) for row in ROWS)


def _parquet(name: str) -> Write:
    def write(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = zip(*ROWS, strict=True)
        pq.write_table(pa.table(dict(zip(("record_id", "year", "city"), map(list, columns), strict=True))), path)
        return path

    return write


def _special(make: Callable[[Path], object]) -> Write:
    def write(folder: Path) -> Path:
        make(folder / "x.csv")
        return folder / "x.csv"

    return write


def _texts() -> Iterator[tuple[str, bytes | str]]:
    yield "x.csv", b""
    yield "x.csv", b"\xff\xfe"
    yield "x.csv", "record_id,year\n1,2015\n"[:9]
    yield "x.csv", "<html><table><tr><td>record_id,year,city</td></tr></table></html>"
    yield "x.csv", "record_id,year,city,city\n1,2015,Oslo,Bergen\n"
    yield "x.csv", "record_id,year,city\n1,2015\n2,2015,Oslo,more\n"
    yield "x.csv", "record_id,year,latitude,longitude\n1,2015,\xb2,5\n"
    yield "x.csv", b"\x00\x01\x02" * 999
    yield "x.json", '[{"record_id": "1", "year": 2015, "city": "Oslo"}, {"record_id": "2", "ye'


def _packed(chance: random.Random, right: Rows) -> Iterator[tuple[str, str, Write, Rows | None]]:
    sort = "a damaged or malicious archive"
    whole = gzip.compress(_csv().encode())
    yield sort, "local", _bytes("x.csv.gz", whole[: chance.randrange(20, len(whole) - 8)]), None
    for name in ("../x.csv", "/tmp/x.csv", "a/../../x.csv", "..\\x.csv"):  # noqa: S108 - a trap
        yield sort, "local", _bytes("x.zip", zip_of({name: _csv()})), right if "\\" in name else None
    yield sort, "local", _bytes("x.zip", zip_of({"a.zip": "x"})), None
    yield sort, "local", _bytes("x.zip", zip_of({})), None
    content = bytearray(zip_of({"x.csv": _csv()}))
    central = content.index(b"PK\x01\x02")
    for local, of_central, value in ((6, 8, 1), (8, 10, 97)):  # encrypted; a method that nobody knows
        changed = bytearray(content)
        changed[local], changed[central + of_central] = value, value
        yield sort, "local", _bytes("x.zip", bytes(changed)), None
    yield sort, "local", _bytes("x.zip", bytes(content[: chance.randrange(10, len(content))])), None
    buffer = io.BytesIO()
    pq.write_table(pa.table({"record_id": ["1"], "year": [2015], "city": ["Oslo"]}), buffer)
    cut = buffer.getvalue()[: chance.randrange(8, buffer.tell())]
    yield sort, "local", _bytes("x.parquet", cut), None


def zip_of(members: Mapping[str, str]) -> bytes:
    """A zip with these texts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def _nested() -> Iterator[tuple[str, str, Write, Rows | None]]:
    sort = "nested or invalid values"
    deep = "[" * DEEP + "]" * DEEP
    work = '{"id": "https://openalex.org/W1", "publication_year": 2015, "authorships": %s}\n'
    yield sort, "openalex_works", _bytes("works", work % deep), None
    yield sort, "openalex_works", _bytes("works", work % ('{"a":' * DEEP + "1" + "}" * DEEP)), None
    yield sort, "openalex_works", _bytes("works", work % "NaN"), None
    yield sort, "openalex_works", _bytes("works", (work % "[]").replace("2015", "NaN")), None
    yield sort, "local", _bytes("x.jsonl", f'{{"record_id": "1", "year": 2015, "city": {deep}}}'), None
    yield sort, "local", _bytes("x.json", deep), None
    yield sort, "crunchbase_api", _bytes("rounds", deep), None
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "lol"}">' for n in range(10))
    bomb = f"<?xml version='1.0'?><!DOCTYPE x [{entities}]><wo-published-application>&a9;</wo-published-application>"
    yield sort, "wipo_pct_xml", _bytes("a.xml", bomb), None
    outside = (
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><wo-published-application>&e;</wo-published-application>'
    )
    yield sort, "wipo_pct_xml", _bytes("a.xml", outside), None
    yield sort, "wipo_pct_xml", _bytes("a.xml", "<a>" * DEEP), None
