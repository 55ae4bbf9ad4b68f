"""What sources really send: each named fault is caught by a named rule, with the rows that show it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from gii_pipeline import contracts
from gii_pipeline_tests.contracts import world
from gii_pipeline_tests.contracts.world import YEAR, Row, as_table, deals, judge, packed, record, records


def _errors(verdict: contracts.Verdict) -> set[str]:
    return {result.rule for result in verdict.errors}


def _warnings(verdict: contracts.Verdict) -> set[str]:
    return {result.rule for result in verdict.warnings}


def _keys(verdict: contracts.Verdict, rule: str) -> set[object]:
    (result,) = (r for r in verdict.results if r.rule == rule)
    return {row["record_id"] for row in result.failing_rows}


def _patents(rows: list[Row]) -> contracts.Verdict:
    return judge("patents", as_table("patents", rows))


def _changed(change: Callable[[Row], Row], every: int = 1) -> contracts.Verdict:
    """The verdict on sound records of which every n-th row is changed."""
    return _patents([row if i % every else {**row, **change(row)} for i, row in enumerate(records())])


def _swapped(row: Row) -> Row:
    latitude, longitude = row["location_id"] // 10_000_000 / 1e4 - 90, row["location_id"] % 10_000_000 / 1e4 - 180
    return {"location_id": packed(longitude, latitude)}


def test_sound_records_pass() -> None:
    verdict = _patents(records())
    assert verdict.passed
    assert _warnings(verdict) == set()
    assert verdict.skipped == []


def test_a_year_that_comes_back_with_60_percent_of_last_year() -> None:
    last_year = {"previous": as_table("patents", records(1200, YEAR - 1))}
    verdict = judge("patents", as_table("patents", records(720)), references=last_year)
    assert _errors(verdict) == {"records_at_least_70_pct_of_previous_year"}
    assert verdict.errors[0].observed == pytest.approx(60)
    assert "Observed: 60" in verdict.message()


def test_a_small_year_that_comes_back_with_60_percent_of_last_year_is_told_and_kept() -> None:
    verdict = _patents(records(35))
    assert verdict.passed
    assert _warnings(verdict) == {"records_close_to_previous_year"}


def test_a_market_of_deals_that_falls_is_told_and_kept() -> None:
    last_year = {"previous": as_table("vc_deals", deals(1200, YEAR - 1))}
    verdict = judge("vc_deals", as_table("vc_deals", deals(720)), references=last_year)
    assert verdict.passed
    assert _warnings(verdict) >= {"records_close_to_previous_year"}


def test_a_year_that_comes_back_with_80_percent_of_last_year_is_told_and_kept() -> None:
    verdict = _patents(records(47))
    assert verdict.passed
    assert _warnings(verdict) == {"records_close_to_previous_year"}


def test_a_file_with_latitude_and_longitude_swapped() -> None:
    verdict = _changed(_swapped)
    assert {"locations_mostly_near_their_economy", "location_id_in_bounds"} <= _errors(verdict)
    assert "location_near_a_place_of_its_economy" in _warnings(verdict)


def test_one_record_with_latitude_and_longitude_swapped_is_told() -> None:
    swiss = {"location_id": packed(8.55, 47.3667), "economy": "CH"}
    verdict = _patents([{**records()[0], **swiss}, *records()[1:]])
    assert verdict.passed
    assert _keys(verdict, "location_near_a_place_of_its_economy") == {"WO000000"}


def test_zero_zero() -> None:
    verdict = _changed(lambda _: {"location_id": packed(0, 0)}, every=50)
    assert "location_not_zero_zero" in _errors(verdict)
    assert _keys(verdict, "location_not_zero_zero") == {"WO000000", "WO000025", "WO000050"}


def test_a_city_in_the_wrong_country() -> None:
    paris = as_table("locations", world.locations(records()).to_pylist())
    moved = [
        {**row, "latitude": world.TEXAS[0], "longitude": world.TEXAS[1], "location_id": packed(*world.TEXAS)}
        if row["place"] == "Paris"
        else row
        for row in paris.to_pylist()
    ]
    verdict = judge("locations", as_table("locations", sorted(moved, key=lambda r: r["location_id"])))
    assert "locations_mostly_near_their_economy" in _errors(verdict), "one of eight locations is more than 5 %"
    told = next(r for r in verdict.warnings if r.rule == "location_near_a_place_of_its_economy")
    assert [(row["economy"], row["latitude"]) for row in told.failing_rows] == [("FR", world.TEXAS[0])]
    in_records = _changed(lambda row: {"location_id": packed(*world.TEXAS)} if row["economy"] == "FR" else {})
    assert "locations_mostly_near_their_economy" in _errors(in_records)


def test_a_record_repeated_with_another_id_case() -> None:
    again = [{**row, "record_id": " wo000007"} for row in record(7)]
    verdict = _patents([*records(), *again])
    assert _errors(verdict) == {"record_id_not_repeated_in_another_case"}
    assert _keys(verdict, "record_id_not_repeated_in_another_case") == {"WO000007", " wo000007"}


def test_a_deal_dated_in_the_future() -> None:
    rows = world.deals(year=2027)
    given = {"data_year": 2027, "retrieved_year": 2025}
    verdict = judge("vc_deals", as_table("vc_deals", rows), parameters=given)
    assert _errors(verdict) == {"data_year_not_in_the_future"}


def test_a_fraction_above_one() -> None:
    verdict = _changed(lambda _: {"fraction": 1.5}, every=60)
    assert {"fraction_in_bounds", "record_fractions_add_up_to_one"} <= _errors(verdict)
    assert _keys(verdict, "fraction_in_bounds") == {"WO000000", "WO000030"}


def test_an_author_list_cut_at_100_that_says_so() -> None:
    cut = [{**row, "record_id": "W1", "people": 400, "people_truncated": True} for row in record(1, people=100)]
    assert "people_lists_not_truncated" in _warnings(_patents([*records(), *cut]))
    many = [{**row, "record_id": f"{row['record_id']}-{n}"} for n in range(9) for row in cut]
    verdict = _patents([*records(), *many])
    assert "people_lists_mostly_not_truncated" in _errors(verdict), "nine of 69 records"


def test_an_author_list_cut_at_100_that_does_not_say_so() -> None:
    named = [{**row, "people": 400, "fraction": 0.01} for row in record(100, people=100)]
    assert "people_all_listed" in _errors(_patents([*records(), *named]))
    silent = [row for number in range(200, 212) for row in record(number, people=100)]
    assert "people_lists_not_cut_at_100" in _errors(_patents([*records(), *silent]))
    natural = [row for number in range(200, 222) for row in record(number, people=90 + number % 11)]
    assert _errors(_patents([*records(), *natural])) == set()


def test_a_publication_year_outside_the_partition() -> None:
    rows = [{**row, "data_year": 2023} if i == 3 else row for i, row in enumerate(records(45))]
    verdict = judge("publications", as_table("publications", rows))
    assert _errors(verdict) == {"data_year_is_the_partition"}
    assert len(_keys(verdict, "data_year_is_the_partition")) == 1


def _broken_shape(table: pa.Table) -> list[tuple[str, str]]:
    verdict = judge("patents", table)
    assert _errors(verdict) == {"columns_as_declared"}
    assert {r.status for r in verdict.results[1:]} == {"skipped"}
    return [(row["column"], row["problem"]) for row in verdict.errors[0].failing_rows]


def test_a_new_column() -> None:
    table = as_table("patents", records())
    told = _broken_shape(table.append_column("ipc", pa.nulls(table.num_rows, pa.string())))
    assert told == [("ipc", "not in the contract")]


def test_a_renamed_column() -> None:
    table = as_table("patents", records())
    renamed = table.rename_columns(["country" if name == "economy" else name for name in table.column_names])
    told = [("economy", "missing, perhaps renamed to country"), ("country", "not in the contract")]
    assert _broken_shape(renamed) == told


def test_a_missing_column() -> None:
    assert _broken_shape(as_table("patents", records()).drop(["address"])) == [("address", "missing")]


def test_a_column_that_changes_type() -> None:
    table = as_table("patents", records())
    place = table.schema.get_field_index("data_year")
    text = table.set_column(place, "data_year", pc.cast(table["data_year"], pa.string()))
    assert _broken_shape(text) == [("data_year", "is string, the contract says int32")]


def test_columns_in_another_order() -> None:
    table = as_table("patents", records())
    ((column, problem),) = _broken_shape(table.select(table.column_names[::-1]))
    assert (column, problem[:12]) == ("all", "in the order")


def test_an_empty_table() -> None:
    last_year = {"previous": as_table("patents", records(1200, YEAR - 1))}
    verdict = judge("patents", as_table("patents", []), references=last_year)
    assert _errors(verdict) == {"records_at_least_70_pct_of_previous_year"}
    assert _warnings(verdict) >= {"table_not_empty"}


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "patents.parquet"
    path.touch()
    verdict = contracts.validate(path, contracts.load("patents"), partition="2024")
    assert _errors(verdict) == {"columns_as_declared"}
    assert "patents.parquet is not a readable Parquet file" in verdict.message()


CORRUPTIONS: dict[str, Callable[[Row], Row]] = {
    "fraction_in_bounds": lambda row: {"fraction": -row["fraction"]},
    "location_not_zero_zero": lambda _: {"location_id": packed(0, 0)},
    "economy_well_formed": lambda _: {"economy": "Switzerland"},
    "data_year_is_the_partition": lambda _: {"data_year": 1997},
    "record_id_not_null": lambda _: {"record_id": None},
    "person_seq_within_people": lambda row: {"person_seq": row["people"] + 1},
    "precision_is_known": lambda _: {"precision": "street"},
    "located_rows_have_a_precision": lambda _: {"precision": None},
    "geocoding_well_formed": lambda _: {"geocoding": "???"},
    "individuals_have_no_name": lambda row: {
        "organisations": row["organisations"].replace('"name":null', '"name":"Ann"')
    },
}


def test_five_percent_of_rows_corrupted_at_random(tmp_path: Path) -> None:
    chance = random.Random(5)
    rows, wrong = records(800), {}
    for place in chance.sample(range(len(rows)), len(rows) // 20):
        rule = chance.choice(sorted(CORRUPTIONS))
        rows[place] = {**rows[place], **CORRUPTIONS[rule](rows[place])}
        wrong[rows[place]["address"], rows[place]["person_seq"], rule] = rule
    table = as_table("patents", rows)
    verdict = judge("patents", table)
    assert set(wrong.values()) == set(CORRUPTIONS) <= _errors(verdict)
    verdict.quarantine(tmp_path / "q.parquet")
    quarantined = pq.read_table(tmp_path / "q.parquet").to_pylist()
    assert set(wrong) <= {(row["address"], row["person_seq"], row["rule"]) for row in quarantined}
