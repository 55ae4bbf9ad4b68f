"""Roots that a whole run has filled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest

from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.commands import Gii


@pytest.fixture(scope="session")
def finished_tiny_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny world: its files, its profile, and a root with edition 2015 released."""
    folder = tmp_path_factory.mktemp("tiny")
    profile = tiny_world.write(folder / "world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GII_PROFILE", str(profile))
        patch.setenv("GII_ROOT", str(folder / "root"))
        patch.delenv("DAGSTER_HOME", raising=False)
        _run_everything()
        patch.delenv("DAGSTER_HOME", raising=False)
    return folder


@pytest.fixture
def tiny(finished_tiny_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Gii:
    """`gii` on a copy of the finished tiny root, for a test to spoil."""
    folder = tmp_path / "copy"
    copytree(finished_tiny_root, folder)
    return Gii(folder / "world" / "tiny.yaml", folder / "root", capsys)


@pytest.fixture
def gii_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[Path], Gii]:
    """`gii` with another profile, on an empty root."""
    return lambda profile: Gii(profile, tmp_path / "root", capsys)


def _run_everything() -> None:
    from gii_pipeline.defs.pipeline import Pipeline
    from gii_pipeline.defs.planning import Step
    from gii_pipeline.defs.workflow import Workflow

    workflow = Workflow(Pipeline.from_environment())
    for step in [*workflow.plan(["2015"]), Step("release", "2015", "missing")]:
        workflow.run(step)
