"""Every column of an edition's tables shows whether it rests on facts, inferences or assumptions."""

from __future__ import annotations

import pytest

from gii_pipeline import contracts
from gii_pipeline.contracts import basis
from gii_pipeline.contracts.dictionary import LIST, pages
from gii_pipeline.editions import Method, MetricSettings, wipo_book

TABLES = [name for name in contracts.names() if contracts.load(name).layer != "core"]
KEYS = {"edition", "method", "version", "replicates", "seed", "metric", "level", "economy", "data_year"}
KEYS |= {"rank_by", "setting", "value", "own_value"}


def test_a_size_score_is_an_assumption_and_says_which() -> None:
    assert {"share_base", "weight", "radius_km"} <= set(basis.settings_of("ranking_size", "size_score"))
    told = basis.in_words("ranking_size", "size_score")
    assert told.startswith("**A** (A: ")
    assert "I: " in told


def test_figures_per_million_rest_on_the_footprint_and_counts_do_not() -> None:
    assert "footprint" in basis.settings_of("ranking_size", "pct_applications_per_million")
    assert "footprint" in basis.settings_of("ranking_intensity", "rank")
    assert "footprint" not in basis.settings_of("ranking_size", "pct_applications_count")


def test_a_tag_is_that_of_the_edition() -> None:
    assert basis.ground("radius_km", wipo_book()[2024]).tag == "F"
    assert basis.ground("radius_km", wipo_book()[2023]).tag == "A"
    assert basis.ground("share_base", wipo_book()[2025]).tag == "A"


def test_every_setting_decides_a_column_and_every_named_setting_exists() -> None:
    named = {s for name in TABLES for c in contracts.load(name).columns for s in basis.settings_of(name, c.name)}
    settings = {*Method.model_fields, *MetricSettings.model_fields, "population_year"}
    assert named == settings - {"min_weight_alone"}, "where a profile needs it, it is the edition's min_weight"


@pytest.mark.parametrize("name", TABLES)
def test_every_figure_has_a_ground(name: str) -> None:
    without = {c.name for c in contracts.load(name).columns if not basis.settings_of(name, c.name)}
    assert without <= KEYS


def test_the_dictionary_shows_tags_with_their_sources() -> None:
    page = pages([contracts.load(name) for name in contracts.names()])[LIST]
    assert "| `radius_km` | A | 15.0 | As in 2024; no document of this edition" in page
