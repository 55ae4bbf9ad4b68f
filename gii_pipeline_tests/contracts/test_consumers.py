"""The official `datacontract` command, in an environment of its own, tests tables that we wrote against our contracts.

It asks for a DuckDB older than ours (`datacontract-cli[duckdb]`: below 1.6), so it cannot be installed beside us.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from gii_pipeline import contracts
from gii_pipeline.store import write_parquet
from gii_pipeline_tests.contracts import world
from gii_pipeline_tests.releases import small_edition

REQUIREMENT = "datacontract-cli[duckdb]"
UNSUPPORTED = "Checking types in parquet files is not supported yet."


def test_an_exported_contract_is_the_contract_of_one_file() -> None:
    exported = yaml.safe_load(contracts.exported("ranking_size", Path("/data/ranking_size.parquet")))
    assert [server["path"] for server in exported["servers"]] == ["/data/ranking_size.parquet"]
    assert exported["version"] == contracts.load("ranking_size").version
    assert len(exported["schema"][0]["properties"]) == len(contracts.load("ranking_size").columns)


@pytest.fixture(scope="session")
def datacontract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, in a new environment; GII_DATACONTRACT names one that is there already."""
    if given := os.environ.get("GII_DATACONTRACT"):
        return Path(given)
    folder = tmp_path_factory.mktemp("datacontract")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", REQUIREMENT]
    made = subprocess.run(install, check=False, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"{REQUIREMENT} cannot be installed here: {made.stderr.strip().splitlines()[-1]}")
    return folder / "bin" / "datacontract"


def _tables() -> dict[str, pa.Table]:
    core = {name: table for name, table in world.core_tables().items() if name != "previous"}
    edition = small_edition.tables()
    series = {"rank_history": world.rank_history(), "rank_events": world.rank_events(edition)}
    return {**edition, **core, **series}


CHECK_EACH = """
import json, sys
from datacontract.data_contract import DataContract
for path in sys.argv[1:]:
    run = DataContract(data_contract_file=path).test()
    print(json.dumps([run.result.value, [check.model_dump(mode="json") for check in run.checks]]))
"""
"""What `datacontract test` does, for many contracts in one process."""


def _written(name: str, table: pa.Table, folder: Path) -> Path:
    """The exported contract of a table, beside its file."""
    write_parquet(table, folder / f"{name}.parquet")
    contract = folder / f"{name}.odcs.yaml"
    contract.write_text(contracts.exported(name, folder / f"{name}.parquet"), encoding="utf-8")
    return contract


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_package_of_the_standard_passes_every_table_that_we_write(datacontract: Path, tmp_path: Path) -> None:
    tables = _tables()
    assert sorted(tables) == list(contracts.names())
    paths = [_written(name, table, tmp_path) for name, table in tables.items()]
    command: list[Path | str] = [datacontract.with_name("python"), "-c", CHECK_EACH, *paths]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    for name, line in zip(tables, done.stdout.splitlines(), strict=True):
        result, checks = json.loads(line)
        found = Counter((check["result"], check.get("reason")) for check in checks)
        assert result in ("passed", "warning"), (name, found)
        assert {outcome for outcome, reason in found if reason != UNSUPPORTED} == {"passed"}, (name, found)
        assert found["passed", None] > len(contracts.load(name).columns)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_official_command_fails_a_table_that_breaks_its_contract(datacontract: Path, tmp_path: Path) -> None:
    size = _tables()["ranking_size"]
    place = size.schema.get_field_index("population")
    negative = size.set_column(place, size.schema.field(place), pc.negate(size["population"]))
    contract, results = _written("ranking_size", negative, tmp_path), tmp_path / "results.json"
    linted = subprocess.run([datacontract, "lint", contract], check=False, capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout
    run: list[Path | str] = [datacontract, "test", contract, "--output", results, "--output-format", "json"]
    assert subprocess.run(run, check=False, capture_output=True, text=True).returncode != 0
    checks = json.loads(results.read_text(encoding="utf-8"))["checks"]
    assert {check["field"] for check in checks if check["result"] == "failed"} == {"population"}
