"""Fixtures that every room's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


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
def published_data() -> Path:
    """The folder of printed figures."""
    return _shared("published")
