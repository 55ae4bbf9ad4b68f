from __future__ import annotations

from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from gii_pipeline.counting import Total
from gii_pipeline.editions import wipo_book
from gii_pipeline.ranking.published import published, recomputed, verify_published, what_it_proves

SHENZHEN, TOKYO = "Shenzhen–Hong Kong–Guangzhou", "Tokyo–Yokohama"
TOTALS_OF_2025 = [(1.306e6, 1.313e6), (7.90e6, 8.24e6), (234_500.0, 237_900.0)]


def test_every_printed_figure_whose_counts_are_printed_comes_out_to_the_digit() -> None:
    rows = verify_published()
    assert rows.loc[~rows["agrees"], ["edition", "cluster", "figure", "computed"]].empty
    assert rows.groupby("edition").size().to_dict() == {"2023": 80, "2025": 5}


def test_what_nothing_printed_lets_us_compute_is_not_compared() -> None:
    rows = verify_published()
    assert "2024" in set(published()["edition"])
    assert "2024" not in set(rows["edition"])
    assert set(rows["tag"]) == {"F"}


def test_what_was_fitted_is_said_and_how_many_figures_could_have_differed() -> None:
    rows = verify_published()
    shares = rows.query("edition == '2023' and figure == 'size_score'")["fitted"]
    assert set(shares) == {"pct_applications_world_total, scientific_publications_world_total"}
    told = what_it_proves(rows)
    assert any("Edition 2023, 60 figures: 58 of them could have differed; 2 fitted to them" in line for line in told)
    assert any("Edition 2025, 3 figures: 2 of them could have differed; 1 fitted to them" in line for line in told)
    assert any("Edition 2023, 20 ranks: the order of 20 clusters" in line for line in told)


def test_a_figure_that_was_fitted_alone_is_called_a_tautology() -> None:
    rows = verify_published()
    alone = rows[rows["figure"] == "vc_deals_per_million"]
    assert what_it_proves(alone) == [
        f"Edition 2025, 1 figures: a tautology, since as many values were fitted to them: population of {SHENZHEN}."
    ]


def test_the_order_of_2023_is_the_printed_one() -> None:
    printed = published().query("edition == '2023' and figure == 'rank'")
    ranking = recomputed(published(), wipo_book()[2023])
    assert ranking["name"].tolist() == printed["cluster"].tolist()


@pytest.mark.parametrize("totals", list(product(*TOTALS_OF_2025)))
def test_vc_decides_the_first_place_of_2025_whatever_the_totals_within_their_bounds(totals: tuple[float, ...]) -> None:
    edition = wipo_book()[2025]
    world = {name: Total(total, total) for name, total in zip(edition.metrics, totals, strict=True)}
    assert recomputed(published(), edition, world)["name"].tolist() == [SHENZHEN, TOKYO]
    without_vc = edition.under(wipo_book()[2024])
    assert recomputed(published(), without_vc, world)["name"].tolist() == [TOKYO, SHENZHEN]


def test_one_population_gives_the_three_printed_figures_per_million_of_2025() -> None:
    given = published().query("edition == '2025' and cluster == @SHENZHEN").set_index("figure")["value"].astype("float")
    least = most = None
    for metric in wipo_book()[2025].metrics:
        count, printed = given[f"{metric}_count"], given[f"{metric}_per_million"]
        low, high = count / (printed + 0.5), count / (printed - 0.5)
        least, most = max(least or low, low), min(most or high, high)
    assert least is not None
    assert most is not None
    assert least <= given["population"] / 1e6 <= most


def test_the_package_has_the_printed_rows(published_data: Path) -> None:
    figures = {
        "pct_applications": "pct_applications_count",
        "scientific_publications": "scientific_publications_count",
        "share_pct_pct": "pct_applications_share_pct",
        "share_pub_pct": "scientific_publications_share_pct",
        "total_pct": "size_score",
        "rank": "rank",
    }
    printed = pd.read_csv(published_data / "gii2023_size_top20.csv", dtype="str", keep_default_na=False)
    expected = printed.rename(columns=figures).melt("cluster", list(figures.values()), "figure", "value")
    kept = published().query("edition == '2023' and cluster != ''")[["cluster", "figure", "value"]]
    key = ["cluster", "figure"]
    pd.testing.assert_frame_equal(
        kept.sort_values(key, ignore_index=True), expected.sort_values(key, ignore_index=True), check_dtype=False
    )


def test_every_value_has_a_tag_and_a_source() -> None:
    assert set(published()["tag"]) == {"F", "I"}
    assert (published()["source"].str.len() > 10).all()
