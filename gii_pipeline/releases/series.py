"""The series: a release next to those of earlier editions.

Belongs here: the tables that a release has of its series (`rank_history`, `rank_events`), and one cluster's history
with how long it has held its rank.
Does not: matching clusters between editions; ids come persistent from `clusters`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from gii_pipeline.errors import InputError, ReleaseError
from gii_pipeline.releases import search
from gii_pipeline.releases.events import rank_events
from gii_pipeline.releases.reader import Release, open_version
from gii_pipeline.releases.schemas import to_contract
from gii_pipeline.releases.shelf import Version, versions
from gii_pipeline.releases.storage import Folder, folder
from gii_pipeline.wording import ordinal

if TYPE_CHECKING:
    import pandas as pd

    from gii_pipeline.registry import Registry

SERIES_TABLES = ("rank_history", "rank_events")
COLUMNS = ["edition", "method", "cluster_id", "name", "rank", "size_score", "population"]
FIGURES = ("_count", "_per_million")
"""What history has of every metric: the columns of `ranking_size` that end so."""


def history_rows(ranking_size: pa.Table, version: Version) -> pa.Table:
    """One edition's rows of `rank_history`, in the order of its key (edition, cluster_id)."""
    figures = [name for name in ranking_size.column_names if name.endswith(FIGURES)]
    rows = ranking_size.select([*COLUMNS, *figures]).replace_schema_metadata(None)
    names = pa.array([str(version)] * rows.num_rows, pa.string())
    rows = rows.append_column("version", names)
    return rows.sort_by([("edition", "ascending"), ("cluster_id", "ascending")])


def rank_history(ranking_size: pa.Table, version: Version, earlier: Sequence[Release]) -> pa.Table:
    """The `rank_history` of a release: its own edition, and the earlier ones as they were released.

    A metric that one of them has no column of is null there.
    """
    parts = [history_rows(release.arrow("ranking_size"), release.version) for release in earlier]
    return _together([*parts, history_rows(ranking_size, version)])


def _together(parts: Iterable[pa.Table]) -> pa.Table:
    return pa.concat_tables(parts, promote_options="default").combine_chunks()


def series_tables(
    tables: Mapping[str, pa.Table], version: Version, earlier: Sequence[Release], registry: Registry
) -> dict[str, pa.Table]:
    """SERIES_TABLES of a release as their contracts say, from the edition's tables and the earlier releases."""
    history = rank_history(tables["ranking_size"], version, earlier)
    return {
        "rank_history": to_contract("rank_history", history, registry),
        "rank_events": rank_events(
            tables.__getitem__, [release.arrow for release in earlier], own_method=version.own_method
        ),
    }


def series_before(root: Folder, version: Version) -> list[Release]:
    """The newest release of every earlier edition of the same series, oldest first, none of them withdrawn.

    A series is every edition under its own method, or every edition under one and the same method.
    """
    return [release for release in _series(root, version) if release.version.edition < version.edition]


def _series(root: Folder, of: Version) -> list[Release]:
    newest: dict[int, Version] = {}
    for listed in versions(root):
        version = listed.version
        same = version.own_method if of.own_method else version.method == of.method
        if same and listed.withdrawn is None:
            newest[version.edition] = version
    return [open_version(root, newest[edition]) for edition in sorted(newest)]


def history(root: Folder | str, cluster: str, *, label: str = "") -> pd.DataFrame:
    """One cluster through the released editions, oldest first: the columns of `rank_history` and `editions_at_rank`.

    cluster: its id, its name in any edition, or words that fit one cluster only (`search.found`). label: an edition of
    the series to follow, as `2024@2025` for all editions by the method of 2025; by default every edition by its own.
    editions_at_rank: for how many editions running, without a gap in the years, the cluster has held this rank.
    """
    import pandas as pd  # noqa: PLC0415

    rankings = {one.version: one.arrow("ranking_size") for one in _released(folder(root), label)}
    table = _together(history_rows(ranking, version) for version, ranking in rankings.items())
    found = _find(rankings.values(), cluster)
    rows = table.filter(pc.equal(table["cluster_id"], found)).to_pandas()
    unbroken = (rows["rank"] == rows["rank"].shift()) & (rows["edition"] == rows["edition"].shift() + 1)
    rows["editions_at_rank"] = unbroken.groupby((~unbroken).cumsum()).cumcount() + 1
    return pd.DataFrame(rows)


def first_clusters(root: Folder | str, number: int = 5, *, label: str = "") -> list[str]:
    """The ids of the first clusters of the newest released edition of a series, by rank."""
    releases = _released(folder(root), label)
    ranking = releases[-1].arrow("ranking_size").sort_by("rank")
    return list(ranking["cluster_id"].to_pylist()[:number])


def _released(root: Folder, label: str) -> list[Release]:
    releases = _series(root, Version.first(label) if label else Version(1, 1, 1))
    if not releases:
        raise ReleaseError(f"There is no release under {root}, so there is no history. Start with `gii release make`.")
    return releases


def standing(rows: pd.DataFrame) -> str:
    """The newest row of a history as a sentence.

    For instance: Shenzhen–Hong Kong–Guangzhou: second for the fifth edition running.
    """
    last = rows.iloc[-1]
    sentence = f"{last['name']}: {ordinal(int(last['rank']))}"
    running = int(last["editions_at_rank"])
    return sentence if running == 1 else f"{sentence} for the {ordinal(running)} edition running"


def _find(tables: Iterable[pa.Table], wanted: str) -> str:
    """The id of the one cluster that is called so in any of the rankings."""
    names: dict[str, set[str]] = {}
    economies: dict[str, str] = {}
    for row in (row for table in tables for row in table.select(["cluster_id", "name", "economies"]).to_pylist()):
        names.setdefault(row["cluster_id"], set()).add(row["name"])
        economies[row["cluster_id"]] = row["economies"]
    meant = search.found(wanted, names, economies)
    if len(meant) == 1:
        return meant[0]
    if not meant:
        raise InputError(f"No ranked cluster is called {wanted!r} in any released edition. Try part of its name.")
    raise InputError(
        f"{wanted!r} matches {len(meant)} clusters: "
        + "; ".join(f"{cluster_id} ({', '.join(sorted(names[cluster_id]))})" for cluster_id in sorted(meant)[:10])
        + ". Give the id, or more of the name."
    )
