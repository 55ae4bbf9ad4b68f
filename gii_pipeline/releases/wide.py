"""The wide table: one row per ranked cluster with all that most readers ask for, `ranking` in every format.

Belongs here: its columns, out of the edition's tables, and how figures are rounded for files that people open.
Does not: the formats (see `files`); the tables themselves keep every digit.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from gii_pipeline.releases.search import economy_name

NAME = "ranking"
FIRST = ("edition", "method", "rank", "name", "economies")
FROM_CHANGES = {
    "previous_edition": "previous_edition",
    "previous_rank_own_method": "previous_rank_own_method",
    "previous_rank": "previous_rank_same_method",
}
FROM_STABILITY = {"rank_low": "rank_low", "rank_high": "rank_high"}
PLACE = {"latitude": "latitude", "longitude": "longitude"}
DECIMALS = {"inhabitants": 0, "km²": 1, "%": 4, "year": 0, "rank": 0, "degrees north (WGS 84)": 4}
DECIMALS |= {"degrees east (WGS 84)": 4}
OTHER_DECIMALS = 2
"""Counts, and figures per million inhabitants."""


def wide_table(tables: Mapping[str, pa.Table]) -> pa.Table:
    """The wide table of an edition, sorted by rank; each column has its description and unit in its field's metadata.

    tables: `ranking_size`, `clusters`, `rank_changes` and `rank_stability`, as their contracts say.
    """
    ranking = tables["ranking_size"].sort_by("rank")
    keys = ranking["cluster_id"]
    found = [(ranking.field(name), ranking[name]) for name in FIRST]
    names = [", ".join(map(economy_name, codes.split("/"))) for codes in ranking["economies"].to_pylist()]
    found.append((_described("economy_names", "Names of the economies (ISO 3166-1), in English."), pa.array(names)))
    found.append((ranking.field("cluster_id"), keys))
    for table, columns in (("clusters", PLACE), ("rank_changes", FROM_CHANGES), ("rank_stability", FROM_STABILITY)):
        rows = tables[table].take(pc.index_in(keys, tables[table]["cluster_id"]))
        found += [(rows.field(old).with_name(new), rows[old]) for old, new in columns.items()]
    done = {*FIRST, "cluster_id"}
    found += [(ranking.field(name), ranking[name]) for name in ranking.column_names if name not in done]
    fields, arrays = zip(*found, strict=True)
    return pa.table(list(arrays), schema=pa.schema(fields))


def rounded(table: pa.Table) -> pa.Table:
    """The table with its figures rounded as their unit asks: no digits that nobody can read or trust."""
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        if pa.types.is_floating(field.type):
            unit = ((field.metadata or {}).get(b"unit") or b"").decode()
            column = pc.round(column, ndigits=DECIMALS.get(unit, OTHER_DECIMALS))  # noqa: PLW2901
        columns.append(column)
    return pa.table(columns, schema=table.schema)


def _described(name: str, description: str) -> pa.Field:
    return pa.field(name, pa.string(), metadata={b"description": description.encode()})
