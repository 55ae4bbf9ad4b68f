"""The files of a deployment: what they say holds together, and their commands run on a real Postgres."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from gii_pipeline_tests import tiny_world

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
VALUES: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "values.yaml").read_text())
EXAMPLE: dict[str, Any] = yaml.safe_load((ROOT / "dagster.yaml.example").read_text())
BIN = Path(sys.executable).parent
DATABASE = {
    "DAGSTER_POSTGRES_USER": "dagster",
    "DAGSTER_POSTGRES_DB": "postgres",
    "DAGSTER_POSTGRES_PASSWORD": "secret",
}


def test_compose_has_the_processes_of_a_deployment_and_every_dependency_is_one_of_them() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"postgres", "code", "webserver", "daemon"}
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= set(services), name
        assert {volume.split(":")[0] for volume in service["volumes"]} <= set(COMPOSE["volumes"])
    assert (ROOT / services["code"]["build"]["dockerfile"]).is_file()


def test_the_instance_asks_for_no_variable_that_compose_does_not_set() -> None:
    settings = EXAMPLE["storage"]["postgres"]["postgres_db"].values()
    asked = {value["env"] for value in settings if isinstance(value, dict)}
    assert asked <= set(COMPOSE["services"]["daemon"]["environment"])


def test_no_secret_is_written_into_a_file_of_the_deployment() -> None:
    for service in COMPOSE["services"].values():
        for name, value in service["environment"].items():
            if "PASSWORD" in name or "KEY" in name:
                assert value.startswith("${"), name
    assert VALUES["generatePostgresqlPasswordSecret"] is False
    assert "postgresqlPassword" not in VALUES["postgresql"]


def test_both_deployments_serve_the_same_definitions_on_the_port_that_the_workspace_names() -> None:
    (server,) = yaml.safe_load((ROOT / "deploy" / "workspace.yaml").read_text())["load_from"]
    port, command = str(server["grpc_server"]["port"]), COMPOSE["services"]["code"]["command"]
    (deployment,) = VALUES["dagster-user-deployments"]["deployments"]
    assert command[command.index("-p") + 1] == port == str(deployment["port"])
    assert deployment["dagsterApiGrpcArgs"] == command[-2:]
    assert server["grpc_server"]["host"] in COMPOSE["services"]


def test_the_image_copies_only_what_is_there() -> None:
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    copied = [word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]]
    assert copied
    assert all((ROOT / name).exists() for name in copied)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A real server on the loopback; gives the environment that `dagster.yaml.example` asks for."""
    pytest.importorskip("dagster_postgres", reason="needs the extra `postgres`")
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "")]
    if not binaries[-1].is_file():
        pytest.skip("no Postgres here: install Debian's package `postgresql`")
    user = _user()
    folder = Path("/tmp") / f"gii-postgres-{os.getpid()}"  # noqa: S108 - the server's user cannot enter pytest's folder
    folder.mkdir(mode=0o700)
    try:
        if user:
            shutil.chown(folder, user)
        with _server(binaries[-1].parent, folder, user) as port:
            yield {**DATABASE, "DAGSTER_POSTGRES_HOST": "127.0.0.1", "DAGSTER_POSTGRES_PORT": str(port)}
    finally:
        shutil.rmtree(folder)


def _user() -> str | None:
    """Postgres refuses to run as root; Debian's package brings a user for it."""
    if os.geteuid() != 0:
        return None
    if subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode:
        pytest.skip("Postgres refuses to run as root, and there is no user `postgres`")
    return "postgres"


@contextmanager
def _server(binaries: Path, folder: Path, user: str | None) -> Iterator[int]:
    def run(name: str, *arguments: str) -> None:
        subprocess.run([binaries / name, *arguments], user=user, cwd=folder, check=True, capture_output=True)

    password = folder / "password"
    password.write_text(DATABASE["DAGSTER_POSTGRES_PASSWORD"])
    password.chmod(0o644)
    data, port = str(folder / "data"), _free_port()
    run("initdb", "-D", data, "-U", DATABASE["DAGSTER_POSTGRES_USER"], "--auth=scram-sha-256", f"--pwfile={password}")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield port
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _service(name: str, ports: dict[str, str], environment: dict[str, str], folder: Path) -> Iterator[None]:
    """A service's command as compose starts it, but on the loopback and on free ports."""
    words = {**ports, "0.0.0.0": "127.0.0.1", "deploy/workspace.yaml": str(folder / "workspace.yaml")}  # noqa: S104
    command = [words.get(word, word) for word in COMPOSE["services"][name]["command"]]
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            [BIN / command[0], *command[1:]],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield
            assert process.poll() is None, (folder / f"{name}.log").read_text()
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _graphql(port: str, query: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        json.dumps({"query": query}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        data: dict[str, Any] = json.loads(answer.read())["data"]
    return data


def _when(port: str, query: str, found: str, folder: Path) -> str:
    """The answer once it holds `found`."""
    deadline, told = time.monotonic() + 150, ""
    while time.monotonic() < deadline:
        try:
            told = json.dumps(_graphql(port, query))
        except OSError as error:
            told = str(error)
        if found in told:
            return told
        time.sleep(1)
    logs = "\n".join(path.read_text()[-2000:] for path in folder.glob("*.log"))
    raise AssertionError(f"{found} does not come: {told}\n{logs}")


@pytest.mark.slow
def test_the_services_of_compose_run_on_a_real_postgres(postgres: dict[str, str], tmp_path: Path) -> None:
    profile = tiny_world.write(tmp_path / "world")
    shutil.copyfile(ROOT / "dagster.yaml.example", tmp_path / "dagster.yaml")
    environment = {
        **postgres,
        "DAGSTER_HOME": str(tmp_path),
        "GII_PROFILE": str(profile),
        "GII_ROOT": str(tmp_path / "root"),
    }
    ports = {"4266": str(_free_port()), "3000": str(_free_port())}
    workspace = (ROOT / "deploy" / "workspace.yaml").read_text().replace("4266", ports["4266"])
    (tmp_path / "workspace.yaml").write_text(workspace.replace("host: code", "host: 127.0.0.1"))
    with ExitStack() as services:
        for name in ("code", "webserver", "daemon"):
            services.enter_context(_service(name, ports, environment, tmp_path))
        page = ports["3000"]
        loaded = "{ workspaceOrError { __typename ... on Workspace { locationEntries { name loadStatus } } } }"
        _when(page, loaded, "LOADED", tmp_path)
        jobs = "{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } sensors { name } } } } }"
        told = _when(page, jobs, "ranking", tmp_path)
        assert "rank_when_the_last_year_is_in" in told
        alive = "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy } } } }"
        _when(page, alive, '"SCHEDULER", "healthy": true', tmp_path)


@pytest.mark.slow
def test_runs_and_events_are_kept_in_postgres(
    postgres: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in postgres.items():
        monkeypatch.setenv(name, value)
    shutil.copyfile(ROOT / "dagster.yaml.example", tmp_path / "dagster.yaml")

    @dg.asset
    def kept() -> None: ...

    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert dg.materialize([kept], instance=instance).success
    with dg.DagsterInstance.from_config(str(tmp_path)) as again:
        assert again.get_latest_materialization_event(dg.AssetKey("kept")) is not None
    assert not list(tmp_path.rglob("*.db"))
