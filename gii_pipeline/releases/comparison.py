"""The difference between two releases, or between two editions: ranks, counts, members, borders, method, sources.

Belongs here: comparing, and whether a change is larger than is tolerated.
Does not: showing it (see `comparison_text`).

Clusters are matched by their persistent id. Figures differ when they are not equal to the last digit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import pandas as pd
import pyarrow as pa

from gii_pipeline.registry import Registry, shipped
from gii_pipeline.releases.provenance import differences, edition_lock
from gii_pipeline.releases.reader import Release, to_pandas
from gii_pipeline.releases.storage import Folder, folder, storage_errors, store_at
from gii_pipeline.store import EDITION_TABLES, read_parquet

Read = Callable[[str], pa.Table]


@dataclass(frozen=True)
class Snapshot:
    """One side of a comparison: a release, or an edition as it lies in the store."""

    name: str
    read: Read
    lock: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    registry: Registry = field(default_factory=shipped)

    def table(self, name: str, *columns: str) -> pd.DataFrame:
        return to_pandas(self.read(name).select(list(columns)))


def snapshot_of(release: Release) -> Snapshot:
    return Snapshot(str(release.version), release.arrow, release.lock, release.settings, release.registry)


def snapshot_of_edition(root: Folder | str, label: str, settings: Mapping[str, Any] | None = None) -> Snapshot:
    """An edition's tables under a local root. settings: as `Edition.model_dump(mode="json")`, to compare methods."""
    store = store_at(folder(root))
    with storage_errors(f"read edition {label} under", root):
        for table in EDITION_TABLES:
            store.existing_edition(table, label)
        lock = edition_lock(store, label)
    return Snapshot(
        f"edition {label}",
        lambda table: read_parquet(store.existing_edition(table, label)),
        json.loads(lock.to_bytes()),
        settings or {},
    )


@dataclass(frozen=True)
class RankChange:
    """A cluster whose rank or name changed, or that entered or left the ranking. rank_change: positive is up."""

    cluster_id: str
    name: str
    old_name: str | None
    old_rank: int | None
    new_rank: int | None
    rank_change: int | None


@dataclass(frozen=True)
class CountChange:
    """A cluster's count in one metric. share_change_pct_points: new share of the world less the old one."""

    cluster_id: str
    name: str
    metric: str
    metric_title: str
    old_count: float
    new_count: float
    change_pct: float | None
    share_change_pct_points: float


@dataclass(frozen=True)
class MemberChange:
    """How many locations joined and left a cluster."""

    cluster_id: str
    name: str
    kept: int
    joined: int
    left: int


@dataclass(frozen=True)
class BorderChange:
    """A footprint that changed. moved_km2: area that only one of the two footprints covers."""

    cluster_id: str
    name: str
    old_area_km2: float
    new_area_km2: float
    moved_km2: float


@dataclass(frozen=True)
class ClusterChange:
    """A cluster that only one side has. what: appeared | vanished."""

    cluster_id: str
    name: str
    what: str


@dataclass(frozen=True)
class ValueChange:
    """A setting, or a part of the lock: a source's files of a data year, the code, a contract."""

    what: str
    old: str
    new: str


@dataclass(frozen=True)
class GoneRecords:
    """Records of a data year that a source no longer has. fraction: what they counted, before anything is chosen."""

    source: str
    data_year: int
    records: int
    fraction: float
    examples: tuple[str, ...]


@dataclass(frozen=True)
class GoneEffect:
    """What the loss of such records does to a cluster. records: how many it lost; counted: metric -> what they counted.

    rank_with_them: its rank, had they stayed.
    """

    cluster_id: str
    name: str
    records: int
    counted: Mapping[str, float]
    rank: int
    rank_with_them: int


@dataclass(frozen=True)
class GoneAtSource:
    """The records that are gone between two releases, what that does to ranks, and what is not known of it."""

    records: tuple[GoneRecords, ...] = ()
    effects: tuple[GoneEffect, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Diff:
    """Everything that differs from `old` to `new`, each list in the order of rank, id or name."""

    old: str
    new: str
    ranks: tuple[RankChange, ...]
    counts: tuple[CountChange, ...]
    members: tuple[MemberChange, ...]
    borders: tuple[BorderChange, ...]
    clusters: tuple[ClusterChange, ...]
    method: tuple[ValueChange, ...]
    sources: tuple[ValueChange, ...]
    gone: tuple[GoneRecords, ...] = ()
    gone_effects: tuple[GoneEffect, ...] = ()
    gone_note: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing differs; what is not known (`gone_note`) does not count as a difference."""
        told = ("old", "new", "gone_note")
        return not any(getattr(self, part.name) for part in fields(self) if part.name not in told)


@dataclass(frozen=True)
class Tolerance:
    """How large a change may be before a person must approve it; None tolerates any.

    rank_move: places up or down, among clusters within `within_rank` before or after.
    share_pct_points: change of a cluster's share of the world in one metric, in percentage points.
    vanished_clusters: how many ranked clusters may cease to exist.
    """

    rank_move: int | None = None
    share_pct_points: float | None = None
    vanished_clusters: int | None = None
    within_rank: int = 100


def diff(old: Snapshot | Release, new: Snapshot | Release, *, gone: GoneAtSource | None = None) -> Diff:
    """What changed from `old` to `new`. gone: what the sources no longer have, where the caller knows it."""
    left = gone or GoneAtSource()
    before, after = (snapshot_of(side) if isinstance(side, Release) else side for side in (old, new))
    return Diff(
        old=before.name,
        new=after.name,
        ranks=tuple(_ranks(before, after)),
        counts=tuple(_counts(before, after)),
        members=tuple(_members(before, after)),
        borders=tuple(_borders(before, after)),
        clusters=tuple(_clusters(before, after)),
        method=tuple(_method(before, after)),
        sources=tuple(ValueChange(*difference) for difference in differences(before.lock, after.lock)),
        gone=left.records,
        gone_effects=left.effects,
        gone_note=left.note,
    )


def _paired(before: Snapshot, after: Snapshot, table: str, keys: list[str], *columns: str) -> Iterator[dict[str, Any]]:
    """Rows of both sides, joined: `<column>_old` and `<column>_new`, None where a side has no such row."""
    old, new = (side.table(table, *keys, *columns) for side in (before, after))
    joined = old.merge(new, on=keys, how="outer", suffixes=("_old", "_new"), validate="1:1")
    for row in joined.sort_values(keys).astype(object).to_dict("records"):
        yield {str(name): None if pd.isna(value) else value for name, value in row.items()}


def _ranks(before: Snapshot, after: Snapshot) -> Iterator[RankChange]:
    rows = list(_paired(before, after, "ranking_size", ["cluster_id"], "name", "rank"))
    for row in sorted(rows, key=lambda row: (row["rank_new"] or 10**9, row["rank_old"] or 0)):
        old, new = row["rank_old"], row["rank_new"]
        if (old, row["name_old"]) != (new, row["name_new"]):
            moved = old - new if old and new else None
            yield RankChange(row["cluster_id"], row["name_new"] or row["name_old"], row["name_old"], old, new, moved)


def _counts(before: Snapshot, after: Snapshot) -> Iterator[CountChange]:
    names = _names(before, after)
    for row in _paired(before, after, "cluster_metrics", ["cluster_id", "metric"], "count", "share_pct"):
        old, new = row["count_old"], row["count_new"]
        shares = row["share_pct_old"], row["share_pct_new"]
        if None not in (old, new) and (old != new or shares[0] != shares[1]):
            pct = 100 * (new - old) / old if old else None
            cluster, metric = row["cluster_id"], row["metric"]
            title, points = after.registry.title(metric), shares[1] - shares[0]
            yield CountChange(cluster, names[cluster], metric, title, old, new, pct, points)


def _members(before: Snapshot, after: Snapshot) -> Iterator[MemberChange]:
    names = _names(before, after)
    sides = [side.table("cluster_members", "location_id", "cluster_id").dropna() for side in (before, after)]
    joined = sides[0].merge(sides[1], how="outer", indicator=True)
    sizes = joined.groupby(["cluster_id", "_merge"], observed=False).size().unstack(fill_value=0)  # noqa: PD010
    for cluster_id, row in sizes.iterrows():
        if row["left_only"] or row["right_only"]:
            kept, joined_in, gone = int(row["both"]), int(row["right_only"]), int(row["left_only"])
            yield MemberChange(str(cluster_id), names[str(cluster_id)], kept, joined_in, gone)


def _borders(before: Snapshot, after: Snapshot) -> Iterator[BorderChange]:
    for row in _paired(before, after, "cluster_footprints", ["cluster_id"], "name", "area_km2", "geometry"):
        old, new = row["geometry_old"], row["geometry_new"]
        if old and new and old != new:
            yield BorderChange(
                row["cluster_id"], row["name_new"], row["area_km2_old"], row["area_km2_new"], _only_in_one_km2(old, new)
            )


def _only_in_one_km2(old: bytes, new: bytes) -> float:
    """Area on the WGS 84 ellipsoid that one of two footprints (WKB, degrees) covers and the other does not."""
    import shapely  # noqa: PLC0415
    from pyproj import Geod  # noqa: PLC0415

    apart = shapely.symmetric_difference(*shapely.from_wkb([old, new]))
    area_m2, _ = Geod(ellps="WGS84").geometry_area_perimeter(shapely.orient_polygons(apart))
    return abs(float(area_m2)) / 1e6


def _clusters(before: Snapshot, after: Snapshot) -> Iterator[ClusterChange]:
    for row in _paired(before, after, "clusters", ["cluster_id"], "name"):
        if row["name_old"] is None:
            yield ClusterChange(row["cluster_id"], row["name_new"], "appeared")
        elif row["name_new"] is None:
            yield ClusterChange(row["cluster_id"], row["name_old"], "vanished")


def _names(before: Snapshot, after: Snapshot) -> dict[str, str]:
    names: dict[str, str] = {}
    for side in (before, after):
        table = side.table("clusters", "cluster_id", "name")
        names |= dict(zip(table["cluster_id"], table["name"], strict=True))
    return names


def _method(before: Snapshot, after: Snapshot) -> Iterator[ValueChange]:
    """Settings whose value differs; their tags and sources are left out. Nothing when a side's settings are unknown."""
    if before.settings and after.settings:
        old, new = dict(_values(before.settings)), dict(_values(after.settings))
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                yield ValueChange(name, *(json.dumps(side.get(name), ensure_ascii=False) for side in (old, new)))


def _values(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, Mapping) and "value" in value:
            yield prefix + name, value["value"]
        elif isinstance(value, Mapping):
            yield from _values(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def exceeds(found: Diff, tolerance: Tolerance) -> list[str]:
    """Which changes are larger than tolerated, a sentence each; a person must approve such a release."""
    reasons = []
    for change in found.ranks:
        near = min(rank for rank in (change.old_rank, change.new_rank) if rank is not None) <= tolerance.within_rank
        if tolerance.rank_move is not None and near and abs(change.rank_change or 0) > tolerance.rank_move:
            reasons.append(
                f"{change.name} moves from rank {change.old_rank} to {change.new_rank}; the limit is "
                f"{tolerance.rank_move} places"
            )
    for count in found.counts:
        points = count.share_change_pct_points
        if tolerance.share_pct_points is not None and abs(points) > tolerance.share_pct_points:
            reasons.append(
                f"{count.name}'s share of {count.metric} changes by {points:+.3f} percentage points; the limit "
                f"is {tolerance.share_pct_points}"
            )
    ranked = {change.cluster_id for change in found.ranks if change.old_rank is not None}
    vanished = [c.name for c in found.clusters if c.what == "vanished" and c.cluster_id in ranked]
    allowed = tolerance.vanished_clusters
    if allowed is not None and len(vanished) > allowed:
        reasons.append(f"{len(vanished)} ranked clusters vanish: {', '.join(vanished)}; the limit is {allowed}")
    return reasons
