"""A source whose files are deleted as they are read: nothing is lost, and nothing comes twice."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gii_pipeline.archive import Archive, Entry
from gii_pipeline.errors import FetchStoppedError, InputError, MachineError, TransientError
from gii_pipeline.profiles import Fetch, Input
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.extracts import Extracts
from gii_pipeline.sources.fetching import openalex_snapshot
from gii_pipeline.sources.gathering import gather
from gii_pipeline.sources.streaming import unstreamable
from gii_pipeline.sources.working import in_processes
from gii_pipeline_tests.archive.server import Asked, Reply, Server
from gii_pipeline_tests.sources.fetching.services import Snapshot, noise, work

FIRST, SECOND, THIRD = (f"updated_date=2026-0{month}-01/part_0000.gz" for month in (3, 4, 5))
PROCESSES = multiprocessing.get_context("spawn")
SHOWN = "record_id, year, person_seq, institution_id, address, fraction, fields, traits"


@pytest.fixture
def snapshot() -> Snapshot:
    return Snapshot({FIRST: [work(1), work(2, 2019)], SECOND: [work(3), work(4)], THIRD: [work(5)]})


@pytest.fixture
def server(snapshot: Snapshot) -> Iterator[Server]:
    with Server(snapshot) as server:
        yield server


class Root:
    """A root in which the works of a snapshot are read as they come."""

    def __init__(self, folder: Path, server: Server, **options: Any) -> None:
        self.folder, self.server, self.options = folder, server, options
        self.extracts = Extracts(folder / "extracts")
        self.at_address: Input | None = None

    @property
    def input(self) -> Input:
        if self.at_address:
            return self.at_address
        fetch = Fetch(fetch="openalex_snapshot", base_url=self.server.url, per_second=10_000, **self.options)
        return Input(reader="openalex_works", files={"works": fetch}, keep="extract")

    def archive(self, *, offline: bool = False, refresh: bool = False) -> Archive:
        return Archive(self.folder, offline=offline, refresh=refresh)

    def gather(self, **how: bool) -> list[Entry]:
        """The entries; what the server was asked before is forgotten."""
        self.server.asked.clear()
        return list(next(iter(gather(self.archive(**how), self.input, 2020, self.extracts).values())))

    def rows(self) -> list[tuple[Any, ...]]:
        files = [str(path) for path in sorted(self.extracts.folder.rglob("*.parquet"))]
        with duckdb.connect() as con:
            return con.execute(f"SELECT {SHOWN} FROM read_parquet({files}) ORDER BY ALL").fetchall()

    @property
    def asked(self) -> list[str]:
        return [asked.path.rpartition("works/")[2] for asked in self.server.asked]

    @property
    def raw(self) -> list[str]:
        """The parts whose bytes are in the archive."""
        kept = {path.name for path in (self.folder / "archive").rglob("??/*")}
        return [entry.address for entry in self.archive().entries() if entry.sha256 in kept and "part_" in entry.name]


@pytest.fixture
def root(tmp_path: Path, server: Server) -> Root:
    return Root(tmp_path, server)


def test_a_part_is_deleted_when_it_was_read_and_never_asked_for_again(root: Root) -> None:
    entries = root.gather()

    assert root.asked == ["manifest.json", FIRST, SECOND, THIRD, "manifest.json"]
    assert [row[0] for row in root.rows()] == [work(number)["id"] for number in range(1, 6)]
    assert root.raw == []
    assert root.archive().verify() == []
    assert root.gather() == entries
    assert root.asked == []
    assert root.gather(offline=True) == entries


def test_a_new_release_reads_the_parts_that_changed(root: Root, snapshot: Snapshot) -> None:
    root.gather()
    snapshot.parts[SECOND] = [work(3), work(4, 2021), work(6)]
    snapshot.publish("2026-09-30")
    root.options["refresh_tolerance_pct"] = 100

    entries = root.gather(refresh=True)

    assert root.asked == ["manifest.json", SECOND, "manifest.json"]
    assert [entry.records for entry in entries] == [2, 3, 1]


def test_what_is_no_longer_here_is_named_with_its_place(root: Root) -> None:
    root.gather()
    for path in root.extracts.folder.rglob("*.parquet"):
        path.unlink()
    with pytest.raises(
        InputError, match=rf"{FIRST} is no longer in the archive .* \(deleted after it was read, as `keep"
    ):
        root.gather(offline=True)
    root.gather()
    assert root.asked == [FIRST, SECOND, THIRD, "manifest.json"]
    assert len(root.rows()) == 5


def test_a_part_with_fewer_records_than_listed_stops_and_is_fetched_again_alone(root: Root, snapshot: Snapshot) -> None:
    listed = json.loads(snapshot.host.files["/data/jsonl/works/manifest.json"])
    listed["files"][1]["meta"]["record_count"], listed["record_count"] = 7, 10
    short = json.dumps(listed).encode()
    right = snapshot.host.files["/data/jsonl/works/manifest.json"]
    snapshot.host.files["/data/jsonl/works/manifest.json"] = short

    with pytest.raises(InputError, match=f"{SECOND} has 2 records, and its source lists 7"):
        root.gather()
    assert len(root.rows()) == 2
    assert root.raw == []

    snapshot.host.files["/data/jsonl/works/manifest.json"] = right
    root.options["refresh_tolerance_pct"] = 100
    root.gather(refresh=True)
    assert root.asked == ["manifest.json", SECOND, THIRD, "manifest.json"]
    assert len(root.rows()) == 5


def test_counts_that_a_person_does_not_trust_stop_nothing(root: Root, snapshot: Snapshot) -> None:
    listed = json.loads(snapshot.host.files["/data/jsonl/works/manifest.json"])
    listed["files"][1]["meta"]["record_count"], listed["record_count"] = 7, 10
    snapshot.host.files["/data/jsonl/works/manifest.json"] = json.dumps(listed).encode()
    root.options["trust_counts"] = False
    root.gather()
    assert len(root.rows()) == 5


def test_a_manifest_that_is_replaced_meanwhile_stops_and_the_next_run_goes_by_the_new_one(
    root: Root, snapshot: Snapshot, server: Server
) -> None:
    def replaced(asked: Asked) -> Reply:
        if asked.path.endswith(SECOND) and SECOND in snapshot.parts:
            snapshot.parts = {FIRST: [work(1), work(2, 2019)], THIRD: [work(3), work(4), work(5)]}
            snapshot.publish("2026-09-30")
            del snapshot.host.files[f"/data/jsonl/works/{SECOND}"]
        return snapshot(asked)

    server.service = replaced
    root.options["refresh_tolerance_pct"] = 100
    with pytest.raises(FetchStoppedError, match=r"manifest of 2026-06-30 was replaced .* by one of 2026-09-30"):
        root.gather()

    root.gather()
    assert root.asked == [THIRD, "manifest.json"]
    assert sorted({row[0] for row in root.rows()}) == [work(number)["id"] for number in range(1, 6)]


def test_a_manifest_smaller_than_the_source_is_known_to_be_is_refused_on_a_fresh_archive(root: Root) -> None:
    root.options["least_records"] = 1_000
    with pytest.raises(
        FetchStoppedError, match=r"lists 5 records, and the source is known to have 1,000 or more.*least"
    ):
        root.gather()
    assert openalex_snapshot.SnapshotOptions().least > 100_000_000
    root.options["least_records"] = 5
    assert len(root.gather()) == 3


def test_what_a_person_allows_holds_until_a_day(root: Root) -> None:
    root.options |= {"least_records": 5, "trust_counts": False, "allowed_until": "2100-01-31"}
    entries = root.gather()
    root.options["allowed_until"] = "2026-01-31"
    with pytest.raises(
        InputError, match=r"allows least_records, trust_counts until 2026-01-31, and that date has passed"
    ):
        root.gather()
    assert root.gather(offline=True) == entries


def test_a_part_with_other_bytes_than_listed_stops_by_its_name_and_the_others_stay(
    root: Root, snapshot: Snapshot
) -> None:
    snapshot.host.files[f"/data/jsonl/works/{SECOND}"] += b"more"
    root.options["patience"] = {"backoff_s": 0}
    with pytest.raises(TransientError, match=f"{SECOND}.* bytes, but its list says"):
        root.gather()
    assert len(root.rows()) == 2
    assert root.raw == []


def test_a_new_list_of_deleted_works_reads_no_part_again(root: Root) -> None:
    root.gather()
    before = {path: path.stat().st_mtime_ns for path in root.extracts.folder.rglob("*.parquet")}
    root.server.asked.clear()
    deleted = Fetch(fetch="openalex_snapshot", base_url=root.server.url, what="deleted_ids")
    files = {**root.input.files, "deleted_ids": deleted}

    gather(root.archive(), root.input.model_copy(update={"files": files}), 2020, root.extracts)

    assert root.asked == ["deleted_ids.csv.gz"]
    assert {path: path.stat().st_mtime_ns for path in root.extracts.folder.rglob("*.parquet")} == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reader": "patentsview_tables", "files": {"pct": Fetch(fetch="file_url", url="http://x/y.zip")}}, "together"),
        ({"files": {"works": Fetch(fetch="openalex_api")}}, "fetches pages of a list"),
        ({"files": {"works": (Path("works.gz"),)}}, "name a client"),
    ],
)
def test_sources_that_cannot_be_read_file_by_file_keep_their_files(
    root: Root, change: dict[str, Any], said: str
) -> None:
    assert said in unstreamable(root.input.model_copy(update=change))


# --- Parquet: only the columns that the reader needs ---


def authored(number: int) -> dict[str, Any]:
    """A work of one to three authors whose columns hardly shrink, so that they have more bytes than the footer."""
    printed = noise(100, -number - 1).hex()
    place = {"id": f"https://openalex.org/I{number % 7}", "ror": None, "display_name": f"University {number % 7}"}
    author = {
        "author": {"id": f"https://openalex.org/A{number}", "display_name": f"Ann Author {number}" * 3},
        "institutions": [{**place, "country_code": "NO", "lineage": [f"https://openalex.org/I{n}" for n in range(9)]}],
        "countries": ["NO"],
        "raw_affiliation_strings": [printed],
        "affiliations": [{"raw_affiliation_string": printed, "institution_ids": [place["id"]]}],
        "raw_author_name": f"Author, Ann {number}",
    }
    abstract = {"abstract": noise(400, number).hex()}
    source = {"source": {"is_core": number % 2 == 0, "type": "journal", "publisher": "P" * 30}, "license": "cc-by"}
    return {**work(number), **abstract, "authorships": [author] * (1 + number % 3), "primary_location": source}


def parquet(works: list[dict[str, Any]], rows_a_group: int = 1_500) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(works), out, row_group_size=rows_a_group, compression="zstd")
    return out.getvalue()


@pytest.fixture(scope="module")
def works() -> list[dict[str, Any]]:
    return [authored(number) for number in range(3_000)]


@pytest.fixture
def columns(tmp_path: Path, works: list[dict[str, Any]]) -> Iterator[Root]:
    """A root whose snapshot has one Parquet part."""
    content, name = parquet(works), "updated_date=2026-03-01/part_0000.parquet"
    meta = {"content_length": len(content), "record_count": len(works)}
    listed = {"url": f"s3://openalex/data/parquet/works/{name}", "meta": meta}
    manifest = {"date": "2026-06-30", "record_count": len(works), "files": [listed]}
    snapshot = Snapshot({})
    snapshot.host.files = {
        f"/data/parquet/works/{name}": content,
        "/data/parquet/works/manifest.json": json.dumps(manifest).encode(),
    }
    with Server(snapshot) as server:
        yield Root(tmp_path, server, format="parquet")


def test_of_a_parquet_part_only_the_needed_columns_come(
    columns: Root, works: list[dict[str, Any]], tmp_path: Path
) -> None:
    (entry,) = columns.gather()

    assert entry.needed is not None
    assert entry.fetched is not None
    assert entry.fetched <= 1.1 * entry.needed
    assert entry.fetched < entry.bytes / 2
    ranges = [asked.headers for asked in columns.server.asked if asked.path.endswith(".parquet")]
    assert {headers.get("if-match") for headers in ranges[1:]} == {ranges[1]["if-match"]}
    assert columns.raw == []
    assert columns.archive().verify() == []
    assert columns.rows() == read_whole(tmp_path / "whole.parquet", parquet(works))


def read_whole(path: Path, content: bytes) -> list[tuple[Any, ...]]:
    """The rows of a part that is all there."""
    path.write_bytes(content)
    with duckdb.connect() as con:
        source = SOURCES["openalex_works"]
        return source.extracted(con, {"works": [path]}, source.parsed({})).select(SHOWN).order("ALL").fetchall()


def test_a_part_replaced_between_two_ranges_is_never_mixed(columns: Root, works: list[dict[str, Any]]) -> None:
    service = columns.server.service
    host = service.host  # type: ignore[attr-defined]

    def replaced(asked: Asked) -> Reply:
        if asked.path.endswith(".parquet") and "if-match" in asked.headers:
            host.files[asked.path] = parquet(works[:-1])
        return service(asked)

    columns.server.service = replaced
    with pytest.raises(FetchStoppedError, match=r"part_0000.parquet: it was replaced while its columns were read"):
        columns.gather()
    assert list(columns.extracts.folder.rglob("*.parquet")) == []


def test_a_server_without_ranges_gives_the_whole_part(columns: Root, works: list[dict[str, Any]]) -> None:
    columns.server.service.host.ranges = False  # type: ignore[attr-defined]
    (entry,) = columns.gather()
    assert (entry.fetched, entry.records) == (None, len(works))
    assert len({row[0] for row in columns.rows()}) == len(works)
    assert columns.gather() == [entry]


def test_a_parquet_part_with_fewer_records_than_listed_stops(columns: Root) -> None:
    files = columns.server.service.host.files  # type: ignore[attr-defined]
    manifest = json.loads(files["/data/parquet/works/manifest.json"])
    manifest["record_count"] = manifest["files"][0]["meta"]["record_count"] = 3_001
    files["/data/parquet/works/manifest.json"] = json.dumps(manifest).encode()
    columns.options["patience"] = {"backoff_s": 0}
    with pytest.raises(TransientError, match=r"part_0000.parquet: it has 3,000 records, but its list says 3,001"):
        columns.gather()


# --- one file at an address, whose size nobody lists ---


def at_address(root: Root, path: str, reader: str, role: str) -> Root:
    """The root with a source that is one file."""
    fetch = Fetch(fetch="file_url", url=f"{root.server.url}{path}")
    root.at_address = Input(reader=reader, files={role: fetch}, keep="extract")
    return root


def test_a_file_that_shrank_since_it_was_read_and_deleted_is_refused(root: Root, snapshot: Snapshot) -> None:
    people = "record_id,year,record_type,city,economy\n" + "".join(f"A{n},2020,article,Oslo,NO\n" for n in range(99))
    snapshot.host.files["/people.csv"] = people.encode()
    at_address(root, "/people.csv", "local", "people").gather()
    assert root.raw == []
    before = len(root.rows())

    snapshot.host.files["/people.csv"] = people.encode()[: len(people) // 2]
    with pytest.raises(FetchStoppedError, match=r"bytes changed from .* by more than 10 %"):
        root.gather(refresh=True)
    assert len(root.rows()) == before == 99


def test_columns_of_a_file_at_an_address_are_fetched_again_on_refresh_unless_it_shrank(
    columns: Root, works: list[dict[str, Any]]
) -> None:
    path = "/data/parquet/works/updated_date=2026-03-01/part_0000.parquet"
    files = columns.server.service.host.files  # type: ignore[attr-defined]
    at_address(columns, path, "openalex_works", "works").gather()
    assert columns.gather() is not None
    assert columns.asked == []

    files[path] = parquet([*works[:-1], authored(5_000)])
    columns.gather(refresh=True)
    assert "https://openalex.org/W0000005000" in {row[0] for row in columns.rows()}

    files[path] = parquet(works[:1_000])
    with pytest.raises(FetchStoppedError, match=r"bytes changed from .* by more than 10 %"):
        columns.gather(refresh=True)


# --- processes ---


def doubled(number: int) -> int:
    return 2 * number


def killed_once(flag: str) -> str:
    """Kills its process, unless the file is there."""
    try:
        Path(flag).touch(exist_ok=False)
    except FileExistsError:
        return "done"
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


def killed(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_processes_give_what_one_gives_and_one_that_is_killed_is_replaced_once(tmp_path: Path) -> None:
    assert in_processes(doubled, [1, 2, 3], 2) == [2, 4, 6]
    assert in_processes(killed_once, [str(tmp_path / "flag"), str(tmp_path / "flag")], 2) == ["done", "done"]
    with pytest.raises(MachineError, match="A process that reads was killed, 2 times"):
        in_processes(killed, ["a", "b"], 2)


def gather_apart(folder: Path, url: str, asked: Any) -> None:
    """In a process of its own: gather, and say that it has begun."""
    asked.send("go")
    fetch = Fetch(fetch="openalex_snapshot", base_url=url, per_second=10_000)
    source = Input(reader="openalex_works", files={"works": fetch}, keep="extract")
    gather(Archive(folder), source, None, Extracts(folder / "extracts"))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_killed_at_any_moment_reads_only_the_parts_in_flight_again(tmp_path: Path) -> None:
    parts = {f"updated_date=2026-01-{day:02d}/part_0000.gz": [work(day), work(100 + day)] for day in range(1, 13)}
    snapshot, moments = Snapshot(parts), random.Random(2026)
    with Server(snapshot) as server:
        undisturbed = Root(tmp_path / "undisturbed", server)
        undisturbed.gather()
        killed = Root(tmp_path / "killed", server)
        server.asked.clear()
        kills = 0
        while (done := len(list(killed.extracts.folder.rglob("*.json")))) < len(parts):
            ours, theirs = PROCESSES.Pipe()
            process = PROCESSES.Process(target=gather_apart, args=(killed.folder, server.url, theirs), daemon=True)
            process.start()
            assert ours.recv() == "go"
            while process.is_alive() and len(list(killed.extracts.folder.rglob("*.json"))) < min(done + 3, len(parts)):
                time.sleep(0.001)
            time.sleep(moments.uniform(0, 0.02))
            process.kill()
            process.join()
            kills += 1
        asked = [name for name in killed.asked if "part_" in name]
        assert kills >= 3
        assert len(asked) <= len(parts) + kills
        assert killed.gather() == killed.gather(offline=True)
    assert killed.rows() == undisturbed.rows()
    assert killed.raw == []
    assert killed.archive().verify() == []
