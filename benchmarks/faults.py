"""Faults, and how they end: survived, detected, silent, with a traceback. The last two must not happen.

    PYTHONPATH=. python benchmarks/faults.py [--kills 100] [--flips 500] [--runs 18] [--answers 60] [--inputs 70]
                                             [--seed 1] [--people 5000]

survived: the result is what it is without the fault. detected: one message of the pipeline, and no result. silent:
another result. Each fault is reported as it ends; the table at the end is in docs/reliability.md. Kills and runs are of
the four towns of the tests, in processes that start with the libraries loaded.
Then what verified reads cost: the share of an ingest and of a ranking that goes into the hashes of files, in the same
towns with so many times the people. Target: at most 3 %.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.faults import campaign

COSTLY_PCT = 3.0
COMMANDS = (("ingest", "--years", "2013,2014"), ("backfill", "--editions", "2015"))
HASHING = """
import hashlib, sys, time
from gii_pipeline.cli import main

plain, spent, began = hashlib.file_digest, 0.0, time.perf_counter()

def timed(*given):
    global spent
    start = time.perf_counter()
    found = plain(*given)
    spent += time.perf_counter() - start
    return found

hashlib.file_digest = timed
try:
    main()
finally:
    print(f"\\nhashing {spent / (time.perf_counter() - began):.6f}")
"""
"""A command, and the share of its time, imports left out, in which files were hashed."""


def hashing(folder: Path, times: int) -> bool:
    """Print what hashing costs of each command; whether it is as little as it should be."""
    more = {town: times * count for town, count in tiny_world.PEOPLE.items()}
    metrics = ("pct_applications", "scientific_publications", "vc_deals")
    profile = tiny_world.write(folder / "world", **dict.fromkeys(metrics, more))
    environment = {**os.environ, "GII_PROFILE": str(profile), "GII_ROOT": str(folder / "root")}
    shares = {}
    for command in COMMANDS:
        ended = subprocess.run(
            [sys.executable, "-c", HASHING, *command], env=environment, check=False, capture_output=True, text=True
        )
        if ended.returncode:
            raise SystemExit(f"gii {command[0]} ended with {ended.returncode}:\n{ended.stderr}")
        shares[command[0]] = 100 * float(ended.stdout.rpartition("hashing ")[2])
    for name, share in shares.items():
        print(f"hashing is {share:.2f} % of gii {name}, {sum(more.values()):,} records per metric and year")
    good = max(shares.values()) <= COSTLY_PCT
    print(f"target (at most {COSTLY_PCT:g} %):", "met" if good else "MISSED")
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (
        ("kills", 100),
        ("flips", 500),
        ("runs", 18),
        ("answers", 60),
        ("inputs", 70),
        ("seed", 1),
        ("people", 5000),
    ):
        parser.add_argument(f"--{name}", type=int, default=number)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gii-faults-") as folder:
        table = campaign(
            Path(folder),
            asked.seed,
            kill=asked.kills,
            flip=asked.flips,
            run=asked.runs,
            answer=asked.answers,
            given=asked.inputs,
            tell=lambda line: print(line, file=sys.stderr, flush=True),
        )
        print(table)
        cheap = not asked.people or hashing(Path(folder), asked.people)
    if table.bad or not cheap:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
