"""The USPTO Open Data Portal: its key, its redirect to a signed address, and its pace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gii_pipeline.archive import Archive
from gii_pipeline.errors import FetchStoppedError, InputError
from gii_pipeline_tests.archive.clock import PatientClock
from gii_pipeline_tests.archive.server import FileHost, Reply, Server, json_reply
from gii_pipeline_tests.sources.fetching.conftest import Fetch
from gii_pipeline_tests.sources.fetching.services import Odp, noise, zipped

KEY = "odp-0123456789abcdef"
TABLE = zipped("g_pct_data.tsv", noise(400_000))


@pytest.fixture
def storage() -> Iterator[Server]:
    with Server(FileHost({"/g_pct_data.tsv.zip": TABLE})) as server:
        yield server


@pytest.fixture
def portal(storage: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("USPTO_API_KEY", KEY)
    with Server(Odp(KEY, storage.url)) as server:
        yield server


def options(portal: Server, table: str = "g_pct_data") -> dict[str, object]:
    return {"base_url": f"{portal.url}/api/v1", "table": table}


def test_a_table_comes_from_the_signed_address_which_sees_no_key_and_is_not_written_down(
    fetch: Fetch, portal: Server, storage: Server, archive: Archive
) -> None:
    (table,) = fetch("uspto_odp", options(portal), 2020)

    assert table.path.read_bytes() == TABLE
    assert table.address == f"{portal.url}/api/v1/datasets/products/files/PVGPATDIS/g_pct_data.tsv.zip"
    assert table.data_year is None
    assert "x-api-key" not in storage.asked[0].headers
    assert storage.asked[0].query == {"X-Amz-Signature": "5f2c-signed-only-for-now"}
    assert b"5f2c" not in (archive.folder / "uspto_odp" / "manifest.jsonl").read_bytes()


def test_twenty_downloads_a_year_are_not_wasted(fetch: Fetch, portal: Server) -> None:
    (table,) = fetch("uspto_odp", options(portal), 2020)

    assert fetch("uspto_odp", options(portal), 2021) == [table]
    assert fetch("uspto_odp", options(portal), 2022, offline=True) == [table]
    assert len(portal.asked) == 1


def test_a_reset_in_mid_body_resumes_through_a_new_signed_address(
    fetch: Fetch, portal: Server, storage: Server
) -> None:
    whole = storage.service
    storage.faults = [lambda asked: Reply(TABLE, 200, whole(asked).headers, reset_after=150_000)]

    (table,) = fetch("uspto_odp", options(portal))

    assert table.path.read_bytes() == TABLE
    assert len(portal.asked) == 2
    assert storage.asked[1].headers["range"] == "bytes=150000-"


def test_without_a_key_nothing_is_asked(fetch: Fetch, portal: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("USPTO_API_KEY")

    with pytest.raises(InputError, match="set the environment variable USPTO_API_KEY"):
        fetch("uspto_odp", options(portal))
    assert portal.asked == []


@pytest.mark.parametrize(("status", "body"), [(401, {"message": "Unauthorized"}), (403, {"message": "Forbidden"})])
def test_a_refused_key_stops_at_once(fetch: Fetch, portal: Server, status: int, body: dict[str, str]) -> None:
    portal.faults = [json_reply(body, status)]

    with pytest.raises(FetchStoppedError, match=rf"USPTO_API_KEY \(status {status}.*{body['message']}"):
        fetch("uspto_odp", options(portal))
    assert len(portal.asked) == 1


def test_a_wrong_key_is_named_but_not_shown(fetch: Fetch, portal: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USPTO_API_KEY", "odp-of-somebody-else")

    with pytest.raises(FetchStoppedError, match="Forbidden: REDACTED") as caught:
        fetch("uspto_odp", options(portal))
    assert "somebody" not in str(caught.value)


def test_a_429_waits_five_seconds_whatever_it_says(fetch: Fetch, portal: Server, clock: PatientClock) -> None:
    portal.faults = [Reply(b"", 429), Reply(b"", 429, {"Retry-After": "1"})]

    fetch("uspto_odp", options(portal))

    assert len([wait for wait in clock.slept if wait >= 5]) == 2


def test_a_signed_address_that_has_expired_stops_without_showing_it(
    fetch: Fetch, portal: Server, storage: Server
) -> None:
    storage.faults = [Reply(b"<Error><Code>AccessDenied</Code></Error>", 403, {"Content-Type": "application/xml"})]

    with pytest.raises(FetchStoppedError, match="AccessDenied") as caught:
        fetch("uspto_odp", options(portal))
    assert "5f2c" not in str(caught.value)


def test_a_table_that_does_not_exist_is_named(fetch: Fetch, portal: Server) -> None:
    with pytest.raises(FetchStoppedError, match=r"g_nothing\.tsv\.zip: not found"):
        fetch("uspto_odp", options(portal, "g_nothing"))
