"""One small world for all tests of this room, and its servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gii_pipeline.sandbox import Serving, World, make_world, serving

SEED, SCALE = 7, 0.001


@pytest.fixture(scope="session")
def world() -> World:
    return make_world(SEED, SCALE)


@pytest.fixture(scope="session")
def all_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("made"), seed=SEED, scale=SCALE, port=None) as running:
        yield running


@pytest.fixture
def served(all_served: Serving) -> Iterator[Serving]:
    """The servers of the small world, with no fault left over."""
    yield all_served
    for server in all_served.servers.values():
        server.faults.clear()
