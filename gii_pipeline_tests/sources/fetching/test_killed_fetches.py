"""A fetch killed at any moment, and several fetches at once: the archive ends as if nothing had happened."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from gii_pipeline.archive import Archive
from gii_pipeline.sources.fetching import FETCHERS
from gii_pipeline_tests.archive.server import Asked, Reply, Server
from gii_pipeline_tests.sources.fetching.services import Crunchbase, OpenAlex, Snapshot, funding_round, noise, work

KILLS = 20
KEY = {"TEST_KEY": "cb-0123456789"}
YEAR = 2024
CHANGING = ("check", "retrieved_at", "closed_at")

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["gii_pipeline.sources.fetching"])


def _run(root: Path, client: str, options: dict[str, Any], ready: Connection) -> None:
    os.environ |= KEY
    archive = Archive(root)
    ready.send("go")
    FETCHERS[client].fetch(archive, options, YEAR)


def start(root: Path, client: str, options: dict[str, Any]) -> BaseProcess:
    """A process of its own that has just begun to fetch."""
    ours, theirs = processes.Pipe()
    process = processes.Process(target=_run, args=(root, client, options, theirs), daemon=True)
    process.start()
    assert ours.recv() == "go"
    return process


def run(root: Path, client: str, options: dict[str, Any]) -> None:
    process = start(root, client, options)
    process.join(60)
    assert process.exitcode == 0


def kill_again_and_again(
    server: Server, root: Path, client: str, options: dict[str, Any], *, requests: int, longest_s: float
) -> None:
    """SIGKILL twenty times: each a random moment after one to so many more requests, while the fetch is at work."""
    moments = random.Random(2026)
    for _ in range(KILLS):
        until = len(server.asked) + moments.randint(1, requests)
        process = start(root, client, options)
        while process.is_alive() and len(server.asked) < until:
            time.sleep(0.0005)
        time.sleep(moments.uniform(0, longest_s))
        assert process.is_alive(), "the fetch was over before it could be killed: make it longer"
        process.kill()
        process.join()


def content(root: Path, source: str) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """All bytes that are kept, and all lines of the manifest, but for the times in them."""
    folder = root / "archive" / source
    objects = {path.name: path.read_bytes() for path in folder.glob("??/*")}
    lines = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    return objects, [{name: line[name] for name in line if name not in CHANGING} for line in lines]


def slowed(service: Callable[[Asked], Reply], steps: int, pause_s: float) -> Callable[[Asked], Reply]:
    """The same answers, each in so many pieces."""

    def answer(asked: Asked) -> Reply:
        reply = service(asked)
        return Reply(reply.body, reply.status, reply.headers, trickle=len(reply.body) // steps + 1, pause_s=pause_s)

    return answer


def leftovers(root: Path, source: str) -> list[str]:
    """Work in progress that is still there."""
    return [path.name for path in (root / "archive" / source / ".work").iterdir() if path.suffix != ".lock"]


@pytest.mark.slow
def test_a_list_killed_twenty_times_is_the_same_archive_at_the_cost_of_a_page_each(tmp_path: Path) -> None:
    service = OpenAlex([work(number, YEAR) for number in range(1, 601)])
    with Server(slowed(service, 2, 0.002)) as server:
        options = {"base_url": server.url, "per_page": 4, "per_second": 100}
        run(tmp_path / "undisturbed", "openalex_api", options)
        undisturbed = len(server.asked)
        service.budget = 10_000

        kill_again_and_again(server, tmp_path / "killed", "openalex_api", options, requests=4, longest_s=0.01)
        run(tmp_path / "killed", "openalex_api", options)

    assert undisturbed == 151
    assert len(server.asked) - undisturbed <= undisturbed + KILLS
    assert content(tmp_path / "killed", "openalex_api") == content(tmp_path / "undisturbed", "openalex_api")
    assert leftovers(tmp_path / "killed", "openalex_api") == []
    assert Archive(tmp_path / "killed").verify() == []


@pytest.mark.slow
def test_a_posted_list_killed_twenty_times_is_the_same_archive(tmp_path: Path) -> None:
    service = Crunchbase([funding_round(number, YEAR) for number in range(301)], KEY["TEST_KEY"])
    with Server(slowed(service, 2, 0.002)) as server:
        options = {"base_url": f"{server.url}/v4/data", "limit": 2, "per_second": 100, "key_variable": "TEST_KEY"}
        run(tmp_path / "undisturbed", "crunchbase_api", options)
        undisturbed = len(server.asked)

        kill_again_and_again(server, tmp_path / "killed", "crunchbase_api", options, requests=4, longest_s=0.01)
        run(tmp_path / "killed", "crunchbase_api", options)

    assert len(server.asked) - undisturbed <= undisturbed + KILLS
    assert content(tmp_path / "killed", "crunchbase_api") == content(tmp_path / "undisturbed", "crunchbase_api")
    assert Archive(tmp_path / "killed").verify() == []


@pytest.mark.slow
@pytest.mark.parametrize("ranges", [True, False])
def test_downloads_killed_twenty_times_are_the_same_archive(tmp_path: Path, ranges: bool) -> None:
    """With ranges no byte that is on the disk comes again; without, the part that was in the making does."""
    snapshot = Snapshot({f"updated_date=2026-01-{day:02d}/part_0000.gz": [] for day in range(1, 32)})
    snapshot.parts = {name: [{"id": noise(100_000, n).hex()}] for n, name in enumerate(snapshot.parts)}
    snapshot.publish()
    snapshot.host.ranges = ranges
    with Server(slowed(snapshot, 6, 0.01)) as server:
        options = {"base_url": server.url, "per_second": 10_000}
        run(tmp_path / "undisturbed", "openalex_snapshot", options)
        undisturbed = len(server.asked)

        kill_again_and_again(server, tmp_path / "killed", "openalex_snapshot", options, requests=1, longest_s=0.06)
        run(tmp_path / "killed", "openalex_snapshot", options)

    assert len(server.asked) - undisturbed <= undisturbed + KILLS
    assert content(tmp_path / "killed", "openalex_snapshot") == content(tmp_path / "undisturbed", "openalex_snapshot")
    assert leftovers(tmp_path / "killed", "openalex_snapshot") == []
    assert Archive(tmp_path / "killed").verify() == []
    assert any("range" in asked.headers for asked in server.asked)


def test_processes_that_fetch_one_list_at_once_ask_for_every_page_once(tmp_path: Path) -> None:
    with Server(OpenAlex([work(number, YEAR) for number in range(1, 101)])) as server:
        options = {"base_url": server.url, "per_page": 4, "per_second": 10_000}
        fetches = [start(tmp_path, "openalex_api", options) for _ in range(3)]
        for fetch in fetches:
            fetch.join(60)

    assert [fetch.exitcode for fetch in fetches] == [0, 0, 0]
    assert Counter(asked.query["cursor"] for asked in server.asked).most_common(1)[0][1] == 1
    assert sum(entry.records or 0 for entry in Archive(tmp_path).entries("openalex_api")) == 100
    assert Archive(tmp_path).verify() == []


def test_processes_that_fetch_different_files_of_one_source_at_once_lose_nothing(tmp_path: Path) -> None:
    names = [f"/{number}.bin" for number in range(60)]
    with Server(lambda asked: Reply(noise(2000, int(asked.path.strip("/.bin"))), 200)) as server:
        shares = [names[start:] + names[:start] for start in (0, 20, 40)]
        fetches = [
            start(tmp_path, "file_url", {"url": [server.url + name for name in share], "per_second": 10_000})
            for share in shares
        ]
        for fetch in fetches:
            fetch.join(60)

    assert [fetch.exitcode for fetch in fetches] == [0, 0, 0]
    assert len(server.asked) == 60
    assert len(Archive(tmp_path).entries("file_url")) == 60
    assert Archive(tmp_path).verify() == []
