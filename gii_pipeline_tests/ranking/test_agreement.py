from __future__ import annotations

import pandas as pd
import pytest

from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.ranking.agreement import MADE_UP, Ours, agreement
from gii_pipeline.registry import shipped
from gii_pipeline_tests.ranking.contracted import broken_rules

EDITION = wipo_book()[2023]


def ours(names: dict[str, float], total: float = 627_735.0) -> Ours:
    """Rankings with these names and PCT counts, half the world that the printed figures imply."""
    size = pd.DataFrame({"name": list(names), "pct_applications_count": list(names.values())})
    size = size.assign(cluster_id=[f"gii-{n}" for n in range(len(size))], rank=range(1, len(size) + 1))
    for metric in shipped():
        for figure in ("count", "share_pct", "per_million", "rank"):
            size[f"{metric}_{figure}"] = size.get(f"{metric}_{figure}", float("nan"))
    size = size.assign(size_score=1.0, population=float("nan"))
    metrics = pd.DataFrame({"metric": ["pct_applications"], "world_total": [total]})
    return Ours(size, metrics)


def of(table: pd.DataFrame, cluster: str, figure: str) -> dict[str, object]:
    (row,) = table[(table["cluster"] == cluster) & (table["figure"] == figure)].to_dict("records")
    return {str(name): value for name, value in row.items()}


def compared(found: Ours, edition: Edition = EDITION, *, made_up: bool = False) -> pd.DataFrame:
    table = agreement(found, edition, made_up=made_up)
    assert broken_rules("agreement", table, edition) == []
    return table


def test_a_printed_figure_stands_beside_ours_with_the_difference_and_why() -> None:
    table = compared(ours({"Tokyo–Yokohama–Chiba": 127_418.2, "Seoul": 60_000.0}))
    tokyo = of(table, "Tokyo–Yokohama", "pct_applications_count")
    assert (tokyo["cluster_id"], tokyo["status"], tokyo["printed"]) == ("gii-0", "agrees", 127_418)
    seoul = of(table, "Seoul", "pct_applications_count")
    assert (seoul["status"], seoul["difference"]) == ("differs", 60_000 - 63_447)
    assert "Our sources have 50.0% of pct_applications" in str(seoul["why"])
    assert str(seoul["why"]).count(". ") == 1
    assert of(table, "", "pct_applications_world_total")["ours"] == 627_735


def test_a_us_name_is_found_without_its_state_and_a_missing_cluster_is_said_to_be_missing() -> None:
    table = compared(ours({"San Diego": 23_261.0, "San Jose–San Francisco": 1.0}))
    assert of(table, "San Diego, CA", "pct_applications_count")["status"] == "agrees"
    missing = of(table, "Wuhan", "pct_applications_count")
    assert missing["status"] == "no cluster"
    assert table.loc[table["cluster"] == "Wuhan", "ours"].isna().all()


def test_no_printed_figure_applies_to_made_up_records() -> None:
    table = compared(ours({"Tokyo–Yokohama": 127_418.0}), made_up=True)
    assert len(table) > 100
    assert set(table["status"]) == {"not applicable"}
    assert set(table["why"]) == {MADE_UP}
    assert table["ours"].isna().all()


@pytest.mark.parametrize("label", ["2019", "2024@2025"])
def test_an_edition_without_printed_figures_has_an_empty_table(label: str) -> None:
    assert compared(ours({"Seoul": 1.0}), wipo_book().edition(label)).empty
