"""Great Expectations costs seconds: only the process beside pays for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = "great_expectations"
WITHOUT = {
    "the process that validates": """
from gii_pipeline import contracts
contract = contracts.load("rank_history")
assert not contracts.validate(contract.arrow_schema.empty_table(), contract).passed
""",
    "the contracts room": "from gii_pipeline import contracts; [contracts.load(name) for name in contracts.names()]",
    "the code location": "import gii_pipeline.defs.definitions",
    "gii --help": """
from typer.testing import CliRunner
from gii_pipeline.cli import app
assert CliRunner().invoke(app, ["--help"]).exit_code == 0
""",
}


def _imported(program: str) -> bool:
    """Whether a new interpreter that runs the program has imported Great Expectations."""
    told = f"{program}\nimport sys; print({HEAVY!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().endswith("True")


@pytest.mark.parametrize("what", WITHOUT)
def test_great_expectations_is_not_imported_by(what: str) -> None:
    assert not _imported(WITHOUT[what])
