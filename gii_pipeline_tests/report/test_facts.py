from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from gii_pipeline.counting import Counted
from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError
from gii_pipeline.ranking import rank_changes, rank_stability
from gii_pipeline.releases.schemas import from_rows
from gii_pipeline.report.facts import FactTables, fact_sheet
from gii_pipeline_tests.ranking import towns
from gii_pipeline_tests.ranking.chain import rank_edition
from gii_pipeline_tests.ranking.towns import DEALS, PAPERS, PCT, Town, counted, edition

ALBA = Town("Alba", 10.0, 10.0, {PCT: 30, PAPERS: 300, DEALS: 1})
CALA = Town("Cala", 20.0, 20.0, {PCT: 20, PAPERS: 200, DEALS: 50})
DUNE = Town("Dune", 30.0, 30.0, {PCT: 4, PAPERS: 20, DEALS: 1})
PORT = Town("Cala Port", 20.0, 20.08, {PCT: 20, PAPERS: 150, DEALS: 1}, points=1)
INHABITANTS = 1_234_000.0
EVENTS = from_rows("rank_events", []).to_pandas()


def _event(cluster_id: str, event: str, **facts: object) -> pd.DataFrame:
    row = {"event": event, "basis": "own_method", "cluster_id": cluster_id, "compared_edition": 2024, **facts}
    return pd.DataFrame([row]).reindex(columns=EVENTS.columns)


def _tables(inhabitants: float = INHABITANTS, previous: Edition | None = edition(2024, 200.0)) -> FactTables:  # noqa: B008
    this = edition(2025, 200.0)

    def count(asked: Edition) -> Counted:
        return counted([ALBA, CALA, DUNE, PORT] if asked.edition == 2025 else [ALBA, CALA, PORT], asked)

    def population(footprints: pd.DataFrame) -> pd.DataFrame:
        return footprints[["cluster_id"]].assign(population=inhabitants)

    now = count(this)
    points = now.points.to_pandas()
    made = rank_edition(points, now.totals, this, population)
    size, members = made.ranking_size, made.cluster_members
    changes = rank_changes(size, members, now, this, previous=previous, count=count)
    stability = rank_stability(size, members, points, now.totals, this, co_counts=towns.co_counts(now), replicates=50)
    return FactTables(
        size, made.cluster_metrics, made.contributions, changes, stability, EVENTS.copy(), "v2025.1", made_up=False
    )


@pytest.fixture(scope="module")
def tables() -> FactTables:
    return _tables()


def test_the_paragraph_says_rank_change_windows_metric_ranks_and_contributors(tables: FactTables) -> None:
    said = fact_sheet(tables, "Cala–Cala Port")
    assert said.startswith("Cala–Cala Port (AA) ranks 1st by size and 1st by intensity among the 3 innovation clusters")
    assert "it was 1st in the 2024 edition as well; by the method of 2024 it would now be 2nd." in said
    assert "PCT applications (2020–2024)" in said
    assert "scientific publications (2019–2023)" in said
    assert "1st in VC deals (151," in said
    assert "Cala (99 %) and Cala Port (1 %) in VC deals." in said


def test_a_move_is_up_or_down_by_places(tables: FactTables) -> None:
    changes = tables.rank_changes.assign(previous_rank=tables.rank_changes["rank"] + 2, rank_change=2)
    assert "it is up 2 places from 3rd in the 2024" in fact_sheet(tables._replace(rank_changes=changes), "Cala")
    changes = tables.rank_changes.assign(previous_rank=tables.rank_changes["rank"] - 1, rank_change=-1)
    assert "it is down 1 place from 1st in the 2024" in fact_sheet(tables._replace(rank_changes=changes), "Alba")


def test_every_number_is_in_the_tables(tables: FactTables) -> None:
    known = {f"{1.234:.2f}", "95", "2025", "2024", "3", "50", "2020", "2019", "2023", "2025.1"}
    for table in (table for table in tables if isinstance(table, pd.DataFrame)):
        numbers = table.select_dtypes("number").to_numpy(dtype="float64", na_value=np.nan)
        values = np.abs(numbers[~np.isnan(numbers)])
        known |= {f"{value:,.{decimals}f}" for value in values for decimals in (0, 2)}
    for name in tables.ranking_size["name"]:
        said = re.findall(r"\d[\d,.]*\d|\d", fact_sheet(tables, name))
        assert said
        assert set(said) <= known


@pytest.mark.parametrize("wanted", ["cala-cala port", " CALA–Cala Port ", "Cala", "port"])
def test_a_name_is_found_without_its_case_its_dash_or_the_rest_of_it(tables: FactTables, wanted: str) -> None:
    assert fact_sheet(tables, wanted).startswith("Cala–Cala Port")


def test_a_cluster_is_found_by_its_id(tables: FactTables) -> None:
    row = tables.ranking_size.iloc[1]
    assert fact_sheet(tables, row["cluster_id"]).startswith(row["name"])


def test_words_that_fit_several_clusters_are_refused_with_all_of_them(tables: FactTables) -> None:
    with pytest.raises(InputError, match=r"'aa' matches 3 clusters of edition 2025: Cala–Cala Port .*Alba"):
        fact_sheet(tables, "aa")


@pytest.mark.parametrize("wanted", ["Allba", "Alba Longa"])
def test_an_unknown_name_is_refused_with_the_nearest(tables: FactTables, wanted: str) -> None:
    with pytest.raises(InputError, match=f"No ranked cluster of edition 2025 is called '{wanted}'. Near: .*Alba"):
        fact_sheet(tables, wanted)


def test_an_empty_name_is_refused(tables: FactTables) -> None:
    with pytest.raises(InputError, match="No ranked cluster"):
        fact_sheet(tables, " ")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"event": "is_new"}, "It is new: no cluster of the 2024 edition is its predecessor."),
        ({"event": "splits_from", "other_name": "Alba"}, "It was a part of Alba until the 2024 edition."),
        ({"event": "overtakes", "compared_rank": 5}, "As released, it was 5th in the 2024 edition."),
        (
            {"event": "streak_ended", "compared_rank": 2, "editions": 7, "since": 2018, "editions_under_name": 5},
            "it was 2nd in the 2024 edition, for 7 editions running, since 2018, 5 of them under its present name.",
        ),
        (
            {"event": "streak", "compared_rank": 3, "editions": 2, "since": 2024, "editions_under_name": 2},
            "It has held this rank for 2 editions running, since 2024.",
        ),
    ],
)
def test_what_happened_since_the_released_edition_before_follows_from_its_events(
    tables: FactTables, event: dict[str, object], said: str
) -> None:
    dune = tables.ranking_size.set_index("name").loc["Dune", "cluster_id"]
    events = _event(str(dune), str(event["event"]), **{name: value for name, value in event.items() if name != "event"})
    assert said in fact_sheet(tables._replace(rank_events=events), "Dune")
    assert "It is new" not in fact_sheet(tables, "Dune")


def test_made_up_records_and_the_version_are_part_of_the_paragraph(tables: FactTables) -> None:
    assert fact_sheet(tables, "Alba").endswith(" (v2025.1)")
    assert fact_sheet(tables._replace(made_up=True), "Alba").endswith("All records are made up. (v2025.1)")


def test_without_inhabitants_or_a_previous_edition_it_claims_nothing_of_them() -> None:
    said = fact_sheet(_tables(inhabitants=0.0, previous=None), "Alba")
    assert "by intensity" not in said
    assert "Its population is not known" in said
    assert "the same method" not in said
    assert "nan" not in said.casefold()
