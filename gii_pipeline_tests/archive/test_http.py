"""What a status means: wait, try again, or stop at once."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gii_pipeline.archive import Archive, HttpClient, Key, Patience, Request
from gii_pipeline.errors import FetchStoppedError, GiiError, InputError, TransientError
from gii_pipeline_tests.archive.clock import PatientClock
from gii_pipeline_tests.archive.server import Reply, Server, html_reply, json_reply

SECRET = "sk-0123456789+/abc"  # noqa: S105
KEY = Key("TEST_KEY", "X-API-KEY")
DATA = {"count": 3}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(lambda _: json_reply(DATA)) as server:
        yield server


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock()


def ask(
    server: Server,
    clock: PatientClock,
    *,
    url: str | None = None,
    body: dict[str, Any] | None = None,
    key: Key | None = None,
    patience: Patience | None = None,
    **settings: Any,
) -> Any:
    patience = patience or Patience(attempts=4)
    with HttpClient("source", key=key, patience=patience, clock=clock, per_second=1e6, **settings) as http:
        return json.loads(http.page(Request(url or f"{server.url}/x", body=body)).body)


def waits(clock: PatientClock) -> list[float]:
    return [wait for wait in clock.slept if wait > 1e-3]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_what_is_transient_is_tried_again(server: Server, clock: PatientClock, status: int) -> None:
    server.faults = [html_reply(status), html_reply(status)]

    assert ask(server, clock) == DATA
    assert len(waits(clock)) == 2


def test_a_503_that_says_when_to_come_back_is_believed(server: Server, clock: PatientClock) -> None:
    server.faults = [Reply(b"", 503, {"Retry-After": "30"})]

    assert ask(server, clock) == DATA
    assert waits(clock) == [30]


def test_a_429_is_waited_for_as_told(server: Server, clock: PatientClock) -> None:
    server.faults = [Reply(b"", 429, {"Retry-After": "7"}), Reply(b"", 429, {"Retry-After": "2"})]

    assert ask(server, clock) == DATA
    assert waits(clock) == [7, 2]


def test_a_429_may_tell_the_time_as_a_date(server: Server, clock: PatientClock) -> None:
    server.faults = [Reply(b"", 429, {"Retry-After": "Sat, 03 Oct 2026 22:00:40 GMT"})]

    assert ask(server, clock) == DATA
    assert waits(clock) == [pytest.approx(40, abs=0.1)]


def test_a_429_that_tells_nothing_backs_off(server: Server, clock: PatientClock) -> None:
    server.faults = [Reply(b"", 429), Reply(b"", 429, {"Retry-After": "soon"})]

    assert ask(server, clock, patience=Patience(backoff_s=10)) == DATA
    first, second = waits(clock)
    assert 5 <= first <= 15
    assert 10 <= second <= 30


def test_a_429_is_never_hurried_past_the_sources_minimum(server: Server, clock: PatientClock) -> None:
    server.faults = [Reply(b"", 429), Reply(b"", 429, {"Retry-After": "1"})]

    assert ask(server, clock, patience=Patience(rate_limit_wait_s=5)) == DATA
    assert all(wait >= 5 for wait in waits(clock))


def test_a_429_beyond_the_cap_stops_with_the_time_it_ends(server: Server, clock: PatientClock) -> None:
    server.faults = [Reply(b"slow down", 429, {"Retry-After": "7200"})]

    with pytest.raises(
        FetchStoppedError, match=r"refuses access until 2026-10-04 00:00 UTC.*Resume with `gii ingest -y`"
    ):
        ask(server, clock, resume="gii ingest -y")
    assert waits(clock) == []


def test_a_429_without_end_is_transient(server: Server, clock: PatientClock) -> None:
    server.faults = [Reply(b"", 429, {"Retry-After": "1"})] * 9

    with pytest.raises(TransientError, match="status 429, after 4 attempts"):
        ask(server, clock)


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "TEST_KEY"), (403, "TEST_KEY"), (410, "retired"), (404, "not found")],
)
def test_what_no_retry_mends_stops_at_once(
    server: Server, clock: PatientClock, status: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", SECRET)
    server.faults = [json_reply({"message": "no"}, status)]

    with pytest.raises(FetchStoppedError, match=said):
        ask(server, clock, key=KEY)
    assert len(server.asked) == 1


def test_a_refused_request_is_our_mistake_and_repeats_what_the_source_said(server: Server, clock: PatientClock) -> None:
    server.faults = [json_reply({"error": "Invalid query parameters error."}, 400)]

    with pytest.raises(InputError, match=r"Invalid query parameters error.*Fix it in the profile"):
        ask(server, clock)


def test_resets_and_broken_bodies_are_tried_again(server: Server, clock: PatientClock) -> None:
    whole = json.dumps(DATA).encode()
    server.faults = [
        Reply(whole, 200, {}, reset_after=0),
        Reply(whole, 200, {}, reset_after=4),
        Reply(gzip.compress(whole)[:-4] + b"oops", 200, {"Content-Encoding": "gzip"}),
    ]

    assert ask(server, clock) == DATA


def test_an_encoded_page_is_decoded(server: Server, clock: PatientClock) -> None:
    server.faults = [Reply(gzip.compress(json.dumps(DATA).encode()), 200, {"Content-Encoding": "gzip"})]

    assert ask(server, clock) == DATA


def test_a_page_that_trickles_is_given_up(server: Server) -> None:
    server.faults = [Reply(b" " * 100, 200, {}, trickle=1)]

    with (
        HttpClient("source", patience=Patience(attempts=1, page_s=0.3)) as http,
        pytest.raises(TransientError, match="the body arrived too slowly"),
    ):
        http.page(Request(f"{server.url}/x"))


def test_a_server_that_is_not_there_is_transient_and_named(clock: PatientClock) -> None:
    with Server(lambda _: Reply()) as gone:
        url = gone.url

    with pytest.raises(TransientError, match=rf"{url}/x: no response \(ConnectionError: Connection refused\)"):
        ask(gone, clock, url=f"{url}/x")


@pytest.mark.parametrize("url", ["no address", "ftp://host/x", "http://"])
def test_what_is_no_address_is_an_input_error(server: Server, clock: PatientClock, url: str) -> None:
    with pytest.raises(InputError, match="is not an address"):
        ask(server, clock, url=url)


def test_the_key_goes_to_its_own_host_only(
    server: Server, clock: PatientClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", f" {SECRET}\n")
    with Server(lambda _: json_reply(DATA)) as other:
        server.faults = [Reply(b"", 302, {"Location": "/y"}), Reply(b"", 302, {"Location": f"{other.url}/z?sig=1"})]

        assert ask(server, clock, key=KEY) == DATA

    assert [asked.headers.get("x-api-key") for asked in server.asked] == [SECRET, SECRET]
    assert "x-api-key" not in other.asked[0].headers
    assert SECRET not in str(other.asked)


def test_a_blank_key_is_not_sent(server: Server, clock: PatientClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "  ")

    assert ask(server, clock, key=KEY) == DATA
    assert "x-api-key" not in server.asked[0].headers


def test_a_key_that_is_needed_and_not_set_is_named(server: Server, clock: PatientClock) -> None:
    with pytest.raises(InputError, match="set the environment variable TEST_KEY"):
        ask(server, clock, key=Key("TEST_KEY", "X-API-KEY", required=True))
    assert server.asked == []


def test_a_mangled_key_is_named_but_not_shown(
    server: Server, clock: PatientClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", "abc\ndef")

    with pytest.raises(InputError, match="TEST_KEY") as caught:
        ask(server, clock, key=KEY)
    assert "def" not in str(caught.value)


def test_a_netrc_is_not_consulted(
    server: Server, clock: PatientClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hidden\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    ask(server, clock)

    assert "authorization" not in server.asked[0].headers


def test_a_post_is_not_turned_into_a_get_by_a_redirect(server: Server, clock: PatientClock) -> None:
    server.faults = [Reply(b"", 307, {"Location": "/y"})]
    assert ask(server, clock, body={"limit": 1}) == DATA
    assert [(asked.method, asked.json) for asked in server.asked] == [("POST", {"limit": 1})] * 2

    server.faults = [Reply(b"", 301, {"Location": "/y"})]
    with pytest.raises(FetchStoppedError, match="it has moved to"):
        ask(server, clock, body={"limit": 1})


def test_redirects_in_a_circle_stop(server: Server, clock: PatientClock) -> None:
    server.faults = [Reply(b"", 302, {"Location": "/x"})] * 9

    with pytest.raises(FetchStoppedError, match="more than 5 redirects"):
        ask(server, clock)


def test_the_pace_is_kept(server: Server, clock: PatientClock) -> None:
    with HttpClient("source", per_second=200 / 60, clock=clock) as http:
        for _ in range(20):
            http.page(Request(f"{server.url}/x"))

    assert clock.elapsed == pytest.approx(19 * 0.3, rel=0.01)


def test_every_answer_that_is_not_data_gets_a_line(server: Server, clock: PatientClock, tmp_path: Path) -> None:
    archive = Archive(tmp_path, clock=clock)
    server.faults = [Reply(b"", 429), Reply(b"busy", 500), Reply(b"gone", 410)]

    with pytest.raises(FetchStoppedError):
        ask(server, clock, note=lambda *failure: archive.note_failure("source", *failure))

    lines = [json.loads(line) for line in (tmp_path / "archive/source/manifest.jsonl").read_text().splitlines()]
    assert [(line["kind"], line["status"]) for line in lines] == [("failed", 429), ("failed", 500), ("failed", 410)]
    assert archive.entries() == []


def test_errors_of_the_library_do_not_show_through(
    server: Server, clock: PatientClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its messages name signed addresses; ours replace them, with nothing chained behind."""
    monkeypatch.setenv("TEST_KEY", SECRET)
    with Server(lambda _: Reply()) as gone:
        target = f"{gone.url}/file?X-Amz-Signature=deadbeef"
    server.faults = [Reply(b"", 302, {"Location": target})] * 9

    with pytest.raises(GiiError) as caught:
        ask(server, clock, key=KEY)

    assert "deadbeef" not in _everything(caught.value)


def _everything(error: BaseException) -> str:
    import traceback

    return "".join(traceback.format_exception(error))


def test_an_address_that_is_reached_elsewhere_stays_the_address(
    server: Server, clock: PatientClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = server.url.partition("://")[2]
    monkeypatch.setenv("GII_CONNECT_TO", f"data.example:80={there} api.example:8080={there}")
    server.faults = [Reply(b"", 302, {"Location": "http://api.example:8080/y"})]

    assert ask(server, clock, url="http://data.example/x") == DATA

    assert [asked.headers["host"] for asked in server.asked] == ["data.example", "api.example:8080"]


@pytest.mark.parametrize("pairs", ["data.example=127.0.0.1", "a:1=b:2=c:3", "a:1"])
def test_what_is_no_pair_of_hosts_is_named(
    server: Server, clock: PatientClock, monkeypatch: pytest.MonkeyPatch, pairs: str
) -> None:
    monkeypatch.setenv("GII_CONNECT_TO", pairs)
    with pytest.raises(InputError, match="GII_CONNECT_TO"):
        ask(server, clock)
