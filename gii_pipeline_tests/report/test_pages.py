"""Pages beside the explorer: one per ranked cluster with its preview, the method with its breaks, the dictionary."""

from __future__ import annotations

import re
import struct
from html import unescape
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gii_pipeline.editions import wipo_book
from gii_pipeline.registry import shipped
from gii_pipeline.releases import ReleaseInfo
from gii_pipeline.releases.search import slugs
from gii_pipeline.releases.series import history_rows
from gii_pipeline.releases.shelf import Version
from gii_pipeline.report.breaks import method_breaks
from gii_pipeline.report.explorer import page_facts, write_report
from gii_pipeline.report.pages import Facts, cluster_page, how_sure_picture
from gii_pipeline.report.preview import preview_svg
from gii_pipeline_tests.releases.small_edition import tables as small_edition
from gii_pipeline_tests.report.test_explorer import EVIL, INFO, VERSION, _tables

SETTINGS = wipo_book()[2025].model_dump(mode="json")
INFO_WITH_SETTINGS = ReleaseInfo(INFO.title, INFO.sources, settings=SETTINGS, made_up=True)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return _tables()


@pytest.fixture(scope="module")
def report(tables: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("release")
    for name, table in tables.items():
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), folder / f"{name}.parquet")
    write_report(folder, INFO_WITH_SETTINGS, VERSION, {2025: "VC deals are counted"})
    return folder / "report"


def page(report: Path, name: str) -> str:
    return (report / name).read_text(encoding="utf-8")


def test_each_ranked_cluster_has_a_page_and_a_preview(report: Path, tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["ranking_size"][["cluster_id", "name", "economies"]].itertuples(index=False, name=None)
    named = slugs(rows)
    assert {path.stem for path in (report / "clusters").glob("*.html")} == set(named.values())
    for slug in named.values():
        png = (report / "clusters" / f"{slug}.png").read_bytes()
        assert png.startswith(b"\x89PNG")
        assert struct.unpack(">II", png[16:24]) == (800, 420)


def test_a_page_has_the_figures_of_its_cluster_and_cites_the_version(
    report: Path, tables: dict[str, pd.DataFrame]
) -> None:
    row = tables["ranking_size"].set_index("name").loc["Alba"]
    shown = page(report, "clusters/alba.html")
    for figure in (f"{row['size_score']:,.2f}", f"{row['population']:,.0f}", row.name, VERSION):
        assert str(figure) in shown
    assert "Made up." in shown
    assert "ranks 1st by size" in shown
    assert re.search(r'property="og:image" content="alba.png"', shown)


def test_names_of_other_people_are_text_on_every_page(report: Path) -> None:
    for path in report.rglob("*.html"):
        assert "<script>alert" not in path.read_text(encoding="utf-8"), path
    evil = next(path for path in (report / "clusters").glob("*.html") if "alert" in path.stem)
    assert EVIL in unescape(evil.read_text(encoding="utf-8"))


def test_no_page_asks_another_host_and_every_link_leads_somewhere(report: Path) -> None:
    made_elsewhere = {"README.md", "datapackage.json", "footprints.geojson", "contributions.parquet"}
    for path in report.rglob("*.html"):
        for address in re.findall(r'(?:src|href)="([^"]+)"', unescape(path.read_text(encoding="utf-8"))):
            if address.startswith(("data:", "#", "{address}")):
                continue
            target = (path.parent / address.partition("#")[0]).resolve()
            assert target.is_file() or target.name in made_elsewhere or target.name.startswith("ranking"), address
            assert target.is_relative_to(report.parent), address


def test_the_method_page_has_every_setting_with_its_tag_and_source(report: Path) -> None:
    shown = unescape(page(report, "method.html"))
    for name in ("radius_km", "min_weight", "footprint"):
        assert SETTINGS[name]["source"] in shown
    assert SETTINGS["metrics"]["vc_deals"]["window"]["source"] in shown


def test_the_dictionary_has_every_column_of_every_table(report: Path, tables: dict[str, pd.DataFrame]) -> None:
    shown = page(report, "dictionary.html")
    for name, table in tables.items():
        assert f'id="{name}"' in shown
        assert all(f"<code>{column}</code>" in shown for column in table.columns)


def shown_of(cluster: Facts, rows: dict[str, pd.DataFrame], facts: Facts) -> str:
    return cluster_page(cluster, rows, facts, INFO, how_sure_picture(cluster, rows, facts))


def test_a_page_shows_who_in_what_and_with_whom_where_the_release_knows(tmp_path: Path) -> None:
    made = {name: table.to_pandas() for name, table in small_edition().items()}
    known = {name: made[name].assign(is_known=True) for name in ("leaders", "fields")}
    rows = {**_tables(), **made, **known}
    rows["rank_history"] = history_rows(small_edition()["ranking_size"], Version.parse(VERSION)).to_pandas()
    facts = page_facts(rows, INFO, VERSION)
    first = facts["clusters"][0]
    assert first["portrait"]["pct_applications"]["leaders"][0][0] == "Alpha Ltd"
    shown = shown_of(first, rows, facts)
    partner = first["portrait"]["pct_applications"]["partners"][0]
    slug = next(one["slug"] for one in facts["clusters"] if one["id"] == partner[0])
    assert f'<a href="{slug}.html">{partner[1]}</a>' in shown
    assert "Alpha Ltd" in shown
    assert "Optics" in shown
    unknown = page_facts({**rows, **{name: made[name].assign(is_known=False) for name in known}}, INFO, VERSION)
    assert "Not known from this source." in shown_of(unknown["clusters"][0], rows, unknown)


def test_a_page_says_that_a_cluster_has_no_records_in_a_metric(tables: dict[str, pd.DataFrame]) -> None:
    parts = tables["contributions"]
    rows = {**tables, "contributions": parts[parts["metric"] != "vc_deals"]}
    facts = page_facts(rows, INFO, VERSION)
    assert shown_of(facts["clusters"][0], rows, facts).count("No records in this metric.") == 1


def test_slugs_tell_clusters_of_one_name_apart() -> None:
    rows = [
        ("a", "Cambridge", "GB"),
        ("b", "Cambridge", "US"),
        ("c", "Cambridge", "US"),
        ("d", "深圳", "CN"),
        ("e", "Köln", "DE"),
    ]
    found = slugs(rows)
    assert found == {"a": "cambridge-gb", "b": "cambridge-b", "c": "cambridge-c", "d": "d", "e": "koln"}
    assert len(set(slugs([*rows, ("f", "Cambridge GB", "US")]).values())) == 6


def test_breaks_of_the_method_are_of_every_kind_and_windows_are_none() -> None:
    book = wipo_book()
    found = method_breaks(book.editions.values(), shipped())
    assert sorted(found) == [2018, 2022, 2025]
    assert "15" in found[2018]
    assert "record types of scientific publications" in found[2022]
    assert found[2025] == "VC deals are counted"
    heavier = book[2024].metrics["pct_applications"]
    heavier = heavier.model_copy(update={"weight": heavier.weight.model_copy(update={"value": 2.0})})
    changed = book[2024].model_copy(update={"metrics": {**book[2024].metrics, "pct_applications": heavier}})
    assert method_breaks([book[2023], changed], shipped()) == {2024: "weight of PCT applications: 1 → 2"}


def test_a_preview_shows_the_id_for_a_name_in_a_script_that_its_font_lacks() -> None:
    cluster = {"id": "gii-1", "name": "深圳", "economy_names": "China", "rank": 1, "metrics": {}, "history": []}
    facts = {"clusters": [cluster], "metrics": [], "title": "Towns", "version": VERSION, "made_up": False}
    assert "gii-1" in preview_svg(cluster, facts)
    assert "São Paulo" in preview_svg({**cluster, "name": "São Paulo"}, facts)
