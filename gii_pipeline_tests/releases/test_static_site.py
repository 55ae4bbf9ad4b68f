"""`gii site`: all releases for any host of files; a withdrawn version says so, one under an embargo is not there."""

from __future__ import annotations

import http.client
import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from gii_pipeline.cli import app
from gii_pipeline.errors import InputError, ReleaseError
from gii_pipeline.releases import open_release, set_embargo, withdraw
from gii_pipeline.report.explorer import write_report
from gii_pipeline.report.serving import serving
from gii_pipeline.report.site import write_site
from gii_pipeline_tests.releases.small_edition import NOON, info, release, write_edition

BECAUSE = "a <source> was wrong"
AT = NOON.isoformat()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with v2024.1 withdrawn, v2025.1, and v2026.1 under an embargo, the first two with their pages."""
    root: Path = tmp_path_factory.mktemp("site") / "gii_data"
    for label in ("2024", "2025"):
        write_edition(root, label)
        release(root, label, extras=lambda folder, version: write_report(folder, info(version.label), str(version)))
    withdraw(root, "v2024.1", because=BECAUSE, at=AT)
    write_edition(root, "2023")
    release(root, "2023", embargo="2999-01-01")
    return root


@pytest.fixture(scope="module")
def site(whole: Path) -> Path:
    done = CliRunner().invoke(app, ["site", str(whole.parent / "site"), "--root", str(whole)])
    assert done.exit_code == 0, done.output
    assert "v2023.1 is left out: it is under an embargo." in done.output
    return whole.parent / "site"


def test_the_index_has_every_version_and_the_newest_clusters(site: Path) -> None:
    index = unescape((site / "index.html").read_text(encoding="utf-8"))
    assert {path.name for path in site.iterdir() if path.is_dir()} == {"v2024.1", "v2025.1"}
    assert f"Withdrawn: {BECAUSE}" in index
    assert "v2023.1" not in index
    assert "São Paulo" in index
    assert "Made up." in index
    assert json.loads((site / "latest.json").read_bytes())["withdrawn"] == {"v2024.1": BECAUSE}
    assert "v2023" not in (site / "latest.json").read_text(encoding="utf-8")


def test_every_link_of_the_site_leads_to_a_file_of_it(site: Path) -> None:
    for page in site.rglob("*.html"):
        for address in re.findall(r'(?:src|href)="([^"{]+)"', unescape(page.read_text(encoding="utf-8"))):
            if not address.startswith(("data:", "#", "https://")):
                assert (page.parent / address.partition("#")[0]).is_file(), (page, address)


def test_a_withdrawn_version_has_a_notice_on_every_page_and_others_are_as_published(whole: Path, site: Path) -> None:
    for page in (site / "v2024.1").rglob("*.html"):
        assert f"<strong>v2024.1 was withdrawn.</strong> {BECAUSE}" in unescape(page.read_text(encoding="utf-8"))
    for resource in open_release(whole, "v2025.1").package["resources"]:
        published = whole / "releases" / "v2025.1" / resource["path"]
        assert (site / "v2025.1" / resource["path"]).read_bytes() == published.read_bytes()


def test_the_address_of_a_site_is_in_the_previews_of_its_pages(whole: Path, tmp_path: Path) -> None:
    write_site(whole, tmp_path / "there", address="https://example.org/gii/")
    page = (tmp_path / "there" / "v2025.1" / "report" / "clusters" / "sao-paulo.html").read_text(encoding="utf-8")
    assert 'content="https://example.org/gii/v2025.1/report/clusters/sao-paulo.png"' in page


def test_a_site_replaces_an_earlier_one_and_nothing_else(whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    write_site(whole, target)
    (target / "left.txt").touch()
    write_site(whole, target)
    assert not (target / "left.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(InputError, match="other files"):
        write_site(whole, tmp_path / "mine")


def test_a_damaged_release_leaves_the_earlier_site_as_it_is(released: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    write_site(released, target)
    before = (target / "index.html").read_bytes()
    (released / "releases" / "v2025.1" / "ranking.csv").write_bytes(b"rank\n")
    with pytest.raises(ReleaseError, match="damaged"):
        write_site(released, target)
    assert (target / "index.html").read_bytes() == before


def test_nothing_to_show_is_said(root: Path, tmp_path: Path) -> None:
    release(root)
    set_embargo(root, "v2025.1", until="2999-01-01", at=AT)
    with pytest.raises(ReleaseError, match="may be published"):
        write_site(root, tmp_path / "site")


def test_the_files_server_shows_the_notice_too(whole: Path) -> None:
    with serving(whole, 0) as address:
        for version, shown in (("v2024.1", True), ("v2025.1", False)):
            connection = http.client.HTTPConnection(str(urlsplit(address).netloc))
            connection.request("GET", f"/releases/{version}/report/")
            text = unescape(connection.getresponse().read().decode())
            assert ("was withdrawn" in text) is shown
            assert "<h1>" in text
            connection.close()


def test_the_files_server_shows_no_file_that_is_not_as_published(released: Path) -> None:
    table = released / "releases" / "v2025.1" / "ranking.csv"
    whole = table.read_bytes()
    with serving(released, 0) as address:
        for content, status, words in ((whole, 200, "rank"), (whole[:-2] + b"9\n", 500, "ranking.csv is damaged")):
            table.write_bytes(content)
            connection = http.client.HTTPConnection(str(urlsplit(address).netloc))
            connection.request("GET", "/releases/v2025.1/ranking.csv")
            answer = connection.getresponse()
            assert answer.status == status
            assert words in answer.read().decode()
            connection.close()
