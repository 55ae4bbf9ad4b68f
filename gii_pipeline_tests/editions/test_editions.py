"""Editions are whole, tagged, and can be put under each other's method."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gii_pipeline.editions import Window, read_book, wipo_book
from gii_pipeline.editions.book import WIPO_EDITIONS
from gii_pipeline.errors import InputError

METHOD_TABLE = {
    2017: {"pct_applications": (2011, 2015)},
    2018: {"pct_applications": (2012, 2016), "scientific_publications": (2012, 2016)},
    2019: {"pct_applications": (2013, 2017), "scientific_publications": (2013, 2017)},
    2020: {"pct_applications": (2014, 2018), "scientific_publications": (2014, 2018)},
    2021: {"pct_applications": (2015, 2019), "scientific_publications": (2015, 2019)},
    2022: {"pct_applications": (2017, 2021), "scientific_publications": (2016, 2020)},
    2023: {"pct_applications": (2018, 2022), "scientific_publications": (2017, 2021)},
    2024: {"pct_applications": (2019, 2023), "scientific_publications": (2018, 2022)},
    2025: {"pct_applications": (2020, 2024), "scientific_publications": (2019, 2023), "vc_deals": (2020, 2024)},
    2026: {"pct_applications": (2021, 2025), "scientific_publications": (2020, 2024), "vc_deals": (2021, 2025)},
}


def test_the_shipped_editions_have_the_windows_of_the_method() -> None:
    windows = {
        year: {name: tuple(metric.window.value) for name, metric in edition.metrics.items()}
        for year, edition in wipo_book().editions.items()
    }
    assert windows == METHOD_TABLE


def test_every_window_spans_five_years() -> None:
    lengths = {
        len(metric.window.value.years)
        for edition in wipo_book().editions.values()
        for metric in edition.metrics.values()
    }
    assert lengths == {5}


def _settings(value: object) -> list[dict[str, object]]:
    if not isinstance(value, dict):
        return []
    if "value" in value:
        return [value]
    return [setting for item in value.values() for setting in _settings(item)]


def test_every_shipped_value_has_a_tag_and_a_source() -> None:
    settings = _settings(yaml.safe_load(WIPO_EDITIONS.read_text())["editions"])
    assert len(settings) > 100
    assert all(setting["tag"] in {"F", "I", "A"} and str(setting["source"]).strip() for setting in settings)


def test_only_2017_has_the_smaller_radius() -> None:
    radii = {year: edition.radius_km.value for year, edition in wipo_book().editions.items()}
    assert radii == {year: 13 if year == 2017 else 15 for year in METHOD_TABLE}


def test_the_density_step_is_a_fact_for_2024_only_and_what_shares_are_taken_of_for_none() -> None:
    facts = {
        name: {year for year, edition in wipo_book().editions.items() if getattr(edition, name).tag == "F"}
        for name in ("radius_km", "min_weight", "merge_distance_km", "share_base")
    }
    assert facts == {"radius_km": {2024}, "min_weight": {2024}, "merge_distance_km": {2024}, "share_base": set()}


def test_the_edition_that_is_not_published_is_provisional_and_every_value_of_it_an_assumption() -> None:
    book = wipo_book()
    assert [year for year, edition in book.editions.items() if edition.provisional] == [2026]
    assert (book.edition("2025@2026").provisional, book.edition("2026@2025").provisional) == (True, True)
    settings = _settings(book[2026].model_dump(mode="json"))
    assert len(settings) == len(_settings(book[2025].model_dump(mode="json"))) > 20
    assert {setting["tag"] for setting in settings} == {"A"}
    assert all("edition 2026 is not published" in str(setting["source"]) for setting in settings)
    assert book[2026].under(book[2025]).metrics["vc_deals"].weight == book[2025].metrics["vc_deals"].weight


@pytest.mark.parametrize("follows", [2026, 2027, 1999, "next"])
def test_a_provisional_edition_follows_one_that_is_there(tmp_path: Path, follows: object) -> None:
    document = yaml.safe_load(WIPO_EDITIONS.read_text())
    document["editions"][2026] = {"provisional_after": follows}
    path = tmp_path / "editions.yaml"
    path.write_text(yaml.safe_dump({"editions": document["editions"]}))
    with pytest.raises(InputError, match=r"edition 2026 must contain only `provisional_after: YEAR`.*2024, 2025"):
        read_book(path)


def test_a_part_of_the_world_has_the_same_part_of_the_density_threshold() -> None:
    scaled = wipo_book()[2025].scaled(0.005, "the sandbox")
    assert (scaled.min_weight.value, scaled.min_weight.tag) == (22.5, "A")
    assert scaled.model_copy(update={"min_weight": wipo_book()[2025].min_weight}) == wipo_book()[2025]


def test_a_key_that_stands_twice_is_refused_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "editions.yaml"
    path.write_text(WIPO_EDITIONS.read_text() + "  2025:\n    provisional_after: 2024\n")
    with pytest.raises(InputError, match=r"editions\.yaml.*the key 2025 stands twice, in lines \d+ and \d+"):
        read_book(path)


def test_an_edition_under_another_method_keeps_its_own_windows_and_takes_the_rest() -> None:
    edition = wipo_book().edition("2024@2025")
    assert (edition.edition, edition.method, edition.label) == (2024, 2025, "2024@2025")
    assert edition.metrics["pct_applications"].window.value == Window(2019, 2023)
    assert edition.population_year.value == 2023


def test_a_metric_that_an_edition_did_not_have_gets_the_other_window_moved_by_the_years_between() -> None:
    window = wipo_book().edition("2023@2025").metrics["vc_deals"].window
    assert (window.value, window.tag) == (Window(2018, 2022), "A")


def test_an_edition_under_its_own_method_is_itself() -> None:
    assert wipo_book().edition("2025@2025") == wipo_book()[2025]


def test_the_edition_before_the_first_is_none() -> None:
    book = wipo_book()
    assert book.previous(book[2017]) is None
    assert book.previous(book[2025]) == book[2024]


@pytest.mark.parametrize("label", ["", "next", "2025@", "2025@x", "20 25", "@2025"])
def test_a_label_that_is_none_is_refused(label: str) -> None:
    with pytest.raises(InputError, match="is not an edition"):
        wipo_book().edition(label)


def test_an_unknown_edition_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(InputError, match=r"no edition 2016\. Known: 2017, 2018"):
        wipo_book().edition("2016")


def _write(tmp_path: Path, **changes: object) -> Path:
    document = yaml.safe_load(WIPO_EDITIONS.read_text())
    edition = document["editions"][2025]
    for field, value in changes.items():
        if value is None:
            del edition[field]
        else:
            edition[field] = value
    path = tmp_path / "editions.yaml"
    path.write_text(yaml.safe_dump({"editions": {2025: edition}}))
    return path


def test_an_edition_that_lacks_a_value_is_refused_by_the_name_of_the_field(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)edition 2025 is incomplete.*radius_km: Field required"):
        read_book(_write(tmp_path, radius_km=None))


def test_a_value_without_a_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"radius_km\.source: Field required"):
        read_book(_write(tmp_path, radius_km={"value": 15, "tag": "F"}))


def test_a_misspelt_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="radius_miles"):
        read_book(_write(tmp_path, radius_miles={"value": 9, "tag": "F", "source": "x"}))


@pytest.mark.parametrize("radius", [0, -15, float("nan"), float("inf")])
def test_a_radius_that_is_none_is_refused(tmp_path: Path, radius: float) -> None:
    with pytest.raises(InputError, match="radius_km"):
        read_book(_write(tmp_path, radius_km={"value": radius, "tag": "F", "source": "x"}))


def test_a_window_that_ends_before_it_starts_is_refused(tmp_path: Path) -> None:
    metrics = yaml.safe_load(WIPO_EDITIONS.read_text())["editions"][2025]["metrics"]
    metrics["vc_deals"]["window"]["value"] = [2024, 2020]
    with pytest.raises(InputError, match=r"metrics\.vc_deals\.window.*first year 2024 is after its last year 2020"):
        read_book(_write(tmp_path, metrics=metrics))


def test_an_edition_without_density_is_refused(tmp_path: Path) -> None:
    metrics = yaml.safe_load(WIPO_EDITIONS.read_text())["editions"][2025]["metrics"]
    for metric in metrics.values():
        metric["in_density"]["value"] = False
    with pytest.raises(InputError, match="no metric takes part in the density step"):
        read_book(_write(tmp_path, metrics=metrics))


def test_a_file_that_is_not_yaml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "editions.yaml"
    path.write_text("editions: [")
    with pytest.raises(InputError, match=r"editions\.yaml is not valid YAML"):
        read_book(path)
