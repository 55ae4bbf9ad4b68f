"""A cluster is found by what people call it."""

from __future__ import annotations

import pytest

from gii_pipeline.releases.search import found, matches, words_of

NAMES = {
    "cologne": ["Cologne"],
    "paulo": ["São Paulo"],
    "tokyo": ["Tokyo–Yokohama"],
    "osaka": ["Osaka–Kobe–Kyoto"],
    "zurich": ["Zürich"],
    "shenzhen": ["Shenzhen–Hong Kong", "Shenzhen–Hong Kong–Guangzhou"],
}
ECONOMIES = {"cologne": "DE", "paulo": "BR", "tokyo": "JP", "osaka": "JP", "zurich": "CH", "shenzhen": "CN/HK"}


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("Sao Paulo", "paulo"),
        ("tokyo yokohama", "tokyo"),
        ("yokohama TOKYO", "tokyo"),
        ("Köln", "cologne"),
        ("Zurich", "zurich"),
        ("Kyot", "osaka"),
        ("germany", "cologne"),
        ("guangzhou", "shenzhen"),
        ("Shenzhen-Hong Kong", "shenzhen"),
        ("zurich", "zurich"),
    ],
)
def test_accents_order_other_names_and_economies_find_one_cluster(wanted: str, meant: str) -> None:
    assert found(wanted, NAMES, ECONOMIES) == [meant]


def test_an_economy_finds_all_its_clusters() -> None:
    assert found("japan", NAMES, ECONOMIES) == ["tokyo", "osaka"]


@pytest.mark.parametrize("wanted", ["Atlantis", "", " – ", "tokyo osaka"])
def test_what_fits_no_cluster_finds_none(wanted: str) -> None:
    assert found(wanted, NAMES, ECONOMIES) == []


def test_a_word_is_matched_from_its_beginning() -> None:
    assert matches("yoko", words_of("Tokyo–Yokohama", "JP"))
    assert not matches("hama", "tokyo-yokohama")
