"""SEC Form D's quarterly zips, and files at any address."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from gii_pipeline.errors import FetchStoppedError, InputError, TransientError
from gii_pipeline_tests.archive.server import FileHost, Server, html_reply
from gii_pipeline_tests.sources.fetching.conftest import Fetch
from gii_pipeline_tests.sources.fetching.services import Sec, noise, zipped

CONTACT = "operator@example.org"
FOLDER = "/files/structureddata/data/form-d-data-sets"
QUARTERS = {f"{FOLDER}/2024q{q}_d{suffix}.zip": zipped(f"{q}.tsv", noise(1000, q)) for q, suffix in
            ((4, ""), (2, "_0"), (1, ""), (3, ""))}  # fmt: skip


@pytest.fixture
def sec() -> Iterator[Server]:
    with Server(Sec({**QUARTERS, f"{FOLDER}/2023q4_d.zip": zipped("x", b"")})) as server:
        yield server


def index(server: Server) -> str:
    return f"{server.url}/data-research/sec-markets-data/form-d-data-sets"


def test_the_four_quarters_are_found_on_the_page_and_fetched_in_order(fetch: Fetch, sec: Server) -> None:
    quarters = fetch("sec_form_d", {"index_url": index(sec), "contact": CONTACT}, 2024)

    assert [entry.name for entry in quarters] == ["2024q1_d.zip", "2024q2_d_0.zip", "2024q3_d.zip", "2024q4_d.zip"]
    assert {entry.data_year for entry in quarters} == {2024}
    assert all(asked.headers["user-agent"].startswith("gii-pipeline/") for asked in sec.asked)
    assert all(asked.headers["user-agent"].endswith(f" {CONTACT}") for asked in sec.asked)


def test_the_contact_may_come_from_the_environment_and_is_asked_for(
    fetch: Fetch, sec: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"`contact` in the profile, or the environment variable SEC_CONTACT"):
        fetch("sec_form_d", {"index_url": index(sec)}, 2024)
    assert sec.asked == []

    monkeypatch.setenv("SEC_CONTACT", CONTACT)
    quarters = fetch("sec_form_d", {"index_url": index(sec)}, 2024)
    monkeypatch.delenv("SEC_CONTACT")
    assert fetch("sec_form_d", {"index_url": index(sec)}, 2024, offline=True) == quarters


def test_a_contact_that_is_none_is_refused_by_the_sec(fetch: Fetch, sec: Server) -> None:
    with pytest.raises(FetchStoppedError, match=r"refuses access \(status 403: an HTML page\)"):
        fetch("sec_form_d", {"index_url": index(sec), "contact": "me"}, 2024)


def test_a_year_that_is_not_whole_yet_says_which_quarters_are_missing(fetch: Fetch, sec: Server) -> None:
    with pytest.raises(FetchStoppedError, match="does not list 2023q1, 2023q2, 2023q3: not yet published"):
        fetch("sec_form_d", {"index_url": index(sec), "contact": CONTACT}, 2023)


def test_a_year_published_since_the_page_was_kept_is_found(fetch: Fetch, sec: Server) -> None:
    options = {"index_url": index(sec), "contact": CONTACT}
    fetch("sec_form_d", options, 2024)
    sec.service = Sec({f"{FOLDER}/2025q{q}_d.zip": zipped("x", noise(1000, 9 + q)) for q in (1, 2, 3, 4)})

    assert fetch("sec_form_d", options, 2025)[0].name == "2025q1_d.zip"


def test_a_folder_may_be_named_instead_of_the_page(fetch: Fetch) -> None:
    with Server(FileHost({f"/d/2024q{q}_d.zip": zipped("x", noise(1000, q)) for q in (1, 2, 3, 4)})) as server:
        quarters = fetch("sec_form_d", {"base_url": f"{server.url}/d/", "contact": CONTACT}, 2024)

    assert len(quarters) == 4
    assert len(server.asked) == 4


RASTER = noise(50_000)


@pytest.fixture
def host() -> Iterator[Server]:
    with Server(
        FileHost({"/2020.tif": RASTER, "/2021.tif": noise(50_000, 1), "/ror.zip": zipped("a", b"b")})
    ) as server:
        yield server


def test_a_file_at_an_address_serves_every_year(fetch: Fetch, host: Server) -> None:
    options = {"url": f"{host.url}/ror.zip", "source": "ror", "licence": "CC0-1.0"}

    (entry,) = fetch("file_url", options, 2020)

    assert fetch("file_url", options, 2021) == [entry]
    assert (entry.source, entry.licence, entry.data_year) == ("ror", "CC0-1.0", None)


def test_an_address_with_the_year_in_it_serves_that_year(fetch: Fetch, host: Server) -> None:
    options = {"url": host.url + "/{data_year}.tif"}

    (old,), (new,) = fetch("file_url", options, 2020), fetch("file_url", options, 2021)

    assert (old.name, old.data_year, new.name, new.data_year) == ("2020.tif", 2020, "2021.tif", 2021)
    with pytest.raises(InputError, match="one data year at a time"):
        fetch("file_url", options)


def test_several_addresses_come_in_their_order(fetch: Fetch, host: Server) -> None:
    entries = fetch("file_url", {"url": [f"{host.url}/2021.tif", f"{host.url}/2020.tif"]})

    assert [entry.name for entry in entries] == ["2021.tif", "2020.tif"]


def test_the_publishers_hash_is_held_to(fetch: Fetch, host: Server) -> None:
    address = f"{host.url}/2020.tif"

    with pytest.raises(TransientError, match=f"its sha256 is not {64 * '0'}"):
        fetch("file_url", {"url": address, "sha256": 64 * "0"})
    (entry,) = fetch("file_url", {"url": address, "sha256": hashlib.sha256(RASTER).hexdigest()})
    assert entry.path.read_bytes() == RASTER
    with pytest.raises(InputError, match="sha256 requires a single url"):
        fetch("file_url", {"url": [address, address], "sha256": 64 * "0"})


def test_a_format_may_be_demanded_where_the_name_promises_none(fetch: Fetch, host: Server) -> None:
    with pytest.raises(FetchStoppedError, match="the response is not a zip file"):
        fetch("file_url", {"url": f"{host.url}/2020.tif", "format": "zip"})


def test_a_login_page_is_no_file(fetch: Fetch, host: Server) -> None:
    host.faults = [html_reply()]

    with pytest.raises(FetchStoppedError, match="requires a login"):
        fetch("file_url", {"url": f"{host.url}/2020.tif"})
