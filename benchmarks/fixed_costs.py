"""What a run costs before it does any work: a data year of 76 rows, and where its time goes.

    PYTHONPATH=. python benchmarks/fixed_costs.py [--turns 3]

The four towns of the tests are ingested by `gii ingest` into a root that has been used before, then ranked and released
by `gii run`; each command in a process of its own, in turns, the least time of each counts. A last ingest runs under a
profiler, which shows the share of each part. Shares are compared with importing Dagster alone, which no command can
avoid. Targets on two quiet cores: an ingest in at most 4 seconds; at most 4 times the import of Dagster.
"""

from __future__ import annotations

import argparse
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from gii_pipeline_tests import tiny_world

TARGET_SECONDS, TARGET_RATIO = 4.0, 4.0
GII = [sys.executable, "-c", "from gii_pipeline.cli import process; process()"]
PARTS = {
    "imports": "<frozen importlib._bootstrap>:_find_and_load",
    "Dagster's instance": "gii_pipeline/defs/instance.py:instance_of",
    "definitions": "gii_pipeline/defs/definitions.py:build",
    "storing events": "dagster/_core/instance/methods/event_methods.py:handle_new_event",
    "counting for checks": "gii_pipeline/contracts/workbench.py:counts",
    "waiting for Great Expectations": "gii_pipeline/contracts/judging.py:ask",
    "locating": "gii_pipeline/geocoding/locate.py:locate",
    "the run as a whole": "gii_pipeline/defs/running.py:run_partition",
}


def timed(command: list[str], environment: Mapping[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


def shares(environment: Mapping[str, str], folder: Path) -> dict[str, float]:
    """Part -> its share of the time of an ingest under the profiler, what it calls included."""
    profile = folder / "profile"
    program = f"import cProfile; cProfile.run('from gii_pipeline.cli import main; main()', {str(profile)!r})"
    subprocess.run(
        [sys.executable, "-c", program, "ingest", "--years", "2013"], env=environment, check=True, capture_output=True
    )
    stats = pstats.Stats(str(profile)).stats  # type: ignore[attr-defined]
    whole = sum(own for _, _, own, _, _ in stats.values())
    found = {}
    for part, where in PARTS.items():
        file, _, name = where.rpartition(":")
        times = [spent for (path, _, called), (*_, spent, _) in stats.items() if path.endswith(file) and called == name]
        found[part] = max(times, default=0.0) / whole
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gii-fixed-costs-") as name:
        folder = Path(name)
        profile, root = tiny_world.write(folder / "world"), folder / "root"
        environment = {**os.environ, "GII_PROFILE": str(profile), "GII_ROOT": str(root)}
        environment.pop("DAGSTER_HOME", None)
        timed([*GII, "ingest", "--years", "2013"], environment)  # makes the gazetteer and Dagster's databases
        dagster = min(timed([sys.executable, "-c", "import dagster"], environment) for _ in range(given.turns))
        ingest = min(timed([*GII, "ingest", "--years", "2013"], environment) for _ in range(given.turns))
        run = timed([*GII, "run", "--edition", "2015"], environment)
        again = min(timed([*GII, "run", "--edition", "2015"], environment) for _ in range(given.turns))
        parts = shares(environment, folder)
    for what, seconds in {
        "import dagster": dagster,
        "gii ingest, one data year": ingest,
        "gii run: a data year, a ranking, a release": run,
        "gii run: nothing to do": again,
    }.items():
        print(f"{what:44} {seconds:6.2f} s ({seconds / dagster:5.2f} x importing Dagster)")
    for part, share in sorted(parts.items(), key=lambda item: -item[1]):
        print(f"  {part:40} {100 * share:5.1f} % of an ingest under the profiler")
    good = ingest <= TARGET_SECONDS or ingest <= TARGET_RATIO * dagster
    print(f"target (an ingest in {TARGET_SECONDS:g} s, or {TARGET_RATIO:g} x Dagster):", "met" if good else "MISSED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
