"""Who leads, who overtook whom, streaks, entries, splits and merges, as rows of `rank_events`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from gii_pipeline.releases import open_release
from gii_pipeline.releases.events import rank_events
from gii_pipeline_tests.releases.small_edition import (
    PAULO,
    SHENZHEN,
    SINGAPORE,
    TOKYO,
    as_table,
    release,
    tables,
    write_and_release,
    write_edition,
)

Events = dict[tuple[str, str], list[dict[Hashable, Any]]]


def events_of(root: Path, version: str = "latest", basis: str = "own_method") -> Events:
    return by_event(open_release(root, version).table("rank_events"), basis)


def by_event(rows: pd.DataFrame, basis: str) -> Events:
    """(event, cluster) -> its rows under one comparison."""
    found: Events = {}
    for row in rows[rows["basis"] == basis].to_dict("records"):
        found.setdefault((row["event"], row["cluster_id"]), []).append(row)
    return found


def renamed(label: str, names: Mapping[str, str], **changes: Any) -> dict[str, pa.Table]:
    """The tables of an edition with other names of clusters."""
    made = tables(label, **changes)
    for name, table in made.items():
        if "name" in table.column_names:
            frame = table.to_pandas()
            frame["name"] = frame["name"].replace(dict(names))
            made[name] = as_table(name, frame)
    return made


@pytest.fixture(scope="module")
def overtaken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Editions 2019 to 2025: Tokyo leads, then in 2025 Shenzhen–Hong Kong, which has a longer name since 2021."""
    root = tmp_path_factory.mktemp("overtaken")
    longer = {"Shenzhen–Hong Kong": "Shenzhen–Hong Kong–Guangzhou"}
    for year in range(2019, 2026):
        grown = {TOKYO: 2.0} if year < 2025 else {}
        write_edition(root, str(year), renamed(str(year), longer if year > 2020 else {}, grown=grown))
        release(root, str(year), validated=year < 2025)
    return root


def test_a_first_place_after_others_led_is_the_first_one(overtaken: Path) -> None:
    row = events_of(overtaken)["first_for_the_first_time", SHENZHEN][0]
    assert (row["compared_edition"], row["compared_rank"], row["editions"], row["since"]) == (2024, 2, 6, 2019)
    assert ("stays_first", TOKYO) in events_of(overtaken, "2024")
    assert ("leads", TOKYO) in events_of(overtaken, "2019")


def test_a_streak_is_counted_as_a_cluster_and_under_its_present_name(overtaken: Path) -> None:
    ended = events_of(overtaken)["streak_ended", SHENZHEN][0]
    assert (ended["compared_rank"], ended["editions"], ended["since"]) == (2, 6, 2019)
    assert (ended["editions_under_name"], ended["since_under_name"]) == (4, 2021)
    running = events_of(overtaken, "2022")["streak", SHENZHEN][0]
    assert (running["rank"], running["editions"], running["editions_under_name"]) == (2, 4, 2)
    assert events_of(overtaken)["streak", PAULO][0]["editions"] == 7


def test_an_overtake_names_the_cluster_that_was_ahead(overtaken: Path) -> None:
    row = events_of(overtaken)["overtakes", SHENZHEN][0]
    assert (row["other_cluster_id"], row["other_name"]) == (TOKYO, "Tokyo–Yokohama")
    assert "overtakes" not in {event for event, _ in events_of(overtaken, "2024")}


def test_a_first_place_that_was_lost_in_between_is_won_again(tmp_path: Path) -> None:
    for year, ahead in ((2023, SHENZHEN), (2024, TOKYO), (2025, SHENZHEN)):
        write_and_release(tmp_path, str(year), grown={ahead: 2.0})
    assert ("first_again", SHENZHEN) in events_of(tmp_path)


def test_a_gap_in_the_years_compares_with_nothing(tmp_path: Path) -> None:
    write_and_release(tmp_path, "2023", grown={TOKYO: 2.0})
    write_and_release(tmp_path, "2025")
    assert {event for event, _ in events_of(tmp_path)} == {"first_for_the_first_time"}


def test_the_first_release_of_a_root_knows_who_leads_and_nothing_else(tmp_path: Path) -> None:
    write_and_release(tmp_path, "2025")
    assert list(events_of(tmp_path)) == [("leads", SHENZHEN)]


def test_a_cluster_that_breaks_apart_splits_and_is_not_new() -> None:
    events = between(tables("2024"), regrouped("2025", {"Guangzhou": "gii-guangzhou"}))
    assert events["splits_from", "gii-guangzhou"][0]["other_cluster_id"] == SHENZHEN
    assert ("enters", "gii-guangzhou") in events
    assert "is_new" not in {event for event, _ in events}


def test_a_cluster_that_grows_into_another_merges_into_it() -> None:
    events = between(regrouped("2024", {"Guangzhou": "gii-guangzhou"}), tables("2025"))
    assert events["merges_into", "gii-guangzhou"][0]["other_cluster_id"] == SHENZHEN
    assert ("leaves", "gii-guangzhou") in events


def test_a_cluster_at_places_that_none_had_is_new_and_one_whose_places_none_has_is_gone() -> None:
    without = {"Singapore": None, "Johor Bahru": None}
    assert ("is_new", SINGAPORE) in between(regrouped("2024", without), tables("2025"))
    assert ("is_gone", SINGAPORE) in between(tables("2024"), regrouped("2025", without))


def between(before: Mapping[str, pa.Table], now: Mapping[str, pa.Table]) -> Events:
    rows = rank_events(now.__getitem__, [before.__getitem__], own_method=True)
    return by_event(rows.to_pandas(), "own_method")


@pytest.mark.parametrize(("before", "event"), [(1, "stays_first"), (3, "leads")])
def test_the_same_comparison_by_this_method_is_told_apart(tmp_path: Path, before: int, event: str) -> None:
    made = tables("2025")
    frame = made["rank_changes"].to_pandas()
    order = [SHENZHEN, TOKYO, SINGAPORE] if before == 1 else [TOKYO, SINGAPORE, SHENZHEN]
    ranks = {cluster: place for place, cluster in enumerate([*order, PAULO], 1)}
    frame = frame.assign(previous_edition=2024, previous_rank=frame["cluster_id"].map(ranks))
    write_edition(tmp_path, "2025", made | {"rank_changes": as_table("rank_changes", frame)})
    release(tmp_path, "2025")
    events = events_of(tmp_path, basis="same_method")
    assert events[event, SHENZHEN][0]["compared_rank"] == before
    overtaken = {row["other_cluster_id"] for row in events.get(("overtakes", SHENZHEN), [])}
    assert overtaken == ({TOKYO, SINGAPORE} if before == 3 else set())


def regrouped(label: str, clusters: Mapping[str, str | None]) -> dict[str, pa.Table]:
    """The tables of an edition with places in other clusters: the members, and the ranking as far as events need it."""
    made = tables(label)
    members = made["cluster_members"].to_pandas()
    members["cluster_id"] = members["place"].map(clusters).where(members["place"].isin(clusters), members["cluster_id"])
    ranking = made["ranking_size"].to_pandas()
    ranking = ranking[ranking["cluster_id"].isin(members["cluster_id"])]
    for cluster in sorted(set(filter(None, clusters.values()))):
        last = ranking.iloc[-1:]
        ranking = pd.concat([ranking, last.assign(cluster_id=cluster, name="Guangzhou", rank=last["rank"] + 1)])
    return made | {
        "cluster_members": as_table("cluster_members", members),
        "ranking_size": as_table("ranking_size", ranking),
    }
