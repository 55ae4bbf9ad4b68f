from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gii_pipeline.clusters.merge import TIES_COLUMNS
from gii_pipeline.counting import connect, count, ties
from gii_pipeline.editions import wipo_book
from gii_pipeline_tests.counting.core_rows import CORE, LOCATIONS, packed, table

PARIS, LYON, NICE = packed(48.8606, 2.3376), packed(45.7640, 4.8357), packed(43.7, 7.25)
PARIS_7 = packed(48.8614, 2.3399)
EDITION = wipo_book()[2024]


@pytest.fixture
def core(tmp_path: Path) -> dict[str, object]:
    con = connect()
    patents = [
        ("two towns", 2019, "pct", 1, 1, 0.25, True, PARIS),
        ("two towns", 2019, "pct", 2, 1, 0.25, True, PARIS_7),
        ("two towns", 2019, "pct", 3, 1, 0.25, True, LYON),
        ("two towns", 2019, "pct", 4, 1, 0.25, False, LYON),
        ("one place", 2019, "pct", 1, 1, 0.5, True, PARIS),
        ("one place", 2019, "pct", 2, 1, 0.5, True, PARIS_7),
        ("not found", 2019, "pct", 1, 1, 0.5, True, None),
        ("not found", 2019, "pct", 2, 1, 0.5, True, LYON),
        ("too old", 2018, "pct", 1, 1, 0.5, True, PARIS),
        ("too old", 2018, "pct", 2, 1, 0.5, True, LYON),
    ]
    papers = [
        ("three towns", 2018, "article", 1, 1, 0.5, True, PARIS),
        ("three towns", 2018, "article", 1, 2, 0.25, True, LYON),
        ("three towns", 2018, "article", 1, 3, 0.25, True, NICE),
    ]
    where = [(place, 2019, "", None, "FR", 1) for place in (PARIS, PARIS_7, LYON, NICE)]
    return {
        "pct_applications": table(con, tmp_path / "patents.parquet", patents, CORE),
        "scientific_publications": table(con, tmp_path / "publications.parquet", papers, CORE),
        "locations": table(con, tmp_path / "locations.parquet", where, LOCATIONS),
    }


def test_a_record_ties_each_two_points_at_which_it_has_people_once(core: dict[str, object]) -> None:
    paris, lyon, nice = packed(48.86, 2.34), packed(45.76, 4.84), NICE
    found = {(row.location_id_a, row.location_id_b): row.co_records for row in ties(core, EDITION).itertuples()}
    assert found == {(lyon, paris): 2, (nice, lyon): 1, (nice, paris): 1}


def test_ties_have_the_columns_that_merging_reads(core: dict[str, object]) -> None:
    assert tuple(ties(core, EDITION).columns) == TIES_COLUMNS


def test_ties_are_counted_where_the_edition_merges_by_them(core: dict[str, object]) -> None:
    assert count(core, core["locations"], EDITION).ties is None
    rule = EDITION.merge_rule.model_copy(update={"value": "distance_and_ties"})
    tied = count(core, core["locations"], EDITION.model_copy(update={"merge_rule": rule}))
    assert tied.ties is not None
    pd.testing.assert_frame_equal(tied.ties, ties(core, EDITION))
