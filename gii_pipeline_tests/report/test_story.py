"""The sentence about an edition follows from its events, in every language."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.releases.schemas import from_rows
from gii_pipeline.report.story import Story, languages

NAME, OTHER = "Shenzhen–Hong Kong–Guangzhou", "Tokyo–Yokohama"
FIRST = {"basis": "own_method", "event": "first_for_the_first_time", "compared_edition": 2024, "compared_rank": 2}
ENDED = {
    "basis": "own_method",
    "event": "streak_ended",
    "compared_edition": 2024,
    "compared_rank": 2,
    "editions": 7,
    "since": 2018,
    "editions_under_name": 5,
    "since_under_name": 2020,
}
ALREADY = {"basis": "same_method", "event": "stays_first", "compared_edition": 2024, "compared_rank": 1}


def story(*events: dict[str, object], made_up: bool = True, per_million: float | None = 2292.4) -> Story:
    whose = {"edition": 2025, "method": 2025, "cluster_id": "a", "name": NAME, "rank": 1, "other_cluster_id": ""}
    ranking = pd.DataFrame({"cluster_id": ["a", "b"], "name": [NAME, OTHER], "rank": [1, 2], "edition": 2025})
    window = {"window_first_year": 2020, "window_last_year": 2024}
    figures = pd.DataFrame([{"cluster_id": "a", "metric": "pct_applications", "per_million": per_million, **window}])
    rows = from_rows("rank_events", [{**whose, **event} for event in events]).to_pandas(integer_object_nulls=True)
    return Story(ranking, rows, figures, "v2025.1", made_up=made_up)


def test_the_sentence_that_everyone_quotes() -> None:
    assert story(FIRST, ENDED, ALREADY).sentence() == (
        "Shenzhen–Hong Kong–Guangzhou is first for the first time in edition 2025, ahead of Tokyo–Yokohama, after "
        "five editions in second place under this name (2020–2024), seven as a cluster (2018–2024). "
        "By the method of 2025, it was first in 2024 already. "
        "It has 2,292 PCT applications per million inhabitants over five years. "
        "All records are made up. (v2025.1)"
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"editions": 5, "since": 2020}, "after five editions in second place under this name (2020–2024)."),
        ({"editions_under_name": 0}, "after seven editions in second place under another name (2018–2024)."),
        ({"compared_rank": 12}, "after five editions in 12th place under this name"),
    ],
)
def test_another_streak_is_another_sentence(changed: dict[str, object], said: str) -> None:
    assert said in story(FIRST, {**ENDED, **changed}).sentence()


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"event": "leads"}, "leads edition 2025, ahead of"),
        ({"event": "first_again"}, "is first again in edition 2025"),
    ],
)
def test_a_first_place_is_called_what_it_is(event: dict[str, object], said: str) -> None:
    assert said in story({**FIRST, **event}).sentence()


def test_a_leader_that_stays_is_counted_as_a_cluster_and_under_its_name() -> None:
    stays = {**FIRST, "event": "stays_first", "compared_rank": 1}
    streak = {**ENDED, "event": "streak", "compared_rank": 1, "editions": 3, "since": 2023}
    assert (
        "is first for three editions running (2023–2025)"
        in story(stays, {**streak, "editions_under_name": 3}).sentence()
    )
    two = {**streak, "editions_under_name": 2, "since_under_name": 2024}
    assert "first for two editions running (2024–2025), three as a cluster (2023–2025)," in (
        story(stays, two).sentence().replace(", ahead of Tokyo–Yokohama", ",")
    )


def test_the_comparison_by_one_method_is_named_as_such() -> None:
    assert "By the method of 2025, it was in third place in 2024." in (
        story(FIRST, {**ALREADY, "event": "leads", "compared_rank": 3}).sentence()
    )
    assert "By the method of" not in story(FIRST).sentence()


@pytest.mark.parametrize("language", languages())
def test_every_language_says_the_same_numbers(language: str) -> None:
    said = story(FIRST, ENDED, ALREADY).sentence(language)
    assert NAME in said
    assert OTHER in said
    assert {"2025", "2020", "2018", "2024"} <= set(re.findall(r"\d{4}", said))
    assert re.search(r"2\D?292\D", said)
    assert said.rstrip().endswith("(v2025.1)")
    assert languages()[language]["made_up"] in said
    assert languages()[language]["made_up"] not in story(FIRST, made_up=False).sentence(language)
    assert "{" not in said


def test_every_language_has_every_sentence() -> None:
    optional = {"places", "counts", "metric", "stop"}
    first, *others = (set(words) - optional for words in languages().values())
    assert all(words == first for words in others)


def test_without_inhabitants_there_are_no_figures_per_million() -> None:
    assert "per million" not in story(FIRST, per_million=None).sentence()


def test_an_unknown_language_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(InputError, match=r"'tlh'. Available: en \(English\), zh"):
        story(FIRST).sentence("tlh")
