"""The files of a deployment: what they say holds together, and their commands run on a real Postgres."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as db
import yaml

from gii_pipeline.defs.instance import instance_of
from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.defs.deployment import COMPOSE, EXAMPLE, ROOT, Postgres, deployment, postgres_server

VALUES: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "values.yaml").read_text())


def test_compose_has_the_processes_of_a_deployment_and_every_dependency_is_one_of_them() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"postgres", "code", "webserver", "files", "daemon"}
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= set(services), name
        assert {volume.split(":")[0] for volume in service["volumes"]} <= set(COMPOSE["volumes"])
    assert (ROOT / services["code"]["build"]["dockerfile"]).is_file()


def test_the_instance_asks_for_no_variable_that_compose_does_not_set() -> None:
    settings = EXAMPLE["storage"]["custom"]["config"]["postgres_db"].values()
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


def test_both_deployments_treat_a_run_that_is_lost_or_fails_alike() -> None:
    monitoring, retries, daemon = EXAMPLE["run_monitoring"], EXAMPLE["run_retries"], VALUES["dagsterDaemon"]
    assert {_snake(name): value for name, value in daemon["runMonitoring"].items()} == monitoring
    assert {_snake(name): value for name, value in daemon["runRetries"].items()} == retries
    assert VALUES["concurrency"]["pools"]["defaultLimit"] == EXAMPLE["concurrency"]["pools"]["default_limit"]


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name)


@pytest.mark.parametrize(
    ("message", "away"),
    [
        ('connection to server at "postgres", port 5432 failed: Connection refused', True),
        ("FATAL:  the database system is starting up", True),
        ('FATAL:  password authentication failed for user "dagster"', False),
    ],
)
def test_only_a_database_that_may_come_back_is_waited_for(message: str, away: bool) -> None:
    pytest.importorskip("dagster_postgres", reason="needs the extra `postgres`")
    from gii_pipeline.defs.patient_postgres import is_away

    assert is_away(message) is away


def test_the_image_copies_only_what_is_there() -> None:
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    copies = [line for line in lines if line.startswith("COPY") and "--from=" not in line]
    copied = [word for line in copies for word in line.split()[1:-1] if not word.startswith("--")]
    assert copied
    assert all((ROOT / name).exists() for name in copied)


def test_nothing_reaches_a_build_that_is_not_named() -> None:
    first, *rest = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")
    ]
    assert first == "*"
    named = [line.removeprefix("!") for line in rest if line.startswith("!")]
    assert all((ROOT / name).exists() for name in named)
    assert not {name.split("/")[0] for name in named} & {"gii_data", ".env", ".git", ".venv", "gii_pipeline_tests"}


def test_the_image_is_installed_from_hashes_and_runs_as_a_number() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    installs = [line for line in text.splitlines() if "pip install" in line]
    assert installs
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)
    assert not re.search(r"\bgcc\b|build-essential", text)
    assert "USER 1000:1000" in text
    hashed = (ROOT / "requirements" / "image.txt").read_text()
    assert {"dagster-postgres==", "dagster-k8s=="} <= set(re.findall(r"^[\w-]+==", hashed, re.MULTILINE))


def test_the_database_and_dagster_log_in_with_one_secret_and_every_service_has_a_health_check() -> None:
    assert VALUES["postgresql"]["existingSecret"] == VALUES["global"]["postgresqlSecretName"]
    (server,) = VALUES["dagster-user-deployments"]["deployments"]
    run = VALUES["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"]["podSpecConfig"]
    assert server["podSecurityContext"]["fsGroup"] == run["securityContext"]["fsGroup"] == 1000
    assert {"readinessProbe", "livenessProbe", "startupProbe"} <= set(server)
    assert "livenessProbe" in VALUES["dagsterDaemon"]
    assert {"readinessProbe", "livenessProbe"} <= set(VALUES["dagsterWebserver"])
    assert all("healthcheck" in service for service in COMPOSE["services"].values())


def test_telemetry_is_off_in_a_root_whose_name_is_a_pattern_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "a [b] * c=1 ü"
    with instance_of(root) as instance:
        assert instance.telemetry_enabled is False
    assert (root / "dagster" / "dagster.yaml").is_file()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


@pytest.mark.slow
def test_a_question_whose_connection_is_cut_is_asked_again_and_a_statement_that_writes_is_not(
    postgres: Postgres,
) -> None:
    from gii_pipeline.defs.patient_postgres import AskingAgain

    given = postgres.database("cut")
    address = f"postgresql+psycopg2://dagster:{given['DAGSTER_POSTGRES_PASSWORD']}@127.0.0.1:{postgres.port}/cut"
    engine = db.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=db.pool.NullPool)
    slowly = db.func.pg_sleep(1).label("slept")
    with engine.connect() as made:
        made.execute(db.text("CREATE TABLE kept (slept text)"))
    with engine.connect() as connection, cutting(engine):
        assert isinstance(connection, AskingAgain)
        assert connection.execute(db.select(db.literal(7), slowly)).scalar_one() == 7
    kept = db.table("kept", db.column("slept"))
    writing = db.insert(kept).from_select(["slept"], db.select(db.cast(slowly, db.Text)))
    with engine.connect() as connection, cutting(engine), pytest.raises(db.exc.OperationalError):
        connection.execute(writing)


@contextmanager
def cutting(engine: db.Engine) -> Iterator[None]:
    """Cut every other connection once one of them is busy with a statement that sleeps."""

    def cut() -> None:
        busy = "FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid() AND state = 'active'"
        with engine.connect() as other:
            while not other.execute(db.text(f"SELECT pg_terminate_backend(pid) {busy}")).fetchall():
                time.sleep(0.05)

    knife = threading.Thread(target=cut)
    knife.start()
    yield
    knife.join()


@pytest.mark.slow
def test_the_services_of_compose_run_on_a_real_postgres(postgres: Postgres, tmp_path: Path) -> None:
    profile = tiny_world.write(tmp_path / "world")
    with deployment(tmp_path, profile, postgres.database("services")) as services:
        jobs = "{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } sensors { name } } } } }"
        assert "rank_when_the_last_year_is_in" in services.until(jobs, "ranking")
        alive = "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy } } } }"
        services.until(alive, '"SCHEDULER", "healthy": true')
        assert all(service.is_alive for service in services.services.values())
        for folder in ("releases", "archive"):
            (services.root / folder).mkdir(parents=True, exist_ok=True)
            (services.root / folder / "kept.txt").write_text("for readers")
        assert services.file("releases/kept.txt") == (200, "for readers")
        assert services.file("archive/kept.txt")[0] == 404


@pytest.mark.slow
def test_runs_and_events_are_kept_in_postgres(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in postgres.database("kept").items():
        monkeypatch.setenv(name, value)
    shutil.copyfile(ROOT / "dagster.yaml.example", tmp_path / "dagster.yaml")

    @dg.asset
    def kept() -> None: ...

    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert dg.materialize([kept], instance=instance).success
    with dg.DagsterInstance.from_config(str(tmp_path)) as again:
        assert again.get_latest_materialization_event(dg.AssetKey("kept")) is not None
    assert not list(tmp_path.rglob("*.db"))
