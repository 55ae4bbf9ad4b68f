"""A small edition whose tables agree with each other: four clusters of a few places, as the store lays them out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from gii_pipeline import contracts, verified
from gii_pipeline.composition import Inputs, cluster_ids, compose
from gii_pipeline.counting import Makeup, Total, numbered
from gii_pipeline.counting.co_counts import OUTSIDE
from gii_pipeline.counting.makeup import WITHIN
from gii_pipeline.counting.units import UNITS_PER_RECORD, to_units
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.metrics.cluster_metrics import cluster_metrics
from gii_pipeline.metrics.coverage import coverage
from gii_pipeline.ranking import Ours, agreement, contributions, rank_intensity, rank_size, rank_variants
from gii_pipeline.ranking.variants import Ranked, changed
from gii_pipeline.releases import Made, ReleaseInfo, SourceInfo, make_release
from gii_pipeline.releases.series import SERIES_TABLES
from gii_pipeline.store import EDITION_TABLES, LOCK_KEY, Lock, Store, write_parquet
from gii_pipeline.store.lock import Sources
from gii_pipeline_tests.composition.small_composition import BY_APPLICANT, licences

RELEASE_TABLES = (*EDITION_TABLES, *SERIES_TABLES)
SHENZHEN, TOKYO, SINGAPORE, PAULO = "gii-shenzhen", "gii-tokyo", "gii-singapore", "gii-paulo"
NAMES = {
    SHENZHEN: ("Shenzhen–Hong Kong", "CN/HK", 51_290_000.0),
    TOKYO: ("Tokyo–Yokohama", "JP", 38_000_000.0),
    SINGAPORE: ("Singapore", "SG/MY", 8_100_000.0),
    PAULO: ("São Paulo", "BR", 21_000_000.0),
}
PLACES = [
    (22.54, 114.06, "Shenzhen", "Guangdong", "CN", SHENZHEN, "core", 900),
    (22.28, 114.16, "Hong Kong", None, "HK", SHENZHEN, "core", 500),
    (23.13, 113.26, "Guangzhou", "Guangdong", "CN", SHENZHEN, "border", 300),
    (35.68, 139.69, "Tokyo", "Tokyo", "JP", TOKYO, "core", 1000),
    (35.44, 139.64, "Yokohama", "Kanagawa", "JP", TOKYO, "core", 310),
    (1.29, 103.85, "Singapore", None, "SG", SINGAPORE, "core", 420),
    (1.46, 103.76, "Johor Bahru", "Johor", "MY", SINGAPORE, "border", 35),
    (-23.55, -46.64, "São Paulo", "São Paulo", "BR", PAULO, "core", 330),
    (64.15, -21.94, "Reykjavík", None, "IS", None, "noise", 20),
]
METRIC_PARTS = {"pct_applications": 0.4, "scientific_publications": 0.9, "vc_deals": 0.05}
INFO = ReleaseInfo(
    title="Innovation clusters, a small edition for tests",
    sources={
        "openalex": SourceInfo("OpenAlex", "CC0-1.0", "Priem, J. and others (2022). OpenAlex.", "https://openalex.org"),
        "regpat": SourceInfo("OECD REGPAT database", "OECD terms, research use", "OECD, REGPAT database, 2026."),
    },
    made_up=True,
    data_as_of="2026-02-01T00:00:00Z",
)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def noon() -> datetime:
    return NOON


@cache
def info(label: str = "2025") -> ReleaseInfo:
    """What a profile would say of a release of the edition, its settings included."""
    settings = wipo_book().edition(label).model_dump(mode="json")
    return ReleaseInfo(**{**vars(INFO), "settings": settings})


def lock(*, digest: str = "a", code: str = "0.1.0") -> Lock:
    """A lock; another `digest` is another file from a source."""
    years = [str(year) for year in range(2010, 2025)]
    sources: Sources = {
        "openalex": dict.fromkeys(years, (digest * 64,)),
        "regpat": dict.fromkeys(years, ("b" * 64, "c" * 64)),
    }
    versions = {name: contracts.load(name).version for name in EDITION_TABLES}
    return Lock(sources, "d" * 64, {"ranking": code}, versions)


def tables(label: str = "2025", grown: Mapping[str, float] | None = None, reach: float = 0.2) -> dict[str, pa.Table]:
    """Every table of an edition.

    grown: cluster -> factor on what it counts; reach: half the side of the boxes of a footprint, in degrees.
    """
    return dict(_tables(label, frozenset((grown or {}).items()), reach))


@cache
def _tables(label: str, grown: frozenset[tuple[str, float]], reach: float) -> dict[str, pa.Table]:
    edition = wipo_book().edition(label)
    places = _places(edition)
    points = _points(places, edition, dict(grown))
    members, clusters = _members(places, edition), _clusters(places, edition)
    footprints = _footprints(places, edition, reach)
    totals = {name: Total(5_000.0, 5_500.0) for name in edition.metrics}
    figures = cluster_metrics(members, points, totals, footprints, edition)
    size = rank_size(clusters, footprints, figures, edition)
    frames = {
        "points": points,
        "clusters": clusters,
        "cluster_members": members,
        "cluster_footprints": footprints,
        "cluster_metrics": figures,
        "ranking_size": size,
        "ranking_intensity": rank_intensity(size),
        "contributions": contributions(members, points, edition),
        "rank_changes": _changes(size),
        "rank_stability": _stability(size),
        "rank_variants": _variants(size, edition),
        "agreement": agreement(Ours(size, figures), edition, made_up=True),
        "coverage": coverage(_by_economy(points), {}, edition),
        **compose(
            Inputs(
                edition,
                clusters,
                members,
                points,
                figures,
                _makeup(points, members, clusters, edition),
                licences(edition),
                BY_APPLICANT,
            )
        ),
    }
    return {name: as_table(name, frame) for name, frame in frames.items()}


def _makeup(points: pd.DataFrame, members: pd.DataFrame, clusters: pd.DataFrame, edition: Edition) -> Makeup:
    """Most of what each cluster counts is one organisation's and one field's; the first two clusters share a record."""
    numbers = numbered(members, cluster_ids(clusters))
    rows = points.merge(numbers, on="location_id", how="left").assign(units=to_units(points["fractions"]))
    rows["cluster"] = rows["cluster"].fillna(OUTSIDE).astype("int64")
    sums = rows.groupby(["metric", "cluster"])["units"].sum().reset_index()
    year = sums["metric"].map({name: years[0] for name, years in edition.data_years.items()})
    ours = '[{"id": "ror", "name": "Alpha Ltd", "economy": "CH", "kind": "organisation", "weight": 0.7}]'
    return Makeup(
        sums.assign(data_year=year, fields='[{"name": "Optics", "weight": 0.7}]'),
        sums.assign(organisations=ours, economy=""),
        sums.assign(made_with=WITHIN, abroad=False, records=sums["units"] // UNITS_PER_RECORD + 1),
        pd.DataFrame({"metric": [next(iter(edition.metrics))], "a": [0], "b": [1], "co_records": [1]}),
    )


def _by_economy(points: pd.DataFrame) -> pd.DataFrame:
    """Counts by economy, as if all were of one year."""
    rows = points.assign(economy=points["economy"].fillna(""), data_year=np.int32(2020))
    sums = rows.groupby(["metric", "economy", "data_year"])["fractions"].sum()
    return sums.rename("count").reset_index()


def as_table(name: str, frame: pd.DataFrame) -> pa.Table:
    schema = contracts.load(name).arrow_schema
    return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)


def write_edition(
    root: Path, label: str = "2025", made: Mapping[str, pa.Table] | None = None, by: Lock | None = None
) -> None:
    """Lay an edition's tables out under `root`, all with one lock."""
    store = Store(root)
    for name, table in (made or tables(label)).items():
        write_parquet(table, store.edition(name, label), {LOCK_KEY: (by or lock()).to_bytes()})
        verified.record(store.edition(name, label))


def _places(edition: Edition) -> pd.DataFrame:
    columns = ["latitude", "longitude", "place", "admin", "economy", "cluster_id", "role", "people"]
    places = pd.DataFrame(PLACES, columns=columns)
    packed = ((places["latitude"] + 90) * 1e4).round() * 1e7 + ((places["longitude"] + 180) * 1e4).round()
    places.insert(0, "location_id", packed.astype("int64"))
    places.insert(0, "method", np.int32(edition.method))
    places.insert(0, "edition", np.int32(edition.edition))
    return places.sort_values("location_id", ignore_index=True)


def _points(places: pd.DataFrame, edition: Edition, grown: Mapping[str, float]) -> pd.DataFrame:
    factor = places["cluster_id"].map(dict(grown)).fillna(1.0).astype("float64")
    parts = [
        places.assign(metric=metric, fractions=places["people"] * METRIC_PARTS[metric] * factor)
        for metric in sorted(edition.metrics)
    ]
    points = pd.concat(parts).sort_values(["location_id", "metric"], ignore_index=True)
    return points.assign(records=np.ceil(points["fractions"]).astype("int64") + 1)


def _members(places: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    return places.assign(people=places["people"].astype("float64"), records=places["people"].astype("int64"))


def _clusters(places: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    rows = []
    for cluster_id, inside in places.dropna(subset="cluster_id").groupby("cluster_id", sort=True):
        heaviest = inside.iloc[int(inside["people"].to_numpy().argmax())]
        name, economies, _ = NAMES[str(cluster_id)]
        rows.append(
            {
                "edition": np.int32(edition.edition),
                "method": np.int32(edition.method),
                "cluster_id": cluster_id,
                "name": name,
                "economies": economies,
                "latitude": heaviest["latitude"],
                "longitude": heaviest["longitude"],
                "core_points": int((inside["role"] == "core").sum()),
                "points": len(inside),
                "people": float(inside["people"].sum()),
                "identity": "new",
                "previous_cluster_id": None,
                "previous_overlap": None,
            }
        )
    return pd.DataFrame(rows)


def _footprints(places: pd.DataFrame, edition: Edition, reach: float) -> pd.DataFrame:
    rows = []
    for cluster_id, inside in places.dropna(subset="cluster_id").groupby("cluster_id", sort=True):
        name, _, population = NAMES[str(cluster_id)]
        boxes = [
            shapely.box(x - reach, y - reach, x + reach, y + reach)
            for x, y in zip(inside["longitude"], inside["latitude"], strict=True)
        ]
        shape = shapely.normalize(shapely.union_all(boxes))
        rows.append(
            {
                "edition": np.int32(edition.edition),
                "method": np.int32(edition.method),
                "cluster_id": cluster_id,
                "name": name,
                "area_km2": shape.area * 111.2**2 * np.cos(np.radians(inside["latitude"].mean())),
                "population": population,
                "population_year": "2020, 2025",
                "geometry": shapely.to_wkb(shape, byte_order=1),
                "footprint": "members",
                "population_cells": 60.0,
                "population_covered": 1.0,
            }
        )
    return pd.DataFrame(rows)


def _changes(size: pd.DataFrame) -> pd.DataFrame:
    none = pd.Series([None] * len(size), dtype="Int32")
    columns = [
        "previous_edition",
        "previous_rank",
        "rank_change",
        "previous_rank_own_method",
        "rank_by_previous_method",
    ]
    columns += ["change_due_to_data", "change_due_to_borders", "change_due_to_method"]
    rows = size[["edition", "method", "cluster_id", "name", "rank"]].assign(**dict.fromkeys(columns, none))
    return rows.sort_values("cluster_id", ignore_index=True)


def _stability(size: pd.DataFrame) -> pd.DataFrame:
    rows = size[["edition", "method", "cluster_id", "name", "rank"]].assign(
        rank_low=np.int32(1),
        rank_high=np.int32(len(size)),
        rank_median=size["rank"].astype("float64"),
        top_10_share=1.0,
        top_100_share=1.0,
        grid_rank_low=pd.Series([None] * len(size), dtype="Int32"),
        grid_rank_high=pd.Series([None] * len(size), dtype="Int32"),
        replicates=np.int32(100),
        seed=np.int32(7),
        size_score_low=0.9 * size["size_score"],
        size_score_high=1.1 * size["size_score"],
        tied_rank_low=np.int32(1),
        tied_rank_high=np.int32(len(size)),
    )
    return rows.sort_values("cluster_id", ignore_index=True)


def _variants(size: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    """As if nothing but the last two clusters depended on the radius."""
    ranks = size.set_index("cluster_id")["rank"].sort_values()
    swapped = pd.Series([*ranks[:-2], *ranks[:-3:-1]], index=ranks.index)
    return rank_variants(size, [Ranked(changed(edition, radius_km=12.0), swapped)], [], edition)


def release(root: Path | str, label: str = "2025", **options: Any) -> Made:
    """Release the edition that lies under `root`; its tables are taken as valid unless told otherwise."""
    return make_release(root, label, info(label), clock=noon, **{"validated": True, **options})


def write_and_release(root: Path, label: str = "2025", *, digest: str = "a", **changes: Any) -> Made:
    """Lay out an edition, changed as `tables` can, and release it."""
    write_edition(root, label, tables(label, **changes), lock(digest=digest))
    return release(root, label)
