"""The package as others get it: a wheel outside the checkout, and the workspace that Dagster loads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gii_pipeline_tests import tiny_world

CHECKOUT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def outcome(command: list[str], folder: Path, **environment: str) -> str:
    """What a command prints; fails the test with it where the command fails."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("DAGSTER_HOME", "GII_PROFILE", "GII_ROOT")
    }
    done = subprocess.run(command, cwd=folder, env=kept | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel of this checkout is installed in."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip"]
    source = folder / "source"
    outcome(["git", "clone", "--quiet", str(CHECKOUT), str(source)], folder)
    outcome([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source)], folder)
    [wheel] = folder.glob("gii_pipeline-*.whl")
    outcome([*pip, "install", "--no-deps", "--target", str(folder / "site"), str(wheel)], folder)
    return folder / "site"


def test_a_wheel_runs_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    profile = tiny_world.write(tmp_path / "world")
    where = outcome(
        [sys.executable, "-c", "import gii_pipeline; print(gii_pipeline.__file__)"], tmp_path, PYTHONPATH=str(installed)
    )
    assert Path(where.strip()).is_relative_to(installed)
    gii = [sys.executable, str(installed / "bin" / "gii")]
    out = outcome(
        [*gii, "run", "--edition", "2015", "--profile", str(profile), "--root", "data"],
        tmp_path,
        PYTHONPATH=str(installed),
    )
    assert "Graz" in out
    assert (tmp_path / "data" / "releases" / "v2015.1" / "datapackage.json").is_file()
    assert "sandbox" in outcome([*gii, "doctor", "--help"], tmp_path, PYTHONPATH=str(installed))


def test_dagster_loads_the_workspace(tmp_path: Path) -> None:
    profile = tiny_world.write(tmp_path / "world")
    dagster = str(Path(sys.executable).with_name("dagster"))
    environment = {"GII_PROFILE": str(profile), "GII_ROOT": str(tmp_path / "data"), "DAGSTER_HOME": str(tmp_path)}
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    outcome([dagster, "definitions", "validate", "-w", "workspace.yaml"], CHECKOUT, **environment)
    command = [dagster, "asset", "materialize", "-m", "gii_pipeline.defs.definitions", "--partition", "2014"]
    outcome([*command, "--select", "raw_patents,raw_population,patents"], CHECKOUT, **environment)
    assert (tmp_path / "data" / "core" / "patents" / "data_year=2014" / "part-0.parquet").is_file()
