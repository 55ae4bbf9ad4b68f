"""The parts of a cluster add up to its count, and each goes to who made it."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from gii_pipeline import contracts
from gii_pipeline.composition.organisations import read_names
from gii_pipeline.counting import connect
from gii_pipeline.errors import InputError
from gii_pipeline.store import COMPOSITION_TABLES
from gii_pipeline_tests.composition.small_composition import (
    CLUSTERS,
    EDITION,
    TOWNS,
    Made,
    Person,
    Record,
    field,
    org,
    random_world,
    years_of,
)
from gii_pipeline_tests.ranking.contracted import typed

PCT = "pct_applications"
ARTICLES = "scientific_publications"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("composition"), random_world())


def few(tmp_path: Path, records: list[Record], metric: str = PCT, names: pd.DataFrame | None = None) -> Made:
    """Some records of one metric; the others have one each, far from all clusters."""
    rest: dict[str, list[Record]] = {
        name: [(name, years_of(name)[0], [("Guéret", None)], None)] for name in EDITION.metrics
    }
    return Made(tmp_path, {**rest, metric: records}, names)


def rows(made: Made, table: str, cluster: str = "C1", metric: str = PCT) -> pd.DataFrame:
    found = made.tables[table]
    return found[(found["cluster_id"] == cluster) & (found["metric"] == metric)]


@pytest.mark.parametrize("table", COMPOSITION_TABLES)
def test_every_table_keeps_its_contract(made: Made, table: str) -> None:
    assert broken_rules(made, table) == []
    assert len(made.tables[table]) >= 4


def broken_rules(made: Made, table: str, rows: pd.DataFrame | None = None) -> list[str]:
    """The rules that a table breaks; rows: in place of those made."""
    verdict = contracts.validate(
        typed(table, made.tables[table] if rows is None else rows),
        contracts.load(table),
        references={"clusters": contracts_clusters(), "cluster_metrics": typed("cluster_metrics", made.figures)},
        parameters={"edition": EDITION.edition, "method": EDITION.method},
        partition=EDITION.label,
    )
    return [result.rule for result in verdict.results if result.status != "passed"]


def contracts_clusters() -> pa.Table:
    return pa.Table.from_pandas(CLUSTERS)


@pytest.mark.parametrize(("table", "column"), [("leaders", "count"), ("fields", "count"), ("origin", "share_pct")])
def test_a_part_that_is_lost_breaks_the_contract(made: Made, table: str, column: str) -> None:
    lost = made.tables[table].assign(**{column: made.tables[table][column] * 0.9})
    verdict = contracts.validate(
        typed(table, lost),
        contracts.load(table),
        references={"clusters": contracts_clusters(), "cluster_metrics": typed("cluster_metrics", made.figures)},
        parameters={"edition": EDITION.edition, "method": EDITION.method},
        partition=EDITION.label,
    )
    assert {"parts_add_up_to_the_count", "shares_of_a_cluster_add_up_to_100"} & {each.rule for each in verdict.errors}


def test_records_are_made_with_whom_they_name(made: Made) -> None:
    """Every record by itself, as a person would count."""
    shares: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    pairs: dict[tuple[str, str, str], int] = defaultdict(int)
    cluster_at = {at: cluster for at, _, cluster in TOWNS.values()}
    for metric, core in made.core.items():
        for _, record in core.groupby("record_id"):
            clusters = [cluster_at[at] if not pd.isna(at) else "?" for at in record["location_id"]]
            inside = {str(each) for each in clusters if each not in (None, "?")}
            elsewhere = "outside" if None in clusters else "unlocated" if "?" in clusters else "within"
            way = "clusters" if len(inside) > 1 else elsewhere
            economies = set(record["economy"].dropna())
            for cluster in inside:
                part = clusters.count(cluster) / len(clusters)
                shares[cluster, metric]["count"] += part
                shares[cluster, metric]["records"] += 1
                shares[cluster, metric][way] += part
                shares[cluster, metric]["economies"] += part * (len(economies) > 1)
            for a in inside:
                for b in inside - {a}:
                    pairs[a, metric, b] += 1
    for row in made.tables["collaboration"].to_dict("records"):
        expected = shares[row["cluster_id"], row["metric"]]
        assert row["records"] == expected["records"]
        assert row["count"] == pytest.approx(expected["count"])
        for way in ("within", "clusters", "outside", "unlocated", "economies"):
            assert row[f"{way}_pct"] == pytest.approx(100 * expected[way] / expected["count"])
    found = made.tables["partners"].set_index(["cluster_id", "metric", "partner_id"])["co_records"].to_dict()
    assert found == pairs


def test_fields_and_organisations_are_split_as_the_records_say(made: Made) -> None:
    inside = made.core[PCT].assign(
        cluster=made.core[PCT]["location_id"].map({at: cluster for at, _, cluster in TOWNS.values()})
    )
    expected: dict[tuple[str, str], float] = defaultdict(float)
    for row in inside[inside["cluster"].notna()].to_dict("records"):
        for each in json.loads(row["fields"]) if isinstance(row["fields"], str) else [{"name": "", "weight": 1}]:
            expected[str(row["cluster"]), str(each["name"])] += row["fraction"] * each["weight"]
    table = made.tables["fields"]
    table = table[table["metric"] == PCT]
    found = {(row["cluster_id"], row["field"]): row["count"] for row in table.to_dict("records")}
    assert found == pytest.approx(dict(expected), abs=1e-5)
    leaders = rows(made, "leaders")
    assert leaders[leaders["kind"] == "organisation"]["organisation"].isin(["Alpha Ltd", "ALPHA LTD."]).sum() == 1
    assert set(leaders["kind"]) == {"organisation", "individuals", "unknown"}


def test_a_field_is_special_where_it_has_more_of_the_cluster_than_of_the_world(tmp_path: Path) -> None:
    year = years_of(PCT)[0]
    towns = {"Paris": [field("Optics")], "Basel": [field("Chemistry")], "Guéret": [field("Chemistry")]}
    made = few(tmp_path, [(town, year, [(town, None)], fields) for town, fields in towns.items()])
    [optics] = rows(made, "fields").to_dict("records")
    assert (optics["field"], optics["share_pct"], optics["specialisation"]) == ("Optics", 100, pytest.approx(3))
    [chemistry] = rows(made, "fields", "C2").to_dict("records")
    assert chemistry["specialisation"] == pytest.approx(1.5)


def test_growth_is_the_mean_of_the_years_steps(tmp_path: Path) -> None:
    years = years_of(PCT)
    records: list[Record] = [
        (f"{year}-{n}", year, [("Paris", None)], None) for nth, year in enumerate(years) for n in range(2**nth)
    ]
    by_year = rows(few(tmp_path, records), "metrics_by_year")
    assert by_year["count"].tolist() == [1, 2, 4, 8, 16]
    assert by_year["growth_pct"].tolist() == pytest.approx([100] * 5)
    assert by_year["share_pct"].tolist() == pytest.approx([100] * 5)


def test_an_applicant_sits_where_most_of_what_it_applies_for_is_invented(tmp_path: Path) -> None:
    year = years_of(PCT)[0]
    alpha, roche = [org("Alpha Ltd")], [org("Roche AG", economy="CH")]
    people: dict[str, list[list[dict[str, Any]] | None]] = {
        "Paris": [alpha, alpha, alpha, roche, [org(None)], None],
        "Basel": [roche, roche],
        "Mulhouse": [alpha],
    }
    records: list[Record] = [
        (f"{town}{nth}", year, [(town, each)], None)
        for town, applicants in people.items()
        for nth, each in enumerate(applicants)
    ]
    made = few(tmp_path, records)
    assert rows(made, "origin").set_index("origin")["count"].to_dict() == {
        "cluster": 3, "abroad": 1, "individuals": 1, "unknown": 1,
    }  # fmt: skip
    assert rows(made, "origin", "C2").set_index("origin")["count"].to_dict() == {"cluster": 2, "economy": 1}


def test_few_records_name_nobody_and_natural_persons_are_never_named(tmp_path: Path) -> None:
    year = years_of(PCT)[0]
    applicants: list[list[dict[str, Any]] | None] = [*[[org("Alpha Ltd")]] * 3, *[[org("Beta SA")]] * 2, [org(None)]]
    made = few(tmp_path, [(str(nth), year, [("Paris", each)], None) for nth, each in enumerate(applicants)])
    leaders = rows(made, "leaders").set_index("kind")
    assert leaders["organisation"].to_dict() == {
        "organisation": "Alpha Ltd",
        "other_organisations": "",
        "individuals": "",
    }
    assert leaders["count"].to_dict() == {"organisation": 3, "other_organisations": 2, "individuals": 1}


def test_what_is_mostly_unknown_says_so(tmp_path: Path) -> None:
    year = years_of(PCT)[0]
    known: list[Record] = [(str(n), year, [("Paris", [org("Alpha Ltd")])], [field("Optics")]) for n in range(3)]
    unknown: list[Record] = [(f"u{n}", year, [("Paris", None)], None) for n in range(3)]
    made = few(tmp_path, known + unknown)
    for table in ("leaders", "fields", "origin"):
        assert rows(made, table)["known_pct"].unique().tolist() == [50]
        assert not rows(made, table)["is_known"].any()
    enough = few(tmp_path, known + unknown[:2])
    assert rows(enough, "leaders")["is_known"].all()


def test_one_organisation_is_one_row_however_it_is_written(tmp_path: Path) -> None:
    year = years_of(ARTICLES)[0]
    ror = "https://ror.org/05f0yaq80"
    written = [
        org("Université de Lyon", id_=ror), org("University of Lyon", id_=ror), org("UNIVERSITE DE LYON"),
        org("Alpha Co., Ltd."), org("ALPHA"), org("Alpha GmbH"), org("Alpha GmbH"),
    ]  # fmt: skip
    made = few(tmp_path, [(str(n), year, [("Paris", [each])], None) for n, each in enumerate(written)], ARTICLES)
    leaders = rows(made, "leaders", metric=ARTICLES)
    assert leaders[["organisation", "count", "names_seen"]].to_numpy().tolist() == [
        ["Alpha GmbH", 4, "Alpha GmbH; ALPHA; Alpha Co., Ltd."],
        ["UNIVERSITE DE LYON", 3, "UNIVERSITE DE LYON; University of Lyon; Université de Lyon"],
    ]
    assert leaders["organisation_id"].dropna().tolist() == [ror]


def test_a_users_table_of_names_comes_first(tmp_path: Path) -> None:
    year = years_of(PCT)[0]
    table = tmp_path / "names.csv"
    table.write_text("name,organisation\nAlpha Ltd,Alphabeta\nid-of-beta,Alphabeta\n", encoding="utf-8")
    written = [org("ALPHA LTD."), org("Beta SA", id_="id-of-beta"), org("Beta SA", id_="id-of-beta")]
    records: list[Record] = [(str(n), year, [("Paris", [each])], None) for n, each in enumerate(written)]
    leaders = rows(few(tmp_path, records, names=read_names(table)), "leaders")
    assert leaders[["organisation", "count"]].to_numpy().tolist() == [["Alphabeta", 3]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("who,organisation\nA,B\n", "name.*is missing"),
        ("name,organisation\nA,\n", "line 2: the name or the organisation is empty"),
        ("name,organisation\nA Ltd,B\nB,C\na,D\n", "line 4: 'a' is mapped to several organisations: B, D"),
    ],
)
def test_a_table_of_names_that_is_wrong_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "names.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_names(path)


def test_a_source_without_organisations_and_fields_leaves_all_unknown(tmp_path: Path) -> None:
    made = few(tmp_path, [("a", years_of(PCT)[0], [("Paris", None)], None)])
    assert rows(made, "leaders")["kind"].tolist() == ["unknown"]
    assert rows(made, "fields")["field"].tolist() == [""]


def test_an_organisation_is_not_named_where_the_licence_of_its_source_does_not_let_it_be(tmp_path: Path) -> None:
    withheld = Made(tmp_path, random_world(), unnamed=frozenset({PCT}))
    ours = withheld.tables["leaders"]
    closed, others = ours[ours["metric"] == PCT], ours[ours["metric"] != PCT]
    assert set(closed["kind"]) == {"other_organisations", "individuals", "unknown"}
    assert set(closed["organisation"]) == {""}
    assert not closed["may_be_named"].any()
    assert "organisation" in set(others["kind"])
    assert broken_rules(withheld, "leaders") == []
    assert broken_rules(withheld, "leaders", ours.assign(may_be_named=False)) == ["names_follow_the_licence"]


def test_any_metric_whose_entry_says_so_has_applicants(tmp_path: Path) -> None:
    ours = Made(tmp_path, random_world(), by_applicant=frozenset({ARTICLES})).tables["origin"]
    assert set(ours["metric"]) == {ARTICLES}


@pytest.mark.parametrize(
    "organisations",
    [[org("---")], [org("  ")], [{"id": None, "name": None, "economy": None, "kind": "organisation", "weight": 1.0}]],
)
def test_an_organisation_without_a_name_or_identifier_is_unknown(
    tmp_path: Path, organisations: list[dict[str, Any]]
) -> None:
    made = few(tmp_path, [(str(n), years_of(PCT)[0], [("Paris", organisations)], None) for n in range(4)])
    assert rows(made, "leaders")[["kind", "count"]].to_numpy().tolist() == [["unknown", 4]]


@pytest.mark.parametrize(
    "names",
    [
        ["华为技术有限公司", "华为技术 有限公司"],
        ["株式会社日立製作所", "日立製作所"],
        ["삼성전자 주식회사", "삼성전자"],
        ["Яндекс", "ЯНДЕКС"],
        ["جامعة القاهرة", "جامعة  القاهرة"],
        ["มหาวิทยาลัยมหิดล", "มหาวิทยาลัยมหิดล"],
        ["Ωμέγα", "ΩΜΈΓΑ"],
    ],
)
def test_names_in_every_script_are_one_row_and_named(tmp_path: Path, names: list[str]) -> None:
    records: list[Record] = [
        (f"{n}{name}", years_of(PCT)[0], [("Paris", [org(name)])], None) for name in names for n in range(2)
    ]
    [leader] = rows(few(tmp_path, records), "leaders").to_dict("records")
    assert leader["organisation"] in names
    assert leader["count"] == 4


def test_a_paper_of_ten_thousand_authors_adds_up_to_one(tmp_path: Path) -> None:
    towns = [name for name, (_, _, cluster) in TOWNS.items() if cluster]
    people: list[Person] = [(towns[n % len(towns)], [org(f"University {n % 500}")]) for n in range(10_000)]
    made = few(tmp_path, [("W1", years_of(ARTICLES)[0], people, [field("Physics")])], metric=ARTICLES)
    for table in ("leaders", "fields"):
        found = made.tables[table]
        assert found[found["metric"] == ARTICLES]["count"].sum() == pytest.approx(1, abs=1e-4)
    partners = rows(made, "partners", metric=ARTICLES)
    assert partners[["partner_id", "co_records"]].to_numpy().tolist() == [["C2", 1]]


def test_an_economy_has_what_lies_in_clusters_and_what_does_not(made: Made) -> None:
    table = made.tables["economy_totals"]
    france = table[(table["economy"] == "FR") & (table["metric"] == PCT)].iloc[0]
    points = made.points[(made.points["metric"] == PCT) & (made.points["economy"] == "FR")]
    outside = points[points["location_id"] == TOWNS["Guéret"][0]]["fractions"].sum()
    assert france["count"] == pytest.approx(points["fractions"].sum())
    assert france["count"] - france["count_in_clusters"] == pytest.approx(outside)
    assert france["clusters"] == 2


@pytest.mark.slow
def test_spark_composes_what_duckdb_composes(made: Made, tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17: install Debian's package `openjdk-17-jre-headless`")
    connection: Any = connect("spark")
    try:
        spark = Made(tmp_path, random_world(), engine=connection)
        for name, table in made.tables.items():
            pd.testing.assert_frame_equal(spark.tables[name], table)
    finally:
        connection._session.stop()
