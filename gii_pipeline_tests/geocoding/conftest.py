"""The gazetteer as installed, read once for the tests of the room."""

from __future__ import annotations

import pytest

from gii_pipeline.geocoding import Gazetteer


@pytest.fixture(scope="session")
def gazetteer(tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    return Gazetteer.default(cache=tmp_path_factory.mktemp("gazetteer"))
