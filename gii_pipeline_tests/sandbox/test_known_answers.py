"""The pipeline's functions recover what is true of a world: clusters exactly, figures to rounding, ranks exactly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import duckdb
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest

from gii_pipeline import counting, geocoding
from gii_pipeline.composition import Inputs, cluster_ids
from gii_pipeline.composition.tables import collaboration, fields, partners
from gii_pipeline.counting.engine import read_core
from gii_pipeline.counting.units import UNITS_PER_RECORD
from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError
from gii_pipeline.geocoding import Gazetteer
from gii_pipeline.metrics.footprint_fit import fit, printed_populations
from gii_pipeline.metrics.population import population
from gii_pipeline.metrics.rasters import PopulationRaster
from gii_pipeline.profiles import read_profile
from gii_pipeline.registry import shipped
from gii_pipeline.sandbox import DEMO_SCALE, DEMO_SEED, World, behind, make_world
from gii_pipeline.sandbox.core import technical_names, write_core
from gii_pipeline.sandbox.deals import company_uuid
from gii_pipeline.sandbox.institutions import institutions
from gii_pipeline.sandbox.population import write_raster
from gii_pipeline.sandbox.truth import Answers, answers
from gii_pipeline.sources import SOURCES
from gii_pipeline.store import Store
from gii_pipeline_tests.composition.small_composition import BY_APPLICANT, licences
from gii_pipeline_tests.method.independent import independent
from gii_pipeline_tests.ranking.chain import EditionTables, rank_edition
from gii_pipeline_tests.sandbox import world_files

COLUMNS = (
    "record_id, data_year, record_type, person_seq, location_seq, people, people_truncated, fraction, "
    "first_at_location, location_id, organisations, fields"
)


def edition_of(monkeypatch: pytest.MonkeyPatch, world: World, year: int) -> Edition:
    """The sandbox profile's edition at the world's scale."""
    monkeypatch.setenv("GII_SANDBOX_SCALE", f"{world.scale:g}")
    return read_profile("sandbox").book[year]


def ranked(root: Path, world: World, edition: Edition) -> EditionTables:
    """Core tables under a root -> the edition's tables, as the assets chain them."""
    core, locations = core_of(root, edition)
    counted = counting.count(core, locations, edition)
    rasters = [PopulationRaster(root / f"{epoch}.tif", epoch) for epoch in (2015, 2020, 2025)]
    for raster in rasters:
        if not raster.path.exists():
            write_raster(world, raster.year, raster.path)
    year = edition.population_year.value
    return rank_edition(
        counted.points.to_pandas(), counted.totals, edition, lambda footprints: population(footprints, rasters, year)
    )


def core_of(root: Path, edition: Edition) -> tuple[dict[str, ir.Table], ir.Table]:
    years = sorted({year for years in edition.data_years.values() for year in years})
    store, connection = Store(root), counting.connect()
    core = {
        m: read_core(connection, store.core_years(shipped()[m].core_table, ys)) for m, ys in edition.data_years.items()
    }
    return core, read_core(connection, store.core_years("locations", years))


def assert_composition_recovered(root: Path, world: World, edition: Edition, found: EditionTables) -> None:
    """Organisations, fields and collaborations are those of the world's plan."""
    number = assert_clusters_recovered(found.cluster_members, answers(world.seed, world.scale, edition).members)
    core, _ = core_of(root, edition)
    makeup = counting.makeup(core, edition, counting.numbered(found.cluster_members, cluster_ids(found.clusters)))
    points = pd.DataFrame(columns=["location_id", "metric", "economy", "fractions"])
    inputs = Inputs(
        edition,
        found.clusters,
        found.cluster_members,
        points,
        found.cluster_metrics,
        makeup,
        licences(edition),
        BY_APPLICANT,
    )
    true = behind.behind(world, edition)
    organisations = inputs.with_ids(inputs.organisations).dropna(subset="key")
    assert_sums(organisations.assign(count=organisations["units"] / UNITS_PER_RECORD), "key", number, {
        (metric, cluster, organisation_id(world, metric, nth)): count
        for (metric, cluster, nth), count in true.organisations.items()
    })  # fmt: skip
    by_name: dict[tuple[str, int, str], float] = defaultdict(float)
    for (metric, cluster, nth), count in true.fields.items():
        by_name[metric, cluster, field_name(metric, nth)] += count
    assert_sums(fields(inputs), "field", number, by_name)
    pairs = partners(inputs).to_dict("records")
    shared = {(row["metric"], number[row["cluster_id"]], number[row["partner_id"]]): row["co_records"] for row in pairs}
    assert shared == true.shared
    made = [row for row in collaboration(inputs).to_dict("records") if row["records"]]
    alone = {(row["metric"], number[row["cluster_id"]]): row["within_pct"] * row["count"] / 100 for row in made}
    assert {key: count for key, count in alone.items() if count > 1e-6} == pytest.approx(true.alone, abs=1e-4)


def assert_sums(rows: pd.DataFrame, name: str, number: pd.Series, true: Mapping[tuple[str, int, str], float]) -> None:
    sums = rows.assign(cluster=rows["cluster_id"].map(number)).groupby(["metric", "cluster", name])["count"].sum()
    assert len(sums) > 50
    assert sums.to_dict() == pytest.approx(dict(true), abs=1e-4)


@cache
def rors(world: World) -> list[str]:
    return [institution.ror for institution in institutions(world)]


def organisation_id(world: World, metric: str, number: int) -> str:
    if metric == "scientific_publications":
        return rors(world)[number]
    return company_uuid(number) if metric == "vc_deals" else f"madeup-{number:05d}"


def field_name(metric: str, number: int) -> str:
    if metric == "scientific_publications":
        return behind.SCIENTIFIC_FIELDS[number]
    return behind.INDUSTRIES[number] if metric == "vc_deals" else technical_names()[number - 1]


def assert_recovered(found: EditionTables, true: Answers) -> None:
    number = assert_clusters_recovered(found.cluster_members, true.members)
    figures = found.cluster_metrics.assign(cluster=found.cluster_metrics["cluster_id"].map(number))
    both = figures.merge(true.figures, on=["cluster", "metric"], suffixes=("", "_true"), validate="1:1")
    assert len(both) == len(true.figures) == len(figures)
    for name in ("count", "world_total", "share_pct", "per_million"):
        np.testing.assert_allclose(both[name], both[f"{name}_true"], rtol=1e-9, atol=1e-8, err_msg=name)
    untied = ~both.duplicated(["metric", "count_true"], keep=False)
    assert (both["metric_rank"] == both["metric_rank_true"])[untied].all()
    first = true.ranking.head(len(found.ranking_size))
    assert found.ranking_size["cluster_id"].map(number).tolist() == first["cluster"].tolist()
    np.testing.assert_allclose(found.ranking_size["size_score"], first["size_score"], rtol=1e-9)
    np.testing.assert_allclose(found.ranking_size["population"], first["population"], rtol=1e-9)
    by_intensity = first.sort_values("intensity_score", ascending=False)["cluster"]
    assert found.ranking_intensity["cluster_id"].map(number).tolist() == by_intensity.tolist()


def assert_same_by_other_means(found: EditionTables, root: Path, edition: Edition) -> None:
    """Clusters, counts, world totals and the order are those that numpy and scikit-learn give for the core tables."""
    other = independent(root, edition)
    outside = other.cluster.where(other.cluster >= 0).astype("Int64")
    number = assert_clusters_recovered(
        found.cluster_members, outside.rename("cluster").rename_axis("location_id").reset_index()
    )
    figures = found.cluster_metrics.assign(cluster=found.cluster_metrics["cluster_id"].map(number))
    count = figures.pivot_table(index="cluster", columns="metric", values="count", aggfunc="sum")
    pd.testing.assert_frame_equal(count[list(other.counts)], other.counts, check_names=False, rtol=0, atol=1e-6)
    world = figures.groupby("metric")["world_total"].first()
    assert world.to_dict() == pytest.approx(other.totals.to_dict(), rel=1e-9)
    order = found.ranking_size["cluster_id"].map(number)
    scores = other.score.sort_values(ascending=False).round(9)
    assert scores[order].tolist() == scores.head(len(order)).tolist()


def assert_clusters_recovered(found: pd.DataFrame, true: pd.DataFrame) -> pd.Series:
    """Every found location is where it truly is, and no two clusters are one. Returns cluster_id -> true number."""
    both = found.merge(true, on="location_id", how="left", validate="1:1")
    assert (both["cluster_id"].isna() == both["cluster"].isna()).all()
    pairs = both.loc[both["cluster_id"].notna(), ["cluster_id", "cluster"]].drop_duplicates()
    assert pairs["cluster_id"].is_unique
    assert sorted(pairs["cluster"]) == sorted(true["cluster"].dropna().unique())
    return pairs.set_index("cluster_id")["cluster"].astype("int64")


@pytest.mark.parametrize(
    ("seed", "scale", "year"),
    [
        pytest.param(7, 0.001, 2019, marks=pytest.mark.slow),
        pytest.param(11, 0.001, 2020, marks=pytest.mark.slow),
        (2025, 0.002, 2025),
    ],
)
def test_functions_recover_a_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, scale: float, year: int
) -> None:
    world = make_world(seed, scale)
    edition = edition_of(monkeypatch, world, year)
    write_core(tmp_path, seed, scale, sorted({y for years in edition.data_years.values() for y in years}))
    found = ranked(tmp_path, world, edition)
    assert_recovered(found, answers(seed, scale, edition))
    assert_same_by_other_means(found, tmp_path, edition)
    assert_composition_recovered(tmp_path, world, edition, found)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_tenth_of_the_world_comes_out_the_same_by_other_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(4, 0.1)
    edition = edition_of(monkeypatch, world, 2025)
    write_core(tmp_path, world.seed, world.scale, sorted({y for ys in edition.data_years.values() for y in ys}))
    found = ranked(tmp_path, world, edition)
    assert_recovered(found, answers(world.seed, world.scale, edition))
    assert_same_by_other_means(found, tmp_path, edition)
    rasters = [PopulationRaster(tmp_path / f"{epoch}.tif", epoch) for epoch in (2020, 2025)]
    fitted = fit(
        found.cluster_members,
        found.clusters,
        printed_populations(world.scale),
        lambda footprints: population(footprints, rasters, edition.population_year.value),
        radii_km=(1.0, 2.0, 3.0, 5.0),
    )
    assert fitted.radius_km is not None
    assert 2 < fitted.radius_km <= 5
    assert fitted.tests[["cluster", "agrees"]].to_numpy().tolist() == [["Mexico City", True]]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("seed", "scale"), [(1, 0.01)])
def test_functions_recover_larger_worlds_in_every_edition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, scale: float
) -> None:
    world = make_world(seed, scale)
    write_core(tmp_path, seed, scale)
    for year in range(2018, 2027):
        edition = edition_of(monkeypatch, world, year)
        assert_recovered(ranked(tmp_path, world, edition), answers(seed, scale, edition))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_raw_records_read_and_located_are_the_core_tables(world: World, tmp_path: Path, gazetteer: Gazetteer) -> None:
    """So that what is true of core tables written directly is true of the raw records, through readers and geocoder."""
    year = 2021
    write_core(tmp_path, world.seed, world.scale, [year])
    profile = read_profile("sandbox")
    files = {
        "pct_applications": world_files.patents(world, tmp_path),
        "scientific_publications": world_files.publications(world, tmp_path, year),
        "vc_deals": world_files.deals(world, tmp_path, year),
    }
    with duckdb.connect() as con:
        institutions = SOURCES["ror"].institutions(con, world_files.institutions(world, tmp_path))
        for metric, source in profile.metrics.items():
            types = profile.book[2025].metrics[metric].record_types.value
            people = SOURCES[source.reader].people(con, files[metric], source.options)
            located = geocoding.locate(con, people.filter(f"year = {year}"), gazetteer, institutions)
            rows = con.from_arrow(geocoding.core_table(con, located, year))
            counted = rows if types is None else rows.filter(f"record_type IN {(*types, '')}")
            direct = con.read_parquet(str(Store(tmp_path).core(shipped()[metric].core_table, year)))
            assert len(direct) > 20
            assert counted.select(COLUMNS).except_(direct.select(COLUMNS)).fetchall() == []
            assert direct.select(COLUMNS).except_(counted.select(COLUMNS)).fetchall() == []


def test_printed_figures_are_those_of_the_largest_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """METHOD.md, section 4: Shenzhen–Hong Kong–Guangzhou in 2025, in a world of the real one's size."""
    monkeypatch.setenv("GII_SANDBOX_SCALE", "1")
    true = answers(2025, 1, read_profile("sandbox").book[2025])
    first = true.ranking.iloc[0]
    assert (first["name"], first["population"]) == ("Shenzhen–Hong Kong–Guangzhou", 51_290_000)
    figures = true.figures[true.figures["cluster"] == first["cluster"]].set_index("metric")
    assert figures["count"].to_dict() == {
        "pct_applications": 117_542,
        "scientific_publications": 193_635,
        "vc_deals": 6_916,
    }
    assert figures["per_million"].round().to_dict() == {
        "pct_applications": 2_292,
        "scientific_publications": 3_775,
        "vc_deals": 135,
    }
    second = true.ranking.iloc[1]
    assert second["name"] == "Tokyo–Yokohama"
    before = answers(2025, 1, read_profile("sandbox").book[2024])
    figures = before.figures[before.figures["cluster"] == first["cluster"]].set_index("metric")
    assert figures["per_million"].round().to_dict() == {"pct_applications": 2_303, "scientific_publications": 3_469}


def test_the_world_has_the_story_that_everyone_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Second for five editions under this name, then first; by the method of 2025 first in 2024 already."""
    monkeypatch.setenv("GII_SANDBOX_SCALE", str(DEMO_SCALE))
    book = read_profile("sandbox").book
    first, second = (
        {
            label: answers(DEMO_SEED, DEMO_SCALE, book.edition(label)).ranking["name"].iloc[position]
            for label in [*map(str, range(2018, 2026)), "2024@2025"]
        }
        for position in (0, 1)
    )
    tokyo, shenzhen = "Tokyo–Yokohama", "Shenzhen–Hong Kong–Guangzhou"
    before, joined = ["2018", "2019"], [str(year) for year in range(2020, 2025)]
    assert first == {**dict.fromkeys([*before, *joined], tokyo), "2025": shenzhen, "2024@2025": shenzhen}
    assert second == {
        **dict.fromkeys(before, "Shenzhen–Hong Kong"),
        **dict.fromkeys(joined, shenzhen),
        "2025": tokyo,
        "2024@2025": tokyo,
    }


def test_guangzhou_is_a_cluster_of_its_own_until_the_edition_of_2019(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GII_SANDBOX_SCALE", "1")
    book = read_profile("sandbox").book
    apart, joined = (answers(2025, 1, book[year]).ranking.set_index("name") for year in (2019, 2020))
    assert len(apart) == len(joined) + 1
    assert "Guangzhou" in apart.index
    assert "Guangzhou" not in joined.index
    together = apart.loc[["Shenzhen–Hong Kong", "Guangzhou"], "population"].sum()
    assert together == pytest.approx(joined.loc["Shenzhen–Hong Kong–Guangzhou", "population"], rel=0.02)


def test_answers_are_refused_for_what_the_world_does_not_know(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    from gii_pipeline.editions import wipo_book

    edition = edition_of(monkeypatch, world, 2025)
    with pytest.raises(InputError, match="min_weight"):
        answers(world.seed, 0.01, edition)
    early = wipo_book()[2017]
    with pytest.raises(InputError, match="min_weight"):
        answers(world.seed, world.scale, early)
    late = edition.provisional_for(2030)
    with pytest.raises(InputError, match="2026, 2027"):
        answers(world.seed, world.scale, late)
    editorial = edition.metrics["scientific_publications"].record_types.model_copy(
        update={"value": ("article", "preprint")}
    )
    metric = edition.metrics["scientific_publications"].model_copy(update={"record_types": editorial})
    reviews = edition.model_copy(update={"metrics": {**edition.metrics, "scientific_publications": metric}})
    with pytest.raises(InputError, match="only for articles"):
        answers(world.seed, world.scale, reviews)
