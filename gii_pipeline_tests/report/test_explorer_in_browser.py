"""The explorer page in a real browser: it loads in silence, sorts, finds, and shows the cluster that is chosen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from gii_pipeline.report.explorer import explorer_page
from gii_pipeline_tests.report.test_explorer import EVIL, INFO, _tables

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    if BROWSER is None:
        pytest.skip("no browser here: install Debian's package `chromium`")
    path: Path = tmp_path_factory.mktemp("explorer") / "index.html"
    path.write_text(explorer_page(_tables(), INFO, "v2025.1"), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        opened = browser.new_page()
        faults: list[str] = []
        opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.goto(path.as_uri())
        yield opened
        browser.close()
        assert faults == []


def names(page: Page) -> list[str]:
    return [cell.strip() for cell in page.locator("#ranking tbody tr .name").all_inner_texts()]


def test_every_cluster_is_a_row_and_a_name_is_only_text(page: Page) -> None:
    assert page.locator("#ranking tbody tr").count() == 3
    assert any(EVIL in name for name in names(page))


def test_a_click_on_a_heading_sorts_and_a_second_one_turns_round(page: Page) -> None:
    heading = "#ranking thead th.name button"
    page.click(heading)
    once = names(page)
    page.click(heading)
    assert names(page) == once[::-1]
    assert sorted(once) in (once, once[::-1])


def test_a_search_leaves_what_it_finds(page: Page) -> None:
    page.fill("#filter", "dune")
    assert len(names(page)) == 1
    page.fill("#filter", "")
    assert page.locator("#ranking tbody tr").count() == 3


def test_a_chosen_cluster_shows_who_contributed(page: Page) -> None:
    page.locator("#ranking tbody tr").filter(has_text="Alba").click()
    assert "Alba" in page.locator("#chosen").inner_text()
    assert page.locator("#ranking tbody tr[aria-selected=true]").count() == 1
