"""Heavy packages cost seconds: only what uses them pays for them."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"great_expectations", "ibis", "numba", "rasterio", "geopandas"}
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


def _imported(program: str) -> str:
    """What of the heavy packages a new interpreter that runs the program has imported."""
    told = f"{program}\nimport sys; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", told], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("what", WITHOUT)
def test_no_heavy_package_is_imported_by(what: str) -> None:
    assert not _imported(WITHOUT[what])
