"""The OpenAlex API: both ends of a list, the budget, and every fault that a page can have."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from gii_pipeline.archive import Archive, Entry
from gii_pipeline.errors import FetchStoppedError, InputError, TransientError
from gii_pipeline_tests.archive.clock import PatientClock
from gii_pipeline_tests.archive.server import Asked, Reply, Server, html_reply, json_reply
from gii_pipeline_tests.sources.fetching.conftest import Fetch
from gii_pipeline_tests.sources.fetching.services import OpenAlex, cursor_behind, work

RESUME = "Resume with `gii ingest --years 2023`"


@pytest.fixture
def openalex() -> OpenAlex:
    return OpenAlex([work(number) for number in range(1, 26)] + [work(number, 2022) for number in range(90, 95)])


@pytest.fixture
def server(openalex: OpenAlex) -> Iterator[Server]:
    with Server(openalex) as server:
        yield server


def options(server: Server, **more: object) -> dict[str, object]:
    return {"base_url": server.url, "per_page": 10, **more}


def ids(entries: list[Entry]) -> list[str]:
    return [result["id"] for entry in entries for result in json.loads(entry.path.read_bytes())["results"]]


def changed(reply: Reply, **meta: object) -> Reply:
    page = json.loads(reply.body)
    page["meta"] |= meta
    return json_reply(page, reply.status, {k: v for k, v in reply.headers.items() if k != "Content-Type"})


def test_the_works_of_a_year_come_page_by_page(fetch: Fetch, server: Server, archive: Archive) -> None:
    pages = fetch("openalex_api", options(server), 2023)

    assert ids(pages) == [work(number)["id"] for number in range(1, 26)]
    assert [(page.records, page.data_year, page.licence) for page in pages] == [
        (10, 2023, "CC0-1.0"), (10, 2023, "CC0-1.0"), (5, 2023, "CC0-1.0"),
    ]  # fmt: skip
    assert [page.credits for page in pages] == [1, 1, 1]
    assert archive.entries("openalex_api", data_year=2023) == pages
    assert archive.verify() == []
    first = server.asked[0].query
    assert first["filter"] == (
        "publication_year:2023,type:article|review,primary_location.source.is_core:true,is_retracted:false"
    )
    assert (first["cursor"], first["per_page"]) == ("*", "10")
    assert "title" not in json.loads(pages[0].path.read_bytes())["results"][0]


def test_a_last_page_that_is_exactly_full_has_an_empty_one_behind_it(
    fetch: Fetch, server: Server, openalex: OpenAlex
) -> None:
    openalex.records = openalex.records[:20]

    pages = fetch("openalex_api", options(server), 2023)

    assert [page.records for page in pages] == [10, 10, 0]
    assert len(ids(pages)) == 20


def test_a_year_without_works_stops_unless_the_profile_allows_it(fetch: Fetch, server: Server) -> None:
    with pytest.raises(FetchStoppedError, match=r"it has no record.*`allow_empty: true`"):
        fetch("openalex_api", options(server), 1999)
    assert [page.records for page in fetch("openalex_api", options(server, allow_empty=True), 1999)] == [0]


def test_institutions_serve_every_year(fetch: Fetch) -> None:
    service = OpenAlex([{"id": f"https://openalex.org/I{number}", "geo": None} for number in range(3)])
    with Server(service) as server:
        (page,) = fetch("openalex_api", options(server, entity="institutions"))

    assert (page.records, page.data_year) == (3, None)
    assert "filter" not in server.asked[0].query


def test_a_complete_list_is_not_asked_for_again_and_replays_offline(fetch: Fetch, server: Server) -> None:
    pages = fetch("openalex_api", options(server), 2023)
    asked = len(server.asked)

    assert fetch("openalex_api", options(server), 2023) == pages
    assert fetch("openalex_api", options(server), 2023, offline=True) == pages
    assert len(server.asked) == asked


def test_offline_names_the_list_that_is_missing_and_the_command(fetch: Fetch, server: Server) -> None:
    with pytest.raises(InputError, match=r"year%3A2022.*not complete.*`gii ingest --years 2022` without --offline"):
        fetch("openalex_api", options(server), 2022, offline=True)
    assert server.asked == []


def test_another_filter_is_another_list(fetch: Fetch, server: Server) -> None:
    fetch("openalex_api", options(server), 2023)
    asked = len(server.asked)

    fetch("openalex_api", options(server, filter="institutions.country_code:CH"), 2023)

    assert server.asked[asked].query["filter"] == "publication_year:2023,institutions.country_code:CH"


def test_a_budget_near_its_end_stops_before_it_is_gone_and_the_next_day_goes_on(
    fetch: Fetch, server: Server, openalex: OpenAlex, archive: Archive
) -> None:
    openalex.budget = 2

    with pytest.raises(FetchStoppedError, match=rf"budget is spent; it resets at 2026-10-04 00:00 UTC.*{RESUME}"):
        fetch("openalex_api", options(server), 2023)
    assert len(server.asked) == 2
    assert archive.entries("openalex_api") == []

    openalex.budget = 10_000
    assert len(ids(fetch("openalex_api", options(server), 2023))) == 25
    assert len(server.asked) == 3


def test_a_budget_that_is_gone_stops_with_the_reset_time_instead_of_sleeping(
    fetch: Fetch, server: Server, openalex: OpenAlex, clock: PatientClock
) -> None:
    openalex.budget = 0

    with pytest.raises(FetchStoppedError, match=rf"resets at 2026-10-04 00:00 UTC.*Insufficient budget.*{RESUME}"):
        fetch("openalex_api", options(server), 2023)
    assert len(server.asked) == 1
    assert sum(clock.slept) < 1


def test_a_prepaid_balance_is_spent_only_when_the_profile_says_so(
    fetch: Fetch, server: Server, openalex: OpenAlex
) -> None:
    limits = {"X-RateLimit-Remaining": "0", "X-RateLimit-Prepaid-Remaining-USD": "4.2", "X-RateLimit-Reset": "7200"}

    def prepaid(asked: Asked) -> Reply:
        reply = openalex(asked)
        return Reply(reply.body, reply.status, {**reply.headers, **limits})

    server.faults = [prepaid] * 4
    with pytest.raises(FetchStoppedError, match="budget is spent"):
        fetch("openalex_api", options(server), 2023)
    assert len(ids(fetch("openalex_api", options(server, spend_prepaid=True), 2023))) == 25


def test_a_list_that_costs_more_than_the_budget_is_announced(
    fetch: Fetch, server: Server, openalex: OpenAlex, caplog: pytest.LogCaptureFixture
) -> None:
    openalex.budget = 2
    with caplog.at_level(logging.WARNING), pytest.raises(FetchStoppedError):
        fetch("openalex_api", options(server), 2023)

    assert "costs 3 credits and today's budget has 1 left" in caplog.text


def test_a_429_of_too_many_a_second_waits_and_goes_on(
    fetch: Fetch, server: Server, openalex: OpenAlex, clock: PatientClock
) -> None:
    server.faults = [None, openalex.too_fast(), openalex.too_fast()]

    assert len(ids(fetch("openalex_api", options(server), 2023))) == 25
    assert clock.slept.count(1.0) == 2


def test_a_filter_that_needs_a_paid_plan_stops_though_the_status_is_429(
    fetch: Fetch, server: Server, clock: PatientClock
) -> None:
    with pytest.raises(FetchStoppedError, match="paid plan; change it in the profile"):
        fetch("openalex_api", options(server, filter="updated_date:2026-01-01"), 2023)
    assert len(server.asked) == 1


def test_a_wrong_key_stops_and_names_the_variable_but_not_the_key(
    fetch: Fetch, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENALEX_API_KEY", "sk-not-the-right-one")

    with pytest.raises(FetchStoppedError, match=r"OPENALEX_API_KEY.*Invalid or missing API key.*REDACTED") as caught:
        fetch("openalex_api", options(server), 2023)
    assert "sk-not" not in str(caught.value)


@pytest.mark.parametrize("key", [None, "", "  "])
def test_without_a_key_none_is_sent(
    fetch: Fetch, server: Server, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    if key is not None:
        monkeypatch.setenv("OPENALEX_API_KEY", key)

    fetch("openalex_api", options(server), 2023)

    assert all("authorization" not in asked.headers for asked in server.asked)


def test_a_query_timeout_is_tried_again(fetch: Fetch, server: Server) -> None:
    timeout = json_reply({"error": "Gateway timeout", "message": "too slow", "reason": "query_timeout"}, 504)
    server.faults = [timeout, None, timeout, html_reply(503)]

    assert len(ids(fetch("openalex_api", options(server), 2023))) == 25


def test_a_reset_and_a_trickle_in_mid_page_are_tried_again(
    fetch: Fetch, server: Server, openalex: OpenAlex, archive: Archive
) -> None:
    def reset(asked: Asked) -> Reply:
        reply = openalex(asked)
        return Reply(reply.body, reply.status, reply.headers, reset_after=100)

    def trickle(asked: Asked) -> Reply:
        reply = openalex(asked)
        return Reply(reply.body, reply.status, reply.headers, trickle=1500, pause_s=0.01)

    server.faults = [reset, None, reset, trickle]

    assert len(ids(fetch("openalex_api", options(server), 2023))) == 25
    assert archive.verify() == []


def test_a_source_that_stays_down_is_transient_and_keeps_its_pages(fetch: Fetch, server: Server) -> None:
    server.faults = [None, *[Reply(b"busy", 502)] * 8]

    with pytest.raises(TransientError, match="status 502: busy, after 8 attempts"):
        fetch("openalex_api", options(server), 2023)
    assert len(ids(fetch("openalex_api", options(server), 2023))) == 25
    assert len(server.asked) == 1 + 8 + 2


def test_html_with_status_200_stops_and_the_next_run_goes_on(fetch: Fetch, server: Server, archive: Archive) -> None:
    server.faults = [None, html_reply()]

    with pytest.raises(FetchStoppedError, match=f"the response is an HTML page instead of JSON.*{RESUME}"):
        fetch("openalex_api", options(server), 2023)
    assert len(ids(fetch("openalex_api", options(server), 2023))) == 25
    assert [asked.query["cursor"] == "*" for asked in server.asked].count(True) == 1
    assert not any(b"<html" in entry.path.read_bytes() for entry in archive.entries())


NO_PAGES = [b'{"meta": {"count": 25', b'{"message": "hello"}', b"[]", b"", b"[" * 200_000, b'{"meta": {"count": NaN}}']


@pytest.mark.parametrize("body", NO_PAGES)
def test_a_body_that_is_no_page_stops(fetch: Fetch, server: Server, archive: Archive, body: bytes) -> None:
    server.faults = [Reply(body, 200, {"Content-Type": "application/json"})]

    with pytest.raises(FetchStoppedError, match="the response is not a page of this source"):
        fetch("openalex_api", options(server), 2023)
    assert archive.entries() == []


def test_a_list_longer_than_announced_is_not_followed_to_its_end(
    fetch: Fetch, server: Server, openalex: OpenAlex, archive: Archive
) -> None:
    server.faults = [lambda asked: changed(openalex(asked), count=0)]

    with pytest.raises(FetchStoppedError, match=r"page 1 brings the 10th record of a list of 0.*does not end"):
        fetch("openalex_api", options(server), 2023)
    assert archive.entries() == []
    assert len(ids(fetch("openalex_api", options(server), 2023))) == 25


@pytest.mark.parametrize("count", [24, 26])
def test_a_wrong_total_is_never_data(
    fetch: Fetch, server: Server, openalex: OpenAlex, archive: Archive, count: int
) -> None:
    server.faults = [lambda asked: changed(openalex(asked), count=count)] * 3

    with pytest.raises(FetchStoppedError, match=f"3 pages have 25 records, but the source reports {count}"):
        fetch("openalex_api", options(server), 2023)
    assert archive.entries() == []

    assert len(ids(fetch("openalex_api", options(server), 2023))) == 25
    assert len(server.asked) == 6


@pytest.mark.parametrize("cursor", ["*", cursor_behind(work(10)["id"])])
def test_a_repeated_cursor_stops_instead_of_going_round_forever(
    fetch: Fetch, server: Server, openalex: OpenAlex, cursor: str
) -> None:
    server.faults = [None, lambda asked: changed(openalex(asked), next_cursor=cursor)]

    with pytest.raises(FetchStoppedError, match="leads back to an earlier page"):
        fetch("openalex_api", options(server), 2023)
    assert len(ids(fetch("openalex_api", options(server), 2023))) == 25


def test_a_list_that_lost_a_cursor_is_not_taken_for_whole(fetch: Fetch, server: Server, openalex: OpenAlex) -> None:
    server.faults = [None, lambda asked: changed(openalex(asked), next_cursor=None)]

    with pytest.raises(FetchStoppedError, match="2 pages have 20 records, but the source reports 25"):
        fetch("openalex_api", options(server), 2023)


def test_records_that_come_twice_while_others_are_missing_are_noticed(
    fetch: Fetch, server: Server, openalex: OpenAlex, archive: Archive
) -> None:
    """The total is met, and yet five works are on two pages and five on none."""

    def shifted(asked: Asked) -> Reply:
        first, _ = cursor_behind(work(5)["id"]), asked
        return openalex(Asked("GET", "/works", {**asked.query, "cursor": first}, {}, b""))

    def short(asked: Asked) -> Reply:
        return changed(openalex(Asked("GET", "/works", {**asked.query, "per_page": "5"}, {}, b"")), next_cursor=None)

    server.faults = [None, shifted, short]

    with pytest.raises(FetchStoppedError, match="5 of its records are on two pages: the list changed while it was"):
        fetch("openalex_api", options(server), 2023)
    assert archive.entries() == []


def test_a_list_that_grew_a_little_while_it_was_read_is_taken(fetch: Fetch, server: Server, openalex: OpenAlex) -> None:
    """A work that appears behind us is missing, and the total of the last page counts it: one in 400 is let pass."""
    openalex.records = [work(2 * number) for number in range(1, 401)]

    def grown(asked: Asked) -> Reply:
        openalex.records = sorted([*openalex.records, work(3)], key=lambda record: record["id"])
        return openalex(asked)

    server.faults = [None, None, grown]

    assert len(ids(fetch("openalex_api", options(server, per_page=100), 2023))) == 400


def test_a_refresh_asks_anew_and_keeps_both(fetch: Fetch, server: Server, openalex: OpenAlex, archive: Archive) -> None:
    old = fetch("openalex_api", options(server), 2023)
    openalex.records = [work(number) for number in range(1, 28)]

    new = fetch("openalex_api", options(server), 2023, refresh=True)

    assert len(ids(new)) == 27
    assert fetch("openalex_api", options(server), 2023, offline=True) == new
    assert all(page.path.exists() for page in old)
    assert archive.verify() == []


def test_a_refresh_that_moves_the_records_too_far_fails_and_the_old_list_stays(
    fetch: Fetch, server: Server, openalex: OpenAlex
) -> None:
    old = fetch("openalex_api", options(server), 2023)
    openalex.records = openalex.records[:12]

    with pytest.raises(FetchStoppedError, match=r"its records changed from 25 to 12, by more than 10 %"):
        fetch("openalex_api", options(server), 2023, refresh=True)
    assert fetch("openalex_api", options(server), 2023) == old

    fetch("openalex_api", options(server, refresh_tolerance_pct=60), 2023, refresh=True)
    assert len(ids(fetch("openalex_api", options(server), 2023))) == 12


def test_lost_pages_are_asked_for_again_and_only_those(fetch: Fetch, server: Server, archive: Archive) -> None:
    pages = fetch("openalex_api", options(server), 2023)
    pages[1].path.unlink()
    asked = len(server.asked)

    assert ids(fetch("openalex_api", options(server), 2023)) == ids(pages[:1]) + ids(pages[1:])
    assert len(server.asked) == asked + 1
    assert archive.verify() == []


def test_a_refused_filter_is_an_input_error(fetch: Fetch, server: Server) -> None:
    with pytest.raises(InputError, match=r"country is not a valid field.*Fix it in the profile"):
        fetch("openalex_api", options(server, filter="country:CH"), 2023)


def test_options_that_do_not_exist_are_named(fetch: Fetch, server: Server) -> None:
    with pytest.raises(InputError, match=r"client `openalex_api`: flter: .*Known options: .*filter"):
        fetch("openalex_api", options(server, flter="x"), 2023)
    with pytest.raises(InputError, match="one data year at a time"):
        fetch("openalex_api", options(server))
    with pytest.raises(InputError, match="over 8,190 bytes"):
        fetch("openalex_api", options(server, filter="type:" + "x" * 9000), 2023)
