from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gii_pipeline.counting import by_economy, calibrated, connect
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.errors import InputError
from gii_pipeline.metrics.completeness import Shown
from gii_pipeline.metrics.coverage import coverage, missing_economies, notes, read_totals, warnings, weights
from gii_pipeline_tests.counting.core_rows import CORE, packed, table
from gii_pipeline_tests.ranking.contracted import broken_rules

PCT = "pct_applications"
BOSTON, SEOUL = packed(42.36, -71.06), packed(37.57, 126.98)


def edition() -> Edition:
    """Edition 2024 with PCT applications only: 2019 to 2023."""
    own = wipo_book()[2024]
    return own.model_copy(update={"metrics": {PCT: own.metrics[PCT]}})


def totals(tmp_path: Path, text: str) -> pd.DataFrame:
    path = tmp_path / "totals.csv"
    path.write_text(text, encoding="utf-8")
    return read_totals(path)


def counts(*rows: tuple[str, int, float]) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["economy", "data_year", "count"]).astype({"data_year": "int32"})
    return found.assign(metric=PCT)


def test_counts_by_economy_and_year_are_fractions_at_the_location_of_people(tmp_path: Path) -> None:
    rows = [
        ("both", 2020, "pct", 1, 1, 0.5, True, BOSTON, "US"),
        ("both", 2020, "pct", 2, 1, 0.5, True, SEOUL, "KR"),
        ("one", 2021, "pct", 1, 1, 1.0, True, BOSTON, "US"),
        ("nowhere", 2021, "pct", 1, 1, 1.0, True, None, None),
        ("too old", 2018, "pct", 1, 1, 1.0, True, BOSTON, "US"),
    ]
    core = {PCT: table(connect(), tmp_path / "patents.parquet", rows, CORE | {"economy": "str"})}
    found = by_economy(core, edition())
    assert {(r["economy"], r["data_year"]): r["count"] for r in found.to_dict("records")} == {
        ("", 2021): 1.0,
        ("KR", 2020): 0.5,
        ("US", 2020): 0.5,
        ("US", 2021): 1.0,
    }
    given = weights(found.drop(columns="metric"), totals(tmp_path, "economy,year,applications\nUS,2020,4\nKR,2020,3\n"))
    weighted = by_economy({PCT: calibrated(core[PCT], given)}, edition()).set_index(["economy", "data_year"])["count"]
    assert weighted.to_dict() == {("", 2021): 1.0, ("KR", 2020): 3.0, ("US", 2020): 4.0, ("US", 2021): 1.0}


def test_official_totals_are_read_by_name_or_code_with_separators(tmp_path: Path) -> None:
    found = totals(tmp_path, 'Economy, Year ,PCT applications\nRepublic of Korea,2020,"20,060"\nUS,2020,59230\n')
    assert found.to_dict("records") == [
        {"economy": "KR", "data_year": 2020, "total": 20_060.0},
        {"economy": "US", "data_year": 2020, "total": 59_230.0},
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("economy,applications\nUS,1\n", "the columns economy, year and one of numbers"),
        ("economy,year,n\nAtlantis,2020,1\n", r"line 2 \(economy 'Atlantis'.*this economy is unknown"),
        ("economy,year,n\nUS,2020,1\nUS,2020,many\n", "line 3 .*the total is not a number"),
        ("economy,year,n\nUS,2020,1\nUSA,2020,2\n", "line 3 .*appear twice"),
        ("economy,year,n\nUS,20.5,1\n", "line 2 .*not a whole number"),
    ],
)
def test_official_totals_that_cannot_serve_are_refused_by_line(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(InputError, match=f"totals.csv.*{why}"):
        totals(tmp_path, text)


def test_coverage_shows_what_is_there_what_is_not_and_what_cannot_be_compared(tmp_path: Path) -> None:
    official = totals(tmp_path, "economy,year,n\nUS,2020,200\nJP,2020,50\nUS,1999,7\n")
    found = coverage(counts(("US", 2020, 100), ("KR", 2020, 30), ("", 2020, 4)), {PCT: official}, edition())
    assert broken_rules("coverage", found, edition()) == []
    by = found.set_index("economy")
    assert by["status"].to_dict() == {
        "": "not located",
        "JP": "no record",
        "KR": "no official total",
        "US": "compared",
    }
    assert by.loc["US", "coverage_pct"] == 50
    assert by["weight"].isna().all()
    assert missing_economies(found).to_dict("records") == [{"metric": PCT, "economy": "JP", "official_total": 50.0}]
    assert warnings(found) == ["pct_applications: no record of 1 economy with official totals: JP."]


def test_a_calibrated_release_shows_the_weight_and_none_where_there_is_no_record(tmp_path: Path) -> None:
    official = totals(tmp_path, "economy,year,n\nUS,2020,200\nJP,2020,50\n")
    found = coverage(counts(("US", 2020, 100)), {PCT: official}, edition(), calibrated=(PCT,)).set_index("economy")
    assert found.loc["US", "weight"] == 2.0
    assert found["weight"].isna().to_dict() == {"JP": True, "US": False}
    assert found.loc["US", "count"] == 100


RISING = [("US", 2019, 100.0), ("US", 2020, 110.0), ("US", 2021, 121.0), ("US", 2022, 133.1), ("US", 2023, 60.0)]


def test_a_data_year_that_lags_behind_the_pace_of_the_years_before_is_incomplete_and_others_are_unknown() -> None:
    found = coverage(counts(*RISING), {}, edition()).set_index("data_year")
    assert found["pace"].round(3).tolist()[2:] == pytest.approx([1.0, 1.0, 0.41], abs=0.001)
    assert found["completeness"].tolist() == ["unknown"] * 4 + ["behind pace"]
    assert found["complete"].isna().tolist() == [True] * 4 + [False]
    assert not found.loc[2023, "complete"]
    assert warnings(found.reset_index()) == [
        "pct_applications: 2023 has 41% of the records expected from the previous years."
    ]
    [note] = notes(found.reset_index())
    assert note.startswith("Whether pct_applications of 2019, 2020, 2021 and 2022 are complete is unknown: no earlier")


def test_what_earlier_retrievals_show_decides_before_the_pace() -> None:
    shown = {2020: Shown(29, 101.0, 3), 2021: Shown(17, 95.0, 2), 2022: Shown(5, 84.0, 3), 2023: Shown(5, 99.0, 1)}
    found = coverage(counts(*RISING), {}, edition(), retrieved={PCT: {**shown, 2019: Shown(-1, None, 0)}})
    assert broken_rules("coverage", found, edition()) == ["data_years_complete"]
    assert found["completeness"].tolist() == ["year not over", "settled", "settled", "still coming in", "settled"]
    assert found["complete"].tolist() == [False, True, True, False, True]
    first, second = warnings(found)
    assert first == "pct_applications: 2019 had not ended when its records were retrieved."
    assert second == (
        "pct_applications: 2022 is incomplete: at its age, 5 months after its end, earlier data years had 84 % of "
        "their present count (3 compared)."
    )
    assert notes(found) == []


def test_growth_from_a_year_without_records_is_left_out_of_the_pace() -> None:
    years = [(2020, 100.0), (2021, 110.0), (2022, 121.0), (2023, 133.1)]
    found = coverage(counts(("US", 2019, 0.0), *(("US", *year) for year in years)), {}, edition())
    pace = found.drop_duplicates("data_year").set_index("data_year")["pace"]
    assert pace.isna().to_dict() == {2019: True, 2020: True, 2021: True, 2022: False, 2023: False}
    assert pace[2022] == pytest.approx(1.0)
