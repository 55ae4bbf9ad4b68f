"""Progress: what moves on a terminal, and the lines of a log."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import dataclass

import pytest

from gii_pipeline.report.progress import PLAIN_WIDTH, reporting

CAPTURED = """
import os, time
from gii_pipeline.report.progress import reporting
from gii_pipeline_tests.report.test_progress import Event
with reporting(1) as reporter, reporter.run("ingest 2019") as follow:
    kept = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    follow(Event("patents", "started", 4))
    follow(Event("patents", "succeeded", 4, 1234))
    time.sleep(0.5)
    os.dup2(kept, 2)
"""


@dataclass(frozen=True)
class Event:
    step: str
    state: str
    steps: int
    rows: int | None = None


def test_a_log_has_a_line_per_run_with_its_rows(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting(2) as reporter:
        for year in (2018, 2019):
            with reporter.run(f"ingest {year}") as follow:
                for table, rows in (("patents", 1200), ("publications", 34)):
                    follow(Event(table, "started", 2))
                    follow(Event(table, "succeeded", 2, rows))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(", ")[0] for line in lines] == ["ingest 2018  1,234 rows", "ingest 2019  1,234 rows"]
    assert max(map(len, lines)) <= PLAIN_WIDTH


def test_what_is_raised_within_a_run_passes_through_and_the_run_has_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="broken"), reporting(1) as reporter, reporter.run("ingest 2018"):
        raise ValueError("broken")
    assert "ingest 2018" not in capsys.readouterr().err


def test_a_terminal_shows_step_share_and_rows_while_standard_error_is_captured() -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"}
    subprocess.run([sys.executable, "-c", CAPTURED], stderr=theirs, env=environment, check=True)
    os.close(theirs)
    shown = os.read(ours, 1_000_000).decode()
    os.close(ours)
    assert "patents, 1,234 rows" in shown
    assert "25%" in shown
