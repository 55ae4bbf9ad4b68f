"""Files fetched over HTTP, from servers that behave and servers that do not."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gii_pipeline.archive import Archive, Entry, Expected, HttpClient, Patience, Request, Terms, fetch_file
from gii_pipeline.errors import FetchStoppedError, InputError, TransientError
from gii_pipeline_tests.archive.clock import PatientClock
from gii_pipeline_tests.archive.server import Asked, FileHost, Reply, Server, html_reply

CONTENT = os.urandom(300_000)
TERMS = Terms("host", "CC0-1.0", tolerance_pct=10)


@pytest.fixture
def host() -> FileHost:
    return FileHost({"/a.bin": CONTENT})


@pytest.fixture
def server(host: FileHost) -> Iterator[Server]:
    with Server(host) as server:
        yield server


def fetch(
    archive: Archive, server: Server, path: str = "/a.bin", expected: Expected | None = None, **patience: float
) -> Entry:
    settings = Patience.model_validate({"backoff_s": 0.001, "read_s": 5, "attempts": 4, **patience})
    with HttpClient("host", patience=settings, per_second=1e6, clock=archive.clock, resume="gii ingest") as http:
        return fetch_file(archive, http, TERMS, Request(server.url + path), expected)


def parts(archive: Archive) -> list[Path]:
    return sorted((archive.folder / "host" / ".work").glob("*.part"))


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def test_a_file_is_kept_with_what_is_known_of_it(tmp_path: Path, server: Server) -> None:
    archive = Archive(tmp_path)

    entry = fetch(archive, server)

    assert entry.path.read_bytes() == CONTENT
    assert entry.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (entry.address, entry.name, entry.status, entry.bytes, entry.licence, entry.content_type) == (
        f"{server.url}/a.bin", "a.bin", 200, len(CONTENT), "CC0-1.0", "application/octet-stream",
    )  # fmt: skip
    assert entry.client.startswith("gii-pipeline/")
    assert archive.entries("host") == [entry]
    assert archive.verify() == []
    assert parts(archive) == []


def test_a_file_that_is_here_is_not_asked_for_again(tmp_path: Path, server: Server) -> None:
    entry = fetch(Archive(tmp_path), server)

    assert fetch(Archive(tmp_path), server) == entry
    assert len(server.asked) == 1


def test_offline_replays_and_names_what_is_missing(tmp_path: Path, server: Server) -> None:
    entry = fetch(Archive(tmp_path), server)
    offline = Archive(tmp_path, offline=True)

    assert fetch(offline, server) == entry
    with pytest.raises(InputError, match=r"/b\.bin is not in the archive .*`gii ingest --years <years>`"):
        fetch(offline, server, "/b.bin")
    assert len(server.asked) == 1


@pytest.mark.parametrize("etags", [True, False])
def test_a_download_reset_in_mid_body_ends_whole(tmp_path: Path, server: Server, host: FileHost, etags: bool) -> None:
    host.etags = etags
    headers = dict(host(_asked("/a.bin")).headers)
    server.faults = [Reply(CONTENT, 200, headers, reset_after=100_000)]

    entry = fetch(Archive(tmp_path), server)

    assert entry.path.read_bytes() == CONTENT
    resumed = server.asked[1].headers.get("range")
    assert resumed == ("bytes=100000-" if etags else None)


def test_a_server_that_ignores_ranges_is_read_from_the_start(tmp_path: Path, server: Server, host: FileHost) -> None:
    host.ranges = False
    server.faults = [Reply(CONTENT, 200, {"ETag": f'"{hash(CONTENT)}"'}, reset_after=100_000)]

    assert fetch(Archive(tmp_path), server).path.read_bytes() == CONTENT
    assert "range" in server.asked[1].headers


def test_a_file_that_changes_between_two_tries_is_not_mixed(tmp_path: Path, server: Server, host: FileHost) -> None:
    server.faults = [Reply(os.urandom(300_000), 200, {"ETag": '"older"'}, reset_after=100_000)]

    assert fetch(Archive(tmp_path), server).path.read_bytes() == CONTENT
    assert server.asked[1].headers["if-range"] == '"older"'


def test_a_range_of_another_version_or_place_is_not_appended(tmp_path: Path, server: Server) -> None:
    etag = f'"{hash(CONTENT)}"'
    broken = Reply(CONTENT, 200, {"ETag": etag}, reset_after=100_000)
    server.faults = [
        broken,
        Reply(CONTENT[5:], 206, {"ETag": etag, "Content-Range": "bytes 5-299999/300000"}),
        broken,
        Reply(CONTENT[100_000:], 206, {"ETag": '"other"', "Content-Range": "bytes 100000-299999/300000"}),
    ]

    assert fetch(Archive(tmp_path), server, attempts=6).path.read_bytes() == CONTENT
    assert len(server.asked) == 5


def test_a_broken_download_is_resumed_by_the_next_run(tmp_path: Path, server: Server) -> None:
    broken = Reply(CONTENT, 200, {"ETag": f'"{hash(CONTENT)}"'}, reset_after=100_000)
    server.faults = [broken]
    with pytest.raises(TransientError, match=r"broke during the body.*after 1 attempts.*`gii ingest`"):
        fetch(Archive(tmp_path), server, attempts=1)
    assert Archive(tmp_path).entries() == []

    assert fetch(Archive(tmp_path), server).path.read_bytes() == CONTENT
    assert server.asked[-1].headers["range"] == "bytes=100000-"


def test_a_download_killed_after_its_last_byte_is_not_asked_for_again(tmp_path: Path, server: Server) -> None:
    entry = fetch(Archive(tmp_path / "whole"), server)
    archive = Archive(tmp_path / "killed")
    server.faults = [Reply(CONTENT, 200, {"ETag": f'"{hash(CONTENT)}"'}, reset_after=100_000)]
    with pytest.raises(TransientError):
        fetch(archive, server, attempts=1)
    parts(archive)[0].write_bytes(CONTENT)
    asked = len(server.asked)

    assert fetch(archive, server).sha256 == entry.sha256
    assert len(server.asked) == asked


def test_progress_is_not_counted_as_failure(tmp_path: Path, server: Server) -> None:
    def cut(asked: object) -> Reply:
        whole = FileHost({"/a.bin": CONTENT})(asked)  # type: ignore[arg-type]
        return Reply(whole.body, whole.status, whole.headers, reset_after=30_000)

    server.faults = [cut] * 9

    assert fetch(Archive(tmp_path), server, attempts=2, stall_bytes=10_000).path.read_bytes() == CONTENT


def test_a_trickle_is_given_up_with_what_came_kept(tmp_path: Path, server: Server) -> None:
    slow = Reply(CONTENT, 200, {"ETag": f'"{hash(CONTENT)}"'}, trickle=50)
    server.faults = [slow]
    began = time.monotonic()
    with pytest.raises(TransientError, match="stalled"):
        fetch(Archive(tmp_path), server, attempts=1, stall_s=0.5)
    assert time.monotonic() - began < 5

    assert fetch(Archive(tmp_path), server).path.read_bytes() == CONTENT
    assert int(server.asked[-1].headers["range"].strip("bytes=-")) >= 50


def test_a_silent_server_times_out(tmp_path: Path, server: Server) -> None:
    def silent(_: object) -> Reply:
        time.sleep(1)
        return Reply()

    server.faults = [silent]

    assert fetch(Archive(tmp_path), server, read_s=0.2).path.read_bytes() == CONTENT


def test_a_body_shorter_than_announced_is_not_data(tmp_path: Path, server: Server) -> None:
    server.faults = [Reply(CONTENT[:1000], 200, {}, length=len(CONTENT))]

    assert fetch(Archive(tmp_path), server).path.read_bytes() == CONTENT


def test_a_truncated_gzip_is_a_failed_fetch_and_never_data(tmp_path: Path, server: Server, host: FileHost) -> None:
    whole = gzip.compress(CONTENT)
    host.files["/part.gz"] = whole[:-20]
    archive = Archive(tmp_path)

    with pytest.raises(TransientError, match=r"gzip file is truncated.*after 2 attempts"):
        fetch(archive, server, "/part.gz")
    assert archive.entries() == []
    assert parts(archive) == []

    host.files["/part.gz"] = whole
    assert fetch(archive, server, "/part.gz").path.read_bytes() == whole


@pytest.mark.parametrize("flaw", ["cut", "flipped"])
def test_a_damaged_zip_is_a_failed_fetch(tmp_path: Path, server: Server, host: FileHost, flaw: str) -> None:
    whole = zipped(data=CONTENT)
    host.files["/a.zip"] = whole[:-40] if flaw == "cut" else whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:]

    with pytest.raises(TransientError, match="zip file"):
        fetch(Archive(tmp_path), server, "/a.zip")


def test_a_cut_parquet_file_is_a_failed_fetch(tmp_path: Path, server: Server, host: FileHost) -> None:
    host.files["/a.parquet"] = b"PAR1" + CONTENT

    with pytest.raises(TransientError, match="Parquet file is truncated"):
        fetch(Archive(tmp_path), server, "/a.parquet")


def test_a_hash_that_differs_is_a_failed_fetch(tmp_path: Path, server: Server) -> None:
    right, wrong = hashlib.sha256(CONTENT).hexdigest(), 64 * "0"
    archive = Archive(tmp_path)

    with pytest.raises(TransientError, match=f"its sha256 is not {wrong}"):
        fetch(archive, server, expected=Expected(sha256=wrong))
    assert archive.entries() == []

    assert fetch(archive, server, expected=Expected(sha256=right)).sha256 == right


def test_a_file_of_another_size_than_listed_is_a_failed_fetch(tmp_path: Path, server: Server) -> None:
    with pytest.raises(TransientError, match="it has 300000 bytes, but its list says 300001"):
        fetch(Archive(tmp_path), server, expected=Expected(bytes=300_001))


@pytest.mark.parametrize("path", ["/a.zip", "/part.gz", "/a.bin"])
def test_html_where_data_is_promised_stops_at_once(tmp_path: Path, server: Server, path: str) -> None:
    server.faults = [html_reply()]

    with pytest.raises(FetchStoppedError, match=r"the response is an HTML page.*Resume with `gii ingest`"):
        fetch(Archive(tmp_path), server, path)
    assert len(server.asked) == 1


def test_html_under_another_content_type_is_not_data_either(tmp_path: Path, server: Server) -> None:
    server.faults = [Reply(b"\n <HTML><body>moved</body>", 200, {"Content-Type": "application/zip"}, trickle=1)]

    with pytest.raises(FetchStoppedError, match=r"not a zip file|HTML page"):
        fetch(Archive(tmp_path), server, "/a.zip")


def test_a_json_error_with_status_200_is_no_zip(tmp_path: Path, server: Server) -> None:
    server.faults = [Reply(b'{"error": "quota"}', 200, {"Content-Type": "application/json"})]

    with pytest.raises(FetchStoppedError, match=r"not a zip file; it starts with b'\{\"error\": \"quota\"\}'"):
        fetch(Archive(tmp_path), server, "/a.zip")


def test_an_encoded_file_is_refused_rather_than_mistaken(tmp_path: Path, server: Server) -> None:
    server.faults = [Reply(gzip.compress(CONTENT), 200, {"Content-Encoding": "gzip"})]

    with pytest.raises(FetchStoppedError, match="is encoded"):
        fetch(Archive(tmp_path), server)
    assert server.asked[0].headers["accept-encoding"] == "identity"


def test_refresh_asks_anew_once_a_run_and_keeps_both(tmp_path: Path, server: Server, host: FileHost) -> None:
    old = fetch(Archive(tmp_path), server)
    host.files["/a.bin"] = os.urandom(310_000)
    refreshing = Archive(tmp_path, refresh=True)

    new = fetch(refreshing, server)

    assert new.sha256 != old.sha256
    assert fetch(refreshing, server) == new
    assert len(server.asked) == 2
    assert old.path.exists()
    assert Archive(tmp_path).entries("host") == [new]
    assert Archive(tmp_path).verify() == []


def test_a_refresh_that_opens_the_archive_anew_for_every_year_asks_once(tmp_path: Path, server: Server) -> None:
    fetch(Archive(tmp_path), server)
    began = Archive(tmp_path).clock.timestamp()

    for _ in range(3):
        fetch(Archive(tmp_path, refresh=True, since=began), server)

    assert len(server.asked) == 2


def test_a_refresh_that_moves_the_size_too_far_fails_and_the_old_entry_stays(
    tmp_path: Path, server: Server, host: FileHost
) -> None:
    old = fetch(Archive(tmp_path), server)
    host.files["/a.bin"] = CONTENT[:200_000]

    with pytest.raises(FetchStoppedError, match=r"bytes changed from 300,000 to 200,000, by more than 10 %"):
        fetch(Archive(tmp_path, refresh=True), server)

    assert Archive(tmp_path).entries("host") == [old]


def test_a_listed_file_that_is_unchanged_is_not_downloaded_even_by_a_refresh(tmp_path: Path, server: Server) -> None:
    listed = Expected(bytes=len(CONTENT), records=7)
    entry = fetch(Archive(tmp_path), server, expected=listed)

    assert fetch(Archive(tmp_path, refresh=True), server, expected=listed) == entry
    assert len(server.asked) == 1
    assert entry.records == 7


def test_a_listed_file_that_has_changed_is_downloaded_again(tmp_path: Path, server: Server, host: FileHost) -> None:
    fetch(Archive(tmp_path), server, expected=Expected(bytes=300_000, records=100))
    host.files["/a.bin"] = CONTENT + b"more"

    entry = fetch(Archive(tmp_path), server, expected=Expected(bytes=300_004, records=101))

    assert (entry.bytes, entry.records) == (300_004, 101)


def test_two_archives_that_want_one_file_at_once_download_it_once(tmp_path: Path, server: Server) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        entries = list(pool.map(lambda _: fetch(Archive(tmp_path), server), range(4)))

    assert len({entry.sha256 for entry in entries}) == 1
    assert len(server.asked) == 1


def test_waits_grow_and_the_last_failure_is_named(tmp_path: Path, server: Server) -> None:
    clock = PatientClock()
    server.faults = [Reply(b"over capacity", 503)] * 9

    with pytest.raises(TransientError, match=r"/a\.bin: status 503: over capacity, after 4 attempts"):
        fetch(Archive(tmp_path, clock=clock), server, backoff_s=1)

    first, second, third = (wait for wait in clock.slept if wait > 0.01)
    assert 0.5 <= first <= 1.5
    assert 1 <= second <= 3
    assert 2 <= third <= 6


def _asked(path: str) -> Asked:
    return Asked("GET", path, {}, {}, b"")
