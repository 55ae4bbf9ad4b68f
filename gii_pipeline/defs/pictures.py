"""Pictures on the page: where a person would look at a table rather than read it.

Belongs here: which table has which picture, kept under the root and shown with the materialisation.
Does not: drawing (see `report.charts`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pandas as pd
import pyarrow.parquet as pq

from gii_pipeline.defs import page
from gii_pipeline.registry import Registry
from gii_pipeline.report.charts import data_uri, footprints_map, ranking_bars

Draw = Callable[[pd.DataFrame, Registry], str]
PICTURES: dict[str, tuple[str, Draw]] = {
    "cluster_footprints": ("map", lambda rows, _: footprints_map(rows)),
    "ranking_size": ("chart", ranking_bars),
}


def pictures(root: Path, table: str, partition: str, path: Path, registry: Registry) -> dict[str, dg.MetadataValue]:
    """The picture of a table's partition (the file `path`), kept in `report/` under the root; {} without one."""
    if table not in PICTURES:
        return {}
    name, draw = PICTURES[table]
    with pq.ParquetFile(path) as file:
        svg = draw(file.read().to_pandas(), registry)
    kept = root / "report" / f"{table}-{partition}.svg"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(svg, encoding="utf-8", newline="\n")
    shown = page.address(root, kept) if page.files_url() else data_uri(svg)
    return {name: dg.MetadataValue.md(f"![{table}]({shown})"), f"{name}_file": page.link(root, kept)}
