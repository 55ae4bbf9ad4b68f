"""What a command prints fits 80 columns, loses no name, and writes figures as people read them."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO

import pandas as pd
import pytest

from gii_pipeline.registry import shipped
from gii_pipeline.releases.comparison import Diff, MemberChange, RankChange, ValueChange
from gii_pipeline.releases.comparison_text import to_rich
from gii_pipeline.report.progress import PlainConsole
from gii_pipeline.report.terminal import by_rule, history_table, plan_table, ranking_table, ranks_table, rows_table

NAME = "San Jose–San Francisco–Oakland"


@dataclass
class Step:
    job: str
    partition: str
    state: str
    why: str


def printed(shown: object, width: int = 80) -> str:
    out = StringIO()
    PlainConsole(width=width, file=out).print(shown)
    return out.getvalue()


def history(editions: int = 9) -> pd.DataFrame:
    years = range(2026 - editions, 2026)
    rows = pd.DataFrame({"edition": years, "rank": 100, "name": NAME, "population": 36_812_345.6, "size_score": 12.345})
    rows["version"] = [f"v{year}.1" for year in years]
    return rows.assign(**{f"{name}_{figure}": 123_456.7 for name in shipped() for figure in ("count", "per_million")})


def ranking() -> pd.DataFrame:
    return history(1).assign(economies="US", **{f"{name}_share_pct": 12.345 for name in shipped()})


def difference() -> Diff:
    moved = RankChange("gii-1", NAME, NAME, 1_000, 2_000, -1_000)
    value = ValueChange("source scientific_publications 2024", "0123456789ab+0123456789ab", "0123456789ab+ba9876543210")
    return Diff(
        "v2024.1", "v2025.1", (moved,), (), (MemberChange("gii-1", NAME, 12_345, 1, 1),), (), (), (value,), (value,)
    )


SHOWN = {
    "history of one": history_table(history(), shipped()),
    "history of many": ranks_table([history(10)]),
    "plan": plan_table([Step("ingest", "2024", "stale", "patents: code of geocoding changed, contracts changed " * 4)]),
    "ranking": ranking_table(ranking(), "Ranking", shipped()),
    "difference": to_rich(difference()),
    "many columns": rows_table(
        pd.DataFrame([{f"column_{n}": "a" * 30 for n in range(30)}]), "patents 2024: 1 failing row"
    ),
    "few columns": rows_table(pd.DataFrame([{"record_id": "WO1", "people": 3}]), "patents 2024: 1 failing row"),
}


@pytest.mark.parametrize("what", SHOWN)
def test_it_fits_eighty_columns(what: str) -> None:
    text = printed(SHOWN[what])
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_rows_that_do_not_fit_are_shown_a_value_per_line() -> None:
    text = printed(SHOWN["many columns"])
    assert [line.split() for line in text.splitlines() if line.startswith("column 7 ")] == [["column", "7", "a" * 30]]
    assert printed(SHOWN["few columns"]).splitlines()[-2].split() == ["WO1", "3"]


def test_figures_have_separators_and_no_powers_of_ten() -> None:
    row = {
        "people": 36_812_300.0,
        "share": 0.00012,
        "edition": 2025,
        "location_id": 123_456_789,
        "count": 12.5,
        "none": None,
    }
    text = printed(rows_table(pd.DataFrame([row]), "rows"), 200)
    assert text.splitlines()[-2].split() == ["36,812,300", "0.00012", "2025", "123456789", "12.50", "–"]
    assert "36,812,346 inhabitants" in " ".join(printed(SHOWN["history of one"], 120).split())


def test_a_rule_that_several_partitions_break_is_one_warning() -> None:
    warnings = [
        "deals 2020: located_share: At least 90 %. Observed: 80.",
        "patents 2020: located_share: At least 90 %. Observed: 70.",
        "deals 2021: located_share: At least 90 %. Observed: 81.",
        "deals 2021: in_bounds: 3 rows break it.",
        "deals 2020, 2021: no record, of 5 years that edition 2025 counts.",
        "deals 2023: located_share: At least 90 %. Observed: 82.",
    ]
    assert by_rule(warnings) == [
        "deals 2020: located_share: At least 90 %. Observed: 80. Also in 2021, 2023.",
        "patents 2020: located_share: At least 90 %. Observed: 70.",
        "deals 2021: in_bounds: 3 rows break it.",
        "deals 2020, 2021: no record, of 5 years that edition 2025 counts.",
    ]
