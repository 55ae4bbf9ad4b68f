"""A release killed anywhere leaves no new version or a whole one, and the next run finishes the work."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from gii_pipeline.releases import open_release, verify, versions
from gii_pipeline_tests.releases.small_edition import SHENZHEN, lock, release, tables, write_edition

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["gii_pipeline_tests.releases.small_edition", "gii_pipeline_tests.releases.test_killed"])
FILE_EVENTS = (
    "open",
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "shutil.rmtree",
    "tempfile.mkdtemp",
    "os.listdir",
)


def _release(root: str) -> None:
    release(root)


def _release_until(root: str, deadly: int, counted: str) -> None:
    """Release, and kill this process by SIGKILL before its file operation number `deadly`; count them in a file."""
    seen = 0
    descriptor = os.open(counted, os.O_WRONLY | os.O_CREAT)

    def on(event: str, _arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in FILE_EVENTS:
            seen += 1
            os.pwrite(descriptor, str(seen).encode(), 0)
            if seen == deadly:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(on)
    release(root)


def start(target: object, *arguments: object) -> ForkServerProcess:
    process = CONTEXT.Process(target=target, args=arguments)  # type: ignore[arg-type]
    process.start()
    return process


@pytest.fixture
def prepared(published: Path, tmp_path: Path) -> Path:
    """A root with v2025.1 and v2025.2, and an edition that will be v2025.3."""
    path = Path(shutil.copytree(published, tmp_path / "prepared"))
    write_edition(path, made=tables(grown={SHENZHEN: 1.2}), by=lock(digest="f"))
    return path


def judge(root: Path) -> bool:
    """Whether there is a new version, after a check that whatever is there is whole and readable."""
    found = [str(listed.version) for listed in versions(root)]
    assert found in (["v2025.1", "v2025.2"], ["v2025.1", "v2025.2", "v2025.3"])
    for version in found:
        assert verify(root, version) == []
    assert str(open_release(root).version) in found[1:]
    return len(found) == 3


def finish(root: Path) -> None:
    """Run again, to the end: one new version, nothing left over, and `latest` points to it."""
    release(root)
    assert judge(root)
    assert str(open_release(root).version) == "v2025.3"
    assert list((root / "releases" / ".staging").iterdir()) == []
    assert {path.name for path in (root / "releases").iterdir() if path.name[0] != "v"} == {".staging", "latest.json"}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_at_random_moments(prepared: Path, tmp_path: Path) -> None:
    for whole in (tmp_path / "first", tmp_path / "second"):  # the first starts the server that forks, too
        shutil.copytree(prepared, whole)
        begun = time.perf_counter()
        start(_release, str(whole)).join()
        lasts = time.perf_counter() - begun
        assert judge(whole)
    dice, outcomes = random.Random(20250917), []
    for attempt in range(15):
        root = Path(shutil.copytree(prepared, tmp_path / f"killed-{attempt}"))
        process = start(_release, str(root))
        time.sleep(dice.uniform(0, lasts))
        process.kill()
        process.join()
        outcomes.append(judge(root))
        finish(root)
        shutil.rmtree(root)
    assert False in outcomes, "some kill came before the version was whole"


def killed_before(prepared: Path, tmp_path: Path, moments: slice) -> set[tuple[bool, bool]]:
    """Kill one run before each of the chosen file operations; what came of it: (killed, a new version is there)."""
    counted = tmp_path / "counted"
    whole = Path(shutil.copytree(prepared, tmp_path / "whole"))
    start(_release_until, str(whole), 0, str(counted)).join()
    operations = int(counted.read_text())
    outcomes = set()
    for moment in range(1, operations + 1)[moments]:
        root = Path(shutil.copytree(prepared, tmp_path / f"before-{moment}"))
        process = start(_release_until, str(root), moment, str(counted))
        process.join()
        outcomes.add((process.exitcode == -signal.SIGKILL, judge(root)))
        finish(root)
        shutil.rmtree(root)
    return outcomes


@pytest.mark.slow
def test_killed_before_the_last_file_operations(prepared: Path, tmp_path: Path) -> None:
    """Around the rename and the new latest.json."""
    assert killed_before(prepared, tmp_path, slice(-40, None, 5)) >= {(True, False), (True, True)}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_before_every_sixteenth_file_operation(prepared: Path, tmp_path: Path) -> None:
    assert killed_before(prepared, tmp_path, slice(None, None, 16)) >= {(True, False)}
