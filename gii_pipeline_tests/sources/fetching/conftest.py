"""What the tests of all clients share: a fetch whose waits cost nothing, and an environment without keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gii_pipeline.archive import Archive, Entry
from gii_pipeline.sources.fetching import FETCHERS
from gii_pipeline_tests.archive.clock import PatientClock

Fetch = Callable[..., list[Entry]]


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENALEX_API_KEY", "CRUNCHBASE_API_KEY", "USPTO_API_KEY", "SEC_CONTACT"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock()


@pytest.fixture
def fetch(tmp_path: Path, clock: PatientClock) -> Fetch:
    """`fetch(client, options, year, refresh=…, offline=…)` into one archive, with a new `Archive` every time."""

    def run(client: str, options: dict[str, Any], data_year: int | None = None, **archive: Any) -> list[Entry]:
        opened = Archive(tmp_path, clock=clock, resume="gii ingest --years {years}", **archive)
        return FETCHERS[client].fetch(opened, options, data_year)

    return run


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """The archive that `fetch` fills."""
    return Archive(tmp_path)
