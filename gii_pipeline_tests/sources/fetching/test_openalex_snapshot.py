"""The OpenAlex snapshot: what its manifest lists, and nothing that is here already."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gii_pipeline.archive import Archive, Entry
from gii_pipeline.errors import FetchStoppedError, InputError, TransientError
from gii_pipeline_tests.archive.server import FileHost, Server, html_reply
from gii_pipeline_tests.conftest import SHARED
from gii_pipeline_tests.sources.fetching.conftest import Fetch
from gii_pipeline_tests.sources.fetching.services import Snapshot, work

EARLY, LATE = "updated_date=2026-03-01/part_0000.gz", "updated_date=2026-06-01/part_0000.gz"


@pytest.fixture
def snapshot() -> Snapshot:
    return Snapshot({EARLY: [work(1), work(2, 2019)], LATE: [work(3)]})


@pytest.fixture
def server(snapshot: Snapshot) -> Iterator[Server]:
    with Server(snapshot) as server:
        yield server


def options(server: Server, **more: object) -> dict[str, object]:
    return {"base_url": server.url, **more}


def ids(entries: list[Entry]) -> list[str]:
    return [
        json.loads(line)["id"] for entry in entries for line in gzip.decompress(entry.path.read_bytes()).splitlines()
    ]


def paths(server: Server) -> list[str]:
    return [asked.path.rpartition("works/")[2] for asked in server.asked]


def test_every_part_of_the_manifest_is_fetched_once_and_serves_every_year(
    fetch: Fetch, server: Server, archive: Archive
) -> None:
    parts = fetch("openalex_snapshot", options(server), 2023)

    assert ids(parts) == [work(1)["id"], work(2)["id"], work(3)["id"]]
    assert [(part.records, part.data_year) for part in parts] == [(2, None), (1, None)]
    assert fetch("openalex_snapshot", options(server), 2019) == parts
    assert fetch("openalex_snapshot", options(server), 2019, offline=True) == parts
    assert paths(server) == ["manifest.json", EARLY, LATE, "manifest.json"]
    assert archive.verify() == []


def test_a_new_release_brings_only_the_parts_that_are_new(fetch: Fetch, server: Server, snapshot: Snapshot) -> None:
    fetch("openalex_snapshot", options(server))
    newest = "updated_date=2026-09-01/part_0000.gz"
    snapshot.parts[newest] = [work(3, 2024)]
    snapshot.parts[LATE] = [work(4), work(5)]
    snapshot.publish("2026-09-30")
    server.asked.clear()

    parts = fetch("openalex_snapshot", options(server, refresh_tolerance_pct=100), refresh=True)

    assert paths(server) == ["manifest.json", LATE, newest, "manifest.json"]
    assert ids(parts) == [work(number)["id"] for number in (1, 2, 4, 5, 3)]


def test_a_new_release_that_lost_records_fails_and_the_old_one_stays(
    fetch: Fetch, server: Server, snapshot: Snapshot
) -> None:
    old = fetch("openalex_snapshot", options(server))
    del snapshot.parts[EARLY]
    snapshot.publish()

    with pytest.raises(FetchStoppedError, match=r"manifest.json: its records changed from 3 to 1, by more than 10 %"):
        fetch("openalex_snapshot", options(server), refresh=True)
    assert fetch("openalex_snapshot", options(server)) == old


def test_the_run_names_how_many_works_a_manifest_lists(
    fetch: Fetch, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    fetch("openalex_snapshot", options(server))
    assert "manifest.json lists 3 works" in caplog.text


def test_a_manifest_without_records_is_never_the_source(fetch: Fetch, server: Server, snapshot: Snapshot) -> None:
    snapshot.parts.clear()
    snapshot.publish()
    with pytest.raises(FetchStoppedError, match="it lists no record"):
        fetch("openalex_snapshot", options(server))


def test_deleted_works_are_a_file_of_their_own(fetch: Fetch, server: Server) -> None:
    (deleted,) = fetch("openalex_snapshot", options(server, what="deleted_ids"))

    assert deleted.name == "deleted_ids.csv.gz"
    assert gzip.decompress(deleted.path.read_bytes()).startswith(b"work_id,deleted_date\n")


def test_a_part_cut_off_in_mid_gzip_is_never_data(
    fetch: Fetch, server: Server, snapshot: Snapshot, archive: Archive
) -> None:
    whole = snapshot.host.files[f"/data/jsonl/works/{LATE}"]
    snapshot.host.files[f"/data/jsonl/works/{LATE}"] = whole[:-9]

    with pytest.raises(TransientError, match="bytes, but its list says"):
        fetch("openalex_snapshot", options(server))
    assert [entry.name for entry in archive.entries()] == ["manifest.json", "part_0000.gz"]

    snapshot.host.files[f"/data/jsonl/works/{LATE}"] = whole
    assert len(ids(fetch("openalex_snapshot", options(server)))) == 3
    assert paths(server).count(EARLY) == 1


def test_a_manifest_that_does_not_add_up_stops(fetch: Fetch, server: Server, snapshot: Snapshot) -> None:
    manifest = json.loads(snapshot.host.files["/data/jsonl/works/manifest.json"])
    manifest["record_count"] = 4
    snapshot.host.files["/data/jsonl/works/manifest.json"] = json.dumps(manifest).encode()

    with pytest.raises(FetchStoppedError, match="its files hold 3 records, but it says 4"):
        fetch("openalex_snapshot", options(server))


def test_a_login_page_in_place_of_the_manifest_stops(fetch: Fetch, server: Server) -> None:
    server.faults = [html_reply()]

    with pytest.raises(FetchStoppedError, match="the response is an HTML page instead of data"):
        fetch("openalex_snapshot", options(server))


def test_a_manifest_that_leads_elsewhere_is_not_followed(fetch: Fetch, server: Server, snapshot: Snapshot) -> None:
    manifest = json.loads(snapshot.host.files["/data/jsonl/works/manifest.json"])
    manifest["files"][0]["url"] = "s3://openalex/data/../private/part_0000.gz"
    snapshot.host.files["/data/jsonl/works/manifest.json"] = json.dumps(manifest).encode()

    with pytest.raises(InputError, match="lies outside the snapshot"):
        fetch("openalex_snapshot", options(server))


CASE = SHARED / "cases" / "openalex_manifest_shrunk"


@pytest.mark.skipif(not CASE.is_dir(), reason="../shared/cases is not here: its files are not part of the repository")
def test_a_snapshot_that_has_shrunk_never_takes_the_place_of_the_larger_one(fetch: Fetch) -> None:
    larger, smaller = (files_of(CASE / date) for date in ("2025-10-01", "2025-11-12"))
    with Server(FileHost(larger)) as server:
        assert sum(part.records or 0 for part in fetch("openalex_snapshot", options(server))) == 10_719
        server.service = FileHost(smaller)
        server.asked.clear()
        assert len(fetch("openalex_snapshot", options(server))) == 2
        assert server.asked == []
        with pytest.raises(FetchStoppedError, match=r"its records changed from 10,719 to 16, by more than 10 %"):
            fetch("openalex_snapshot", options(server), refresh=True)
        assert len(fetch("openalex_snapshot", options(server), offline=True)) == 2


@pytest.mark.skipif(not CASE.is_dir(), reason="../shared/cases is not here: its files are not part of the repository")
def test_a_small_snapshot_on_a_fresh_archive_is_named_and_the_larger_one_takes_its_place_when_allowed(
    fetch: Fetch, caplog: pytest.LogCaptureFixture
) -> None:
    with Server(FileHost(files_of(CASE / "2025-11-12"))) as server:
        with pytest.raises(FetchStoppedError, match=r"lists 16 records, and the source is known to have 10,000"):
            fetch("openalex_snapshot", options(server, least_records=10_000))
        assert [part.records for part in fetch("openalex_snapshot", options(server))] == [16]
        assert "manifest.json lists 16 works" in caplog.text
        server.service = FileHost(files_of(CASE / "2025-10-01"))
        with pytest.raises(FetchStoppedError, match="increase `refresh_tolerance_pct`"):
            fetch("openalex_snapshot", options(server), refresh=True)
        allowed = options(server, refresh_tolerance_pct=1e6)
        assert sum(part.records or 0 for part in fetch("openalex_snapshot", allowed, refresh=True)) == 10_719


def files_of(folder: Path) -> dict[str, bytes]:
    """What a folder holds, by the path under which a server has it."""
    return {f"/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}
