"""The Crunchbase API: paging by the last uuid, a pace of its own, and refusals in an array."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest

from gii_pipeline.archive import Archive, Entry
from gii_pipeline.errors import FetchStoppedError, InputError
from gii_pipeline_tests.archive.clock import PatientClock
from gii_pipeline_tests.archive.server import Asked, Reply, Server, html_reply, json_reply
from gii_pipeline_tests.sources.fetching.conftest import Fetch
from gii_pipeline_tests.sources.fetching.services import Crunchbase, funding_round

KEY = "cb-0123456789abcdef"


@pytest.fixture
def crunchbase(monkeypatch: pytest.MonkeyPatch) -> Crunchbase:
    monkeypatch.setenv("CRUNCHBASE_API_KEY", KEY)
    return Crunchbase([funding_round(number) for number in range(25)] + [funding_round(99, 2023)], KEY)


@pytest.fixture
def server(crunchbase: Crunchbase) -> Iterator[Server]:
    with Server(crunchbase) as server:
        yield server


def options(server: Server, **more: object) -> dict[str, object]:
    return {"base_url": f"{server.url}/v4/data", "limit": 10, **more}


def uuids(entries: list[Entry]) -> list[str]:
    return [entity["uuid"] for entry in entries for entity in json.loads(entry.path.read_bytes())["entities"]]


def test_the_rounds_of_a_year_come_page_by_page(fetch: Fetch, server: Server, archive: Archive) -> None:
    pages = fetch("crunchbase_api", options(server), 2024)

    assert sorted(uuids(pages)) == [funding_round(number)["uuid"] for number in range(25)]
    assert [page.records for page in pages] == [10, 10, 5]
    assert [asked.json.get("after_id") for asked in server.asked] == [None, uuids(pages)[9], uuids(pages)[19]]
    first = server.asked[0].json
    assert first["query"] == [
        {"type": "predicate", "field_id": "announced_on", "operator_id": "between",
         "values": ["2024-01-01", "2024-12-31"]}
    ]  # fmt: skip
    assert "funded_organization_location" in first["field_ids"]
    assert archive.verify() == []


def test_a_last_page_that_is_exactly_full_has_an_empty_one_behind_it(
    fetch: Fetch, server: Server, crunchbase: Crunchbase
) -> None:
    crunchbase.rounds = crunchbase.rounds[:20]

    assert [page.records for page in fetch("crunchbase_api", options(server), 2024)] == [10, 10, 0]


def test_a_year_without_rounds_stops_unless_the_profile_allows_it(fetch: Fetch, server: Server) -> None:
    with pytest.raises(FetchStoppedError, match=r"it has no record.*`allow_empty: true`"):
        fetch("crunchbase_api", options(server), 1999)
    assert [page.records for page in fetch("crunchbase_api", options(server, allow_empty=True), 1999)] == [0]


def test_further_predicates_go_with_the_query_and_make_another_list(fetch: Fetch, server: Server) -> None:
    seed = {"type": "predicate", "field_id": "investment_type", "operator_id": "includes", "values": ["seed"]}

    fetch("crunchbase_api", options(server), 2024)
    fetch("crunchbase_api", options(server, query=[seed]), 2024)

    assert server.asked[-1].json["query"][1] == seed
    assert len(server.asked) == 6


def test_two_hundred_calls_a_minute_are_not_exceeded(fetch: Fetch, server: Server, clock: PatientClock) -> None:
    fetch("crunchbase_api", options(server, limit=1), 2024)

    assert len(server.asked) == 26
    assert clock.elapsed == pytest.approx(25 * 0.3, rel=0.01)


def test_a_429_without_retry_after_backs_off_ever_longer(fetch: Fetch, server: Server, clock: PatientClock) -> None:
    server.faults = [None, *[json_reply({"message": "Too Many Requests"}, 429)] * 4]

    assert len(uuids(fetch("crunchbase_api", options(server), 2024))) == 25

    waits = [wait for wait in clock.slept if wait >= 2]
    assert len(waits) == 4
    assert waits[-1] >= 4
    assert all(later >= earlier / 2 for earlier, later in pairwise(waits))


def test_a_refused_key_stops_and_is_not_repeated(fetch: Fetch, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRUNCHBASE_API_KEY", "cb-an-old-key")

    with pytest.raises(FetchStoppedError, match=r"CRUNCHBASE_API_KEY.*LA401.*REDACTED.*--years 2024") as caught:
        fetch("crunchbase_api", options(server), 2024)
    assert "old-key" not in str(caught.value)
    assert len(server.asked) == 1


def test_a_licence_that_does_not_include_searches_stops(fetch: Fetch, server: Server) -> None:
    server.faults = [json_reply([{"status": 403, "code": "LA403", "message": "Basic plan"}], 403)]

    with pytest.raises(FetchStoppedError, match=r"refuses access.*Basic plan"):
        fetch("crunchbase_api", options(server), 2024)


def test_without_a_key_nothing_is_asked_but_the_archive_still_replays(
    fetch: Fetch, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = fetch("crunchbase_api", options(server), 2024)
    monkeypatch.delenv("CRUNCHBASE_API_KEY")
    asked = len(server.asked)

    with pytest.raises(InputError, match="set the environment variable CRUNCHBASE_API_KEY"):
        fetch("crunchbase_api", options(server), 2023)
    assert fetch("crunchbase_api", options(server), 2024, offline=True) == pages
    assert len(server.asked) == asked


def test_a_fetch_that_stops_goes_on_behind_the_last_uuid(fetch: Fetch, server: Server) -> None:
    server.faults = [None, None, html_reply()]
    with pytest.raises(FetchStoppedError, match="HTML page"):
        fetch("crunchbase_api", options(server), 2024)

    assert len(uuids(fetch("crunchbase_api", options(server), 2024))) == 25
    assert [asked.json.get("after_id") is None for asked in server.asked].count(True) == 1


def test_a_wrong_count_is_never_data(fetch: Fetch, server: Server, crunchbase: Crunchbase, archive: Archive) -> None:
    def more(asked: Asked) -> Reply:
        return json_reply({**json.loads(crunchbase(asked).body), "count": 83_005})

    server.faults = [more] * 3

    with pytest.raises(FetchStoppedError, match="have 25 records, but the source reports 83,005"):
        fetch("crunchbase_api", options(server), 2024)
    assert archive.entries() == []


def test_a_refresh_fails_when_rounds_have_gone(fetch: Fetch, server: Server, crunchbase: Crunchbase) -> None:
    old = fetch("crunchbase_api", options(server), 2024)
    crunchbase.rounds = crunchbase.rounds[:15]

    with pytest.raises(FetchStoppedError, match="its records changed from 25 to 15"):
        fetch("crunchbase_api", options(server), 2024, refresh=True)
    assert fetch("crunchbase_api", options(server), 2024) == old
