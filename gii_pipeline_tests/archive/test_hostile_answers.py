"""Answers that make no sense end in an error of the pipeline that names source and address; none is kept as data."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gii_pipeline.archive import Archive, Entry, Expected, HttpClient, Patience, Request, Terms, fetch_file
from gii_pipeline.archive.download import KEPT_FREE
from gii_pipeline.errors import GiiError
from gii_pipeline_tests.archive.clock import PatientClock
from gii_pipeline_tests.archive.server import Reply, Server

TABLE = b"a,b\n1,2\n"
HUGE = "9" * 400


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(lambda _: Reply(TABLE, 200, {"Content-Type": "text/csv"})) as server:
        yield server


def fetch(root: Path, server: Server, path: str = "/x.csv", **archive: int) -> Entry:
    opened = Archive(root, clock=PatientClock(), **archive)  # type: ignore[arg-type]
    patience = Patience(attempts=2, read_s=5)
    with HttpClient("host", patience=patience, per_second=1e6, clock=opened.clock) as http:
        return fetch_file(opened, http, Terms("host", "CC0-1.0"), Request(server.url + path), Expected())


@pytest.mark.parametrize(
    ("status", "name", "value"),
    [
        (429, "Retry-After", "1000000000000"),
        (429, "Retry-After", HUGE),
        (429, "Retry-After", "\xb2"),
        (429, "Retry-After", "-5"),
        (429, "Retry-After", "NaN"),
        (503, "Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"),
        (503, "Retry-After", "Fri, 31 Foo 0000 99:99:99 +9999"),
        (302, "Location", "http://[bad"),
        (302, "Location", "http://127.0.0.1:99999/x.csv"),
        (302, "Location", f"http://{'a' * 70}.example/x.csv"),
        (302, "Location", "http://\xb2.example\xff/x.csv"),
        (302, "Location", "file:///etc/passwd"),
        (302, "Location", "javascript:alert(1)"),
        (302, "Location", "http:///x.csv"),
    ],
)
def test_a_header_that_makes_no_sense_ends_in_a_message(
    tmp_path: Path, server: Server, status: int, name: str, value: str
) -> None:
    server.service = lambda _: Reply(b"x", status, {name: value})

    with pytest.raises(GiiError, match=r"^host: http://127.*x\.csv"):
        fetch(tmp_path, server)

    assert Archive(tmp_path).entries() == []


@pytest.mark.parametrize("length", ["\xb2", HUGE, "5, 6", "-1"])
def test_a_length_that_is_no_number_is_a_message_or_the_whole_file(tmp_path: Path, server: Server, length: str) -> None:
    server.service = lambda _: Reply(TABLE, 200, {"Content-Length": length}, length=None)

    try:
        assert fetch(tmp_path, server).path.read_bytes() == TABLE
    except GiiError as error:
        assert "x.csv" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/plain", b"Service temporarily unavailable"),
        (200, "text/plain", b"Service temporarily unavailable\nPlease try again later\n"),
        (200, "text/csv", b""),
        (200, "text/csv", b" \r\n"),
        (200, "text/csv", bytes(64)),
        (200, "application/json", b'{"error": "quota exceeded"}'),
        (200, "application/json", b'{\n "status": 403,\n "message": "no"\n}\n'),
        (202, "text/plain", b"being prepared"),
        (203, "text/csv", TABLE),
        (204, "", b""),
        (206, "text/csv", TABLE),
        (300, "text/plain", b"choose"),
        (304, "", b""),
        (999, "text/plain", b"denied"),
        (200, "text/html", b"<!doctype html><html>login</html>"),
        (404, "text/plain", b"not found"),
    ],
)
def test_an_answer_that_is_no_data_is_not_kept_and_the_next_run_takes_the_good_one(
    tmp_path: Path, server: Server, status: int, kind: str, body: bytes
) -> None:
    good, server.service = server.service, lambda _: Reply(body, status, {"Content-Type": kind})

    with pytest.raises(GiiError, match=r"^host: http://127.*x\.csv"):
        fetch(tmp_path, server)
    assert Archive(tmp_path).entries() == []

    server.service = good
    assert fetch(tmp_path, server).path.read_bytes() == TABLE


@pytest.mark.parametrize("body", [b"\n".join([b"work_id", b"W1", b"W2"]), b"a\tb c\n1\t2\n", b"id|name\n1|x\n"])
def test_a_table_of_one_column_or_another_delimiter_is_kept(tmp_path: Path, server: Server, body: bytes) -> None:
    server.service = lambda _: Reply(body)

    assert fetch(tmp_path, server, "/x.txt").path.read_bytes() == body


@pytest.mark.parametrize("flaw", ["encrypted", "unknown method"])
def test_a_zip_that_nobody_here_can_unpack_is_a_failed_fetch(tmp_path: Path, server: Server, flaw: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", TABLE)
    content = bytearray(buffer.getvalue())
    central = content.index(b"PK\x01\x02")
    for at, change in ((6, 1), (central + 8, 1)) if flaw == "encrypted" else ((8, 97), (central + 10, 97)):
        content[at] = change
    server.service = lambda _: Reply(bytes(content))

    with pytest.raises(GiiError, match="the zip file cannot be unpacked"):
        fetch(tmp_path, server, "/x.zip")
    assert Archive(tmp_path).entries() == []


def test_a_file_larger_than_the_disk_or_the_limit_stops_before_it_is_read(tmp_path: Path, server: Server) -> None:
    server.service = lambda _: Reply(TABLE, 200, {"Content-Length": str(10**17)}, length=None)
    with pytest.raises(GiiError, match=r"100,000,000,000,000,000 bytes or more, and .* are free under"):
        fetch(tmp_path, server)

    server.service = lambda _: Reply(TABLE * 1000)
    with pytest.raises(GiiError, match="GII_MAX_DISK allows 100: raise it"):
        fetch(tmp_path, server, max_disk=100)
    assert KEPT_FREE > 0


def test_a_page_that_unpacks_to_more_than_fits_in_memory_stops(server: Server) -> None:
    import gzip

    bomb = gzip.compress(bytes(80 << 20))
    server.service = lambda _: Reply(bomb, 200, {"Content-Encoding": "gzip"})
    with (
        HttpClient("host", per_second=1e6, clock=PatientClock()) as http,
        pytest.raises(GiiError, match="larger than 64 MB unpacked"),
    ):
        http.page(Request(server.url + "/page"))
