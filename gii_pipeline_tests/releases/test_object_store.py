"""The same root on an object store: a real S3 protocol server on loopback, reached through fsspec."""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
from collections.abc import Iterator
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import boto3
import geopandas as gpd
import pytest
from upath import UPath

from gii_pipeline.errors import GiiError, ReleaseError
from gii_pipeline.releases import discard, open_release, storage, verify, versions, withdraw
from gii_pipeline_tests.releases.small_edition import SHENZHEN, lock, release, tables, write_and_release, write_edition
from gii_pipeline_tests.releases.writers import CONTEXT, at_once
from gii_pipeline_tests.s3_server import BUCKET, empty_root, serving

pytest.importorskip("s3fs", reason="the extra `s3` is not installed")
pytestmark = pytest.mark.slow
LATER = "2026-04-01T00:00:00Z"


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    with serving() as settings:
        yield settings


@pytest.fixture
def address(store: dict[str, str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The address of an empty root on the server."""
    return empty_root(store, monkeypatch, request)


def lay_out(address: str, scratch: Path, *, digest: str = "a", **changes: object) -> str:
    """Edition 2025 under the address, changed as `tables` can."""
    write_edition(scratch, made=tables(**changes), by=lock(digest=digest))  # type: ignore[arg-type]
    for name, path in storage.files_in(scratch / "editions").items():
        (UPath(address) / "editions" / name).write_bytes(path.read_bytes())
    return address


def keys(address: str) -> list[str]:
    prefix = address.removeprefix(f"s3://{BUCKET}/") + "/releases/"
    found = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return [content["Key"].removeprefix(prefix) for content in sorted(found, key=lambda content: content["Key"])]


def test_a_version_is_the_same_as_on_a_disk(address: str, tmp_path: Path) -> None:
    lay_out(address, tmp_path / "scratch")
    assert release(address).message == "Published v2025.1."
    write_and_release(tmp_path / "local")
    local = tmp_path / "local" / "releases" / "v2025.1"
    remote = storage.files_in(UPath(address) / "releases" / "v2025.1")
    assert {name: path.read_bytes() for name, path in remote.items()} == {
        path.name: path.read_bytes() for path in local.iterdir()
    }
    assert verify(address) == []
    assert not release(address).created


def test_readers_open_it_by_its_address(address: str, tmp_path: Path) -> None:
    release(lay_out(address, tmp_path))
    opened = open_release(address)
    assert opened.table("ranking_size")["name"].iloc[0] == "Shenzhen–Hong Kong"
    assert isinstance(opened.geo(), gpd.GeoDataFrame)
    assert opened.lock["sources"]["openalex"]["2023"] == ["a" * 64]


def test_the_data_package_is_written_last(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(address, tmp_path)
    put_new, orders = storage.put_new, []

    def watched(path: UPath, content: bytes) -> bool:
        orders.append((path.name, len(keys(address))))
        return put_new(path, content)

    monkeypatch.setattr(storage, "put_new", watched)
    release(address)
    assert orders == [("sources.lock.json", 0), ("datapackage.json", len(keys(address)) - 2)]


def test_readers_ignore_a_version_without_data_package(address: str, tmp_path: Path) -> None:
    release(lay_out(address, tmp_path))
    for name, path in storage.files_in(UPath(address) / "releases" / "v2025.1").items():
        if name != "datapackage.json":
            (UPath(address) / "releases" / "v2025.2" / name).write_bytes(path.read_bytes())
    assert [str(listed.version) for listed in versions(address)] == ["v2025.1"]
    assert str(open_release(address).version) == "v2025.1"
    with pytest.raises(ReleaseError, match=r"v2025\.2 .* has no datapackage\.json, which is written last"):
        open_release(address, "v2025.2")


def test_a_reader_that_lives_on_sees_what_others_publish(address: str, tmp_path: Path) -> None:
    lay_out(address, tmp_path)
    with pytest.raises(ReleaseError, match="there is none yet"):
        open_release(address)
    assert in_a_process(address) == "Published v2025.1."
    assert str(open_release(address).version) == "v2025.1"
    assert str(open_release(address, "v2025.1").version) == "v2025.1"
    lay_out(address, tmp_path, grown={SHENZHEN: 1.2})
    assert in_a_process(address) == "Published v2025.2."
    assert str(open_release(address).version) == "v2025.2"
    assert str(open_release(address, "v2025.2").version) == "v2025.2"


def _release(address: str, environment: dict[str, str], answers: Queue[str], barrier: Barrier | None = None) -> None:
    os.environ |= environment
    try:
        answers.put(release(address, extras=(lambda *_: barrier.wait()) if barrier else None).message)
    except GiiError as error:
        answers.put(f"{type(error).__name__}: {error}")


def _aws() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}


def in_a_process(address: str) -> str:
    answers = CONTEXT.Queue()
    process = CONTEXT.Process(target=_release, args=(address, _aws(), answers))
    process.start()
    said: str = answers.get(timeout=60)
    process.join()
    return said


def test_of_writers_at_once_one_publishes_and_the_others_say_so(address: str, tmp_path: Path) -> None:
    lay_out(address, tmp_path)
    published = [said for said in at_once(_release, [(address, _aws())] * 3) if said == "Published v2025.1."]
    assert len(published) == 1
    assert verify(address) == []
    assert [str(listed.version) for listed in versions(address)] == ["v2025.1"]


def test_a_conditional_put_decides_between_two_writers(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run claims the name with other tables after this one has looked for it."""
    lay_out(address, tmp_path / "mine")
    write_and_release(tmp_path / "other", digest="e", grown={SHENZHEN: 1.2})
    other = tmp_path / "other" / "releases" / "v2025.1"
    target = UPath(address) / "releases" / "v2025.1"

    def claim(_folder: Path, _version: object) -> None:
        for path in sorted(other.iterdir(), key=lambda path: path.name == "datapackage.json"):
            (target / path.name).write_bytes(path.read_bytes())

    with pytest.raises(ReleaseError, match=r"Another run published v2025\.1 .* Run it again to make v2025\.2"):
        release(address, extras=claim)
    assert verify(address, "v2025.1") == []
    assert open_release(address, "v2025.1").lock["sources"]["openalex"]["2023"] == ["e" * 64]
    assert release(address).message == "Published v2025.2."


def test_while_another_upload_goes_on_a_writer_stops_and_says_what_to_do(address: str, tmp_path: Path) -> None:
    lay_out(address, tmp_path)
    begun = UPath(address) / "releases" / "v2025.1" / "sources.lock.json"
    begun.write_bytes(b'{"another": "claim"}')
    with pytest.raises(ReleaseError, match=r"v2025\.1 .* is unfinished.*`gii release discard v2025\.1`"):
        release(address)
    assert keys(address) == ["v2025.1/sources.lock.json"]
    discard(address, "v2025.1", at=LATER)
    assert release(address).message == "Published v2025.2."
    assert "v2025.1/sources.lock.json" not in keys(address)
    assert str(open_release(address).version) == "v2025.2"


def _release_and_die(address: str, environment: dict[str, str], puts: int) -> None:
    """Release, and end by SIGKILL before upload number `puts`."""
    os.environ |= environment
    client = importlib.import_module("aiobotocore.client").AioBaseClient
    call, seen = client._make_api_call, 0

    async def counted(self: object, operation: str, arguments: object) -> object:
        nonlocal seen
        seen += operation == "PutObject"
        if seen == puts:
            os.kill(os.getpid(), signal.SIGKILL)
        return await call(self, operation, arguments)

    client._make_api_call = counted
    release(address)


@pytest.mark.parametrize(
    "puts", [pytest.param(2, marks=pytest.mark.slow), 17, pytest.param(18, marks=pytest.mark.slow)]
)
def test_an_upload_that_is_killed_is_no_version_until_the_same_run_finishes_it(
    address: str, tmp_path: Path, puts: int
) -> None:
    lay_out(address, tmp_path)
    process = CONTEXT.Process(target=_release_and_die, args=(address, _aws(), puts))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    whole = "v2025.1/datapackage.json" in keys(address)
    assert len(keys(address)) == puts - 1
    assert [str(listed.version) for listed in versions(address)] == (["v2025.1"] if whole else [])
    assert release(address).created is not whole
    assert verify(address, "v2025.1") == []
    assert json.loads((UPath(address) / "releases" / "latest.json").read_bytes())["version"] == "v2025.1"


def test_a_version_is_withdrawn_there_too(address: str, tmp_path: Path) -> None:
    release(lay_out(address, tmp_path))
    lay_out(address, tmp_path, grown={SHENZHEN: 1.2})
    release(address)
    withdraw(address, "v2025.2", because="Wrong.", at=LATER)
    assert str(open_release(address).version) == "v2025.1"
    with pytest.warns(UserWarning, match="was withdrawn: Wrong"):
        open_release(address, "v2025.2")


def test_a_bucket_that_is_not_there_says_so(address: str) -> None:
    with pytest.raises(ReleaseError, match="s3://no-such-bucket/gii_data"):
        release("s3://no-such-bucket/gii_data")
    with pytest.raises(ReleaseError, match="s3://no-such-bucket/gii_data"):
        open_release("s3://no-such-bucket/gii_data")


def test_verify_names_the_damaged_object(address: str, tmp_path: Path) -> None:
    release(lay_out(address, tmp_path))
    damaged = UPath(address) / "releases" / "v2025.1" / "points.parquet"
    damaged.write_bytes(b"x" + damaged.read_bytes()[1:])
    (problem,) = verify(address)
    assert "v2025.1/points.parquet is damaged" in problem


def test_the_snippet_of_the_consumers_guide_reads_from_a_bucket(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "consumers.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"^```python s3\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    release(lay_out(address, tmp_path))
    exec(snippet.replace("s3://clusters/gii_data", address), {})  # noqa: S102 - our own documentation
    assert "Shenzhen" in capsys.readouterr().out
