"""Faults, and how they end: survived, detected, silent, with a traceback. The last two must not happen.

    python benchmarks/faults.py [--kills 100] [--flips 500] [--answers 60] [--inputs 70] [--seed 1]

survived: the result is what it is without the fault. detected: one message of the pipeline, and no result. silent:
another result. Each fault is reported as it ends; the table at the end is in docs/reliability.md. Kills and runs are of
the four towns of the tests, in processes that start with the libraries loaded: two quiet cores need about an hour.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gii_pipeline_tests.faults import campaign


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (("kills", 100), ("flips", 500), ("answers", 60), ("inputs", 70), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=number)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gii-faults-") as folder:
        table = campaign(
            Path(folder),
            asked.seed,
            kill=asked.kills,
            flip=asked.flips,
            answer=asked.answers,
            given=asked.inputs,
            tell=lambda line: print(line, file=sys.stderr, flush=True),
        )
    print(table)
    if table.bad:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
