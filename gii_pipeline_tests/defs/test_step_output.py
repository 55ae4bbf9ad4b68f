"""What a step prints is kept for the page and goes on to the terminal, without a process that copies it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, sys
from gii_pipeline.defs.instance import StepOutput
with StepOutput(sys.argv[1]).capture_logs(["run", "compute_logs", "step"]):
    print("from Python")
    os.system("echo from a program")
    os.write(2, b"from a library\\n")
"""


def test_what_a_step_prints_lies_in_its_files_and_goes_on_to_the_terminal(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    kept = tmp_path / "storage" / "run" / "compute_logs"
    out = (kept / "step.out").read_text()
    assert sorted(out.splitlines()) == sorted(done.stdout.splitlines()) == ["from Python", "from a program"]
    assert (kept / "step.err").read_text() == done.stderr == "from a library\n"
    assert (kept / "step.complete").exists()
