"""The servers speak as the sources do (SOURCES.md): paging, limits, headers, refusals."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import requests

from gii_pipeline import memory
from gii_pipeline.archive import Archive
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.reading import Reading
from gii_pipeline.errors import InputError
from gii_pipeline.profiles import read_profile
from gii_pipeline.sandbox import Fault, Serving, World, serving
from gii_pipeline.sandbox.notice import TITLE
from gii_pipeline.sandbox.servers.crunchbase import SEARCH, Crunchbase
from gii_pipeline.sandbox.servers.files import ROR_PATH, Workshop
from gii_pipeline.sandbox.servers.http import Server
from gii_pipeline.sandbox.servers.openalex import OpenAlex
from gii_pipeline.sandbox.servers.serving import ADDRESSES, KEY
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.gathering import gather, pin
from gii_pipeline_tests.archive.clock import PatientClock
from gii_pipeline_tests.faults.world import files_of

FILTER = "publication_year:2021,type:article|review,primary_location.source.is_core:true,is_retracted:false"
BEARER = {"Authorization": f"Bearer {KEY}"}


def openalex(
    served: Serving, path: str = "/works", headers: dict[str, str] = BEARER, **query: Any
) -> requests.Response:
    return requests.get(f"{served.servers['openalex'].url}{path}", query, headers=headers, timeout=30)


def search(served: Serving, key: str = KEY, **body: Any) -> requests.Response:
    url = f"{served.servers['crunchbase'].url}{SEARCH}"
    return requests.post(url, json=body, headers={"X-cb-user-key": key}, timeout=30)


def in_2021(*more: dict[str, Any]) -> list[dict[str, Any]]:
    between = {"operator_id": "between", "values": ["2021-01-01", "2021-12-31"]}
    return [{"type": "predicate", "field_id": "announced_on", **between}, *more]


def test_cursor_ends_with_a_page_that_is_not_full_or_behind_a_full_one_with_an_empty_one(
    world: World, tmp_path: Path
) -> None:
    def page(**query: Any) -> Any:
        return requests.get(f"{server.url}/works", {"filter": FILTER, **query}, headers=BEARER, timeout=30).json()

    with Server(OpenAlex(world, Workshop(tmp_path), KEY, per_second=100_000)) as server:
        total = page(per_page=1, cursor="*")["meta"]["count"]
        exact = next(size for size in range(200, 1, -1) if total % size == 0)
        uneven = next(size for size in range(100, 1, -1) if total % size)
        for per_page, last in ((exact, 0), (uneven, total % uneven)):
            cursor, sizes, ids = "*", [], []
            while cursor:
                read = page(per_page=per_page, cursor=cursor)
                assert read["meta"]["page"] is None
                sizes.append(len(read["results"]))
                ids += [work["id"] for work in read["results"]]
                cursor = read["meta"]["next_cursor"]
            assert sizes == [per_page] * (total // per_page) + [last]
            assert len(set(ids)) == total


def test_every_answer_tells_the_budget(served: Serving) -> None:
    openalex(served, per_page=1, filter=FILTER)
    first = openalex(served, per_page=1, filter=FILTER).headers
    second = openalex(served, per_page=1, filter=FILTER).headers
    assert int(first["X-RateLimit-Remaining"]) - int(second["X-RateLimit-Remaining"]) == 1
    assert int(first["X-RateLimit-Limit"]) == 10_000
    assert 0 < int(first["X-RateLimit-Reset"]) <= 86_400
    assert openalex(served, headers={}, per_page=1, filter=FILTER).headers["X-RateLimit-Limit"] == "1000"


def test_spent_budget_and_too_many_a_second_are_told_apart(world: World, served: Serving, tmp_path: Path) -> None:
    service = OpenAlex(world, Workshop(tmp_path), KEY, credits_a_day=2, per_second=1000)
    with Server(service) as server:
        answers = [requests.get(f"{server.url}/institutions", headers=BEARER, timeout=30) for _ in range(3)]
    spent = answers[-1]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Insufficient budget" in spent.json()["message"]
    assert int(spent.headers["Retry-After"]) == spent.json()["retryAfter"] > 1
    assert "X-RateLimit-Credits-Required" in spent.headers
    served.servers["openalex"].faults.add(Fault.RATE_LIMITED)
    fast = openalex(served)
    assert (fast.status_code, fast.headers["Retry-After"]) == (429, "1")
    assert "requests per second" in fast.json()["message"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"colour": "red"}, "colour is not a valid parameter. Valid parameters are: filter"),
        ({"limit": "5"}, "limit is not a parameter"),
        ({"filter": "colour:red"}, "colour is not a valid field"),
        ({"filter": "type:"}, "needs a value"),
        ({"filter": "type:" + "|".join(f"t{n}" for n in range(101))}, "Maximum number of values"),
        ({"per_page": "201"}, "between 1 and 200"),
        ({"page": "500", "per_page": "100"}, "Cursor pagination is required"),
        ({"cursor": "*", "page": "2"}, "Cannot use page parameter with cursor"),
        ({"cursor": "nonsense"}, "Invalid cursor value"),
        ({"cursor": "null"}, "Cursor is null"),
        ({"select": "id,colour"}, "colour is not a valid select field. Valid fields for select are: "),
        ({"filter": "type:" + "a" * 9000}, "Request URL too long"),
    ],
)
def test_openalex_refuses_what_the_api_refuses(served: Serving, query: dict[str, str], said: str) -> None:
    parameters: dict[str, Any] = {"filter": "publication_year:2021", **query}
    answer = openalex(served, **parameters)
    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_openalex_refuses_a_wrong_and_a_blank_key(served: Serving) -> None:
    refused: list[tuple[dict[str, str], dict[str, Any]]] = [
        ({"Authorization": "Bearer wrong"}, {}),
        ({}, {"api_key": ""}),
    ]
    for headers, query in refused:
        answer = openalex(served, "/works", headers, **query)
        assert (answer.status_code, answer.json()["error"]) == (401, "Invalid or missing API key")


@pytest.mark.parametrize(
    ("filter_", "holds"),
    [
        ("publication_year:2021,type:!article", lambda work: work["type"] != "article"),
        ("publication_year:2021,is_retracted:true", lambda work: work["is_retracted"]),
        (
            "publication_year:>2020,publication_year:<2022,institutions.country_code:CH|JP",
            lambda work: {"CH", "JP"} & {i["country_code"] for a in work["authorships"] for i in a["institutions"]},
        ),
        (
            "publication_year:2020-2021,primary_topic.domain.id:2",
            lambda work: "/2" in work["primary_topic"]["domain"]["id"],
        ),
    ],
)
def test_openalex_filters(served: Serving, filter_: str, holds: Any) -> None:
    page = openalex(served, filter=filter_, per_page=100).json()
    assert page["results"]
    assert all(holds(work) and not work["is_xpac"] for work in page["results"])


def test_select_gives_the_chosen_fields_only(served: Serving) -> None:
    page = openalex(served, filter="publication_year:2021", select="id,type", per_page=3).json()
    assert [set(work) for work in page["results"]] == [{"id", "type"}] * 3


def test_crunchbase_pages_behind_the_last_uuid(served: Serving) -> None:
    order = [{"field_id": "announced_on", "sort": "asc"}]
    whole = search(served, query=in_2021(), order=order, limit=1000, field_ids=["announced_on"]).json()
    uuids: list[str] = []
    while True:
        after = {"after_id": uuids[-1]} if uuids else {}
        page = search(served, query=in_2021(), order=order, limit=7, **after).json()
        assert page["count"] == whole["count"]
        if not page["entities"]:
            break
        uuids += [entity["uuid"] for entity in page["entities"]]
    assert uuids == [entity["uuid"] for entity in whole["entities"]]
    dates = [entity["properties"]["announced_on"] for entity in whole["entities"]]
    assert dates == sorted(dates)
    assert all(set(entity["properties"]) == {"announced_on"} for entity in whole["entities"])


def test_crunchbase_predicates_are_anded(served: Serving) -> None:
    seeds = {"type": "predicate", "field_id": "investment_type", "operator_id": "includes", "values": ["seed"]}
    page = search(served, query=in_2021(seeds), field_ids=["investment_type"], limit=1000).json()
    assert {entity["properties"]["investment_type"] for entity in page["entities"]} == {"seed"}


@pytest.mark.parametrize(
    "body", [{"limit": 1001}, {"after_id": "a", "before_id": "b"}, {"after_id": "unknown"}, {"colour": 1},
             {"query": in_2021({"field_id": "announced_on", "operator_id": "near", "values": []})}],
)  # fmt: skip
def test_crunchbase_refuses_with_an_array(served: Serving, body: dict[str, Any]) -> None:
    answer = search(served, **{"query": in_2021(), **body})
    assert (answer.status_code, answer.json()[0]["status"]) == (400, 400)


def test_crunchbase_keeps_out_a_wrong_key_and_too_many_calls(world: World) -> None:
    with Server(Crunchbase(world, KEY, calls_per_minute=3)) as server:
        url, good = f"{server.url}{SEARCH}", {"X-cb-user-key": KEY}
        wrong = requests.post(url, json={}, headers={"X-cb-user-key": "wrong"}, timeout=30)
        assert wrong.json() == [{"status": 401, "code": "LA401", "message": "Unauthorized user_key"}]
        codes = [requests.post(url, json={"query": in_2021()}, headers=good, timeout=30) for _ in range(4)]
    assert [answer.status_code for answer in codes] == [200, 200, 200, 429]
    assert "Retry-After" not in codes[-1].headers


def test_portal_redirects_to_a_signed_address_on_another_host(served: Serving) -> None:
    url = f"{served.servers['uspto'].url}/api/v1/datasets/products/files/PVGPATDIS/g_pct_data.tsv.zip"
    codes = [requests.get(url, headers=key, timeout=30).status_code for key in ({}, {"X-API-KEY": "wrong"})]
    assert codes == [401, 403]
    answer = requests.get(url, headers={"X-API-KEY": KEY}, timeout=30, allow_redirects=False)
    assert answer.status_code == 302
    target = answer.headers["Location"]
    assert target.startswith(served.servers["files"].url)
    assert requests.get(target, timeout=30).content[:2] == b"PK"
    assert requests.get(target.partition("?")[0], timeout=30).status_code == 403
    applications = url.replace("PVGPATDIS/g_", "PVPGPUBDIS/pg_")
    answer = requests.get(applications, headers={"X-API-KEY": KEY}, timeout=30, allow_redirects=False)
    assert answer.headers["Location"].partition("?")[0].endswith("/pg_pct_data.tsv.zip")
    absent = url.replace("g_pct_data", "g_claims")
    assert requests.get(absent, headers={"X-API-KEY": KEY}, timeout=30).status_code == 404


def test_file_host_resumes_by_range(served: Serving) -> None:
    url = f"{served.servers['files'].url}{ROR_PATH}"
    whole = requests.get(url, timeout=30)
    size, etag = len(whole.content), whole.headers["ETag"]
    rest = requests.get(url, headers={"Range": "bytes=100-", "If-Range": etag}, timeout=30)
    assert (rest.status_code, rest.content) == (206, whole.content[100:])
    assert rest.headers["Content-Range"] == f"bytes 100-{size - 1}/{size}"
    changed = requests.get(url, headers={"Range": "bytes=100-", "If-Range": '"another"'}, timeout=30)
    assert (changed.status_code, len(changed.content)) == (200, size)
    behind = requests.get(url, headers={"Range": f"bytes={size}-"}, timeout=30)
    assert (behind.status_code, behind.headers["Content-Range"]) == (416, f"bytes */{size}")
    assert requests.get(f"{served.servers['files'].url}/nothing", timeout=30).status_code == 404


def test_profile_finds_the_servers_and_its_readers(served: Serving) -> None:
    profile = read_profile("sandbox")
    assert (profile.made_up, profile.title) == (True, TITLE)
    assert profile.book[2025].min_weight.value == served.world.min_weight
    for source in [*profile.metrics.values(), profile.institutions]:
        assert source is not None
        assert "made" in source.title.lower()
        reader = SOURCES[source.reader]
        assert set(reader.roles) <= set(source.files) <= {*reader.roles, *(reader.optional_roles or {})}
        for fetch in source.fetches().values():
            address = fetch.options.get("base_url") or fetch.options["url"]
            assert any(address.startswith(known) for known in ADDRESSES.values())


def test_defaults_of_the_profile_are_those_of_the_demo_world(monkeypatch: pytest.MonkeyPatch) -> None:
    from gii_pipeline.sandbox import DEMO_SCALE, DEMO_SEED, make_world

    monkeypatch.delenv("GII_SANDBOX_SCALE", raising=False)
    profile = read_profile("sandbox")
    assert profile.book[2025].min_weight.value == make_world(DEMO_SEED, DEMO_SCALE).min_weight
    given = str(profile.model_dump())
    assert all(address in given for address in ADDRESSES.values())


def test_environment_is_put_back_and_a_taken_port_is_no_obstacle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GII_SANDBOX_KEY", "as it was")
    monkeypatch.delenv("GII_CONNECT_TO", raising=False)
    with serving(tmp_path, scale=0.001, port=None) as first:
        taken = first.servers["openalex"].port
        with serving(tmp_path, scale=0.001, port=taken) as second:
            assert second.servers["openalex"].port != taken
            assert f"127.0.0.1:8741=127.0.0.1:{second.servers['openalex'].port}" in os.environ["GII_CONNECT_TO"]
        from gii_pipeline.sandbox import serve

        with pytest.raises(InputError, match="in use"):
            serve(tmp_path, scale=0.001, port=taken)
    assert os.environ["GII_SANDBOX_KEY"] == "as it was"
    assert "GII_CONNECT_TO" not in os.environ


@pytest.mark.parametrize("metric", ["pct_applications", "vc_deals"])
def test_what_is_archived_and_read_does_not_depend_on_the_ports(served: Serving, tmp_path: Path, metric: str) -> None:
    found = []
    for ports in ("first", "second"):
        pipeline = Pipeline(read_profile("sandbox"), tmp_path / ports)
        with serving(tmp_path / "made", seed=served.world.seed, scale=served.world.scale, port=None):
            archive = Archive(pipeline.root, clock=PatientClock())
            gathered = gather(archive, pipeline.profile.metrics[metric], 2021)
        with memory.connect() as connection:
            reading = Reading(pipeline, metric, connection)
            pin(gathered, reading.pin(2021), pipeline.profile.metrics[metric])
            reading.extracted(2021)
        kept = [(entry.address, entry.sha256) for entry in archive.entries()]
        found.append((kept, files_of(pipeline.root, "raw/**/*", "extracts/**/*")))
    assert found[0][0]
    assert any(name.endswith(".parquet") for name in found[0][1])
    assert found[0] == found[1]
