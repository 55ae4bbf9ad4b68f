"""The pictures of the documentation: `python -m gii_pipeline_tests.docs.pictures [RELEASE]`.

Belongs here: the diagrams, drawn from the boxes below, and screenshots of a release's pages (a folder such as
`gii_data/releases/v2025.1` of `make story`) in the browser of the machine. Does not: the pages.
"""

from __future__ import annotations

import shutil
import sys
from html import escape
from pathlib import Path
from typing import NamedTuple

from gii_pipeline_tests.docs.pages import ROOT

FOLDER = ROOT / "docs" / "pictures"
INK, MUTED, LINE, PANEL, ACCENT = "#1a2130", "#626c7f", "#b8c0cf", "#f1f4fb", "#3351d1"
BOX, HEIGHT, GAP, PAD = 176, 74, 34, 12


class Step(NamedTuple):
    """A box: what there is, and below what it is or how it comes about."""

    title: str
    lines: tuple[str, str]


DIAGRAMS = {
    "data-flow": [
        [
            Step("Sources", ("files, snapshots,", "APIs")),
            Step("Archive", ("bytes as received,", "by sha256")),
            Step("Extracts", ("rows of one file,", "read once")),
            Step("Core", ("records and places", "per data year")),
        ],
        [
            Step("Points", ("fractions per place", "over the window")),
            Step("Clusters", ("density, borders,", "population, ids")),
            Step("Rankings", ("shares, scores,", "why a rank moved")),
            Step("Release", ("immutable version,", "audited together")),
        ],
        [
            Step("Pages", ("map, clusters,", "method, dictionary")),
            Step("Tables", ("Parquet, CSV,", "XLSX, SQLite")),
            Step("Site", ("all releases", "for any host")),
        ],
    ],
    "method": [
        [
            Step("Record", ("application, article", "or deal")),
            Step("People", ("equal parts for each", "person and address")),
            Step("Location", ("address to a point,", "rounded to 2 decimals")),
            Step("Density", ("4,500 people", "within 15 km")),
        ],
        [
            Step("Merge", ("neighbours within", "5 km are one")),
            Step("Count", ("parts inside the", "cluster, per metric")),
            Step("Share", ("of the world's", "located records")),
            Step("Size score", ("weighted sum", "of the shares")),
        ],
        [
            Step("Population", ("raster summed over", "the borders")),
            Step("Intensity", ("score per million", "inhabitants")),
            Step("Rank", ("the first 100", "by size score")),
            Step("Interval", ("1,000 resamplings", "of whole records")),
        ],
    ],
}


def diagram(rows: list[list[Step]]) -> str:
    """Boxes from left to right and row by row, an arrow from each to the next."""
    width = PAD * 2 + max(map(len, rows)) * (BOX + GAP) - GAP
    height = PAD * 2 + len(rows) * (HEIGHT + GAP) - GAP
    drawn, before = [], None
    for line, steps in enumerate(rows):
        for place, step in enumerate(steps):
            x, y = PAD + place * (BOX + GAP), PAD + line * (HEIGHT + GAP)
            drawn.append(_box(x, y, step))
            if place:
                drawn.append(_arrow(f"M{x - GAP + 3} {y + HEIGHT / 2:g}H{x - 4}"))
            elif before:
                from_x, from_y = before
                drawn.append(_arrow(f"M{from_x} {from_y}V{y - GAP / 2:g}H{x + BOX / 2:g}V{y - 4}"))
            before = (x + BOX / 2, y + HEIGHT + 2)
    told = "; ".join(step.title for steps in rows for step in steps)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" role="img">\n'
        f"<title>{escape(told)}</title>\n"
        f'<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0L8 4L0 8Z" fill="{MUTED}"/></marker></defs>\n'
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def _box(x: float, y: float, step: Step) -> str:
    texts = [(step.title, 15, INK, "600"), *((line, 13, MUTED, "400") for line in step.lines)]
    written = "".join(
        f'<text x="{x + 12}" y="{y + 24 + 19 * number}" font-size="{size}" fill="{fill}" font-weight="{weight}">'
        f"{escape(text)}</text>"
        for number, (text, size, fill, weight) in enumerate(texts)
    )
    return f'<rect x="{x}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="8" fill="{PANEL}" stroke="{LINE}"/>{written}'


def _arrow(path: str) -> str:
    return f'<path d="{path}" fill="none" stroke="{MUTED}" stroke-width="1.5" marker-end="url(#to)"/>'


def write_diagrams(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in DIAGRAMS.items():
        (folder / f"{name}.svg").write_text(diagram(rows), encoding="utf-8", newline="\n")


def take_screenshots(release: Path, folder: Path) -> None:
    """`explorer.png`, `ranks.png` and `cluster.png`, as a reader sees them."""
    from playwright.sync_api import sync_playwright

    browser_path = shutil.which("chromium") or shutil.which("chromium-browser")
    first = min((release / "report" / "clusters").glob("shenzhen-hong-kong*.html"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 960, "height": 640})
        page.goto((release / "report" / "index.html").absolute().as_uri())
        page.screenshot(path=folder / "explorer.png")
        page.locator("section[aria-label='Ranks over the editions']").screenshot(path=folder / "ranks.png")
        page.goto(first.absolute().as_uri())
        page.screenshot(path=folder / "cluster.png")
        browser.close()


def main() -> None:
    write_diagrams(FOLDER)
    for release in sys.argv[1:]:
        take_screenshots(Path(release), FOLDER)


if __name__ == "__main__":
    main()
