"""People are located by the best way there is, and every row says which, or why not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from gii_pipeline import contracts
from gii_pipeline.errors import InputError
from gii_pipeline.geocoding import (
    Gazetteer,
    Resolver,
    core,
    core_batches,
    core_table,
    geocoding_quality,
    locate,
    locations,
    misses_told,
    pack,
    read_overrides,
    unlocated,
)
from gii_pipeline.geocoding.core import CORE_COLUMNS
from gii_pipeline.geocoding.weighing import Answer
from gii_pipeline.geocoding.written import Written
from gii_pipeline.sources.readers.rows import institution_rows, people_rows
from gii_pipeline_tests.geocoding.people import ROR, outcomes, people


def test_each_way_of_locating_says_so(con: duckdb.DuckDBPyConnection, gazetteer: Gazetteer) -> None:
    institutions = institution_rows(
        con,
        """(VALUES
            ('https://ror.org/a', 'Delft University', 'Delft', NULL, 'NL', 52.0, 4.35, 2757345),
            ('https://ror.org/b', 'CERN', 'Meyrin', NULL, 'CH', 46.2342, 6.0529, NULL),
            ('https://ror.org/c', 'No point', 'Uppsala', NULL, 'SE', NULL, NULL, NULL)
        ) AS t(id, name, city, admin, economy, latitude, longitude, geonameid)""",
        institution_id="id",
        **{name: name for name in ("name", "city", "admin", "economy", "latitude", "longitude", "geonameid")},
    )
    located = locate(
        con,
        people(
            con,
            {"record_id": "point", "latitude": 48.14, "longitude": 11.58, "economy": "DE"},
            {"record_id": "null island", "latitude": 0, "longitude": 0, "city": "Bonn", "economy": "DE"},
            {"record_id": "place", "institution_id": f"{ROR}a", "economy": "NL"},
            {"record_id": "campus", "institution_id": f"{ROR}b", "economy": "CH"},
            {"record_id": "its city", "institution_id": f"{ROR}c", "economy": "SE"},
            {"record_id": "city", "city": "Lyon", "economy": "FRA"},
            {"record_id": "state", "city": "Austin", "admin": "TX", "economy": "USA"},
            {"record_id": "city state", "economy": "SGP", "address": "SGP"},
            {"record_id": "text", "address": "Dept Chem, 1 Main St, D-69120 Heidelberg, Germany"},
            {"record_id": "us text", "address": "77 Mass Ave, Cambridge, MA 02139, USA"},
            {"record_id": "native text", "address": "東京, Japan"},
        ),
        gazetteer,
        institutions,
    )
    assert outcomes(located) == {
        "point": ("Munich", "Bavaria", "DE", "point", "coordinates"),
        "null island": ("Bonn", "North Rhine-Westphalia", "DE", "city", "city"),
        "place": ("Delft", "South Holland", "NL", "city", "institution"),
        "campus": ("Meyrin", "Geneva", "CH", "institution", "institution"),
        "its city": ("Uppsala", "Uppsala", "SE", "city", "institution"),
        "city": ("Lyon", "Auvergne-Rhône-Alpes", "FR", "city", "city"),
        "state": ("Austin", "TX", "US", "city", "city_admin"),
        "city state": ("Singapore", None, "SG", "economy", "city_state"),
        "text": ("Heidelberg", "Baden-Wurttemberg", "DE", "city", "address_text"),
        "us text": ("Cambridge", "MA", "US", "city", "address_text"),
        "native text": ("Tokyo", "Tokyo", "JP", "city", "address_text"),
    }


def test_each_reason_for_not_locating_says_so(con: duckdb.DuckDBPyConnection, gazetteer: Gazetteer) -> None:
    located = locate(
        con,
        people(
            con,
            {"record_id": "nobody", "person_seq": 0, "people": 0},
            {"record_id": "nothing", "economy": "FR"},
            {"record_id": "institution", "institution_id": f"{ROR}x", "address": "Lost College"},
            {"record_id": "city", "city": "Qqqqq", "economy": "FR", "address": "Qqqqq, FR"},
            {"record_id": "region", "city": "Bavaria", "economy": "DE", "address": "Bavaria, DE"},
            {"record_id": "economy only", "economy": "CHN", "address": "CHN"},
            {"record_id": "no economy", "city": "Springfield", "address": "Springfield"},
            {"record_id": "dropped", "dropped": "retracted", "city": "Lyon", "economy": "FR"},
        ),
        gazetteer,
    )
    rows = outcomes(located)
    assert {record: row[-1] for record, row in rows.items()} == {
        "nobody": "no_people",
        "nothing": "no_address",
        "institution": "unknown_institution",
        "city": "unknown_city",
        "region": "no_city",
        "economy only": "no_city",
        "no economy": "unknown_economy",
        "dropped": "dropped",
    }
    assert [located.filter("location_id IS NOT NULL OR precision IS NOT NULL").count("*").fetchall()] == [[(0,)]]


def test_an_unknown_economy_is_an_outcome_and_a_warning(
    con: duckdb.DuckDBPyConnection, gazetteer: Gazetteer, caplog: pytest.LogCaptureFixture
) -> None:
    rows = people(
        con,
        {"record_id": "r1", "city": "Oz", "economy": "ZQZ"},
        {"record_id": "r2", "city": "Leipzig", "economy": "DT", "latitude": 51.34, "longitude": 12.37},
    )
    found = outcomes(locate(con, rows, gazetteer, source="deals.csv"))
    assert found["r1"] == (None, None, None, None, "unknown_economy")
    assert found["r2"][2:] == ("DE", "point", "coordinates")
    assert "deals.csv: 2 economy codes are unknown" in caplog.text
    assert "'ZQZ' (1 people, e.g. record r1)" in caplog.text
    assert "1 of these people have no coordinates either (50 % of all)" in caplog.text


def test_many_unknown_economies_refuse_a_table_above_the_share_that_is_set(
    con: duckdb.DuckDBPyConnection, gazetteer: Gazetteer
) -> None:
    known = [{"record_id": f"k{nth}", "city": "Lyon", "economy": "FR"} for nth in range(30)]
    unknown = [{"record_id": f"u{nth}", "city": "Oz", "economy": "ZQZ"} for nth in range(10)]
    rows = people(con, *known, *unknown)
    with pytest.raises(InputError, match=r"1 economy codes .*'ZQZ' \(10 people, e.g. record u0\).*The limit is 24 %"):
        locate(con, rows, gazetteer, source="deals.csv", unknown_economies_pct=24)
    assert outcomes(locate(con, rows, gazetteer, unknown_economies_pct=26))["u0"][-1] == "unknown_economy"


def test_an_overrides_file_says_that_a_code_stands_for_no_economy(
    con: duckdb.DuckDBPyConnection, gazetteer: Gazetteer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "overrides.csv"
    path.write_text("address,economy\nXX,\n", encoding="utf-8")
    rows = people(con, *({"record_id": f"r{nth}", "city": "Oz", "economy": "XX"} for nth in range(20)))
    found = outcomes(locate(con, rows, gazetteer, overrides=read_overrides(path)))
    assert {row[-1] for row in found.values()} == {"unknown_economy"}
    assert not caplog.text


def test_an_overrides_file_places_an_address_and_explains_a_code(
    con: duckdb.DuckDBPyConnection, gazetteer: Gazetteer, tmp_path: Path
) -> None:
    path = tmp_path / "overrides.csv"
    path.write_text(
        "address,latitude,longitude,geonameid,economy,note\n"
        '"Emerald City, ZQZ",53.35,-6.26,,,by hand\n'
        '"Home of Delft blue",,,2757345,,\n'
        "ZQZ,,,,IE,\n",
        encoding="utf-8",
    )
    located = locate(
        con,
        people(
            con,
            {"record_id": "point", "city": "Emerald City", "economy": "ZQZ", "address": "emerald  city, ZQZ"},
            {"record_id": "place", "address": "Home of Delft Blue"},
            {"record_id": "code", "city": "Cork", "economy": "ZQZ", "address": "Cork"},
        ),
        gazetteer,
        overrides=read_overrides(path),
    )
    assert outcomes(located) == {
        "point": ("Dublin", "Leinster", "IE", "point", "override"),
        "place": ("Delft", "South Holland", "NL", "city", "override"),
        "code": ("Cork", "Munster", "IE", "city", "city"),
    }


def test_overrides_that_no_address_needs_move_nobody(
    con: duckdb.DuckDBPyConnection, gazetteer: Gazetteer, tmp_path: Path
) -> None:
    path = tmp_path / "overrides.csv"
    path.write_text("address,economy\nXX,\n", encoding="utf-8")
    rows = people(
        con,
        {"record_id": "r", "city": "Cork", "economy": "IE", "address": "Cork, IE"},
        {"record_id": "none", "economy": "XX", "address": "XX"},
    )
    found = outcomes(locate(con, rows, gazetteer, overrides=read_overrides(path)))
    assert found["r"] == ("Cork", "Munster", "IE", "city", "city")
    assert found["none"][-1] == "unknown_economy"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("place,latitude\nx,1\n", "it needs address"),
        ("address,latitude,longitude\nx,91,0\n", "line 2: give latitude"),
        ("address,geonameid\nx,1\nX.,2\n", "appears twice"),
    ],
)
def test_an_overrides_file_that_is_wrong_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "overrides.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_overrides(path)


def test_unlocated_addresses_are_listed_by_the_people_they_cost(
    con: duckdb.DuckDBPyConnection, gazetteer: Gazetteer
) -> None:
    rows = [
        {"record_id": f"r{nth}", "city": city, "economy": "FR", "address": city}
        for nth, city in enumerate(["Qqqqq", "Zzzzz", "Zzzzz", "Zzzzz", "Lyon"])
    ]
    core = con.from_arrow(core_table(con, locate(con, people(con, *rows), gazetteer), 2020))
    listed = unlocated(core).to_pandas()
    assert listed[["address", "geocoding", "people", "records", "fraction"]].to_numpy().tolist() == [
        ["Zzzzz", "unknown_city", 3, 3, 3.0],
        ["Qqqqq", "unknown_city", 1, 1, 1.0],
    ]
    assert misses_told("patents", 2020, unlocated(core).to_pylist()) == (
        "patents 2020, most frequent addresses without a location: "
        "'Zzzzz' (unknown_city, 3 people); 'Qqqqq' (unknown_city, 1 people)"
    )
    assert misses_told("patents", 2020, []) is None


@pytest.fixture
def located(con: duckdb.DuckDBPyConnection, gazetteer: Gazetteer) -> duckdb.DuckDBPyRelation:
    """Two people, one with three addresses of which two are in one city; and records that do not count in 2020."""
    third = {"record_id": "w", "people": 2, "fraction": 1 / 6, "person_seq": 1}
    rows = people(
        con,
        {**third, "address_seq": 1, "city": "Lyon", "economy": "FR", "address": "first"},
        {**third, "address_seq": 2, "city": "Qqqqq", "economy": "FR", "address": "second"},
        {**third, "address_seq": 3, "city": "Lyon", "economy": "FR", "address": "third"},
        {"record_id": "w", "people": 2, "fraction": 0.5, "person_seq": 2, "city": "Lyon", "economy": "FR"},
        {"record_id": "gone", "dropped": "retracted"},
        {"record_id": "other year", "year": 2019, "city": "Lyon", "economy": "FR"},
        {"record_id": "no year", "year": None, "city": "Lyon", "economy": "FR"},
    )
    return locate(con, rows, gazetteer)


def test_a_persons_addresses_at_one_location_are_one_row(
    con: duckdb.DuckDBPyConnection, located: duckdb.DuckDBPyRelation
) -> None:
    table = core_table(con, located, 2020)
    rows = table.select(["person_seq", "location_seq", "fraction", "first_at_location", "address"]).to_pandas()
    assert rows.iloc[:, :2].to_numpy().tolist() == [[1, 1], [1, 2], [2, 1]]
    assert rows["fraction"].round(12).tolist() == [round(1 / 3, 12), round(1 / 6, 12), 0.5]
    assert rows["first_at_location"].tolist() == [True, True, False]
    assert rows["address"].tolist()[:2] == ["first", "second"]
    assert table.schema.equals(contracts.load("patents").arrow_schema)


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 1000])
def test_the_first_row_of_a_record_at_a_location_is_told_across_batches(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    columns = ", ".join(
        f"{name if name in {'record_id', 'person_seq', 'location_seq', 'location_id'} else 'NULL'}::{kind} AS {name}"
        for name, kind in CORE_COLUMNS.items()
        if name != "first_at_location"
    )
    rows = con.sql(
        "SELECT ('r' || hash(n) % 40) AS record_id, "
        "row_number() OVER (PARTITION BY record_id ORDER BY n) AS person_seq, 1 AS location_seq, "
        "nullif(hash(n + 1) % 4, 0) AS location_id FROM range(200) AS numbers(n)"
    ).order("record_id, person_seq")
    monkeypatch.setattr(core, "BATCH_ROWS", batch_rows)
    found = con.from_arrow(pa.Table.from_batches(core_batches(rows.select(columns))))
    by_window = (
        "first_at_location = (1 = row_number() OVER (PARTITION BY record_id, location_id ORDER BY person_seq)) "
        "AS same, first_at_location AS first"
    )
    assert found.select(by_window).aggregate("count(*), bool_and(same), bool_or(NOT first)").fetchall() == [
        (200, True, True)
    ]


def test_a_persons_organisations_at_one_location_share_the_person(
    con: duckdb.DuckDBPyConnection, gazetteer: Gazetteer
) -> None:
    def of(name: str | None) -> str:
        return f"[{{id: NULL, name: '{name}', economy: 'FR', kind: 'organisation', weight: 1}}]" if name else "NULL"

    parts = [("Lyon", "A", 1), ("Qqqqq", "B", 2), ("Lyon", "C", 3), ("Lyon", None, 4)]
    rows = [
        people_rows(
            con,
            "(SELECT 1)",
            record_id="'w'", year="2020", record_type="'article'", address_seq=str(nth), fraction="0.25",
            city=f"'{city}'", economy="'FR'", organisations=of(name), fields="[{name: 'Optics', weight: 1}]",
        )
        for city, name, nth in parts
    ]  # fmt: skip
    relation = rows[0].union(rows[1]).union(rows[2]).union(rows[3])
    table = core_table(con, locate(con, relation, gazetteer), 2020).to_pylist()
    shared = [[(o["name"], round(o["weight"], 12)) for o in json.loads(row["organisations"])] for row in table]
    assert shared == [[("A", round(1 / 3, 12)), ("C", round(1 / 3, 12))], [("B", 1.0)]]
    assert [json.loads(row["fields"]) for row in table] == [[{"name": "Optics", "weight": 1.0}]] * 2


def test_quality_adds_up_to_the_records_and_counts_what_was_dropped(
    con: duckdb.DuckDBPyConnection, located: duckdb.DuckDBPyRelation
) -> None:
    quality = geocoding_quality(con, "pct_applications", located, 2020)
    assert quality.schema.equals(contracts.load("geocoding_quality").arrow_schema)
    rows = quality.to_pandas().set_index(["status", "outcome", "economy", "precision"])
    assert rows["fraction"].round(9).to_dict() == {
        ("dropped", "retracted", "XX", "none"): 1.0,
        ("located", "city", "FR", "city"): round(5 / 6, 9),
        ("unlocated", "unknown_city", "FR", "none"): round(1 / 6, 9),
    }
    assert rows["share_pct"].sum() == pytest.approx(100)


def test_locations_are_unpacked_and_counted(
    con: duckdb.DuckDBPyConnection, located: duckdb.DuckDBPyRelation, gazetteer: Gazetteer
) -> None:
    core = con.from_arrow(core_table(con, located, 2020))
    table = locations(con, [core, core], 2020)
    assert table.schema.equals(contracts.load("locations").arrow_schema)
    [lyon] = table.to_pylist()
    assert (lyon["place"], lyon["method"], lyon["people"]) == ("Lyon", "city", 4)
    assert pack([lyon["latitude"]], [lyon["longitude"]])[0] == lyon["location_id"]


def test_a_file_that_breaks_while_it_is_read_is_an_input_error(
    con: duckdb.DuckDBPyConnection, gazetteer: Gazetteer, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    path.write_text("a\n1\n2\nx\n", encoding="utf-8")
    rows = people_rows(
        con,
        f"read_csv('{path}', columns = {{'a': 'INTEGER'}}, header = true, auto_detect = false)",
        record_id="a",
    )
    with pytest.raises(InputError, match=r"people.csv cannot be read"):
        locate(con, rows, gazetteer, source="people.csv")


def test_distinct_addresses_are_looked_up_once(
    con: duckdb.DuckDBPyConnection, gazetteer: Gazetteer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    resolve = Resolver.resolve

    def counted(resolver: Resolver, addresses: Sequence[Written]) -> list[Answer]:
        asked.append(len(addresses))
        return resolve(resolver, addresses)

    monkeypatch.setattr(Resolver, "resolve", counted)
    many = people_rows(
        con,
        "(SELECT range AS n FROM range(100000))",
        record_id="n",
        year="2020",
        record_type="'pct'",
        person_seq="1",
        people="1",
        fraction="1",
        city="CASE WHEN n % 2 = 0 THEN 'Lyon' ELSE 'Paris' END",
        economy="'FR'",
    )
    table = core_table(con, locate(con, many, gazetteer), 2020)
    assert table.num_rows == 100_000
    assert sum(asked) == 2
    assert isinstance(table, pa.Table)
