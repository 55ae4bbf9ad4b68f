"""Faults: kills over every stage, flipped bits over every kind of file, hostile answers and inputs.

Belongs here: one module per sort of fault, and the table of how each ended (`benchmarks/faults.py`, the slow tests).
Does not: the tests of single faults, which lie beside what they test.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gii_pipeline_tests.faults.answers import answers
from gii_pipeline_tests.faults.flips import flips
from gii_pipeline_tests.faults.inputs import inputs
from gii_pipeline_tests.faults.kills import kills
from gii_pipeline_tests.faults.outcomes import Table

Step = Callable[[int, random.Random, Path, Table], None]

__all__ = ["Table", "campaign"]


def campaign(
    folder: Path,
    seed: int,
    *,
    kill: int = 0,
    flip: int = 0,
    run: int = 0,
    answer: int = 0,
    given: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Table:
    """So many faults of each sort, and how they ended. The same seed tries the same places, bits and answers.

    run: how many of the flips are followed by a run.
    """
    table = Table(tell=tell)
    steps: dict[str, tuple[Step, int]] = {
        "answers": (answers, answer),
        "inputs": (inputs, given),
        "flips": (partial(flips, run), flip),
        "kills": (kills, kill),
    }
    for name, (step, number) in steps.items():
        if number:
            scratch = folder / name
            scratch.mkdir()
            step(number, random.Random(f"{seed} {name}"), scratch, table)
    return table
