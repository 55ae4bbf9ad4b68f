"""Roots with releases that the tests of this room share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gii_pipeline_tests.releases.small_edition import SHENZHEN, write_and_release, write_edition


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with edition 2025, not released."""
    path = tmp_path / "gii_data"
    write_edition(path)
    return path


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with v2025.1 and, from another file of a source in which Shenzhen has 30 % more, v2025.2; only to read."""
    path = tmp_path_factory.mktemp("published") / "gii_data"
    write_and_release(path)
    write_and_release(path, digest="e", grown={SHENZHEN: 1.3})
    return path


@pytest.fixture
def released(published: Path, tmp_path: Path) -> Path:
    """A copy of `published`, to change."""
    return Path(shutil.copytree(published, tmp_path / "copy"))
