"""A whole run on a root in a bucket, from files to a release, and the same root on another machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gii_pipeline import open_release
from gii_pipeline.errors import DamagedError, TransientError
from gii_pipeline.remote import WorkingCopy, inspection
from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.commands import Gii
from gii_pipeline_tests.s3_server import BUCKET, client, serving

pytest.importorskip("s3fs", reason="the extra `s3` is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
EDITION = ("--edition", "2015")


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    with serving() as settings:
        yield settings


@pytest.fixture
def on(
    store: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Callable[[str], Gii]:
    """`gii` on a machine, by its name, with a root that all machines share."""
    for name, value in store.items():
        monkeypatch.setenv(name, value)
    profile = tiny_world.write(tmp_path / "world")
    address = f"s3://{BUCKET}/{request.node.name}"

    def machine(name: str) -> Gii:
        monkeypatch.setenv("GII_COPIES", str(tmp_path / name))
        return Gii(profile, Path(address), capsys)

    return machine


def address_of(machine: Gii) -> str:
    """The root's address; a Path makes one `/` of two, which commands take as well."""
    return str(machine.root).replace("s3:/", "s3://")


def hashes(address: str) -> dict[str, str]:
    """What is published: path -> sha256, but for lists and manifests, which have times in them."""
    copy = WorkingCopy.made(address)
    files = {name: parts for pointer in copy.published().values() for name, parts in pointer.files.items()}
    return {name: parts[0].sha256 for name, parts in files.items() if name.startswith(("core", "editions", "extracts"))}


def test_from_files_to_a_release_and_nothing_to_do_on_another_machine(on: Callable[[str], Gii], tmp_path: Path) -> None:
    first = on("first")
    ran = first("run", *EDITION)
    assert ran.code == 0, ran.err
    assert "Release v2015.1" in ran.out
    address = address_of(first)
    assert list(open_release(address).table("ranking_size")["name"]) == ["Graz", "Lyon", "Oslo"]
    before = hashes(address)

    second = on("second")
    planned = second("plan", *EDITION)
    assert planned.out.count("there") == 3, planned.out
    again = second("run", *EDITION)
    assert again.code == 0, again.err
    assert "unchanged" in again.out
    assert hashes(address) == before
    assert not [*tmp_path.glob("second/*/extracts/**/*.parquet"), *tmp_path.glob("second/*/archive/*/??/*")]

    for csv in (tmp_path / "world").glob("*.csv"):
        csv.unlink()
    read_again = on("third")("ingest", "--years", "2014", "--offline")
    assert read_again.code == 0, read_again.err
    assert hashes(address) == before
    looked = second("verify")
    assert looked.code == 0, looked.out
    assert "bucket: editions" in looked.out
    assert "Published" not in second("release", "make", *EDITION).out
    assert second("release", "withdraw", "v2015.1", "--because", "Wrong.").code == 0
    assert "withdrawn: Wrong." in on("third")("release", "list").out


def test_damage_in_the_bucket_is_reported_and_repaired(on: Callable[[str], Gii], store: dict[str, str]) -> None:
    first = on("first")
    assert first("ingest", "--years", "2014").code == 0
    before = hashes(address_of(first))
    core = next(name for name in before if name.startswith("core/patents") and name.endswith(".parquet"))
    key = f"{address_of(first).removeprefix(f's3://{BUCKET}/')}/objects/{before[core][:2]}/{before[core]}"
    client(store).put_object(Bucket=BUCKET, Key=key, Body=b"x")
    reported = first("verify")
    assert reported.code == DamagedError.exit_code
    assert "patents/data_year=2014/part-0.parquet is damaged" in reported.out.replace("\n", "")
    refused = on("second")("plan", *EDITION)
    assert refused.code == DamagedError.exit_code
    assert "gii verify --repair" in refused.err
    assert on("first")("verify", "--repair").code == DamagedError.exit_code
    assert first("verify").code == 0
    assert on("second")("plan", *EDITION).code == 0


KILLED = """
import os, signal, sys
from aiobotocore.client import AioBaseClient
call, left = AioBaseClient._make_api_call, int(sys.argv.pop(1))
async def counted(self, operation, arguments):
    global left
    left -= operation == "PutObject"
    if operation == "PutObject" and left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return await call(self, operation, arguments)
AioBaseClient._make_api_call = counted
from gii_pipeline.cli import process
process()
"""


def command(machine: Gii, *arguments: str, killed_before_put: int = 0) -> subprocess.Popen[str]:
    """`gii` as a process, ended by SIGKILL before an upload, by its number; 0 lets it end by itself."""
    whole = [sys.executable, "-c", KILLED, str(killed_before_put), *arguments]
    settings = {"GII_PROFILE": str(machine.profile), "GII_ROOT": str(machine.root)}
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    return subprocess.Popen(
        whole, env=environment | settings, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_run_that_is_killed_between_uploads_leaves_whole_tables_and_goes_on(on: Callable[[str], Gii]) -> None:
    """Killed on one machine after the other; each begins from what the ones before have published."""
    ran = on("whole")("ingest", "--years", "2014")
    assert ran.code == 0, ran.err
    machine = on("whole")
    whole = hashes(address_of(machine))
    again = Gii(machine.profile, machine.root / "again", machine.capsys)
    for number, put in enumerate((3, 8, 15)):
        on(f"machine {number}")
        killed = command(again, "ingest", "--years", "2014", killed_before_put=put)
        killed.communicate()
        assert killed.returncode == -signal.SIGKILL
        copy = WorkingCopy.made(address_of(again))
        assert [found.damage for found in inspection.look(copy) if found.damage] == []
    on("the last machine")
    finished = again("ingest", "--years", "2014")
    assert finished.code == 0, finished.err
    assert {name: sha256 for name, sha256 in hashes(address_of(again)).items() if name in whole} == whole
    assert again("verify").code == 0


def test_a_ranking_and_a_release_that_are_killed_between_uploads_go_on(on: Callable[[str], Gii]) -> None:
    """Killed on one machine after the other, between the tables of an edition and the files of its release."""
    machine = on("whole")
    ran = machine("run", *EDITION)
    assert ran.code == 0, ran.err
    whole = hashes(address_of(machine))
    again = Gii(machine.profile, machine.root / "again", machine.capsys)
    killed = 0
    for number, put in enumerate((60, 25, 40)):
        on(f"machine {number}")
        run = command(again, "run", *EDITION, killed_before_put=put)
        run.communicate()
        killed += run.returncode == -signal.SIGKILL
        copy = WorkingCopy.made(address_of(again))
        assert [found.damage for found in inspection.look(copy) if found.damage] == []
    assert killed > 1
    on("the last machine")
    finished = again("run", *EDITION)
    assert finished.code == 0, finished.err
    assert {name: sha256 for name, sha256 in hashes(address_of(again)).items() if name in whole} == whole
    assert list(open_release(address_of(again)).table("ranking_size")["name"]) == ["Graz", "Lyon", "Oslo"]
    assert again("verify").code == 0


def test_of_two_runs_at_once_nothing_is_mixed(on: Callable[[str], Gii]) -> None:
    runs = [command(on(name), "ingest", "--years", "2014") for name in ("first", "second")]
    said = [run.communicate()[1] for run in runs]
    codes = sorted(run.returncode for run in runs)
    assert codes in ([0, 0], [0, TransientError.exit_code]), said
    assert all("Another run has published" in told for run, told in zip(runs, said, strict=True) if run.returncode)
    for name in ("first", "second"):
        again = on(name)("ingest", "--years", "2014")
        assert again.code == 0, again.err
    assert on("third")("verify").code == 0
