"""The Dagster page in a real browser: an edition is materialised by clicking, looked at, followed, and spoiled.

The tests come in the order of a person's visit and share one page of `gii dev` on the tiny world.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, sync_playwright

from gii_pipeline import contracts
from gii_pipeline.registry import shipped
from gii_pipeline.store import EDITION_TABLES, FOLLOWING_TABLES, Store
from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.defs.test_faults import spoil

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
GII = [sys.executable, "-c", "from gii_pipeline import cli; cli.main()"]
LOCATION = "gii_pipeline.defs.definitions"
PATIENCE_MS = 90_000
RUN_MS = 480_000
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@dataclass(frozen=True)
class Site:
    """The page of `gii dev`, and the files beside it."""

    page: Page
    folder: Path
    port: int

    @property
    def store(self) -> Store:
        return Store(self.folder / "root")

    @property
    def files(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    def open(self, path: str) -> None:
        self.page.goto(f"http://127.0.0.1:{self.port}{path}")

    def asset(self, name: str) -> None:
        """The overview of an asset, once the metadata of its last materialisation is there."""
        self.open(f"/assets/{name}")
        self.cell("path").wait_for()

    def cell(self, key: str) -> Locator:
        """What the table of metadata says of a key; a table in it may have a row of the same name."""
        return self.page.locator(f"//tr[td[1][normalize-space() = '{key}']]/td[last()]").first

    def tells(self, words: str) -> None:
        """Wait until the page has the words, which come in several answers."""
        told = "words => document.body.innerText.replace(/\\s+/g, ' ').includes(words)"
        self.page.wait_for_function(told, arg=re.sub(r"\s+", " ", words))

    def materialise(self, path: str, partition: str) -> str:
        """Click *Materialize* on a page, choose the partition, launch; how the run ended, whose page is then open."""
        self.open(path)
        self.page.get_by_role("button", name="Materialize").first.click()
        dialog = self.page.get_by_role("dialog").filter(has_text="Partition selection")
        dialog.get_by_text("Select a partition").click()
        self.page.get_by_role("menuitem").filter(has_text=partition).click()
        dialog.get_by_text("Launch runs to materialize").click()  # closes the list of partitions
        with self.page.expect_response(re.compile("op=LaunchPipelineExecution")) as launched:
            dialog.get_by_role("button", name="Launch 1 run").click()
        told = launched.value.json()["data"]["launchPipelineExecution"]
        self.open(f"/runs/{told['run']['id']}")  # the message that leads there goes away by itself
        ended = self.page.get_by_text(re.compile("^(Success|Failure)$")).first
        ended.wait_for(timeout=RUN_MS)
        return ended.inner_text()

    def follow(self, cell: Locator) -> Page:
        """Click a link, which opens a page of its own."""
        with self.page.expect_popup() as opened:
            cell.locator("a").first.click()
        opened.value.wait_for_load_state("domcontentloaded")
        return opened.value


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`gii dev` on a root whose data years are in, open in a browser."""
    if BROWSER is None:
        pytest.skip("no browser here: install Debian's package `chromium`")
    folder = tmp_path_factory.mktemp("page")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "GII_FILES_URL"},
        "GII_PROFILE": str(tiny_world.write(folder / "world")),
        "GII_ROOT": str(folder / "root"),
        "DAGSTER_HOME": str(folder / "home"),
    }
    subprocess.run([*GII, "ingest", "--years", "2013,2014"], env=environment, check=True, capture_output=True)
    port = _free_ports()
    with (folder / "dev.log").open("w") as log, sync_playwright() as playwright:
        dev = subprocess.Popen(
            [*GII, "dev", "--port", str(port)], env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _until_up(f"http://127.0.0.1:{port}/server_info", dev, folder / "dev.log")
            browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1600, "height": 1000})
            page.set_default_timeout(PATIENCE_MS)
            yield Site(page, folder, port)
            browser.close()
        finally:
            _end(dev)


def _free_ports() -> int:
    """A port that is free together with the next one, below those that the system gives to connections."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def _until_up(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 150
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310
                return
        except OSError:
            time.sleep(0.2)


def _end(dev: subprocess.Popen[bytes]) -> None:
    """End `gii dev`, which ends Dagster; kill what is left of its session after a while."""
    dev.terminate()
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        dev.poll()
        try:
            os.killpg(dev.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.2)
    os.killpg(dev.pid, signal.SIGKILL)
    dev.wait()


@pytest.fixture(scope="module")
def ranked(site: Site) -> Site:
    """Edition 2015 was materialised from the page of its job, and released from the page of its asset."""
    assert site.materialise(f"/locations/{LOCATION}/jobs/ranking", "2015") == "Success"
    assert site.materialise("/assets/release", "2015") == "Success"
    return site


def test_the_graph_shows_the_groups_from_raw_records_to_the_release(site: Site) -> None:
    site.open("/asset-groups")
    site.page.wait_for_function("() => document.querySelectorAll('foreignObject').length >= 4")
    nodes: list[tuple[float, str]] = site.page.locator("foreignObject").evaluate_all(
        "nodes => nodes.map(node => [node.getBoundingClientRect().x, node.textContent])"
    )
    groups = [match[0] for _, text in sorted(nodes) if (match := re.match("raw|core|edition|release", text))]
    assert groups == ["raw", "core", "edition", "release"]


@pytest.mark.parametrize(
    ("group", "tables"), [("core", (*shipped().by_table, *FOLLOWING_TABLES)), ("edition", EDITION_TABLES)]
)
def test_a_group_opens_into_its_tables(site: Site, group: str, tables: tuple[str, ...]) -> None:
    site.page.evaluate("() => localStorage.clear()")  # no group is open yet
    site.page.set_viewport_size({"width": 3600, "height": 3000})
    site.open("/asset-groups")
    node = site.page.locator("foreignObject").filter(has_text=re.compile(f"^{group}\\d"))
    node.locator("[class*=iconGlobal]").last.click()
    site.page.locator("foreignObject").filter(has_text=re.compile(f"^{group}$")).wait_for(state="attached")
    # Nodes out of sight are not drawn: of a large group some tables are there, of a small one all.
    inside = site.page.locator("foreignObject").filter(has_text=re.compile(f"^({'|'.join(tables)})"))
    inside.first.wait_for(state="attached")
    if len(tables) < 10:
        inside.nth(len(tables) - 1).wait_for(state="attached")


def test_an_edition_is_materialised_by_clicking(ranked: Site) -> None:
    for table in EDITION_TABLES:
        assert ranked.store.edition(table, "2015").is_file(), table
    ranking = pd.read_parquet(ranked.store.edition("ranking_size", "2015"))
    assert ranking["name"].tolist() == ["Graz", "Lyon", "Oslo"]
    assert (ranked.folder / "root/releases/v2015.1/datapackage.json").is_file()


@pytest.mark.parametrize(("table", "picture"), [("cluster_footprints", "map"), ("ranking_size", "chart")])
def test_a_table_is_described_previewed_and_drawn(ranked: Site, table: str, picture: str) -> None:
    ranked.asset(table)
    contract = contracts.load(table)
    for words in (contract.purpose.strip(), "Owners gii_pipeline ", "Kinds Parquet ", "Row count 3 "):
        ranked.tells(words)
    for column in contract.column_schema:
        ranked.tells(f" {column['name']} ")
        ranked.tells(column["description"].strip())
    rows = ranked.cell("preview").locator("tbody tr")
    assert rows.count() == 3
    assert {"Graz", "Lyon", "Oslo"} <= set(ranked.cell("preview").locator("td").all_inner_texts())
    assert _drawn(ranked, picture)


def test_the_page_leads_to_data_docs_and_to_the_release(ranked: Site) -> None:
    ranked.asset("ranking_size")
    docs = ranked.follow(ranked.cell("data_docs"))
    assert docs.url.startswith(f"{ranked.files}/data_docs/")
    docs.get_by_text("ranking_size 2015").first.wait_for()
    folders = ranked.follow(ranked.cell("releases"))
    assert folders.url == f"{ranked.files}/releases/"
    folders.get_by_text("v2015.1/").click()
    folders.get_by_text("datapackage.json").wait_for()
    ranked.cell("release").locator("a").click()
    ranked.page.wait_for_url("**/assets/release*")
    ranked.cell("explorer").wait_for()
    explorer = ranked.follow(ranked.cell("explorer"))
    explorer.locator("#ranking tbody tr").first.wait_for()
    assert explorer.locator("#ranking tbody tr").count() == 3


def test_a_release_shows_its_ranking_and_its_tables(ranked: Site) -> None:
    ranked.asset("release")
    assert ranked.cell("version").inner_text() == "v2015.1"
    assert "ranking_intensity" in ranked.cell("tables").inner_text()
    assert ranked.cell("ranking_size").locator("tbody tr").count() == 3
    assert _drawn(ranked, "chart")


def test_a_contract_that_fails_shows_its_rows(ranked: Site) -> None:
    spoil(ranked.folder / "world" / "tiny.yaml")
    assert ranked.materialise("/assets/raw_vc_deals", "2014") == "Success"
    assert ranked.materialise("/assets/vc_deals", "2014") == "Failure"
    ranked.page.get_by_placeholder("Filter…").fill("failed")  # the log holds only the events that are in sight
    ranked.page.get_by_text("record_id=VC_DEALS-2014-GRAZ-0").first.wait_for()
    ranked.open("/assets/vc_deals")
    ranked.page.get_by_text("Checks", exact=True).click()
    ranked.page.get_by_title("contract").first.click()
    rule = "record_id_not_repeated_in_another_case"
    assert rule in ranked.cell("broken").inner_text()
    failing = ranked.cell(f"failing rows: {rule}").locator("tbody tr")
    failing.first.wait_for()
    assert [row.locator("td").first.inner_text() for row in failing.all()] == [
        "VC_DEALS-2014-GRAZ-0",
        "vc_deals-2014-Graz-0",
    ]
    docs = ranked.follow(ranked.cell("data_docs"))
    docs.get_by_text("vc_deals 2014").first.wait_for()


def _drawn(site: Site, key: str) -> bool:
    """Whether the browser shows the picture; the page leads it to the files."""
    image = site.cell(key).locator("img").element_handle()
    site.page.wait_for_function("image => image.complete", arg=image)
    files = f"http://127.0.0.1:{site.port}/files/"
    return bool(image.evaluate("(image, files) => image.naturalWidth > 0 && image.src.startsWith(files)", files))
