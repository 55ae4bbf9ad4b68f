"""A deployment on the loopback: a real Postgres and the services of compose, to be killed and started again.

Belongs here: starting, stopping and asking them. Does not: what has to be true after a fault (the tests).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import dagster as dg
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
EXAMPLE: dict[str, Any] = yaml.safe_load((ROOT / "dagster.yaml.example").read_text())
BIN = Path(sys.executable).parent
PASSWORD = "secret"  # noqa: S105 - of a server that lives as long as the test
SERVICES = ("code", "webserver", "files", "daemon")
PATIENCE_SECONDS = 150
REPOSITORY = {"repositoryLocationName": "gii_pipeline", "repositoryName": "__repository__"}
LAUNCH = """mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message stack }
  }
}"""
LOADED = (
    "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError { __typename } } } } }"
)

Found = TypeVar("Found")


class Postgres:
    """A real server with a folder of its own."""

    def __init__(self, binaries: Path, folder: Path, user: str | None) -> None:
        self.binaries, self.folder, self.user = binaries, folder, user
        self.port = str(free_port())
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run("initdb", "-D", self.data, "-U", "dagster", "--auth=scram-sha-256", f"--pwfile={password}")

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        self._run("pg_ctl", "-D", self.data, "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """As when its machine goes down: every connection is cut at once."""
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")

    def database(self, name: str) -> dict[str, str]:
        """A new database; gives the environment that `dagster.yaml.example` asks for."""
        environment = {
            "DAGSTER_POSTGRES_HOST": "127.0.0.1",
            "DAGSTER_POSTGRES_PORT": self.port,
            "DAGSTER_POSTGRES_USER": "dagster",
            "DAGSTER_POSTGRES_PASSWORD": PASSWORD,
            "DAGSTER_POSTGRES_DB": name,
        }
        self._run("createdb", "-h", "127.0.0.1", "-p", self.port, "-U", "dagster", name, PGPASSWORD=PASSWORD)
        return environment

    def _run(self, name: str, *arguments: str, **environment: str) -> None:
        subprocess.run(
            [self.binaries / name, *arguments],
            user=self.user,
            cwd=self.folder,
            env={**os.environ, **environment},
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A running server; the test is skipped where there is none to be had."""
    pytest.importorskip("dagster_postgres", reason="needs the extra `postgres`")
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "")]
    if not binaries[-1].is_file():
        pytest.skip("no Postgres here: install Debian's package `postgresql`")
    user = _user()
    folder = Path("/tmp") / f"gii-postgres-{os.getpid()}-{free_port()}"  # noqa: S108 - its user cannot enter pytest's
    folder.mkdir(mode=0o700)
    try:
        if user:
            shutil.chown(folder, user)
        server = Postgres(binaries[-1].parent, folder, user)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _user() -> str | None:
    """Postgres refuses to run as root; Debian's package brings a user for it."""
    if os.geteuid() != 0:
        return None
    if subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode:
        pytest.skip("Postgres refuses to run as root, and there is no user `postgres`")
    return "postgres"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Service:
    """A service's command as compose starts it, but on the loopback and on free ports, in a session of its own."""

    def __init__(self, name: str, words: Mapping[str, str], environment: Mapping[str, str], folder: Path) -> None:
        command = [words.get(word, word) for word in COMPOSE["services"][name]["command"]]
        self.command = [str(BIN / command[0]), *command[1:]]
        self.environment = {**os.environ, **environment}
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """SIGKILL to the whole session, as when a container is killed."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                self.process.poll()
            self.process.wait(30)


@dataclass(frozen=True)
class Deployment:
    """The running services of compose, and the folder of their instance."""

    folder: Path
    environment: Mapping[str, str]
    page: str
    files: str
    services: Mapping[str, Service]

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """The instance that the services share."""
        with patch.dict(os.environ, self.environment), dg.DagsterInstance.from_config(str(self.folder)) as instance:
            yield instance

    def file(self, path: str) -> tuple[int, str]:
        """The status and text that the service `files` answers with."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.files}/{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.reason

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """What the web server answers to a GraphQL query."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.page}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            data: dict[str, Any] = json.loads(answer.read())["data"]
        return data

    def until(self, query: str, found: str) -> str:
        """The answer to a query once it holds `found`."""

        def answer() -> str | None:
            try:
                told = json.dumps(self.ask(query))
            except OSError:
                return None
            return told if found in told else None

        return self.when(answer, f"{found} in the answer to {query}")

    def when(self, look: Callable[[], Found | None], what: str, seconds: float = PATIENCE_SECONDS) -> Found:
        """What `look` finds, as soon as it finds something; fails with the services' logs where it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := look():
                return found
            time.sleep(0.2)
        logs = "\n".join(f"{path.name}\n{path.read_text()[-3000:]}" for path in self.folder.glob("*.log"))
        raise AssertionError(f"{what}: does not come\n{logs}")

    def switch_on(self, kind: str, name: str) -> None:
        """Start a `Schedule` or a `Sensor` as the page does."""
        argument = kind.lower()
        mutation = f"mutation ($it: {kind}Selector!) {{ start{kind}({argument}Selector: $it) {{ __typename }} }}"
        self.ask(mutation, it={**REPOSITORY, f"{argument}Name": name})

    def launch(self, job: str, partition: str, *assets: str) -> str:
        """Start a partition's run as the page does, through the queue; gives the run's id."""
        selector: dict[str, object] = {**REPOSITORY, "jobName": job}
        if assets:
            selector["assetSelection"] = [{"path": [name]} for name in assets]
        tags = [{"key": "dagster/partition", "value": partition}]
        params = {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": tags}}
        told = self.ask(LAUNCH, params=params)["launchRun"]
        assert told["__typename"] == "LaunchRunSuccess", told
        return str(told["run"]["runId"])


@contextmanager
def deployment(
    folder: Path, profile: Path, database: Mapping[str, str], settings: Mapping[str, Any] | None = None
) -> Iterator[Deployment]:
    """The services of compose, once they have loaded the definitions.

    settings: parts of `dagster.yaml.example` with shorter intervals, to be merged into it.
    """
    parts = {name: {**EXAMPLE.get(name, {}), **part} for name, part in (settings or {}).items()}
    (folder / "dagster.yaml").write_text(yaml.safe_dump({**EXAMPLE, **parts}))
    environment = {
        **database,
        "DAGSTER_HOME": str(folder),
        "GII_PROFILE": str(profile),
        "GII_ROOT": str(folder / "root"),
    }
    code, page, files = (str(free_port()) for _ in range(3))
    workspace = (ROOT / "deploy" / "workspace.yaml").read_text().replace("4266", code)
    (folder / "workspace.yaml").write_text(workspace.replace("host: code", "host: 127.0.0.1"))
    words = {
        "4266": code,
        "3000": page,
        "3001": files,
        "0.0.0.0": "127.0.0.1",  # noqa: S104
        "deploy/workspace.yaml": str(folder / "workspace.yaml"),
    }
    services = {name: Service(name, words, environment, folder) for name in SERVICES}
    with ExitStack() as stack:
        for service in services.values():
            stack.callback(service.kill)
            service.start()
        made = Deployment(folder, environment, page, files, services)
        made.until(LOADED, '"LOADED", "locationOrLoadError": {"__typename": "RepositoryLocation"}')
        yield made
