"""The headline of a ranking: its first cluster in one sentence.

Belongs here: the wording. Does not: figures, which are read from the tables.
"""

from __future__ import annotations

import pandas as pd

from gii_pipeline.metrics.names import METRIC


def headline(ranking: pd.DataFrame, changes: pd.DataFrame, figures: pd.DataFrame) -> str:
    """Who leads, whom it overtook, and what it has per million inhabitants over each metric's window.

    ranking: `ranking_size`; changes: `rank_changes`; figures: `cluster_metrics`. Empty where no cluster is ranked.
    """
    if ranking.empty:
        return ""
    first = ranking.iloc[0]
    mine = figures[figures["cluster_id"] == first["cluster_id"]].set_index("metric")
    parts = [
        f"{row['per_million']:,.0f} {METRIC[name].title_in_text}"
        for name, row in mine.reindex([name for name in METRIC if name in mine.index]).iterrows()
        if pd.notna(row["per_million"])
    ]
    years = int((mine["window_last_year"] - mine["window_first_year"]).max()) + 1
    figures_text = f", with {_listed(parts)} per million inhabitants over {years} years" if parts else ""
    return f"{first['name']} {_lead(ranking, changes)} in {first['edition']}{figures_text}."


def _lead(ranking: pd.DataFrame, changes: pd.DataFrame) -> str:
    before = changes.set_index("cluster_id")["previous_rank"]
    led = before[before == 1].index
    first = ranking["cluster_id"].iloc[0]
    if len(led) == 0:
        return "leads the ranking"
    if led[0] == first:
        return "stays first"
    overtaken = ranking.set_index("cluster_id")["name"].get(led[0])
    return f"overtook {overtaken}" if overtaken else "leads the ranking"


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
