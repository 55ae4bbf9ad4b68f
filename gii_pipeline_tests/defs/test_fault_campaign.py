"""A tenth of the faults of `benchmarks/faults.py`, always the same: none is silent, none ends in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from gii_pipeline_tests.fault_campaign import campaign


def test_no_hostile_answer_is_kept_or_ends_in_a_traceback(tmp_path: Path) -> None:
    table = campaign(tmp_path, kill=0, flip=0, hostility=60, seed=1)
    assert table.silent == 0, str(table)
    assert sum(row.total() for row in table.rows.values()) == 60


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_flipped_bit_is_silent(tmp_path: Path) -> None:
    table = campaign(tmp_path, kill=0, flip=50, hostility=0, seed=1)
    assert table.silent == 0, str(table)
    assert sum(row["detected"] for row in table.rows.values()) > 40


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_killed_run_leaves_another_ranking(tmp_path: Path) -> None:
    table = campaign(tmp_path, kill=10, flip=0, hostility=0, seed=1)
    assert table.silent == 0, str(table)
