"""Every fault that a server shows ends in the right data, at once or after a clear stop and the same command again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gii_pipeline.archive import Archive
from gii_pipeline.errors import FetchStoppedError, TransientError
from gii_pipeline.sandbox import Fault, Serving
from gii_pipeline.sandbox.servers.files import ROR_PATH
from gii_pipeline.sandbox.servers.serving import KEY_VARIABLE
from gii_pipeline.sources.fetching import FETCHERS
from gii_pipeline_tests.archive.clock import PatientClock

YEAR = 2021
MENDED = ""
ROUNDS_A_PAGE = 15


class Fetch:
    """One client on one archive, against one of the servers."""

    def __init__(self, served: Serving, root: Path, client: str) -> None:
        self._root, self._client = root, client
        address = {name: server.url for name, server in served.servers.items()}
        options: dict[str, dict[str, Any]] = {
            "openalex_api": {
                "base_url": address["openalex"],
                "key_variable": KEY_VARIABLE,
                "per_second": 80,
                "filter": "type:article,institutions.country_code:US",
                "per_page": 50,
            },
            "crunchbase_api": {
                "base_url": f"{address['crunchbase']}/v4/data",
                "key_variable": KEY_VARIABLE,
                "limit": ROUNDS_A_PAGE,
            },
            "uspto_odp": {
                "base_url": f"{address['uspto']}/api/v1",
                "key_variable": KEY_VARIABLE,
                "table": "g_pct_data",
            },
            "file_url": {"url": f"{address['files']}{ROR_PATH}"},
        }
        self.options = options[client]

    def __call__(self) -> str:
        """A fingerprint of what came: of a list the ids in order, of a file its bytes."""
        archive = Archive(self._root, clock=PatientClock())
        entries = FETCHERS[self._client].fetch(archive, self.options, YEAR)
        if self._client in ("uspto_odp", "file_url"):
            return " ".join(entry.sha256 for entry in entries)
        pages = [msgspec.json.decode(entry.path.read_bytes()) for entry in entries]
        ids = [
            record.get("id") or record["uuid"] for page in pages for record in page.get("results", page.get("entities"))
        ]
        assert len(set(ids)) == len(ids)
        return f"{len(ids)} {hashlib.sha256(' '.join(ids).encode()).hexdigest()}"


# Fault and client -> MENDED where the fetch goes on by itself, or what it says when it stops.
LISTS = {
    Fault.RATE_LIMITED: MENDED,
    Fault.SERVER_ERROR: MENDED,
    Fault.TRICKLE: MENDED,
    Fault.RESET: MENDED,
    Fault.TRUNCATED_GZIP: "truncated",
    Fault.HTML: "HTML page",
    Fault.WRONG_TOTAL: "the source reports",
    Fault.REPEATED_CURSOR: "leads back to an earlier page",
    Fault.CHANGED_PAGE: "the source reports",
}
FILES = {
    Fault.RATE_LIMITED: MENDED,
    Fault.SERVER_ERROR: MENDED,
    Fault.TRICKLE: MENDED,
    Fault.RESET: MENDED,
    Fault.TRUNCATED_GZIP: MENDED,
    Fault.HTML: "HTML page",
}
CASES = [
    *((client, "openalex" if "openalex" in client else "crunchbase", fault, said)
      for client in ("openalex_api", "crunchbase_api") for fault, said in LISTS.items()),
    *(("file_url", "files", fault, said) for fault, said in FILES.items()),
    *(("uspto_odp", "files", fault, said) for fault, said in FILES.items()),
    ("uspto_odp", "uspto", Fault.RATE_LIMITED, MENDED),
    ("uspto_odp", "uspto", Fault.SERVER_ERROR, MENDED),
    ("uspto_odp", "uspto", Fault.HTML, "HTML page"),
    ("openalex_api", "openalex", Fault.BUDGET_SPENT, "daily budget is spent; it resets"),
    ("file_url", "files", Fault.BUDGET_SPENT, "refuses access until"),
]  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(all_served: Serving, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Client -> what it fetches when nothing goes wrong."""
    folder = tmp_path_factory.mktemp("undisturbed")
    clients = sorted({case[0] for case in CASES})
    return {client: Fetch(all_served, folder / client, client)() for client in clients}


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case[:3]))
def test_fault_ends_in_the_right_data_or_in_a_stop_that_resumes(
    served: Serving, tmp_path: Path, undisturbed: dict[str, str], case: tuple[str, str, Fault, str]
) -> None:
    client, server, fault, said = case
    fetch = Fetch(served, tmp_path, client)
    served.servers[server].faults.add(fault, after=2 if fault in LISTS and server in ("openalex", "crunchbase") else 0)
    if fault is Fault.WRONG_TOTAL:
        served.servers[server].faults.clear()
        served.servers[server].faults.add(fault, times=1000)
    if said is not MENDED:
        with pytest.raises(FetchStoppedError, match=said) as stopped:
            fetch()
        assert "gii ingest" in str(stopped.value)
        served.servers[server].faults.clear()
    assert fetch() == undisturbed[client]


@pytest.mark.parametrize("client", ["openalex_api", "crunchbase_api"])
def test_source_that_stays_down_is_a_transient_error_and_what_came_is_kept(
    served: Serving, tmp_path: Path, client: str
) -> None:
    server = served.servers["openalex" if client == "openalex_api" else "crunchbase"]
    fetch = Fetch(served, tmp_path, client)
    server.faults.add(Fault.SERVER_ERROR, after=2, times=1000)
    with pytest.raises(TransientError, match="503"):
        fetch()
    server.faults.clear()
    before = server.asked
    again = fetch()
    asked_again = server.asked - before
    undisturbed = Fetch(served, tmp_path / "undisturbed", client)
    before = server.asked
    assert undisturbed() == again
    assert asked_again == server.asked - before - 2


@pytest.mark.parametrize("client", ["openalex_api", "crunchbase_api", "uspto_odp"])
def test_wrong_key_stops_at_once(served: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: str) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "not-the-key")
    with pytest.raises(FetchStoppedError, match=KEY_VARIABLE):
        Fetch(served, tmp_path, client)()


def test_key_is_written_nowhere(served: Serving, tmp_path: Path) -> None:
    for client in ("openalex_api", "crunchbase_api", "uspto_odp"):
        served.servers["openalex"].faults.add(Fault.SERVER_ERROR)
        Fetch(served, tmp_path, client)()
    key = served.environment[KEY_VARIABLE].encode()
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 20
    assert [path for path in written if key in path.read_bytes()] == []


def test_fault_can_be_ordered_over_http(served: Serving, tmp_path: Path) -> None:
    import requests

    files = served.servers["files"]
    refused = requests.post(f"{files.url}/_faults", params={"fault": "plague"}, timeout=10)
    assert (refused.status_code, "rate_limited" in refused.text) == (400, True)
    assert requests.post(f"{files.url}/_faults", params={"fault": "html", "path": "ror"}, timeout=10).ok
    with pytest.raises(FetchStoppedError, match="HTML page"):
        Fetch(served, tmp_path, "file_url")()
