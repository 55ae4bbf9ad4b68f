"""The smallest world that a deployment ingests and ranks: one metric, one data year, edition 2011."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from gii_pipeline_tests import tiny_world

YEAR, EDITION = 2010, 2011
PEOPLE = dict.fromkeys(tiny_world.PEOPLE, 20)


def write(folder: Path) -> Path:
    """Write the world and its profile, whose schedule was due two days ago; return the profile."""
    path = tiny_world.write(folder)
    people = tiny_world.people("pct_applications", PEOPLE).assign(year=YEAR)
    people.to_csv(folder / "pct_applications.csv", index=False)
    document = tiny_world.profile()
    edition = document["editions"].pop(2015)
    metric = edition["metrics"]["pct_applications"] | {"window": _setting([YEAR, YEAR])}
    document["editions"] = {EDITION: edition | {"metrics": {"pct_applications": metric}}}
    document["metrics"] = {"pct_applications": document["metrics"]["pct_applications"]}
    due = due_day()
    publication = {"month": due.month, "day": due.day, "years_after": due.year - YEAR, "late_months": 0}
    document["schedule"] = {"sources": {"pct_applications": publication}}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def due_day() -> date:
    """Two days ago, or three where that is 29 February, which is not a day of every year."""
    day = (datetime.now(UTC) - timedelta(days=2)).date()
    return day - timedelta(days=1) if (day.month, day.day) == (2, 29) else day


def _setting(value: object) -> dict[str, Any]:
    return {"value": value, "tag": "A", "source": "A test's world"}
