"""What the machine refuses is one message with the file and what to do, whichever library ran into it."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from gii_pipeline.errors import MachineError
from gii_pipeline.machine import FILES_NEEDED, refusals_told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/data/x.parquet"),
            "/data/x.parquet: the disk is full. .*Free",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "/data"), "/data: the permission is missing.*--root"),
        (OSError(errno.EROFS, "Read-only file system", "/data"), "/data: the file system is read-only.*--root"),
        (OSError(errno.EMFILE, "Too many open files", "/x"), "/x: too many files are open.*ulimit -n"),
        (
            duckdb.IOException('Could not write file "/tmp/x": No space left on device'),
            '^/.*: the disk is full .*"/tmp/x"',
        ),
        (sqlite3.OperationalError("attempt to write a readonly database"), "^/srv/gii: the permission is missing"),
    ],
)
def test_a_refusal_is_told_with_its_file_and_its_remedy(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GII_ROOT", "/srv/gii")
    with pytest.raises(MachineError, match=told), refusals_told():
        raise error


@pytest.mark.parametrize(
    "error", [ValueError("Permission denied"), FileNotFoundError(errno.ENOENT, "x", "y"), KeyError(1)]
)
def test_what_is_no_refusal_passes_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)), refusals_told():
        raise error


GII = [sys.executable, "-c", "from gii_pipeline.cli import process; process()"]


AS_ANYBODY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""An administrator may write everywhere, unless the right to do so is taken away."""


@pytest.mark.skipif(bool(AS_ANYBODY) and not shutil.which("setpriv"), reason="an administrator may write everywhere")
def test_without_permission_readers_read_and_whoever_writes_gets_one_message(tmp_path: Path) -> None:
    history = tmp_path / "dagster" / "runs.db"
    history.parent.mkdir()
    with closing(sqlite3.connect(history)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE runs (id INTEGER)")
        connection.commit()
    for folder in (history.parent, tmp_path):
        folder.chmod(0o500)
    for arguments, code in ((["verify"], 0), (["ingest", "--years", "2019"], MachineError.exit_code)):
        done = subprocess.run(
            [*AS_ANYBODY, *GII, *arguments, "--root", str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    assert done.stderr.startswith(str(tmp_path))
    assert "the right to read and write there" in done.stderr


def test_few_descriptors_are_one_message(tmp_path: Path) -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))

    done = subprocess.run(
        [*GII, "ingest", "--years", "2019", "--root", str(tmp_path)],
        capture_output=True, text=True, check=False, preexec_fn=few,
    )  # fmt: skip
    assert done.returncode == MachineError.exit_code, done.stderr
    assert done.stderr.startswith("At most 24 files may be open here")
    assert "ulimit -n" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_low_limit_of_open_files_is_raised_where_the_system_allows() -> None:
    def low() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    asked = "import resource; from gii_pipeline.machine import enough_files; enough_files(); "
    done = subprocess.run(
        [sys.executable, "-c", asked + "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"],
        capture_output=True, text=True, check=True, preexec_fn=low,
    )  # fmt: skip
    assert int(done.stdout) >= FILES_NEEDED


def test_ctrl_c_ends_a_command_at_once_in_the_middle_of_a_query_and_says_what_is_kept(tmp_path: Path) -> None:
    busy = (
        "import duckdb, os, signal, sys\n"
        "from gii_pipeline.cli.interrupts import end_at_once_on_interrupt\n"
        "end_at_once_on_interrupt()\n"
        "signal.signal(signal.SIGINT, lambda *_: None)\n"  # as Dagster does while a step runs
        "os.dup2(os.open(os.devnull, os.O_WRONLY), 2)\n"
        "print('busy', flush=True)\n"
        "duckdb.sql('select sum(a.range * b.range) from range(10000000) a, range(1000000) b').fetchall()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", busy], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=2)
    assert process.returncode == 130
    assert "Finished tables, releases and fetched files are kept" in told
    assert "Traceback" not in told
