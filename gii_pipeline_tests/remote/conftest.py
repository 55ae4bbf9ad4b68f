"""Machines that share a root on an object store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gii_pipeline.remote import WorkingCopy
from gii_pipeline_tests.s3_server import empty_root, serving

Machine = Callable[[str], WorkingCopy]


@pytest.fixture(scope="package")
def store() -> Iterator[dict[str, str]]:
    """The environment that leads to an object store."""
    pytest.importorskip("s3fs", reason="the extra `s3` is not installed")
    with serving() as settings:
        yield settings


@pytest.fixture
def address(store: dict[str, str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The address of an empty root."""
    return empty_root(store, monkeypatch, request)


@pytest.fixture
def machine(address: str, tmp_path: Path) -> Machine:
    """The working copy that a machine has of the root, up to date. Called again, it is the same machine's."""
    return lambda name: WorkingCopy.made(address, tmp_path / name)
