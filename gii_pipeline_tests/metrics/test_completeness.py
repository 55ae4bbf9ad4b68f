"""How complete a data year is, by what the same source had at the same age of earlier years."""

from __future__ import annotations

from datetime import date

import pytest

from gii_pipeline.metrics.completeness import Retrieval, Shown, shown

MAY = date(2025, 5, 20)


def late(year: int, *, first: float, last: float) -> list[Retrieval]:
    """A data year that was retrieved four months after its end, and two years later again."""
    return [Retrieval(year, date(year + 1, 5, 1), first), Retrieval(year, date(year + 3, 5, 1), last)]


def test_a_year_has_the_part_that_earlier_years_had_at_its_age() -> None:
    known = [*late(2019, first=80, last=100), *late(2020, first=90, last=100), *late(2021, first=84, last=100)]
    assert shown({2024: MAY}, known) == {2024: Shown(4, 84.0, 3)}


def test_an_age_at_which_nothing_was_retrieved_shows_nothing() -> None:
    known = late(2020, first=80, last=100)
    assert shown({2024: date(2025, 9, 1)}, known)[2024] == Shown(8, None, 0)
    assert shown({2024: date(2025, 8, 1)}, known)[2024] == Shown(7, 80.0, 1)


def test_a_count_that_was_retrieved_again_soon_is_not_settled() -> None:
    soon = [Retrieval(2023, date(2024, 5, 1), 80), Retrieval(2023, date(2025, 4, 30), 95)]
    assert shown({2024: MAY}, soon)[2024].settled_pct is None
    later = [*soon, Retrieval(2023, date(2025, 5, 1), 100)]
    assert shown({2024: MAY}, later)[2024] == Shown(4, 80.0, 1)


def test_one_retrieval_of_every_year_shows_nothing_of_any() -> None:
    everything = [Retrieval(year, MAY, 100) for year in range(2018, 2025)]
    assert {one.settled_pct for one in shown(dict.fromkeys(range(2019, 2025), MAY), everything).values()} == {None}


def test_a_year_is_held_against_earlier_years_only_and_retrievals_until_then_only() -> None:
    known = late(2021, first=50, last=100)
    assert shown({2021: date(2022, 5, 1), 2024: MAY}, known) == {2021: Shown(4, None, 0), 2024: Shown(4, 50.0, 1)}
    assert shown({2022: date(2023, 5, 1)}, known)[2022].settled_pct is None


def test_a_year_that_was_retrieved_while_it_ran_is_told_so() -> None:
    assert shown({2025: date(2025, 12, 31)}, []) == {2025: Shown(-1, None, 0)}
    assert shown({2025: date(2025, 12, 31)}, [])[2025].tells
    assert not shown({2025: date(2026, 1, 1)}, [])[2025].tells


@pytest.mark.parametrize("last", [0.0, -0.0])
def test_a_year_that_has_no_record_left_is_not_compared_with(last: float) -> None:
    assert shown({2024: MAY}, late(2021, first=80, last=last))[2024].settled_pct is None


def test_the_retrieval_nearest_to_the_age_counts_and_not_the_first() -> None:
    known = [Retrieval(2021, date(2022, 1, 1), 30), *late(2021, first=80, last=100)]
    assert shown({2024: MAY}, known) == {2024: Shown(4, 80.0, 1)}
