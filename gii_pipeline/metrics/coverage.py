"""Coverage: how much of what official statistics count each source has, by economy and data year.

Belongs here: reading official totals, comparing with them, the weights that calibrate to them (post-stratification),
and whether data years are complete.
Does not: counting records (`counting.by_economy`), what earlier retrievals show (`completeness`), or what a calibrated
ranking looks like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from gii_pipeline.editions import Edition
from gii_pipeline.errors import InputError
from gii_pipeline.geocoding.economies import alpha2
from gii_pipeline.metrics.completeness import Shown
from gii_pipeline.metrics.rows import with_edition
from gii_pipeline.wording import listed, some

OFFICIAL = ("economy", "year")
SHOWN = ("age_months", "settled_pct", "settled_years")
PACE_AT_LEAST = 0.9
SETTLED_AT_LEAST_PCT = 95.0
COMPLETE = {"settled": True, "still coming in": False, "year not over": False, "behind pace": False, "unknown": None}
"""What is known of a data year's completeness -> whether it is complete."""
COVERAGE = {
    "metric": "str",
    "economy": "str",
    "data_year": "int32",
    "count": "float64",
    "official_total": "float64",
    "coverage_pct": "float64",
    "weight": "float64",
    "age_months": "Int32",
    "settled_pct": "float64",
    "settled_years": "Int32",
    "pace": "float64",
    "completeness": "str",
    "complete": "boolean",
    "status": "str",
}


def read_totals(path: Path) -> pd.DataFrame:
    """Official totals from a CSV file with the columns economy, year and one of numbers: economy, data_year, total.

    economy: a code or a name; for PCT applications the origin, as WIPO's statistics print it. Raises InputError naming
    the file and the row for a column that is missing, an economy that nobody knows, a number that is none, and an
    economy and year that come twice.
    """
    try:
        rows = pd.read_csv(path, dtype="str", keep_default_na=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path} is not a readable CSV file of official totals: {error}") from error
    rows.columns = [str(name).strip().lower() for name in rows.columns]
    numbers = [name for name in rows.columns if name not in OFFICIAL]
    if not set(OFFICIAL) <= set(rows.columns) or len(numbers) != 1:
        raise InputError(
            f"{path}: official totals have the columns economy, year and one of numbers, not {list(rows)}."
        )
    found = pd.DataFrame(
        {
            "economy": rows["economy"].map(lambda text: alpha2(text.strip())),
            "data_year": pd.to_numeric(rows["year"], errors="coerce"),
            "total": pd.to_numeric(rows[numbers[0]].str.replace(r"[\s,]", "", regex=True), errors="coerce"),
        }
    )
    _refuse(path, rows, found["economy"].isna(), "this economy is unknown")
    _refuse(path, rows, ~(found["data_year"] % 1 == 0), "the year is not a whole number")
    _refuse(path, rows, ~(np.isfinite(found["total"]) & (found["total"] >= 0)), "the total is not a number")
    _refuse(path, rows, found.duplicated(["economy", "data_year"]), "this economy and year appear twice")
    return found.astype({"economy": "str", "data_year": "int32", "total": "float64"})


def coverage(
    counts: pd.DataFrame,
    totals: Mapping[str, pd.DataFrame],
    edition: Edition,
    *,
    calibrated: tuple[str, ...] = (),
    retrieved: Mapping[str, Mapping[int, Shown]] = MappingProxyType({}),
) -> pd.DataFrame:
    """The `coverage` table: metric x economy x data year of the edition's windows, sorted by these.

    counts: as `counting.by_economy`, of the records as they are; totals: metric -> as `read_totals`; calibrated:
    metrics whose records are weighted; retrieved: metric -> data year -> what retrievals show of it. An economy with an
    official total and no record has a row with a count of 0: no weight can bring it back. pace is the year's count of
    all economies over what the years before lead to expect.
    """
    parts = [_of_metric(name, counts, totals.get(name), edition, name in calibrated) for name in edition.metrics]
    table = pd.concat(parts, ignore_index=True).sort_values(["metric", "economy", "data_year"], ignore_index=True)
    known = pd.DataFrame(
        [(name, year, *one) for name, of in retrieved.items() for year, one in of.items()],
        columns=["metric", "data_year", *SHOWN],
    )
    table = table.merge(known, on=["metric", "data_year"], how="left", validate="m:1")
    table["completeness"] = _completeness(table)
    table["complete"] = table["completeness"].map(COMPLETE)
    return with_edition(table[list(COVERAGE)].astype(COVERAGE), edition)


def weights(counts: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    """economy, data_year, weight: official total over count, where both are above zero.

    counts: economy, data_year, count of one metric; totals: as `read_totals`.
    """
    both = counts[counts["economy"] != ""].merge(totals, on=["economy", "data_year"], validate="1:1")
    both = both[(both["count"] > 0) & (both["total"] > 0)]
    return both.assign(weight=both["total"] / both["count"])[["economy", "data_year", "weight"]]


def missing_economies(table: pd.DataFrame) -> pd.DataFrame:
    """Economies of `coverage` with official totals and no record in the window: metric, economy, official_total."""
    sums = table.groupby(["metric", "economy"], as_index=False)[["count", "official_total"]].sum()
    return sums[(sums["count"] == 0) & (sums["official_total"] > 0)].drop(columns="count").reset_index(drop=True)


def warnings(table: pd.DataFrame, title: Callable[[str], str] = str) -> list[str]:
    """What to know of a ranking's records before it is read, a sentence each, from `coverage`.

    title: metric -> what it is called within a sentence.
    """
    said = []
    for metric, rows in table.groupby("metric"):
        said += [f"{title(str(metric))}: {told}" for row in _years(rows) if (told := _incomplete(row))]
        absent = missing_economies(rows)
        if len(absent):
            largest = some(absent.sort_values("official_total", ascending=False)["economy"].to_list(), 10)
            economies = "1 economy" if len(absent) == 1 else f"{len(absent)} economies"
            said.append(f"{title(str(metric))}: no record of {economies} with official totals: {largest}.")
    return said


def notes(table: pd.DataFrame, title: Callable[[str], str] = str) -> list[str]:
    """Which data years nothing shows to be complete or incomplete: one sentence, or none."""
    unknown = _years(table[table["completeness"] == "unknown"])
    if not unknown:
        return []
    years: dict[str, list[str]] = {}
    for row in unknown:
        years.setdefault(title(row["metric"]), []).append(str(row["data_year"]))
    named = listed(f"{metric} of {listed(of)}" for metric, of in years.items())
    why = "no earlier retrieval shows how many records arrive late, and sources add records for years after the fact"
    return [f"Whether {named} are complete is unknown: {why}."]


def _years(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """One row for each metric and data year, of any economy."""
    found = rows.drop_duplicates(["metric", "data_year"]).sort_values(["metric", "data_year"])
    return [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]


def _incomplete(row: Mapping[str, Any]) -> str:
    """Why a data year is not complete, as a sentence; empty where nothing says so."""
    year = row["data_year"]
    match row["completeness"]:
        case "year not over":
            return f"{year} had not ended when its records were retrieved."
        case "still coming in":
            return (
                f"{year} is incomplete: at its age, {row['age_months']} months after its end, earlier data years had "
                f"{row['settled_pct']:.0f} % of their present count ({row['settled_years']} compared)."
            )
        case "behind pace":
            return f"{year} has {row['pace']:.0%} of the records expected from the previous years."
    return ""


def _completeness(table: pd.DataFrame) -> np.ndarray:
    """What is known of each row's data year. What retrievals show goes before pace, which a real fall lowers too."""
    settled = table["settled_pct"].astype("float64")
    return np.select(
        [
            (table["age_months"].astype("float64") < 0).to_numpy(),
            (settled >= SETTLED_AT_LEAST_PCT).to_numpy(),
            settled.notna().to_numpy(),
            (table["pace"] < PACE_AT_LEAST).to_numpy(),
        ],
        ["year not over", "settled", "still coming in", "behind pace"],
        "unknown",
    )


def _of_metric(
    name: str, counts: pd.DataFrame, totals: pd.DataFrame | None, edition: Edition, calibrate: bool
) -> pd.DataFrame:
    years = edition.data_years[name]
    own = counts[counts["metric"] == name].drop(columns="metric")
    rows = own.assign(total=np.nan)
    if totals is not None:
        official = totals[totals["data_year"].isin(years)]
        rows = own.merge(official, on=["economy", "data_year"], how="outer", validate="1:1")
    count, total = rows["count"].fillna(0.0), rows["total"]
    weighted = weights(own, totals) if calibrate and totals is not None else own.head(0).assign(weight=0.0)
    rows = rows.drop(columns=["count", "total"]).merge(
        weighted[["economy", "data_year", "weight"]], on=["economy", "data_year"], how="left", validate="1:1"
    )
    pace = _pace(own, years)
    rows = rows.assign(
        metric=name,
        count=count.to_numpy(),
        official_total=total.to_numpy(),
        coverage_pct=(100 * count / total.where(total > 0)).to_numpy(),
        pace=rows["data_year"].map(pace).astype("float64"),
    )
    rows["status"] = _status(rows, given=totals is not None)
    return rows


def _status(rows: pd.DataFrame, *, given: bool) -> np.ndarray:
    if not given:
        return np.full(len(rows), "no official totals")
    nobody = (rows["count"] == 0) & (rows["official_total"] > 0)
    return np.select(
        [rows["economy"] == "", nobody, rows["official_total"].isna()],
        ["not located", "no record", "no official total"],
        "compared",
    )


def _pace(counts: pd.DataFrame, years: tuple[int, ...]) -> dict[int, float]:
    """Data year -> its count over the year before's times the median growth until then; the first two have none."""
    sums = counts.groupby("data_year")["count"].sum().reindex(list(years)).fillna(0.0).to_numpy()
    growth = np.divide(sums[1:], sums[:-1], out=np.full(len(sums) - 1, np.nan), where=sums[:-1] > 0)
    found = {}
    for at in range(2, len(years)):
        known = growth[: at - 1][np.isfinite(growth[: at - 1])]
        expected = sums[at - 1] * np.median(known) if known.size else 0.0
        if expected > 0:
            found[years[at]] = float(sums[at] / expected)
    return found


def _refuse(path: Path, rows: pd.DataFrame, wrong: pd.Series, why: str) -> None:
    if wrong.any():
        at = int(wrong.to_numpy().argmax())
        shown = ", ".join(f"{name} {value!r}" for name, value in rows.iloc[at].items())
        raise InputError(f"{path}, line {at + 2} ({shown}): {why}, and {int(wrong.sum()) - 1} more lines like it.")
