"""Roots that a whole run has filled."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.commands import CACHE, Gii


@pytest.fixture(scope="session")
def finished_tiny_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny world: its files, its profile, and a root with edition 2015 released.

    One run serves every process of a test session.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "tiny"
    with FileLock(f"{folder}.lock"):
        if not (folder / "finished").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _run_everything(tiny_world.write(folder / "world"), folder / "root")
            shutil.copytree(os.environ[CACHE], folder / "root" / "cache")
            (folder / "finished").touch()
    return folder


@pytest.fixture
def tiny(finished_tiny_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Gii:
    """`gii` on a copy of the finished tiny root, for a test to spoil."""
    folder = tmp_path / "copy"
    shutil.copytree(finished_tiny_root, folder)
    return Gii(folder / "world" / "tiny.yaml", folder / "root", capsys)


@pytest.fixture
def gii_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[Path], Gii]:
    """`gii` with another profile, on an empty root."""
    return lambda profile: Gii(profile, tmp_path / "root", capsys)


def _run_everything(profile: Path, root: Path) -> None:
    from gii_pipeline.contracts import pages_later
    from gii_pipeline.defs.pipeline import Pipeline
    from gii_pipeline.defs.planning import Step
    from gii_pipeline.defs.workflow import Workflow

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GII_PROFILE", str(profile))
        patch.setenv("GII_ROOT", str(root))
        patch.setenv("DAGSTER_HOME", str(root / "dagster"))
        workflow = Workflow(Pipeline.from_environment())
        with pages_later():
            for step in [*workflow.plan(["2015"]), Step("release", "2015", "missing")]:
                workflow.run(step)
