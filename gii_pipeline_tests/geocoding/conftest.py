"""The gazetteer as installed, read once for the tests of the room and kept for the next run, checked by its hash."""

from __future__ import annotations

import pytest

from gii_pipeline.geocoding import Gazetteer


@pytest.fixture(scope="session")
def gazetteer(pytestconfig: pytest.Config) -> Gazetteer:
    return Gazetteer.default(cache=pytestconfig.cache.mkdir("gazetteer"))
