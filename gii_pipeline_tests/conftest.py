"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gii_pipeline.geocoding import Gazetteer
from gii_pipeline_tests.commands import CACHE

RUNS_A_PIPELINE = "finished_tiny_root"
SLOW_SECONDS = 900
"""At the least, what a slow test may take: enough at half the speed of a machine that does other work too."""
SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """Every root of the tests has the index of places from one folder: making it takes half a minute."""
    os.environ[CACHE] = str(config.cache.mkdir("places"))


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """A test on a root that a pipeline has filled is slow; no slow test has the limit of a fast one.

    Files whose tests may take longest come first, so that at the end no process waits for another.
    """
    limits: dict[Path, float] = {}
    for item in items:
        if RUNS_A_PIPELINE in item.fixturenames:
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS))
        limit = item.get_closest_marker("timeout")
        limits[item.path] = max(limits.get(item.path, 0), limit.args[0] if limit else 0)
    items.sort(key=lambda item: -limits[item.path])


def _shared(folder: str) -> Path:
    path = SHARED / folder
    if not path.is_dir():
        pytest.skip(f"../shared/{folder} is not here: its files may not be redistributed with the repository")
    return path


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real records."""
    return _shared("data/real")


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of test inputs."""
    return _shared("cases")


@pytest.fixture(scope="session")
def published_data() -> Path:
    """The folder of printed figures."""
    return _shared("published")


@pytest.fixture(scope="session")
def gazetteer() -> Gazetteer:
    """The gazetteer as installed, read once."""
    return Gazetteer.default(cache=Path(os.environ[CACHE]))
