"""A tenth of the faults of `benchmarks/faults.py`, always the same: none is silent, none ends in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from gii_pipeline_tests.faults import campaign
from gii_pipeline_tests.faults.kills import STAGES


def test_no_hostile_answer_is_kept_or_ends_in_a_traceback(tmp_path: Path) -> None:
    table = campaign(tmp_path, 1, answer=60)
    assert table.bad == 0, str(table)
    assert table.count("survived", "detected") == 60


@pytest.mark.slow
def test_no_hostile_input_misleads_a_reader_or_ends_in_a_traceback(tmp_path: Path) -> None:
    table = campaign(tmp_path, 1, given=70)
    assert table.bad == 0, str(table)
    assert table.count("survived") > 20


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_flipped_bit_is_silent(tmp_path: Path) -> None:
    table = campaign(tmp_path, 1, flip=50, run=5)
    assert table.bad == 0, str(table)
    assert table.count("detected") > 40


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_killed_run_leaves_other_tables_or_another_release(tmp_path: Path) -> None:
    table = campaign(tmp_path, 1, kill=9)
    assert table.bad == 0, str(table)
    assert sum(row.total() for sort, row in table.rows.items() if sort.startswith("kill: ")) == 9
    assert {sort for sort in table.rows if sort.startswith("after kills: ")} == {
        f"after kills: {stage}" for stage in STAGES
    }
