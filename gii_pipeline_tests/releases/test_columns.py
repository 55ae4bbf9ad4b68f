"""Columns stay as readers know them, wherever they stand, unless a contract's major version says otherwise."""

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
from gii_pipeline.verified import sealed
from gii_pipeline_tests.releases.small_edition import RELEASE_TABLES, release, tables, write_and_release, write_edition

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
    promised = contracts.read(RELEASED / f"{table}.odcs.yaml")
    now = contracts.load(table)
    if now.version.split(".")[0] == promised.version.split(".")[0]:
        columns = {(field.name, field.type) for field in _schema(published, table)}
        assert columns >= {(field.name, field.type) for field in promised.arrow_schema}


def _schema(root: Path, table: str) -> pa.Schema:
    return pq.read_schema(root / "releases" / "v2025.1" / f"{table}.parquet")


@pytest.mark.parametrize("label", ["2017", "2022", "2025"])
def test_every_edition_has_the_same_columns(label: str) -> None:
    for name, table in tables(label).items():
        assert table.schema.equals(contracts.load(name).arrow_schema)


def test_columns_and_tables_may_be_added_and_columns_may_move(package: dict[str, Any]) -> None:
    new = copy.deepcopy(package)
    fields = table_of(new, "points")["schema"]["fields"]
    fields.insert(2, {"name": "added", "arrow_type": "double"})
    fields.append(fields.pop(0))
    new["resources"].append({**table_of(new, "points"), "name": "more", "path": "more.parquet"})
    assert broken_promises(package, new) == []


def test_a_column_that_goes_or_changes_its_type_unit_or_bounds_is_named(package: dict[str, Any]) -> None:
    new = copy.deepcopy(package)
    gone = table_of(new, "points")["schema"]["fields"].pop()["name"]
    fields = {field["name"]: field for field in table_of(new, "ranking_size")["schema"]["fields"]}
    fields["rank"]["arrow_type"] = "int64"
    fields["area_km2"]["unit"] = "m²"
    del fields["vc_deals_share_pct"]["constraints"]["maximum"]
    new["resources"] = [r for r in new["resources"] if r["path"] != "contributions.parquet"]
    size = table_of(package, "ranking_size")["contract_version"]
    due = f"; the contract, {size}, would have to be {int(size[0]) + 1}.0.0"
    assert broken_promises(package, new) == [
        "table contributions of v2025.1 is missing",
        f"points of v2025.1: column {gone} is gone; the contract, 1.0.0, would have to be 2.0.0",
        f"ranking_size of v2025.1: column rank has another type: int64 for int32{due}",
        f"ranking_size of v2025.1: column area_km2 has another unit: m² for km²{due}",
        f"ranking_size of v2025.1: column vc_deals_share_pct has another maximum: None for 100.000001{due}",
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
    path.write_bytes(sealed(package))
    write_edition(tmp_path, "2025")
    with pytest.raises(ReleaseError, match=r"points of v2024\.1: column weight is gone") as refusal:
        release(tmp_path, "2025")
    assert "Edition 2025 cannot be released" in str(refusal.value)
    assert not (tmp_path / "releases" / "v2025.1").exists()
