"""Faults: a kill in mid run, a full disk, two people at once, a table that breaks its contract.

After each: nothing half-written is visible, no partition is marked materialised that is not there, and a run that is
simply started again succeeds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from gii_pipeline import open_release
from gii_pipeline.defs.definitions import build
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.profiles import read_profile
from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.commands import Gii
from gii_pipeline_tests.defs import wholeness

LIMITED = """
import resource, signal, sys
from gii_pipeline import cli
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
cli.main()
"""


def environment(folder: Path) -> dict[str, str]:
    home = {"DAGSTER_HOME": str(folder / "home"), "GII_ROOT": str(folder / "root")}
    (folder / "home").mkdir(parents=True, exist_ok=True)
    return {**os.environ, **home, "GII_PROFILE": str(folder / "world" / "tiny.yaml")}


def gii(folder: Path, *arguments: str, limit: int | None = None, session: bool = False) -> subprocess.Popen[str]:
    """`gii` in a process of its own. limit: bytes that a file may have, as on a disk that is full.

    session: with a group of its own, as a command at a terminal has.
    """
    command = ["-c", LIMITED, str(limit)]
    if limit is None:
        command = ["-c", "from gii_pipeline import cli; cli.process()"]
    return subprocess.Popen(
        [sys.executable, *command, *arguments],
        env=environment(folder),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=session,
    )


def assert_whole(folder: Path) -> None:
    with instance_of(folder) as instance:
        wholeness.assert_whole(pipeline_of(folder), instance)


def pipeline_of(folder: Path) -> Pipeline:
    return Pipeline(read_profile(folder / "world" / "tiny.yaml"), folder / "root")


def instance_of(folder: Path) -> dg.DagsterInstance:
    return dg.DagsterInstance.from_config(str(folder / "home"))


def until_there(pattern: str, root: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 200
    while not list(root.glob(pattern)):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, f"{pattern} does not come"
        time.sleep(0.02)


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    tiny_world.write(tmp_path / "world")
    return tmp_path


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "moment", ["raw/patents/*/inputs.json", ".staging/*/*.parquet", "core/patents/*/part-0.parquet"]
)
def test_a_run_that_is_killed_leaves_nothing_half_written_and_is_simply_run_again(fresh: Path, moment: str) -> None:
    process = gii(fresh, "ingest", "--years", "2013")
    try:
        until_there(moment, fresh / "root", process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert_whole(fresh)
    again = gii(fresh, "ingest", "--years", "2013")
    assert "Traceback" not in again.communicate()[0]
    assert again.returncode == 0
    assert_whole(fresh)
    with instance_of(fresh) as instance:
        assert "2013" in instance.get_materialized_partitions(dg.AssetKey("locations"))


@pytest.mark.slow
def test_ctrl_c_at_a_terminal_ends_a_run_and_all_its_processes_and_says_what_is_kept(fresh: Path) -> None:
    process = gii(fresh, "ingest", "--years", "2013", session=True)
    until_there(".staging/*/*.parquet", fresh / "root", process)
    os.killpg(process.pid, signal.SIGINT)
    told = process.communicate(timeout=2)[0]  # until the last process that could print has ended
    assert process.returncode == 130
    assert "Finished tables, releases and fetched files are kept" in told
    assert "Traceback" not in told
    assert_whole(fresh)


@pytest.mark.slow
def test_a_full_disk_leaves_the_last_good_tables_and_space_is_all_that_a_rerun_needs(fresh: Path) -> None:
    tiny_world.write(fresh / "world", pct_applications=dict.fromkeys(tiny_world.PEOPLE, 4000))
    full = gii(fresh, "ingest", "--years", "2013", limit=600_000)
    told = full.communicate()[0]
    assert full.returncode != 0, told
    assert not (fresh / "root/core/patents/data_year=2013/part-0.parquet").exists()
    assert_whole(fresh)
    again = gii(fresh, "ingest", "--years", "2013")
    told = again.communicate()[0]
    assert again.returncode == 0, told
    assert_whole(fresh)


@pytest.mark.slow
def test_two_people_who_start_the_same_partition_at_once_both_end_well(fresh: Path) -> None:
    (fresh / "home").mkdir()
    both = [gii(fresh, "ingest", "--years", "2013") for _ in range(2)]
    told = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert_whole(fresh)
    assert not list((fresh / "root" / ".staging").iterdir())


def spoil(profile: Path) -> None:
    """A deal of 2014 comes twice, the second time with its id in capitals."""
    path = profile.parent / "vc_deals.csv"
    deals = pd.read_csv(path)
    again = deals[deals["record_id"] == "vc_deals-2014-Graz-0"]
    pd.concat([deals, again.assign(record_id=again["record_id"].str.upper())]).to_csv(path, index=False)


@contextmanager
def run_of(executor: str, tiny: Gii) -> Iterator[dg.DagsterInstance]:
    """One run of `ingest` of 2014 by an executor, on an instance of its own."""
    environment = {"GII_PROFILE": str(tiny.profile), "GII_ROOT": str(tiny.root), "GII_OFFLINE": "0"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        home = tiny.root / "home"
        home.mkdir()
        with dg.DagsterInstance.local_temp(str(home)) as instance:
            dg.execute_job(
                dg.reconstructable(ingest_job),
                instance,
                run_config={"execution": {"config": {executor: {}}}},
                tags={"dagster/partition": "2014"},
                raise_on_error=False,
            )
            yield instance


def ingest_job() -> dg.JobDefinition:
    return build(Pipeline.from_environment()).resolve_job_def("ingest")


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["in_process", "multiprocess"])
def test_a_table_that_breaks_its_contract_is_not_promoted(tiny: Gii, executor: str) -> None:
    good = tiny.root / "core" / "vc_deals" / "data_year=2014" / "part-0.parquet"
    before = good.read_bytes()
    spoil(tiny.profile)
    with run_of(executor, tiny) as instance:
        assert instance.get_materialized_partitions(dg.AssetKey("raw_vc_deals")) == {"2014"}
        assert not instance.get_materialized_partitions(dg.AssetKey("vc_deals"))
        assert not instance.get_materialized_partitions(dg.AssetKey("locations"))
        assert "2014" in instance.get_materialized_partitions(dg.AssetKey("patents"))
    assert good.read_bytes() == before
    assert len(pd.read_parquet(tiny.root / "quarantine" / "vc_deals" / "2014.parquet")) >= 2
    explained = tiny("explain", "vc_deals", "2014")
    assert explained.code == 0
    assert "vc_deals 2014: 2 failing rows" in " ".join(explained.out.split())
    assert str(open_release(tiny.root).version) == "v2015.1"


@pytest.mark.slow
def test_every_table_tells_what_it_cost(finished_tiny_root: Path) -> None:
    with dg.DagsterInstance.from_config(str(finished_tiny_root / "root" / "dagster")) as instance:
        for table in ("raw_patents", "patents", "points", "ranking_size"):
            event = instance.get_latest_materialization_event(dg.AssetKey(table))
            assert event is not None
            assert event.asset_materialization is not None
            told: dict[str, Any] = {name: value.value for name, value in event.asset_materialization.metadata.items()}
            assert told["seconds"] >= 0
            assert told["peak_memory_bytes"] > 2**26
            assert told["bytes"] > 0
            assert "requests_kept" in told if table.startswith("raw_") else told["dagster/row_count"] > 0
