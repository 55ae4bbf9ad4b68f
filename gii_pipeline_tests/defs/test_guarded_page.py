"""Dagster's page answers this machine only, changes nothing by GET, and leaves with `gii dev`."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from gii_pipeline.defs.guarded_page import Guard, ToFiles

GII = [sys.executable, "-c", "from gii_pipeline.cli import process; process()"]
QUERY = {"query": "{ version }"}


def passes(method: str = "POST", path: str = "/graphql", query: str = "", kind: str = "http", **headers: str) -> bool:
    reached: list[str] = []

    async def page(scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(scope["path"])

    async def ignore(*_: Any) -> Any:
        """Nobody listens."""

    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(Guard(page, ["localhost", "127.0.0.1", "::1", "gii.example.org"])(scope, ignore, ignore))
    return bool(reached)


def test_the_page_is_reached_by_the_names_of_this_machine_only() -> None:
    for host in ("localhost:3000", "127.0.0.1", "[::1]:3000", "gii.example.org", "GII.example.org:443"):
        assert passes(host=host)
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:3000", "", "[bad"):
        assert not passes(host=host)
        assert not passes(host=host, kind="websocket")
    assert not passes()


def test_no_other_page_reaches_it_through_a_browser() -> None:
    assert passes(host="localhost:3000", origin="http://localhost:3000")
    for origin in ("http://evil.example", "null", "http://localhost.evil.example"):
        assert not passes(host="localhost:3000", origin=origin)
        assert not passes(host="localhost:3000", origin=origin, kind="websocket")


def test_a_link_to_a_file_leads_to_where_the_files_are_served_now() -> None:
    def leads_to(path: str) -> str | None:
        reached: list[str] = []

        async def page(scope: Any, _receive: Any, _send: Any) -> None:
            reached.append(scope["path"])

        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def ignore() -> Any:
            """Nothing is read."""

        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
        asyncio.run(ToFiles(page, "http://127.0.0.1:4001/")(scope, ignore, send))
        return None if reached else dict(sent[0]["headers"])[b"location"].decode()

    assert leads_to("/files/report/map of 2015.svg") == "http://127.0.0.1:4001/report/map%20of%202015.svg"
    assert leads_to("/files//elsewhere.example/") == "http://127.0.0.1:4001//elsewhere.example/"
    assert leads_to("/assets/files") is None


def test_graphql_is_not_asked_by_get() -> None:
    assert not passes("GET", query="query=mutation{terminateRun}", host="localhost")
    assert not passes("HEAD", path="/graphql/", query="a=b&query=x", host="localhost")
    assert passes("GET", host="localhost")  # the page on which queries are typed
    assert passes("GET", path="/runs", query="query=x", host="localhost")


def free_port() -> int:
    """A port that is free together with the next one."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def those_with(mark: str) -> list[int]:
    """Processes whose environment has the mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes() and (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_gii_dev_leaves_no_process_and_says_when_its_port_is_taken(tmp_path: Path, end: signal.Signals) -> None:
    port, mark = free_port(), f"GII_TEST_MARK={tmp_path}"
    environment = os.environ | {
        "GII_PROFILE": "open", "GII_ROOT": str(tmp_path / "root"), "GII_TEST_MARK": str(tmp_path),
        "DAGSTER_HOME": str(tmp_path / "home"),
    }  # fmt: skip
    command = [*GII, "dev", "--port", str(port)]
    page = f"http://127.0.0.1:{port}"
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as dev:
        try:
            deadline = time.monotonic() + 300
            while not _answers(page):
                assert dev.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.5)
            assert requests.post(f"{page}/graphql", json=QUERY, timeout=60).json()["data"]["version"]
            assert requests.get(f"{page}/graphql", params=QUERY, timeout=60).status_code == 403
            evil = requests.post(f"{page}/graphql", json=QUERY, headers={"Host": "evil.example"}, timeout=60)
            assert evil.status_code == 403
            second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert second.returncode == 2
            assert f"Port {port} is taken" in second.stderr
            assert len(those_with(mark)) >= 4
        finally:
            dev.send_signal(end)
            dev.wait(60)
    deadline = time.monotonic() + 30
    while (left := those_with(mark)) and time.monotonic() < deadline:
        time.sleep(0.2)
    for process in left:
        os.kill(process, signal.SIGKILL)
    assert left == []
    assert not _answers(page)


def _answers(page: str) -> bool:
    try:
        return requests.get(f"{page}/server_info", timeout=5).ok
    except requests.RequestException:
        return False
