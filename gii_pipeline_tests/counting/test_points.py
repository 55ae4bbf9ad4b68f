from __future__ import annotations

from pathlib import Path

import pytest

from gii_pipeline.counting import POINTS, Total, connect, points, totals
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.errors import InputError
from gii_pipeline_tests.counting.core_rows import CORE, LOCATIONS, packed, table

LOUVRE, ORSAY = packed(48.8606, 2.3376), packed(48.8614, 2.3399)
TAVEUNI = packed(-16.85, 179.9999)
EDITION = wipo_book()[2024]
THIRD = 1 / 3


@pytest.fixture
def core(tmp_path: Path) -> dict[str, object]:
    con = connect()
    patents = [
        ("three inventors", 2019, "pct", 1, 1, THIRD, True, LOUVRE),
        ("three inventors", 2019, "pct", 2, 1, THIRD, False, LOUVRE),
        ("three inventors", 2019, "pct", 3, 1, THIRD, True, ORSAY),
        ("one not found", 2023, "pct", 1, 1, 0.5, True, TAVEUNI),
        ("one not found", 2023, "pct", 2, 1, 0.5, True, None),
        ("before the window", 2018, "pct", 1, 1, 1.0, True, LOUVRE),
        ("after the window", 2024, "pct", 1, 1, 1.0, True, LOUVRE),
    ]
    papers = [
        ("an article", 2018, "article", 1, 1, 1.0, True, LOUVRE),
        ("a review", 2018, "review", 1, 1, 1.0, True, LOUVRE),
    ]
    return {
        "pct_applications": table(con, tmp_path / "patents.parquet", patents, CORE),
        "scientific_publications": table(con, tmp_path / "publications.parquet", papers, CORE),
        "locations": table(
            con,
            tmp_path / "locations.parquet",
            [
                (LOUVRE, 2019, "Paris", None, "FR", 2),
                (ORSAY, 2019, "Paris 7", None, "FR", 1),
                (ORSAY, 2023, "Paris 7e", None, "FR", 2),
                (ORSAY, 2025, "Elsewhere", None, "FR", 99),
            ],
            LOCATIONS,
        ),
    }


def _points(core: dict[str, object], edition: Edition = EDITION) -> dict[tuple[int, str], dict[str, object]]:
    rows = points(core, core["locations"], edition).to_pylist()
    return {(row["location_id"], row["metric"]): row for row in rows}


def test_a_point_counts_people_fractions_and_records_of_the_window(core: dict[str, object]) -> None:
    row = _points(core)[packed(48.86, 2.34), "pct_applications"]
    assert (row["people"], row["fractions"], row["records"]) == (3, 1.0, 2)
    assert (row["latitude"], row["longitude"]) == (48.86, 2.34)
    assert (row["edition"], row["method"]) == (2024, 2024)


def test_only_the_record_types_of_the_edition_count(core: dict[str, object]) -> None:
    paper = (packed(48.86, 2.34), "scientific_publications")
    assert _points(core)[paper]["records"] == 1
    older = EDITION.under(wipo_book()[2021])
    assert _points(core, older)[paper]["records"] == 2


def test_a_point_is_called_as_its_location_with_most_people_was_called_last(core: dict[str, object]) -> None:
    assert _points(core)[packed(48.86, 2.34), "pct_applications"]["place"] == "Paris 7e"


def test_a_point_just_west_of_the_date_line_is_rounded_onto_it(core: dict[str, object]) -> None:
    row = _points(core)[packed(-16.85, -180), "pct_applications"]
    assert (row["latitude"], row["longitude"], row["place"]) == (-16.85, -180.0, None)


@pytest.mark.parametrize("decimals", [0, 1, 3, 4])
def test_locations_are_rounded_to_the_decimals_of_the_edition(core: dict[str, object], decimals: int) -> None:
    setting = EDITION.location_decimals.model_copy(update={"value": decimals})
    edition = EDITION.model_copy(update={"location_decimals": setting})
    expected = {
        packed(round(48.8606, decimals), round(2.3376, decimals)),
        packed(round(48.8614, decimals), round(2.3399, decimals)),
    }
    found = {location for location, metric in _points(core, edition) if location > packed(0, 0)}
    assert found == expected


def test_the_table_has_the_columns_and_the_order_of_its_contract(core: dict[str, object]) -> None:
    made = points(core, core["locations"], EDITION)
    assert made.schema == POINTS
    assert made.to_pylist() == sorted(made.to_pylist(), key=lambda row: (row["location_id"], row["metric"]))


def test_totals_are_of_the_located_people_and_of_all_records(core: dict[str, object]) -> None:
    assert totals(core, EDITION) == {"pct_applications": Total(1.5, 2.0), "scientific_publications": Total(1.0, 1.0)}


def test_a_metric_without_a_core_table_is_refused_by_name(core: dict[str, object]) -> None:
    del core["scientific_publications"]
    with pytest.raises(InputError, match="Edition 2024 counts scientific_publications"):
        points(core, core["locations"], EDITION)
