"""A run uses the memory that it is given, or its part of what the machine or its container has."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gii_pipeline import memory
from gii_pipeline.errors import InputError

MIB = 1 << 20


def test_the_setting_is_what_duckdb_keeps_within(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(memory.VARIABLE, "1GiB")
    with memory.connect(tmp_path / "spill") as connection:
        [(limit, spill)] = connection.sql(
            "SELECT current_setting('memory_limit'), current_setting('temp_directory')"
        ).fetchall()
    assert (limit, spill) == ("614.0 MiB", str(tmp_path / "spill"))


def test_what_does_not_fit_goes_to_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(memory.VARIABLE, "256MiB")
    rows = 12_000_000
    with memory.connect(tmp_path / "spill") as connection:
        connection.execute(f"CREATE TABLE many AS SELECT hash(range) AS id, range AS n FROM range({rows})")
        assert connection.sql("SELECT count(*) FROM many JOIN many AS other USING (id)").fetchall() == [(rows,)]


@pytest.mark.parametrize(("text", "said"), [("much", "Write a number of bytes"), ("10MB", "256 MiB or more")])
def test_a_setting_that_cannot_be_kept_is_refused(monkeypatch: pytest.MonkeyPatch, text: str, said: str) -> None:
    monkeypatch.setenv(memory.VARIABLE, text)
    with pytest.raises(InputError, match=f"GII_MEMORY is '{text}'.*{said}"):
        memory.budget()


def test_the_least_of_cgroup_and_machine_is_the_limit(tmp_path: Path) -> None:
    machine = memory.limit(tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.limit(tmp_path) == machine
    (tmp_path / "memory.max").write_text(f"{512 * MIB}\n")
    assert memory.limit(tmp_path) == 512 * MIB
    (tmp_path / "memory.limit_in_bytes").write_text(f"{300 * MIB}\n")
    assert memory.limit(tmp_path) == 300 * MIB


def test_processes_that_run_at_once_divide_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(memory.VARIABLE, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    alone = memory.budget()
    waits = "import sys; from gii_pipeline import memory; memory.budget(); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", waits], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"TMPDIR": str(tmp_path)}
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert memory.budget() == alone // 2
        other.kill()
    assert memory.budget() == alone


LARGE = """
import subprocess, sys
held = bytearray(b"x") * (400 << 20)
child = [sys.executable, "-c", "from gii_pipeline.memory import peak_bytes; print(peak_bytes() >> 20)"]
from gii_pipeline.memory import peak_bytes
print(peak_bytes() >> 20, subprocess.run(child, capture_output=True, text=True, check=True).stdout)
"""


def test_the_peak_of_a_process_is_not_that_of_the_one_that_started_it() -> None:
    run = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=True)
    large, small = map(int, run.stdout.split())
    assert small < 400 <= large
