"""The gazetteer's cache, made once for all cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from gii_pipeline.geocoding import Gazetteer


@pytest.fixture(scope="session")
def gazetteer_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gazetteer")
    Gazetteer.default(500, folder)
    return folder
