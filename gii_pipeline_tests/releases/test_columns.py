"""Order, types and names of columns stay as readers know them, unless a contract's major version says otherwise."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gii_pipeline import contracts
from gii_pipeline.errors import ReleaseError
from gii_pipeline.releases.columns import broken_promises
from gii_pipeline.releases.package import signed
from gii_pipeline.releases.stage import RELEASE_TABLES
from gii_pipeline_tests.releases.small_edition import release, tables, write_and_release, write_edition

RELEASED = Path(__file__).resolve().parents[2] / "data_contracts" / "released"
PROMISED = {path.name.removesuffix(".odcs.yaml") for path in RELEASED.glob("*.odcs.yaml")}
"""The tables that readers know; one that was added since has promised nothing yet."""


@pytest.fixture
def package(published: Path) -> dict[str, Any]:
    return dict(json.loads((published / "releases" / "v2025.1" / "datapackage.json").read_bytes()))


def table_of(package: dict[str, Any], name: str) -> dict[str, Any]:
    return next(resource for resource in package["resources"] if resource["path"] == f"{name}.parquet")


def test_no_table_that_readers_know_is_gone() -> None:
    assert set(contracts.names()) >= PROMISED
    assert {"ranking_size", "ranking_intensity", "rank_history", "clusters", "points"} <= PROMISED


@pytest.mark.parametrize("table", sorted(PROMISED & set(RELEASE_TABLES)))
def test_columns_are_those_of_the_last_released_contract(published: Path, table: str) -> None:
    """What readers know comes first, in the same order and with the same types; what is new comes after it."""
    promised = contracts.read(RELEASED / f"{table}.odcs.yaml")
    now = contracts.load(table)
    if now.version.split(".")[0] == promised.version.split(".")[0]:
        columns = [(field.name, field.type) for field in _schema(published, table)]
        known = [(field.name, field.type) for field in promised.arrow_schema]
        assert columns[: len(known)] == known


def _schema(root: Path, table: str) -> pa.Schema:
    return pq.read_schema(root / "releases" / "v2025.1" / f"{table}.parquet")


@pytest.mark.parametrize("label", ["2017", "2022", "2025"])
def test_every_edition_has_the_same_columns(label: str) -> None:
    for name, table in tables(label).items():
        assert table.schema.equals(contracts.load(name).arrow_schema)


def test_columns_and_tables_may_be_added(package: dict[str, Any]) -> None:
    new = copy.deepcopy(package)
    table_of(new, "points")["schema"]["fields"].append({"name": "added", "arrow_type": "double"})
    new["resources"].append({**table_of(new, "points"), "name": "more", "path": "more.parquet"})
    assert broken_promises(package, new) == []


def test_a_column_that_goes_moves_or_changes_type_is_named(package: dict[str, Any]) -> None:
    new = copy.deepcopy(package)
    table_of(new, "points")["schema"]["fields"].pop()
    fields = table_of(new, "clusters")["schema"]["fields"]
    fields[3], fields[4] = fields[4], fields[3]
    table_of(new, "ranking_size")["schema"]["fields"][2]["arrow_type"] = "int64"
    new["resources"] = [r for r in new["resources"] if r["path"] != "contributions.parquet"]
    said = broken_promises(package, new)
    last = table_of(package, "points")["schema"]["fields"][-1]
    count = len(table_of(package, "points")["schema"]["fields"])
    major = "the contract, 1.0.0, would have to be 2.0.0"
    size = table_of(package, "ranking_size")["contract_version"]
    assert said == [
        f"column 4 of clusters was name string in v2025.1 and is economies string: {major}",
        "table contributions of v2025.1 is gone",
        f"column {count} of points was {last['name']} {last['arrow_type']} in v2025.1 and is nothing: {major}",
        f"column 3 of ranking_size was rank int32 in v2025.1 and is rank int64: {major.replace('1.0.0', size)}",
    ]


def test_a_new_major_version_may_change_columns(package: dict[str, Any]) -> None:
    new = copy.deepcopy(package)
    table_of(new, "points")["schema"]["fields"].pop()
    table_of(new, "points")["contract_version"] = "2.0.0"
    assert broken_promises(package, new) == []


def test_a_release_that_would_break_its_readers_is_refused(tmp_path: Path) -> None:
    """The release before had one more column in `points`, under the same major version of the contract."""
    write_and_release(tmp_path, "2024")
    path = tmp_path / "releases" / "v2024.1" / "datapackage.json"
    package = json.loads(path.read_bytes())
    table_of(package, "points")["schema"]["fields"].append({"name": "weight", "arrow_type": "double"})
    del package["self_sha256"]
    path.write_bytes(signed(package))
    write_edition(tmp_path, "2025")
    with pytest.raises(ReleaseError, match=r"of points was weight double in v2024\.1 and is nothing") as refusal:
        release(tmp_path, "2025")
    assert "Edition 2025 is not fit for release" in str(refusal.value)
    assert not (tmp_path / "releases" / "v2025.1").exists()
