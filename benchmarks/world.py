"""The world at a size of choice: a simulated snapshot read as it comes, and records from files to a release.

    PYTHONPATH=. python benchmarks/world.py [--parts 20] [--works 12000] [--records 13200000] [--years 6] [--memory 2GB]

Snapshot: parts of JSON lines and of Parquet with works of every year, served over HTTP on loopback (a stand-in for the
bucket: no network is measured). Printed: the rate of one worker, of two and of the default, one thread each, next to
DuckDB's own `read_json` of the same fields; what seven data years cost next to one pass over the parts; the peak of the
disk; what a run that was killed reads again; what a second release reads; the bytes of Parquet parts next to those of
the needed column chunks; and the costs of the real snapshot that follow from these rates.

Records: one Parquet file a year of publications for the reader `table`, and small files of the other metrics, run by
`gii run` in a process of its own within --memory. `--records 0` leaves them out.
Targets: default >= 0.85 of read_json, two workers >= 1.7 of one, seven years <= 1.15 of one pass, Parquet bytes <= 1.1
of the needed chunks; ingest of a data year <= 60 s, files to release <= 7 min at the default size on two cores.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from _world import CITIES, disk, peak_of
from reading import apart, measured, read_json, work

from gii_pipeline.archive import Archive, Entry
from gii_pipeline.memory import peak_bytes, use_one_thread
from gii_pipeline.profiles import Fetch, Input
from gii_pipeline.sources import SOURCES, working
from gii_pipeline.sources.extracts import Extracts, RawFile, units
from gii_pipeline.sources.gathering import gather
from gii_pipeline.sources.progress import duration, readable
from gii_pipeline.sources.union import Pinned, union
from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.archive.server import FileHost, Server

YEARS = range(2015, 2022)
SNAPSHOT_BYTES, SNAPSHOT_JSON = 670e9, 4.6e12
SNAPSHOT_PARTS = 2_000
"""Works of the world in the bucket: as gzip, unpacked, and their parts."""
MACHINES = {"laptop": (4, 12.5e6), "server": (16, 125e6), "cluster": (64, 1.25e9)}
"""Processors, and bytes per second of the network."""


@cache
def patterns(works: int) -> list[dict[str, Any]]:
    """Works of every year, which parts repeat under other ids."""
    rng = np.random.default_rng(1)
    return [work(n, YEARS[n % len(YEARS)], rng) for n in range(works)]


@cache
def pattern_table(works: int) -> pa.Table:
    """The same as columns; abstracts are text in the Parquet parts of the snapshot."""
    found = [
        {**each, "abstract_inverted_index": json.dumps(each["abstract_inverted_index"])} for each in patterns(works)
    ]
    return pa.Table.from_pylist(found)


def numbered(number: int) -> str:
    return f"https://openalex.org/W{number}"


def json_part(works: list[dict[str, Any]]) -> tuple[bytes, int]:
    """A part of JSON lines, and its bytes before compression."""
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in works)
    return gzip.compress(lines, 6, mtime=0), len(lines)


def parquet_part(part: int, works: int) -> bytes:
    table, out = pattern_table(works), io.BytesIO()
    ids = pa.array([numbered(part * works + n) for n in range(works)])
    table = table.set_column(table.column_names.index("id"), "id", ids)
    pq.write_table(table, out, row_group_size=max(works // 4, 1), compression="zstd")
    return out.getvalue()


@dataclass
class Snapshot:
    """Parts by name under a manifest, as the bucket has them."""

    form: str
    files: dict[str, bytes]
    works: int
    json_bytes: int = 0
    records: dict[str, int] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        return f"/data/{self.form}/works"

    def put(self, part: int, works: list[dict[str, Any]] | None = None) -> None:
        """Add or replace a part of JSON lines, or of Parquet. works: by default those of its number."""
        if self.form == "parquet":
            content, suffix, records = parquet_part(part, self.works), "parquet", self.works
        else:
            found = self.of(part) if works is None else works
            (content, size), suffix, records = json_part(found), "gz", len(found)
            self.json_bytes += size
        name = f"{self.folder}/updated_date=2026-01-01/part_{part:04d}.{suffix}"
        self.files[name], self.records[name] = content, records

    def of(self, part: int) -> list[dict[str, Any]]:
        return [{**each, "id": numbered(part * self.works + n)} for n, each in enumerate(patterns(self.works))]

    def publish(self, date: str) -> None:
        parts = {name: content for name, content in self.files.items() if "part_" in name}
        listed = [
            {
                "url": f"s3://openalex{name}",
                "meta": {"content_length": len(content), "record_count": self.records[name]},
            }
            for name, content in sorted(parts.items())
        ]
        manifest = {"date": date, "record_count": sum(self.records.values()), "files": listed}
        self.files[f"{self.folder}/manifest.json"] = json.dumps(manifest).encode()


def take(root: Path, url: str, form: str, workers: int, refresh: bool = False) -> list[Entry]:
    """Fetch, read and delete every part."""
    os.environ[working.VARIABLE] = str(workers)
    working.LEAST_BYTES = 0  # type: ignore[misc]  # the parts of a small simulation are worth a process each
    fetch = Fetch(fetch="openalex_snapshot", base_url=url, format=form, per_second=10_000, refresh_tolerance_pct=100)
    source = Input(reader="openalex_works", files={"works": fetch}, keep="extract")
    return list(gather(Archive(root, refresh=refresh), source, None, Extracts(root / "extracts"))["works"])


@dataclass(frozen=True)
class Taken:
    """What a run took: seconds of the clock and of processors, the peaks of disk and memory, and what came."""

    seconds: float
    cpu: float
    peak: int
    memory: int
    entries: list[Entry]


def processor_seconds() -> float:
    """Of this process and of those that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def timed(form: str, url: str, root: Path, workers: int) -> Taken:
    if workers == 1:
        use_one_thread()
    begin, cpu = time.perf_counter(), processor_seconds()
    with peak_of(root) as peak:
        entries = take(root, url, form, workers)
    used = processor_seconds() - cpu
    return Taken(time.perf_counter() - begin, used, peak[0], peak_bytes(children=True), entries)


def every_year(form: str, url: str, root: Path) -> tuple[float, int]:
    """Processor seconds of all data years, one after the other, once the parts are read; and their works."""
    begin = processor_seconds()
    works = sum(counted(root, take(root, url, form, 1), (year,))[0] for year in YEARS)
    return processor_seconds() - begin, works


def killed_and_resumed(snapshot: Snapshot, server: Server, root: Path) -> None:
    parts = len(snapshot.files) - 1
    process = multiprocessing.get_context("spawn").Process(target=take, args=(root, server.url, snapshot.form, 2))
    server.asked.clear()
    process.start()
    while len(list(root.glob("extracts/*/*/*.json"))) < parts // 2:
        time.sleep(0.02)
    process.kill()
    process.join()
    before = len(list(root.glob("extracts/*/*/*.json")))
    server.asked.clear()
    take(root, server.url, snapshot.form, 2)
    again = sum("part_" in asked.path for asked in server.asked)
    print(f"  killed when {before} of {parts} parts were read: the next run asked for {again}")


def show(title: str, size: int, seconds: float, cpu: float) -> None:
    per_cpu = f"{size / cpu / 1e6:8.0f} MB per processor second"
    print(f"  {title:<30} {seconds:7.1f} s {size / seconds / 1e6:8.0f} MB/s {cpu:7.1f} s of CPU {per_cpu}")


def json_lines(snapshot: Snapshot, server: Server, folder: Path) -> tuple[float, float, int]:
    """Print the rates of JSON lines. Gives JSON bytes per processor second, the share of extracts in gzip, memory."""
    compressed = sum(len(content) for name, content in snapshot.files.items() if "part_" in name)
    parts = len(snapshot.files) - 1
    print(f"JSON lines: {parts} parts, {readable(compressed)}, {readable(snapshot.json_bytes)} of JSON")
    paths = [folder / Path(name).name for name in sorted(snapshot.files) if "part_" in name]
    for path in paths:
        path.write_bytes(snapshot.files[f"{snapshot.folder}/updated_date=2026-01-01/{path.name}"])
    bare, bare_cpu, _, _ = apart(measured, read_json, paths, folder)
    show("read_json of the same fields", snapshot.json_bytes, bare, bare_cpu)
    taken: dict[str, Taken] = {}
    for title, workers in {"one worker": 1, "two workers": 2, "default": working.processors()}.items():
        root = folder / title.replace(" ", "-")
        found = taken[title] = apart(timed, snapshot.form, server.url, root, workers)
        show(title, snapshot.json_bytes, found.seconds, found.cpu)
        print(
            f"{'':34} disk at the peak {readable(found.peak)}, extracts {readable(disk(root / 'extracts'))}, "
            f"memory of a process {readable(found.memory)}"
        )
    faster = taken["one worker"].seconds / taken["two workers"].seconds
    print(f"  two workers / one = {faster:.2f}, default / read_json = {bare / taken['default'].seconds:.2f}")
    years, works = apart(every_year, snapshot.form, server.url, folder / "one-worker")
    pass_once = taken["one worker"].cpu
    print(
        f"  {len(YEARS)} data years, {works:,} works: {years:.1f} s of CPU after the pass over the parts, in all "
        f"{(pass_once + years) / pass_once:.2f} of one pass"
    )
    rate = snapshot.json_bytes / pass_once
    killed_and_resumed(snapshot, server, folder / "killed")
    second_release(snapshot, server, folder / "default")
    return rate, disk(folder / "one-worker" / "extracts") / compressed, taken["one worker"].memory


def second_release(snapshot: Snapshot, server: Server, root: Path) -> None:
    """Of a tenth of the first part, most works change and move to a new part, as in the bucket; the others are gone."""
    parts, works = len(snapshot.files) - 1, snapshot.of(0)
    moved, gone = works[: snapshot.works // 12], snapshot.works // 10 - snapshot.works // 12
    changed = [{**each, "type": "review", "updated_date": "2026-09-01"} for each in moved]
    snapshot.put(0, works[len(moved) + gone :])
    snapshot.put(parts, changed)
    snapshot.publish("2026-04-01")
    server.asked.clear()
    entries = take(root, server.url, snapshot.form, working.processors(), refresh=True)
    asked = sum("part_" in each.path for each in server.asked)
    found, reviews = counted(root, entries)
    others = sum(each["type"] == "review" for each in works) * (parts - 1)
    others += sum(each["type"] == "review" for each in works[len(moved) + gone :])
    right = (parts * snapshot.works - gone, others + len(moved))
    print(
        f"  a second release ({len(moved):,} works moved and changed, {gone:,} gone) asked for {asked} of {parts + 1} "
        f"parts; {found:,} works, {reviews:,} reviews, {'as' if (found, reviews) == right else 'NOT as'} "
        "they should be"
    )


def counted(root: Path, entries: list[Entry], years: Iterable[int] = YEARS) -> tuple[int, int]:
    """Works of the years, every one once, and those of the changed type."""
    options, extracts = SOURCES["openalex_works"].parsed({}), Extracts(root / "extracts")
    files = {"works": [RawFile(each.path, each.sha256, each.address) for each in entries]}
    kept = [extracts.kept(unit, options) for unit in units("openalex_works", files)]
    pinned = Pinned("scientific_publications", tuple(filter(None, kept)), YEARS[-1], "2026-09-01", root / "extracts")
    total = reviews = 0
    with duckdb.connect() as con:
        for year in years:
            rows = union(con, pinned, year, {}).rows
            [(records, changed)] = (
                rows.filter("source_rows > 0")
                .aggregate("count(*), count(*) FILTER (WHERE record_type = 'review')")
                .fetchall()
            )
            total, reviews = total + records, reviews + changed
    return total, reviews


def parquet(snapshot: Snapshot, server: Server, root: Path) -> None:
    taken = apart(timed, snapshot.form, server.url, root, working.processors())
    entries = taken.entries
    fetched, needed = sum(entry.fetched or 0 for entry in entries), sum(entry.needed or 0 for entry in entries)
    whole = sum(entry.bytes for entry in entries)
    print(
        f"Parquet: {len(entries)} parts, {readable(whole)}: {taken.seconds:.1f} s, {readable(fetched)} fetched, "
        f"{fetched / needed:.3f} of the needed chunks, {fetched / whole:.0%} of the parts"
    )


def computed(rate: float, share: float, per_worker: int) -> None:
    """Print the costs of the real snapshot as a table of Markdown.

    rate: bytes of JSON per processor second. share: of extracts in gzip. per_worker: bytes of memory that one took.
    """
    extracts, part = SNAPSHOT_BYTES * share, SNAPSHOT_BYTES / SNAPSHOT_PARTS
    print(
        f"Computed, not measured, for the works of the world ({readable(SNAPSHOT_BYTES)} in {SNAPSHOT_PARTS:,} parts, "
        f"{readable(SNAPSHOT_JSON)} of JSON): extracts {readable(extracts)}\n"
        "| | to fetch | to read | disk at the peak | memory |\n|---|---|---|---|---|"
    )
    for name, (processors, network) in MACHINES.items():
        print(
            f"| {name}: {processors} processors, {network * 8 / 1e6:,.0f} Mbit/s "
            f"| {duration(SNAPSHOT_BYTES / network)} | {duration(SNAPSHOT_JSON / rate / processors)} "
            f"| {readable(extracts + processors * part)} | {readable(per_worker * processors)} |"
        )


def make_records(folder: Path, records: int, years: int) -> Path:
    """A profile of the tiny world whose publications are one Parquet file per year, of the requested size."""
    profile = tiny_world.write(folder)
    given = yaml.safe_load(profile.read_text(encoding="utf-8"))
    last = max(tiny_world.YEARS)
    names = []
    for year in range(last - years + 1, last + 1):
        names.append(f"publications-{year}.parquet")
        with duckdb.connect() as con:
            con.execute("SET threads = 2; SET enable_progress_bar = false")
            con.sql(
                f"SELECT 'W{year}-' || range AS record_id, {year} AS year, 'article' AS record_type, "
                f"'Town ' || (hash(range) % {CITIES}) AS city, 'FR' AS economy, "
                f"43 + (hash(range) % {CITIES}) % 63 / 9.0 AS latitude, (hash(range) % {CITIES}) / 800.0 AS longitude "
                f"FROM range({records})"
            ).write_parquet(str(folder / names[-1]), compression="zstd")
    source = given["metrics"]["scientific_publications"]
    given["metrics"]["scientific_publications"] = {**source, "files": {"people": names}}
    edition = given["editions"][2015]["metrics"]["scientific_publications"]
    edition["window"]["value"] = [last - years + 1, last]
    profile.write_text(yaml.safe_dump(given, sort_keys=False), encoding="utf-8")
    return profile


def records(folder: Path, records: int, years: int, memory: str) -> None:
    print(f"Records: {records:,} rows of publications a year, {years} years, --memory {memory}")
    profile = apart(make_records, folder, records, years)
    command = ["-m", "gii_pipeline", "run", "--edition", "2015", "--profile", str(profile), "--memory", memory]
    begin = time.perf_counter()
    said: list[str] = []
    with subprocess.Popen(
        [sys.executable, *command, "--root", str(folder / "root")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as ended:
        for line in ended.stderr or ():
            said.append(line)
            if line.startswith(("ingest ", "ranking ", "release ")):
                print(f"  {line}", end="", flush=True)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"  files to release {seconds:.1f} s, peak {peak:,.0f} MiB, exit code {ended.returncode}")
    if ended.returncode:
        print("".join(said[-20:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=int, default=20)
    parser.add_argument("--works", type=int, default=12_000, help="in each part")
    parser.add_argument("--records", type=int, default=13_200_000, help="rows of publications a year")
    parser.add_argument("--years", type=int, default=6)
    parser.add_argument("--memory", default="2GB")
    given = parser.parse_args()
    print(f"{working.processors()} processors, load {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory(prefix="gii-world-") as name:
        folder = Path(name)
        rates = None
        for form in ("jsonl", "parquet") if given.parts else ():
            snapshot = Snapshot(form, {}, given.works)
            for part in range(given.parts):
                snapshot.put(part)
            snapshot.publish("2026-01-01")
            with Server(FileHost(snapshot.files)) as server:
                if form == "jsonl":
                    rates = json_lines(snapshot, server, folder)
                else:
                    parquet(snapshot, server, folder / "parquet")
        if rates:
            computed(*rates)
        if given.records:
            records(folder / "records", given.records, given.years, given.memory)


if __name__ == "__main__":
    main()
