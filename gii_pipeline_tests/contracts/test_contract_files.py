"""Every contract is valid to the standard, complete, and the one source of what is derived from it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import frictionless
import jsonschema  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from gii_pipeline import contracts
from gii_pipeline.contracts.dictionary import pages, write
from gii_pipeline.contracts.predicates import BROKEN, ROW_COUNT
from gii_pipeline.contracts.translation import COLUMNS_MATCH, SHAPE
from gii_pipeline.errors import InputError
from gii_pipeline.releases.series import SERIES_TABLES
from gii_pipeline.store import COMPOSITION_TABLES
from gii_pipeline_tests.contracts import world

ROOT = Path(__file__).resolve().parents[2]
NAMES = contracts.names()
TABLE_SCHEMA = "https://datapackage.org/profiles/2.0/tableschema.json"
CORE = {"patents", "publications", "vc_deals", "locations", "geocoding_quality", "ingest_ledger"}


def test_every_contract_is_written_as_a_document_valid_to_the_published_standard(tmp_path: Path) -> None:
    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8"))
    contracts.write_documents(NAMES, tmp_path)
    for name in NAMES:
        path = tmp_path / f"{name}.odcs.yaml"
        jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), schema)
        assert OpenDataContractStandard.from_file(str(path)).apiVersion == "v3.1.0"
        assert contracts.read(path) == contracts.load(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_contract_says_who_answers_for_which_table_and_how_fresh_it_is(name: str) -> None:
    contract = contracts.load(name)
    assert (contract.name, contract.id) == (name, f"gii_pipeline.{name}")
    assert re.fullmatch(r"\d+\.\d+\.\d+", contract.version)
    assert contract.owner
    assert contract.maturity in ("stable", "beta")
    assert contract.layer == ("core" if name in CORE else "release" if name in SERIES_TABLES else "edition")
    assert {"frequency", "latency", "timeOfAvailability"} <= contract.sla.keys()
    assert all((contract.purpose, contract.usage, contract.limitations, contract.grain, contract.key))


@pytest.mark.parametrize("name", NAMES)
def test_every_column_is_described_and_quantities_have_a_unit(name: str) -> None:
    for column in contracts.load(name).columns:
        assert column.description.endswith((".", "…")), column.name
        if column.type == "double" or column.name in ("people", "records", "population_year", "rank"):
            assert column.unit, column.name


def test_addresses_are_classified_as_personal_data() -> None:
    for name in ("patents", "publications", "vc_deals"):
        personal = [c.name for c in contracts.load(name).columns if c.classification == "personal"]
        assert personal == ["address"]


def test_the_record_tables_differ_in_their_words_and_in_what_the_registry_says_of_their_records_only() -> None:
    patents, publications, deals = (contracts.load(name) for name in ("patents", "publications", "vc_deals"))
    assert patents.columns == publications.columns == deals.columns
    assert patents.rules == publications.rules
    of_patents, of_deals = ({rule.name for rule in contract.rules} for contract in (patents, deals))
    assert of_deals - of_patents == {"one_person_a_record"}, "a deal has one company"
    assert of_patents - of_deals == {"records_at_least_70_pct_of_previous_year"}, "the number of deals is volatile"


@pytest.mark.parametrize("name", NAMES)
def test_rules_have_names_that_a_dagster_check_can_have_one_each(name: str) -> None:
    rules = contracts.load(name).rules
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", rule.name) for rule in rules)
    assert len({rule.name for rule in rules}) == len(rules)
    assert rules[0].name == SHAPE


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_has_sql_and_reads_what_there_is(name: str) -> None:
    contract = contracts.load(name)
    tables = {*NAMES, "previous", "economy_cells"}
    measured: dict[str, contracts.Measure] = {}
    for rule in contract.rules:
        assert rule.description.endswith("."), rule.name
        assert rule.expectation in {*BROKEN, ROW_COUNT, COLUMNS_MATCH}
        assert set(rule.references) <= tables
        assert set(rule.parameters) <= {
            "data_year",
            "retrieved_year",
            "edition",
            "method",
            "ranking_length",
            "largest_size_score",
        }
        assert all(not isinstance(rule.kwargs.get(k), str) or rule.parameters for k in ("min_value", "max_value"))
        for measure in rule.measures:
            assert measured.setdefault(measure.name, measure) == measure, "one name, one meaning"
            read = set(re.findall(r"from (\w+)", measure.sql)) - {"rows"}
            assert read <= set(rule.references), rule.name


def test_no_rule_of_a_table_reads_one_that_is_made_from_it() -> None:
    order = ["patents", "publications", "vc_deals", "locations", "geocoding_quality", "ingest_ledger"]
    order += ["points", "clusters", "cluster_members", "cluster_footprints", "cluster_metrics", "ranking_size"]
    order += ["ranking_intensity", "contributions", "rank_changes", "rank_stability", "rank_variants"]
    order += ["agreement", "coverage", *COMPOSITION_TABLES]
    order += ["rank_history", "rank_events"]
    assert sorted(order) == list(NAMES)
    for place, name in enumerate(order):
        later = {r for rule in contracts.load(name).rules for r in rule.references} & set(order[place:])
        assert not later, name


@pytest.mark.parametrize("name", NAMES)
def test_the_arrow_schema_carries_descriptions_units_and_the_version(name: str) -> None:
    contract = contracts.load(name)
    schema = contract.arrow_schema
    about = {k.decode(): v.decode() for k, v in schema.metadata.items()}
    assert (about["contract"], about["contract_version"]) == (name, contract.version)
    assert about["contract_id"] == contract.id
    for field, column in zip(schema, contract.columns, strict=True):
        told = {k.decode(): v.decode() for k, v in field.metadata.items()}
        assert told == {"description": column.description} | ({"unit": column.unit} if column.unit else {})
        assert field.type == pa.type_for_alias(column.type)
        assert field.nullable


@pytest.mark.parametrize("name", NAMES)
def test_the_data_package_schema_is_valid_and_says_what_the_contract_says(name: str) -> None:
    contract = contracts.load(name)
    descriptor = contract.frictionless_schema()
    schema = frictionless.Schema.from_descriptor({"$schema": TABLE_SCHEMA, **descriptor})
    assert schema.field_names == [c.name for c in contract.columns]
    assert schema.primary_key == list(contract.key)
    for column, field in zip(contract.columns, descriptor["fields"], strict=True):
        assert field.get("constraints", {}).get("required", False) == column.required
        assert field.get("unit") == column.unit


def test_a_catalogue_gets_every_column_with_its_constraints() -> None:
    columns = {c["name"]: c for c in contracts.load("patents").column_schema}
    assert columns["fraction"]["other"] == ["unit: records", "bounds: > 0, ≤ 1"]
    assert columns["record_id"]["nullable"] is False
    assert "key column: 1" in columns["record_id"]["other"]
    assert "classification: personal" in columns["address"]["other"]
    assert "allowed values: point, institution, city, admin, economy" in columns["precision"]["other"]


def test_the_data_dictionary_is_what_the_contracts_say() -> None:
    made = pages([contracts.load(name) for name in NAMES])
    docs = ROOT / "docs"
    there = [docs / "data-dictionary.md", *(docs / "dictionary").glob("*.md")]
    found = {path.relative_to(docs).as_posix(): path.read_text(encoding="utf-8") for path in there}
    stale = sorted(name for name in {*made, *found} if made.get(name) != found.get(name))
    assert stale == [], "docs are stale: run `python -m gii_pipeline.contracts`"


def test_the_data_dictionary_has_a_page_per_table_with_every_column_and_rule() -> None:
    made = pages([contracts.load(name) for name in NAMES])
    for name in NAMES:
        page, contract = made[f"dictionary/{name}.md"], contracts.load(name)
        assert f"(dictionary/{name}.md)" in made["data-dictionary.md"]
        for part in [*(c.name for c in contract.columns), *(r.name for r in contract.rules)]:
            assert f"| `{part}`" in page


def test_the_page_of_a_table_that_is_gone_goes(tmp_path: Path) -> None:
    (tmp_path / "dictionary").mkdir()
    (tmp_path / "dictionary" / "gone.md").write_text("# gone", encoding="utf-8")
    write([contracts.load("points")], tmp_path)
    assert [path.name for path in (tmp_path / "dictionary").iterdir()] == ["points.md"]


def test_a_table_without_a_contract_is_named() -> None:
    with pytest.raises(InputError, match=r"No contract for a table 'patent'. There are: .*patents"):
        contracts.load("patent")


def test_a_table_written_by_the_contract_reads_back_with_its_metadata(tmp_path: Path) -> None:
    pq.write_table(world.as_table("patents", world.records(2)), tmp_path / "patents.parquet")
    schema = pq.read_schema(tmp_path / "patents.parquet")
    assert schema.field("fraction").metadata[b"unit"] == b"records"
    assert schema.metadata[b"contract_id"] == b"gii_pipeline.patents"


def test_a_contract_has_the_same_hash_in_every_process() -> None:
    code = "from gii_pipeline import contracts; print([contracts.load(name).sha256 for name in contracts.names()])"
    hashes = set()
    for seed in ("1", "2", "3"):
        command, environment = [sys.executable, "-c", code], {**os.environ, "PYTHONHASHSEED": seed}
        hashes.add(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)
    assert hashes == {f"{[contracts.load(name).sha256 for name in contracts.names()]}\n"}
