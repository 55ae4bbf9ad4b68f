"""The portrait of a cluster: who is behind its counts, in what, with whom and since when, as plain data.

Belongs here: gathering one cluster's rows of an edition's tables. Does not: computing a figure, or wording (`report`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from gii_pipeline.registry import Registry

if TYPE_CHECKING:
    from gii_pipeline.releases.reader import Release

TABLES = (
    "clusters", "cluster_footprints", "cluster_metrics", "ranking_size", "leaders", "fields", "collaboration",
    "partners", "metrics_by_year", "origin",
)  # fmt: skip
NOT_KNOWN = "not known from this source"
NOT_NAMED = "not named: the licence of the source does not allow it"
FEW = "none is named: each has few records"
ORIGINS = ("cluster", "economy", "abroad", "individuals", "unknown")
WAYS = ("within", "clusters", "outside", "unlocated", "economies")

Row: TypeAlias = Mapping[Hashable, Any]
Rows: TypeAlias = list[Row]


@dataclass(frozen=True)
class Leader:
    """An organisation and its part of a cluster's count."""

    rank: int
    name: str
    economy: str | None
    count: float
    share_pct: float


@dataclass(frozen=True)
class FieldShare:
    """A field and its part of a cluster's count; specialisation: against its part of the world's."""

    rank: int
    name: str
    count: float
    share_pct: float
    specialisation: float | None


@dataclass(frozen=True)
class Partner:
    """Another cluster, where it lies, and the records that both share."""

    cluster_id: str
    name: str
    latitude: float
    longitude: float
    co_records: int
    share_pct: float


@dataclass(frozen=True)
class InMetric:
    """A cluster in one metric.

    leaders, fields and origin are empty where less than 60 % of the count is known (`leaders_known`, ...): they are not
    known from this source then. leaders_named: whether the source's licence lets organisations be named.
    ways: with whom its records are made -> per cent of the count, `economies` next to the
    others. origin: where applicants sit -> per cent. years: data year -> count; growth_pct: a year.
    """

    metric: str
    title: str
    count: float
    share_pct: float
    metric_rank: int
    first_year: int
    last_year: int
    leaders_known: bool = False
    leaders_named: bool = True
    leaders: tuple[Leader, ...] = ()
    individuals_pct: float = 0.0
    fields_known: bool = False
    fields: tuple[FieldShare, ...] = ()
    ways: Mapping[str, float] = field(default_factory=dict)
    partners: tuple[Partner, ...] = ()
    origin_known: bool = False
    origin: Mapping[str, float] = field(default_factory=dict)
    years: Mapping[int, float] = field(default_factory=dict)
    growth_pct: float | None = None

    @property
    def why_no_leader(self) -> str:
        """What stands in the place of leaders where there is none."""
        return NOT_KNOWN if not self.leaders_known else FEW if self.leaders_named else NOT_NAMED


@dataclass(frozen=True)
class Portrait:
    """A cluster of an edition, ranked or not. population: null where it is not known."""

    cluster_id: str
    name: str
    economies: str
    latitude: float
    longitude: float
    rank: int | None
    size_score: float | None
    population: float | None
    metrics: tuple[InMetric, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Portraits(Mapping[str, Portrait]):
    """cluster_id -> its portrait, for every cluster of an edition.

    tables: of the edition, by name; a release made before there were some of them has portraits without these.
    registry: what the metrics are called.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame], registry: Registry) -> None:
        self._registry = registry
        self._clusters = by_cluster(tables["clusters"])
        self._ranked = by_cluster(tables["ranking_size"])
        self._population = by_cluster(tables["cluster_footprints"])
        self._rows = {
            name: _grouped(table)
            for name, table in tables.items()
            if "metric" in table.columns and "cluster_id" in table.columns
        }
        self._metrics = [name for name in registry if name in set(tables["cluster_metrics"]["metric"])]

    def __iter__(self) -> Iterator[str]:
        return iter(self._clusters)

    def __len__(self) -> int:
        return len(self._clusters)

    def __getitem__(self, cluster_id: str) -> Portrait:
        row, ranked = self._clusters[cluster_id], self._ranked.get(cluster_id)
        population = self._population.get(cluster_id, {}).get("population")
        return Portrait(
            cluster_id=cluster_id,
            name=str(row["name"]),
            economies=str(row["economies"]),
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
            rank=None if ranked is None else int(ranked["rank"]),
            size_score=None if ranked is None else float(ranked["size_score"]),
            population=_number(population),
            metrics=tuple(self._in_metric(cluster_id, metric) for metric in self._metrics),
        )

    def _of(self, table: str, cluster_id: str, metric: str) -> Rows:
        return self._rows.get(table, {}).get((cluster_id, metric), [])

    def _in_metric(self, cluster_id: str, metric: str) -> InMetric:
        [figures] = self._of("cluster_metrics", cluster_id, metric)
        leaders, fields, origin, years, ways = (
            self._of(table, cluster_id, metric)
            for table in ("leaders", "fields", "origin", "metrics_by_year", "collaboration")
        )
        return InMetric(
            metric=metric,
            title=self._registry.title(metric),
            count=float(figures["count"]),
            share_pct=float(figures["share_pct"]),
            metric_rank=int(figures["metric_rank"]),
            first_year=int(figures["window_first_year"]),
            last_year=int(figures["window_last_year"]),
            leaders_known=_is_known(leaders),
            leaders_named=all(row.get("may_be_named", True) for row in leaders),
            leaders=tuple(map(_leader, _ranked(leaders))),
            individuals_pct=sum(float(row["share_pct"]) for row in leaders if row["kind"] == "individuals"),
            fields_known=_is_known(fields),
            fields=tuple(map(_field, _ranked(fields))),
            ways={way: value for row in ways for way in WAYS if (value := _number(row[f"{way}_pct"])) is not None},
            partners=self._partners(cluster_id, metric),
            origin_known=_is_known(origin),
            origin=_in_order({row["origin"]: float(row["share_pct"]) for row in origin} if _is_known(origin) else {}),
            years={int(row["data_year"]): float(row["count"]) for row in years},
            growth_pct=_number(years[0]["growth_pct"]) if years else None,
        )

    def _partners(self, cluster_id: str, metric: str) -> tuple[Partner, ...]:
        rows = sorted(self._of("partners", cluster_id, metric), key=lambda row: row["rank"])
        return tuple(
            Partner(
                row["partner_id"],
                str(at["name"]),
                float(at["latitude"]),
                float(at["longitude"]),
                int(row["co_records"]),
                float(row["share_pct"]),
            )
            for row in rows
            for at in (self._clusters[row["partner_id"]],)
        )


def portraits(release: Release) -> Portraits:
    """The portraits of a release's clusters."""
    return Portraits({name: release.table(name) for name in TABLES if name in release.tables}, release.registry)


def by_cluster(table: pd.DataFrame) -> dict[str, Row]:
    """Cluster -> its row, of a table with one row per cluster."""
    return {row["cluster_id"]: row for row in table.to_dict("records")}


def _grouped(table: pd.DataFrame) -> dict[tuple[str, str], Rows]:
    """(cluster, metric) -> its rows, in their order."""
    found: dict[tuple[str, str], Rows] = {}
    for row in table.to_dict("records"):
        found.setdefault((row["cluster_id"], row["metric"]), []).append(row)
    return found


def _is_known(rows: Rows) -> bool:
    return bool(rows) and bool(rows[0]["is_known"])


def _ranked(rows: Rows) -> Rows:
    """The rows with a rank, in its order; none where too little is known."""
    return sorted((row for row in rows if row["rank"] > 0), key=lambda row: row["rank"]) if _is_known(rows) else []


def _leader(row: Row) -> Leader:
    economy = row["economy"] if isinstance(row["economy"], str) else None
    return Leader(int(row["rank"]), row["organisation"], economy, float(row["count"]), float(row["share_pct"]))


def _field(row: Row) -> FieldShare:
    shares = float(row["count"]), float(row["share_pct"]), _number(row["specialisation"])
    return FieldShare(int(row["rank"]), row["field"], *shares)


def _in_order(origin: Mapping[str, float]) -> dict[str, float]:
    return {name: origin[name] for name in ORIGINS if name in origin}


def _number(value: Any) -> float | None:  # noqa: ANN401
    return None if value is None or pd.isna(value) else float(value)
