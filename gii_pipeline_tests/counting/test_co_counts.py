from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gii_pipeline.counting import calibrated, co_counts, connect
from gii_pipeline.counting.co_counts import OUTSIDE
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline_tests.counting.core_rows import CORE, packed, table

PARIS, VERSAILLES, LYON, NICE = (packed(*at) for at in ((48.86, 2.34), (48.8, 2.13), (45.76, 4.84), (43.7, 7.25)))
CLUSTERS = pd.DataFrame({"location_id": [PARIS, VERSAILLES, LYON], "cluster": [0, 0, 1]})
RECORDS = [
    ("three in Paris", 2019, "pct", 1, 1, 1 / 3, True, PARIS),
    ("three in Paris", 2019, "pct", 2, 1, 1 / 3, False, PARIS),
    ("three in Paris", 2019, "pct", 3, 1, 1 / 3, True, VERSAILLES),
    ("both", 2020, "pct", 1, 1, 0.5, True, PARIS),
    ("both", 2020, "pct", 2, 1, 0.5, True, LYON),
    ("half in Nice", 2021, "pct", 1, 1, 0.5, True, NICE),
    ("half in Nice", 2021, "pct", 2, 1, 0.25, True, LYON),
    ("half in Nice", 2021, "pct", 3, 1, 0.25, True, None),
    ("nowhere", 2021, "pct", 1, 1, 1.0, True, None),
    ("too old", 2018, "pct", 1, 1, 1.0, True, PARIS),
]


def edition(share_base: str = "located") -> Edition:
    own = wipo_book()[2024]
    base = own.share_base.model_copy(update={"value": share_base})
    return own.model_copy(update={"share_base": base, "metrics": {"pct_applications": own.metrics["pct_applications"]}})


def found(tmp_path: Path, this: Edition) -> dict[tuple[int, int], float]:
    core = {"pct_applications": table(connect(), tmp_path / "patents.parquet", RECORDS, CORE)}
    rows = co_counts(core, this, CLUSTERS)
    assert set(rows["metric"]) == {"pct_applications"}
    return {(int(row["a"]), int(row["b"])): float(row["co_count"]) for row in rows.to_dict("records")}


def test_the_parts_of_a_record_in_one_cluster_count_as_one_part(tmp_path: Path) -> None:
    expected = {
        (0, 0): 1 + 0.25,
        (0, 1): 0.25,
        (1, 1): 0.25 + 0.0625,
        (OUTSIDE, OUTSIDE): 0.25,
        (OUTSIDE, 1): 0.125,
    }
    assert found(tmp_path, edition()) == pytest.approx(expected, abs=2e-5)


def test_people_without_a_location_are_outside_where_shares_are_of_all_records(tmp_path: Path) -> None:
    rows = found(tmp_path, edition("all"))
    assert rows[OUTSIDE, OUTSIDE] == pytest.approx(0.75**2 + 1, abs=2e-5)
    assert rows[OUTSIDE, 1] == pytest.approx(0.75 * 0.25, abs=2e-5)


def test_a_weight_that_makes_a_part_a_whole_record_does_not_part_the_record(tmp_path: Path) -> None:
    rows = [(*row, "FR") for row in RECORDS if row[0] in {"both", "three in Paris"}]
    core = table(connect(), tmp_path / "patents.parquet", rows, {**CORE, "economy": "str"})
    weights = pd.DataFrame({"economy": ["FR"], "data_year": [2020], "weight": [2.0]})
    got = co_counts({"pct_applications": calibrated(core, weights)}, edition(), CLUSTERS)
    assert {(row["a"], row["b"]): round(row["co_count"], 6) for row in got.to_dict("records")} == {
        (0, 0): 2.0,
        (0, 1): 1.0,
        (1, 1): 1.0,
    }


def test_co_counts_are_the_products_of_a_matrix_of_records_and_clusters(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    people = rng.integers(1, 9, 400)
    record = np.repeat(np.arange(400), people)
    at = rng.choice([PARIS, VERSAILLES, LYON, NICE], record.size)
    rows = pd.DataFrame({"record_id": record.astype(str), "data_year": 2020, "record_type": "pct", "person_seq": 1})
    rows = rows.assign(location_seq=1, fraction=1 / people[record], first_at_location=True, location_id=at)
    core = table(connect(), tmp_path / "patents.parquet", list(rows.itertuples(index=False, name=None)), CORE)
    got = co_counts({"pct_applications": core}, edition(), CLUSTERS).set_index(["a", "b"])["co_count"]
    parts = rows.assign(column=rows["location_id"].map({PARIS: 1, VERSAILLES: 1, LYON: 2, NICE: 0}))
    matrix = parts.pivot_table(index="record_id", columns="column", values="fraction", aggfunc="sum").fillna(0)
    products = matrix.T.to_numpy() @ matrix.to_numpy()
    for a in range(3):
        for b in range(a, 3):
            assert got[a - 1, b - 1] == pytest.approx(products[a, b], rel=1e-4)
