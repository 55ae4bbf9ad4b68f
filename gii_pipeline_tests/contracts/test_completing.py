"""A contract is written short: what is shared, implied, or the same for every metric is filled in."""

from __future__ import annotations

from typing import Any

import pytest

from gii_pipeline import contracts
from gii_pipeline.contracts.completing import complete
from gii_pipeline.errors import InputError
from gii_pipeline.registry import shipped

TRADEMARKS = {
    "core_table": "trademarks",
    "title": "Trademark registrations",
    "record": "a registration",
    "unit": "registrations",
    "person": "applicant",
    "people": "applicants",
}
FOUR = shipped().with_entries({"trademarks": TRADEMARKS}, "mine.yaml")
SHARED: dict[str, Any] = {
    "contract": dict.fromkeys(("apiVersion", "kind", "status", "domain", "dataProduct", "team"), "as everywhere"),
    "layers": {"edition": {"servers": [], "slaProperties": []}},
    "columns": {"edition": {"type": "int32", "unit": "year", "required": True, "description": "Edition."}},
    "rules": {"table_not_empty": {"description": "Rows.", "dimension": "completeness", "metric": "rowCount"}},
}
SHORT: dict[str, Any] = {
    "version": "1.0.0",
    "layer": "edition",
    "maturity": "beta",
    "purpose": "Towns.",
    "usage": "Read it.",
    "limitations": "None.",
    "grain": "One town.",
    "columns": {"edition": {"partition": 1}, "town": {"type": "string", "key": 1, "description": "The town."}},
    "rules": {"table_not_empty": {"severity": "warning"}},
}


def _schema(**changed: Any) -> Any:
    return complete("towns", {**SHORT, **changed}, SHARED, shipped())["schema"][0]


def test_a_column_without_a_type_is_the_shared_one_with_what_stands_beside_it() -> None:
    edition, town = _schema()["properties"]
    assert (edition["physicalType"], edition["logicalType"], edition["required"]) == ("int32", "integer", True)
    assert (edition["partitioned"], edition["partitionKeyPosition"]) == (True, 1)
    assert edition["customProperties"] == [{"property": "unit", "value": "year"}]
    assert (town["primaryKey"], town["primaryKeyPosition"]) == (True, 1)


def test_a_rule_without_content_is_the_shared_one_with_what_stands_beside_it() -> None:
    (rule,) = _schema()["quality"]
    assert (rule["name"], rule["metric"], rule["severity"]) == ("table_not_empty", "rowCount", "warning")


def test_what_stands_under_each_metric_stands_once_per_metric_in_their_order() -> None:
    count = {"type": "double", "unit": "{{unit}}", "description": "Count of {{title_in_text}}."}
    of_each = _schema(columns={"each_metric": {"{{metric}}_count": count}})["properties"]
    assert [column["name"] for column in of_each] == [f"{name}_count" for name in shipped()]
    assert of_each[1]["description"] == "Count of scientific publications."


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"columns": {"city": None}}, "towns: column city has no type, and shared.yaml has no column of this name"),
        ({"columns": {"town": {"type": "string", "kye": 1}}}, "towns: column town has kye. Known: "),
        ({"rules": {"town_known": None}}, "towns: rule town_known is empty, and shared.yaml has no rule of this name"),
        ({"rules": {"table_not_empty": {"mustBeMore": 0}}}, "towns: rule table_not_empty has mustBeMore. Known: "),
        ({"purpose": "{{title}} by town."}, "towns: {{title}} has no meaning here. Known: metrics, table"),
    ],
)
def test_what_is_not_understood_is_named(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError) as refused:
        _schema(**changed)
    assert why in str(refused.value)


def test_a_metric_of_a_profile_has_a_table_of_records_like_the_others() -> None:
    assert "trademarks" not in contracts.names()
    assert "trademarks" in contracts.names(FOUR)
    contract, patents = contracts.load("trademarks", FOUR), contracts.load("patents", FOUR)
    assert contract.columns == patents.columns
    assert contract.rules == patents.rules
    assert contract.grain == "One applicant × location of a registration."
    assert contract.purpose == "Trademark registrations of one year by applicant and location."


def test_a_metric_of_a_profile_has_the_columns_and_the_rules_of_the_others() -> None:
    size, intensity, history, locations = (
        contracts.load(name, FOUR) for name in ("ranking_size", "ranking_intensity", "rank_history", "locations")
    )
    wide = [column.name for column in size.columns if column.name.startswith("trademarks")]
    assert wide == [f"trademarks_{figure}" for figure in ("count", "share_pct", "per_million", "rank")]
    units = {column.name: column.unit for column in size.columns}
    assert units["trademarks_count"] == "registrations"
    assert "trademarks_per_million" in {column.name for column in intensity.columns}
    assert {"trademarks_count", "trademarks_per_million"} <= {column.name for column in history.columns}
    assert "trademarks_shares_at_most_100" in {rule.name for rule in size.rules}
    assert "locations_of_trademarks_listed" in {rule.name for rule in locations.rules}


def test_tables_that_name_no_metric_are_the_same_for_every_registry() -> None:
    assert contracts.load("clusters", FOUR).sha256 == contracts.load("clusters").sha256


def test_an_entry_that_lacks_a_field_or_takes_a_name_is_refused() -> None:
    with pytest.raises(InputError, match=r"mine.yaml: the entry of metric 'designs' is not complete.\n  unit: "):
        shipped().with_entries({"designs": {k: v for k, v in TRADEMARKS.items() if k != "unit"}}, "mine.yaml")
    with pytest.raises(InputError, match="the metric 'vc_deals' already exists"):
        shipped().with_entries({"vc_deals": TRADEMARKS}, "mine.yaml")
    with pytest.raises(InputError, match="from the core table `patents`, which metric 'pct_applications' has"):
        shipped().with_entries({"designs": {**TRADEMARKS, "core_table": "patents"}}, "mine.yaml")
