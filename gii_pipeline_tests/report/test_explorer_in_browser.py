"""The explorer page in a real browser: it loads in silence, sorts, finds, and shows the cluster that is chosen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, sync_playwright

from gii_pipeline.releases.events import rank_events
from gii_pipeline.releases.series import history_rows
from gii_pipeline.releases.shelf import Version
from gii_pipeline_tests.releases.small_edition import tables as small_edition
from gii_pipeline_tests.report.test_explorer import EVIL, VERSION, _tables, page_of

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    if BROWSER is None:
        pytest.skip("no browser here: install Debian's package `chromium`")
    path: Path = tmp_path_factory.mktemp("explorer") / "index.html"
    path.write_text(page_of(_tables()), encoding="utf-8")
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
    assert page.locator("#ranking tbody tr[data-id]").count() == 3
    assert any(EVIL in name for name in names(page))


def test_a_click_on_a_heading_sorts_and_a_second_one_turns_round(page: Page) -> None:
    heading = "#ranking thead th.name button"
    page.click(heading)
    once = names(page)
    page.click(heading)
    assert names(page) == once[::-1]
    assert sorted(once) in (once, once[::-1])


@pytest.mark.parametrize("wanted", ["dune", "AA dune", "dune aa"])
def test_a_search_finds_words_in_any_order(page: Page, wanted: str) -> None:
    page.fill("#filter", wanted)
    assert len(names(page)) == 1
    page.fill("#filter", "")
    assert page.locator("#ranking tbody tr[data-id]").count() == 3


def test_a_chosen_cluster_shows_who_contributed_and_its_address_keeps_it(page: Page) -> None:
    page.locator("#ranking tbody tr").filter(has_text="Alba").locator("button").click()
    assert "Alba" in page.locator("#chosen").inner_text()
    assert page.locator("#ranking tbody tr[aria-selected=true]").count() == 1
    address = page.url
    page.locator("#ranking tbody tr").filter(has_text="Dune").locator("button").click()
    assert page.url != address
    page.evaluate("address => { location.hash = address.split('#')[1]; }", address)
    page.locator("#chosen h2", has_text="Alba").wait_for()


def test_columns_are_switched_on_and_off(page: Page) -> None:
    shown = page.locator("#ranking thead tr").nth(1).locator("th").count()
    box = page.get_by_label("How sure", exact=True)
    box.check()
    assert page.locator("#ranking thead tr").nth(1).locator("th").count() == shown + 1
    assert page.locator("#ranking .interval").count() == 3
    box.uncheck()


def test_two_clusters_stand_side_by_side(page: Page) -> None:
    for name in ("Alba", "Dune"):
        page.locator("#ranking tbody tr").filter(has_text=name).locator("button").click()
        page.get_by_role("button", name="Compare", exact=True).click()
    assert page.locator("#compare thead th").count() == 2
    assert "per million" in page.locator("#compare").inner_text()
    page.get_by_role("button", name="Do not compare").click()
    assert page.locator("#compare").is_hidden()


def test_every_circle_is_reached_and_chosen_by_keyboard(page: Page) -> None:
    page.locator("#map").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "button"
    assert page.locator("#card").is_visible()
    page.keyboard.press("Enter")
    named = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert page.locator("#chosen h2").inner_text() == named
    assert page.locator("#circles circle[tabindex='0']").count() == 3


def test_the_wheel_scrolls_the_page_until_the_map_has_the_focus(page: Page) -> None:
    view = "document.getElementById('map').getAttribute('viewBox')"
    page.evaluate("document.activeElement.blur()")
    page.locator("#map").scroll_into_view_if_needed()
    page.locator("#map").hover()
    whole = page.evaluate(view)
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(100)
    assert page.evaluate(view) == whole
    page.locator("#map").focus()
    page.mouse.wheel(0, -200)
    page.locator(f"#map:not([viewBox='{whole}'])").wait_for(state="attached")
    page.click("#whole")
    assert page.evaluate(view) == whole


def test_circles_do_not_cover_one_another(page: Page) -> None:
    circles = page.evaluate(
        "[...document.querySelectorAll('#circles circle')].map((c) => [c.cx, c.cy, c.r].map((v) => v.baseVal.value))"
    )
    gaps = [
        ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5 - a[2] - b[2]
        for i, a in enumerate(circles)
        for b in circles[i + 1 :]
    ]
    assert min(gaps) > -0.05


def test_the_chosen_cluster_links_to_its_page(page: Page) -> None:
    page.locator("#ranking tbody tr").filter(has_text="Alba").locator("button").click()
    assert page.locator("#chosen a").get_attribute("href") == "clusters/alba.html"


@pytest.mark.parametrize("width", [390, 1000, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_every_screen(page: Page, width: int, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.locator("tr.detail").wait_for(state="attached" if width <= 1000 else "detached")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('#bump text')].map((t) => t.getBoundingClientRect().height))"
    )
    assert smallest >= 11


def test_lines_lead_from_the_chosen_cluster_to_its_partners(page: Page, tmp_path: Path) -> None:
    made = {name: table.to_pandas() for name, table in small_edition().items()}
    rows = {**_tables(), **made}
    rows["rank_history"] = history_rows(small_edition()["ranking_size"], Version.parse(VERSION)).to_pandas()
    rows["rank_events"] = rank_events(small_edition().__getitem__, [], own_method=True).to_pandas()
    (tmp_path / "index.html").write_text(page_of(rows), encoding="utf-8")
    assert page.context.browser is not None
    other = page.context.browser.new_page()
    other.goto((tmp_path / "index.html").as_uri())
    known = "facts.clusters.map((c) => [c.id, (c.portrait.pct_applications?.partners ?? []).map(([, name]) => name)])"
    for cluster, partners in other.evaluate(known):
        other.locator(f"#ranking tbody tr[data-id='{cluster}'] button").click()
        lines = other.locator("#partners line").evaluate_all("lines => lines.map((line) => line.textContent)")
        assert lines == [f"{name}: 1 records together" for name in partners]
    assert sum(len(partners) for _, partners in other.evaluate(known)) == 2
    other.close()


def test_print_shows_the_table_without_controls(page: Page) -> None:
    page.emulate_media(media="print")
    assert page.locator("#groups").is_hidden()
    assert page.locator("#ranking").is_visible()
    page.emulate_media(media="screen")
