"""Hostile answers: a server whose status, header or body makes no sense; an error of the pipeline, and nothing kept."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

from gii_pipeline.archive import Archive, Expected, HttpClient, Patience, Request, Terms, fetch_file
from gii_pipeline.errors import GiiError
from gii_pipeline_tests.archive.clock import PatientClock
from gii_pipeline_tests.archive.server import Reply, Server
from gii_pipeline_tests.faults.outcomes import Table

GOOD = b"a,b\n1,2\n"
STATUSES = (201, 202, 203, 204, 206, 300, 304, 400, 402, 404, 418, 451, 500, 599, 600, 999)
HUGE = "9" * 400
WAITS = ("10" * 20, HUGE, "\xb2", "-5", "NaN", "1e9", "soon", "Fri, 31 Dec 9999 23:59:59 GMT")
LENGTHS = ("\xb2", "5, 6", HUGE, "-1", "8.0", "NaN", "0x8", "+8", "8 8")
PLACES = ("http://[", "http://127.0.0.1:99999/", "file:///etc", "//", f"http://{'a' * 99}.example/", "\xff", "data:,a")
BODIES = (
    b"", b" ", b"Try later", b"Try later\nor not\n", b'{"error": 1}', b"<!doctype html>", b"[]", b"null",
    b"\xef\xbb\xbf<html>", b'{"errors": [{"message": "no"}]}', b"\x00" * 64,
)  # fmt: skip
KINDS = ("text/csv", "text/plain", "application/json", "application/octet-stream")


def answers(number: int, chance: random.Random, scratch: Path, table: Table) -> None:
    """Fetch a file from a server that gives each of the answers in turn."""
    given = [answer for _ in range(1 + number // 40) for answer in _answers(chance)]
    chance.shuffle(given)
    for turn, (sort, name, reply) in enumerate(given[:number]):
        table.note(f"response: {sort}", *_fetched(scratch / str(turn), name, reply))


def _fetched(root: Path, name: str, reply: Reply) -> tuple[str, str]:
    archive = Archive(root, clock=PatientClock())
    with Server(lambda _: reply) as server:
        try:
            with HttpClient(
                "host", patience=Patience(attempts=2, read_s=5), per_second=1e6, clock=archive.clock
            ) as http:
                request = Request(f"{server.url}/{name}")
                kept = fetch_file(archive, http, Terms("host", ""), request, Expected()).path.read_bytes()
        except GiiError:
            left = archive.entries()
            return ("silent", f"{reply} was refused and kept") if left else ("detected", "")
        except Exception as error:  # noqa: BLE001 - an error that the pipeline does not know is what is looked for
            return "traceback", f"{reply}: {type(error).__name__}: {error}"
    return ("survived", "") if kept == GOOD else ("silent", f"{reply} was kept")


def _answers(chance: random.Random) -> Iterator[tuple[str, str, Reply]]:
    """The sort of answer, the name of the file that is asked for, the answer."""
    for status in STATUSES:
        yield "a status without a file", "x.csv", Reply(b"x,y\n1,2\n", status)
    for value in WAITS:
        yield "invalid `Retry-After`", "x.csv", Reply(b"", chance.choice((429, 503)), {"Retry-After": value})
    for value in LENGTHS:
        yield "invalid `Content-Length`", "x.csv", Reply(GOOD, 200, {"Content-Length": value}, length=None)
    for value in PLACES:
        status = chance.choice((301, 302, 303, 307, 308))
        yield "a redirect to nowhere", "x.csv", Reply(b"", status, {"Location": value})
    for body in BODIES:
        yield "a body that is not data", "x.csv", Reply(body, 200, {"Content-Type": chance.choice(KINDS)})
    for part in (0, 1, 7):
        yield "a truncated body", "x.csv", Reply(GOOD[:part], 200, length=len(GOOD))
    yield "a truncated body", "x.csv", Reply(GOOD, 200, length=10**15)
    for content in _zips(chance):
        yield "a damaged zip", "x.zip", Reply(content, 200, {"Content-Type": "application/zip"})


def _zips(chance: random.Random) -> Iterator[bytes]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", GOOD * 500)
    whole = buffer.getvalue()
    yield whole[: chance.randrange(4, len(whole))]
    for _ in range(3):
        content = bytearray(whole)
        content[chance.randrange(40, whole.index(b"PK\x01\x02"))] ^= 1 << chance.randrange(8)
        yield bytes(content)
