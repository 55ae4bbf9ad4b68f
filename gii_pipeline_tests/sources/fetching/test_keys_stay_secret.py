"""Keys are in no file, log or message, also when a source repeats them in everything it says."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gii_pipeline.archive import Archive
from gii_pipeline.errors import GiiError
from gii_pipeline.sources.fetching import FETCHERS
from gii_pipeline_tests.archive.clock import PatientClock
from gii_pipeline_tests.archive.server import Asked, FileHost, Reply, Server, Service, html_reply, json_reply
from gii_pipeline_tests.sources.fetching.services import Crunchbase, Odp, OpenAlex, funding_round, work, zipped

KEYS = {
    "OPENALEX_API_KEY": "oa-7hJ/q+2z9=Zk",
    "CRUNCHBASE_API_KEY": "cb-2fd81c0b7e6a",
    "USPTO_API_KEY": "odp.zkqwvbnmlkj",
}
SIGNATURE = "5f2c-signed-only-for-now"
Fault = Reply | Service
REFUSALS = (400, 401, 403, 404, 410, 429, 500)


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, key in KEYS.items():
        monkeypatch.setenv(variable, key)


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


def echoing(service: Service) -> Service:
    """The same answers, with everything that was sent repeated in pages."""

    def answer(asked: Asked) -> Reply:
        reply = service(asked)
        if reply.headers.get("Content-Type") != "application/json" or reply.status != 200:
            return reply
        return json_reply({**json.loads(reply.body), "you_sent": dict(asked.headers)}, 200)

    return answer


def refusing(status: int) -> Service:
    def answer(asked: Asked) -> Reply:
        return json_reply(
            {"message": f"not with {dict(asked.headers)} and {quote(str(asked.headers), safe='')}"}, status
        )

    return answer


def services(storage: str) -> dict[str, tuple[Service, str, dict[str, Any]]]:
    openalex = OpenAlex([work(n) for n in range(5)], KEYS["OPENALEX_API_KEY"])
    crunchbase = Crunchbase([funding_round(n, 2023) for n in range(5)], KEYS["CRUNCHBASE_API_KEY"])
    odp = Odp(KEYS["USPTO_API_KEY"], storage, SIGNATURE)
    return {
        "openalex_api": (echoing(openalex), "", {"per_page": 2}),
        "crunchbase_api": (echoing(crunchbase), "/v4/data", {"limit": 2}),
        "uspto_odp": (odp, "/api/v1", {"table": "g_pct_data"}),
    }


def fetch_with_every_fault(root: Path, client: str, storage: Server) -> list[str]:
    """A fetch under every refusal, then one that goes well. Returns the messages with all that is chained to them."""
    service, path, options = services(storage.url)[client]
    said = []
    with Server(service) as server:
        faults: list[Fault] = [
            *map(refusing, REFUSALS),
            html_reply(),
            Reply(b"{"),
            Reply(b"", 302, {"Location": "/away"}),
        ]
        for fault in faults:
            server.faults = [fault] * 9
            archive = Archive(root, clock=PatientClock())
            try:
                FETCHERS[client].fetch(archive, {**options, "base_url": server.url + path}, 2023)
            except GiiError as error:
                said.append("".join(traceback.format_exception(error)))
        server.faults = []
        assert FETCHERS[client].fetch(archive, {**options, "base_url": server.url + path}, 2023)
        assert KEYS[archive_key(client)] in str([asked.headers for asked in server.asked])
    return said


def archive_key(client: str) -> str:
    return {"openalex_api": "OPENALEX", "crunchbase_api": "CRUNCHBASE", "uspto_odp": "USPTO"}[client] + "_API_KEY"


@pytest.mark.parametrize("client", ["openalex_api", "crunchbase_api", "uspto_odp"])
def test_nothing_that_a_fetch_writes_or_says_holds_a_key(
    tmp_path: Path, everything_logged: pytest.LogCaptureFixture, client: str
) -> None:
    with Server(FileHost({"/g_pct_data.tsv.zip": zipped("a.tsv", b"a\tb\n")})) as storage:
        said = fetch_with_every_fault(tmp_path, client, storage)

    written = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    told = {f"message {number}": text.encode() for number, text in enumerate(said)}
    logged = {
        "log": "\n".join(map(repr, everything_logged.records)).encode(),
        "log text": everything_logged.text.encode(),
    }
    assert len(said) >= 9
    assert any(b'"kind":"failed"' in content for content in written.values())
    assert b"REDACTED" in b"".join([*written.values(), *told.values()])
    for place, content in {**written, **told, **logged}.items():
        for form in spellings(KEYS[archive_key(client)], SIGNATURE):
            assert form not in content, f"{form!r} is in {place}"
            assert form not in place.encode()


def spellings(*secrets: str) -> list[bytes]:
    return [form.encode() for secret in secrets for form in (secret, quote(secret, safe=""), quote(secret))]


def test_a_key_written_into_an_address_is_not_written_down(
    tmp_path: Path, everything_logged: pytest.LogCaptureFixture
) -> None:
    with Server(FileHost({"/a.bin": b"data"})) as server:
        address = server.url.replace("://", "://me:passw0rd-7@") + "/a.bin?api_key=sk-in-the-address&year=2020"
        (entry,) = FETCHERS["file_url"].fetch(Archive(tmp_path), {"url": address}, None)

    assert entry.address == f"{server.url}/a.bin?api_key=REDACTED&year=2020"
    assert server.asked[0].query["api_key"] == "sk-in-the-address"
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"sk-in-the-address" not in written + everything_logged.text.encode()
    assert b"passw0rd" not in written + everything_logged.text.encode()
