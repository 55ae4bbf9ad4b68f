"""A cluster through the editions, by its persistent id."""

from __future__ import annotations

from pathlib import Path

import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.releases import first_clusters, history, open_release, standing, withdraw
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


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Editions 2021 to 2025: Tokyo is second but for 2022, when it is first."""
    root = tmp_path_factory.mktemp("series")
    for year in range(2021, 2026):
        write_and_release(root, str(year), grown={TOKYO: 2.0} if year == 2022 else {})
    write_and_release(root, "2024@2025")
    return root


def test_a_cluster_is_followed_through_the_editions(series: Path) -> None:
    rows = history(series, TOKYO)
    assert rows["edition"].tolist() == [2021, 2022, 2023, 2024, 2025]
    assert rows["rank"].tolist() == [2, 1, 2, 2, 2]
    assert rows["editions_at_rank"].tolist() == [1, 1, 1, 2, 3]
    assert rows["version"].tolist() == [f"v{year}.1" for year in range(2021, 2026)]
    assert rows["pct_applications_count"].notna().all()
    assert rows["pct_applications_per_million"].notna().all()
    assert rows["vc_deals_count"].notna().tolist() == [False, False, False, False, True]


def test_the_sentence_can_be_read_off_it(series: Path) -> None:
    assert standing(history(series, TOKYO)) == "Tokyo–Yokohama: second for the third edition running"
    assert standing(history(series, SHENZHEN)) == "Shenzhen–Hong Kong: first for the third edition running"
    assert standing(history(series, SINGAPORE)) == "Singapore: third for the fifth edition running"
    assert standing(history(series, TOKYO).head(2)) == "Tokyo–Yokohama: first"


@pytest.mark.parametrize("called", [PAULO, "São Paulo", "sao paulo", "PAULO", "brazil"])
def test_a_cluster_is_found_by_id_name_or_part_of_it(series: Path, called: str) -> None:
    assert set(history(series, called)["cluster_id"]) == {PAULO}


def test_a_name_of_an_earlier_edition_finds_the_cluster_under_its_new_name(tmp_path: Path) -> None:
    write_and_release(tmp_path, "2024")
    renamed = tables("2025")
    for name, table in tables("2025").items():
        if "name" in table.column_names:
            frame = table.to_pandas()
            frame["name"] = frame["name"].replace("Shenzhen–Hong Kong", "Shenzhen–Hong Kong–Guangzhou")
            renamed[name] = as_table(name, frame)
    write_edition(tmp_path, "2025", renamed)
    release(tmp_path, "2025")
    assert history(tmp_path, "Guangzhou")["name"].tolist() == ["Shenzhen–Hong Kong", "Shenzhen–Hong Kong–Guangzhou"]
    assert history(tmp_path, "Shenzhen-Hong Kong")["rank"].tolist() == [1, 1]


def test_the_first_clusters_are_those_of_the_newest_edition(series: Path) -> None:
    assert first_clusters(series, 2) == [SHENZHEN, TOKYO]
    assert first_clusters(series, 1, label="2024@2025") == [SHENZHEN]


def test_a_name_that_fits_none_or_several_is_refused(series: Path) -> None:
    with pytest.raises(InputError, match="No ranked cluster is called 'Atlantis'"):
        history(series, "Atlantis")
    with pytest.raises(InputError, match=r"'S' matches 3 clusters: gii-paulo \(São Paulo\); .* Give the id"):
        history(series, "S")


def test_a_gap_in_the_years_ends_a_run(tmp_path: Path) -> None:
    for label in ("2021", "2022", "2024"):
        write_and_release(tmp_path, label)
    assert history(tmp_path, TOKYO)["editions_at_rank"].tolist() == [1, 2, 1]


def test_one_method_throughout_is_a_series_of_its_own(series: Path) -> None:
    rows = history(series, TOKYO, label="2024@2025")
    assert rows["version"].tolist() == ["v2024-m2025.1", "v2025.1"]
    assert set(rows["method"]) == {2025}


def test_withdrawn_versions_are_no_history(tmp_path: Path) -> None:
    write_and_release(tmp_path, "2024")
    write_and_release(tmp_path, "2024", digest="e", grown={SHENZHEN: 1.3})
    withdraw(tmp_path, "v2024.2", because="Wrong.", at="2026-04-01T00:00:00Z")
    write_and_release(tmp_path, "2025")
    assert history(tmp_path, SHENZHEN)["version"].tolist() == ["v2024.1", "v2025.1"]
    assert set(open_release(tmp_path).table("rank_history")["version"]) == {"v2024.1", "v2025.1"}
