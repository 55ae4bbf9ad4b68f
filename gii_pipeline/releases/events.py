"""Events: what a reader calls news, as rows. Who leads, who overtook whom, streaks, entries, exits, splits and merges.

Belongs here: the table `rank_events` of a release, from its own tables and the releases before it.
Does not: words; `report.story` makes sentences of these rows.

There are two comparisons, and each row says which it belongs to (`basis`):
`own_method`: with the ranking as it was released then, each edition by its own method;
`same_method`: with the data of the edition before by the method of this edition (`rank_changes.previous_rank`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd
import pyarrow as pa

from gii_pipeline.releases.reader import to_pandas
from gii_pipeline.releases.schemas import from_rows

OWN_METHOD: Final = "own_method"
SAME_METHOD: Final = "same_method"
KEY: Final = ["basis", "event", "cluster_id", "other_cluster_id"]

Row = dict[str, Any]
Tables = Callable[[str], pa.Table]


class _Standings(NamedTuple):
    """One edition's ranked clusters: cluster_id -> rank, and cluster_id -> name."""

    edition: int
    rank: dict[str, int]
    name: dict[str, str]


def rank_events(tables: Tables, earlier: Sequence[Tables], *, own_method: bool) -> pa.Table:
    """The `rank_events` of an edition, in the order of its key.

    tables: the edition's `ranking_size`, `rank_changes` and `cluster_members`, by name. earlier: the same of the
    releases of its series before it, oldest first (`series.series_before`). own_method: whether each is by its own
    method; a series by one method throughout is the comparison `same_method`.
    A streak counts editions without a gap in the years, this one included, as a cluster (by its id) and under the name
    that it has now.
    """
    now = _standings(tables("ranking_size"))
    series = [_standings(then("ranking_size")) for then in earlier]
    basis = OWN_METHOD if own_method else SAME_METHOD
    rows = [*_leads([*series, now], basis), *_streaks([*series, now], basis)]
    if series and series[-1].edition == now.edition - 1:
        before = series[-1]
        members = {"members": tables("cluster_members"), "members_before": earlier[-1]("cluster_members")}
        rows += [*_moves(before, now, basis), *_borders(before, now, basis, **members)]
    if own_method:
        rows += _by_this_method(tables("rank_changes"), now)
    method = tables("ranking_size")["method"][0].as_py() if rows else None
    rows = [row | {"edition": now.edition, "method": method} for row in rows]
    return from_rows("rank_events", sorted(rows, key=lambda row: [row[name] for name in KEY]))


def _standings(ranking_size: pa.Table) -> _Standings:
    rows = ranking_size.select(["edition", "cluster_id", "rank", "name"]).to_pylist()
    edition = int(rows[0]["edition"]) if rows else 0
    return _Standings(
        edition,
        {row["cluster_id"]: int(row["rank"]) for row in rows},
        {row["cluster_id"]: str(row["name"]) for row in rows},
    )


def _row(basis: str, event: str, cluster_id: str, now: _Standings, before: _Standings | None, **more: Any) -> Row:  # noqa: ANN401
    """A row; `before` is the edition that it compares with, if any."""
    names = {**(before.name if before else {}), **now.name}
    other = more.get("other_cluster_id") or ""
    found: Row = {
        "event": event,
        "basis": basis,
        "cluster_id": cluster_id,
        "name": names.get(cluster_id),
        "rank": now.rank.get(cluster_id),
        "compared_edition": before.edition if before else None,
        "compared_rank": before.rank.get(cluster_id) if before else None,
        "other_name": names.get(other),
        "editions": None,
        "since": None,
        "editions_under_name": None,
        "since_under_name": None,
    }
    return {**found, **more, "other_cluster_id": other}


def _leads(series: Sequence[_Standings], basis: str) -> Iterator[Row]:
    """Who leads, and whether for the first time, again, or still. `editions`: how many earlier ones are known."""
    *earlier, now = series
    first = next((cluster for cluster, rank in now.rank.items() if rank == 1), None)
    if first is None:
        return
    led = [then.edition for then in earlier if then.rank.get(first) == 1]
    if not earlier:
        event = "leads"
    elif not led:
        event = "first_for_the_first_time"
    else:
        event = "stays_first" if led[-1] == now.edition - 1 == earlier[-1].edition else "first_again"
    since = earlier[0].edition if earlier else None
    before = earlier[-1] if earlier else None
    yield _row(basis, event, first, now, before, editions=len(earlier), since=since)


def _streaks(series: Sequence[_Standings], basis: str) -> Iterator[Row]:
    """Clusters that hold their rank, and those whose rank ends after two editions or more."""
    *earlier, now = series
    for cluster, rank in now.rank.items():
        held = earlier[-1].rank.get(cluster) if earlier and earlier[-1].edition == now.edition - 1 else None
        if held is None:
            continue
        event, upto = ("streak", series) if held == rank else ("streak_ended", earlier)
        run = _run(upto, cluster, held, now.name[cluster])
        if run["editions"] > 1:
            yield _row(basis, event, cluster, now, earlier[-1], **run)


def _run(series: Sequence[_Standings], cluster: str, rank: int, name: str) -> Row:
    """For how many editions up to the last the cluster held the rank, and for how many of these under the name."""
    last = series[-1].edition
    length = under_name = 0
    for then in reversed(series):
        if then.edition != last - length or then.rank.get(cluster) != rank:
            break
        under_name += under_name == length and then.name[cluster] == name
        length += 1
    return {
        "editions": length,
        "since": last - length + 1,
        "editions_under_name": under_name,
        "since_under_name": last - under_name + 1 if under_name else None,
    }


def _moves(before: _Standings, now: _Standings, basis: str) -> Iterator[Row]:
    """Overtakes, entries and exits."""
    both = sorted(now.rank.keys() & before.rank.keys(), key=now.rank.__getitem__)
    for place, cluster in enumerate(both):
        for other in both[place + 1 :]:
            if before.rank[other] < before.rank[cluster]:
                yield _row(basis, "overtakes", cluster, now, before, other_cluster_id=other)
    for cluster in now.rank.keys() - before.rank.keys():
        yield _row(basis, "enters", cluster, now, before)
    for cluster in before.rank.keys() - now.rank.keys():
        yield _row(basis, "leaves", cluster, now, before)


def _borders(
    before: _Standings, now: _Standings, basis: str, *, members: pa.Table, members_before: pa.Table
) -> Iterator[Row]:
    """Ranked clusters that split from another, took one in, are new or are gone, by the locations that they share."""
    from gii_pipeline.clusters.identity import match  # noqa: PLC0415 - the package compiles its loops with numba

    columns = ["location_id", "cluster_id", "latitude", "longitude", "people"]
    then, current = (to_pandas(table.select(columns)) for table in (members_before, members))
    matched = match(current, then)
    continued = set(matched["previous_cluster_id"].dropna())
    for row in matched.to_dict("records"):
        cluster, previous = row["cluster_id"], row["previous_cluster_id"]
        if cluster in now.rank and row["identity"] == "split":
            yield _row(basis, "splits_from", cluster, now, before, other_cluster_id=previous)
        elif cluster in now.rank and row["identity"] == "new":
            yield _row(basis, "is_new", cluster, now, before)
    absorbed = _absorbed(current, then)
    for cluster in sorted(before.rank.keys() - continued):
        heir = absorbed.get(cluster)
        event = "merges_into" if heir in now.rank else "is_gone"
        yield _row(basis, event, cluster, now, before, other_cluster_id=heir if heir in now.rank else None)


def _absorbed(current: pd.DataFrame, then: pd.DataFrame) -> dict[str, str]:
    """Previous cluster -> the cluster that holds most of its weight now, if any does."""
    inside = then[then["cluster_id"].notna()]
    shared = inside.merge(current[current["cluster_id"].notna()], on="location_id", suffixes=("_then", ""))
    weights = shared.groupby(["cluster_id_then", "cluster_id"])["people_then"].sum().reset_index()
    heaviest = weights.sort_values(["people_then", "cluster_id"], ascending=[False, True])
    heaviest = heaviest.drop_duplicates("cluster_id_then")
    return dict(zip(heaviest["cluster_id_then"], heaviest["cluster_id"], strict=True))


def _by_this_method(rank_changes: pa.Table, now: _Standings) -> Iterator[Row]:
    """Who led, and who is overtaken, when the edition before is counted by the method of this one."""
    rows = [row for row in rank_changes.to_pylist() if row["previous_edition"] is not None]
    if not rows:
        return
    length = max(now.rank.values(), default=0)
    ranks = {row["cluster_id"]: int(row["previous_rank"]) for row in rows if row["previous_rank"] is not None}
    before = _Standings(int(rows[0]["previous_edition"]), ranks, now.name)
    first = next((cluster for cluster, rank in now.rank.items() if rank == 1), None)
    if first is not None:
        event = "stays_first" if ranks.get(first) == 1 else "leads"
        yield _row(SAME_METHOD, event, first, now, before)
    ranked = _Standings(before.edition, {one: rank for one, rank in ranks.items() if rank <= length}, now.name)
    for row in _moves(ranked, now, SAME_METHOD):
        if row["event"] == "overtakes":
            yield row
