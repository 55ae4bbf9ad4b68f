"""Faults, and how they end: survived, detected, silent. None may be silent, and none may end in a traceback.

    python benchmarks/faults.py [--kills 100] [--flips 500] [--hostile 60] [--seed 1]

survived: the result is what it is without the fault. detected: one message of the pipeline, and no result. silent:
another result, or a traceback. The table is in docs/reliability.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gii_pipeline_tests.fault_campaign import campaign


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, number in (("kills", 100), ("flips", 500), ("hostile", 60), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=number)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gii-faults-") as folder:
        table = campaign(Path(folder), asked.kills, asked.flips, asked.hostile, asked.seed)
    print(table)
    if table.silent:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
