"""Answers are kept across years and runs, as long as what they depend on is the same and their file is undamaged."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gii_pipeline import verified
from gii_pipeline.geocoding import Gazetteer, kept, outdated_answers, read_overrides
from gii_pipeline.geocoding.addresses import ADDRESS_COLUMNS, locate_addresses
from gii_pipeline.geocoding.kept import KeptAnswers
from gii_pipeline.sources import INSTITUTION_COLUMNS

INSTITUTIONS = pd.DataFrame(columns=list(INSTITUTION_COLUMNS))


class Locating:
    """Locates, and counts the addresses that it was asked for."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer, self.asked = gazetteer, 0

    def __call__(self, addresses: pd.DataFrame) -> pd.DataFrame:
        self.asked += len(addresses)
        return locate_addresses(addresses, self.gazetteer, INSTITUTIONS, read_overrides(None))


@pytest.fixture
def locating(gazetteer: Gazetteer) -> Locating:
    return Locating(gazetteer)


def addresses(*rows: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame(list(rows)).reindex(columns=ADDRESS_COLUMNS).astype({"latitude": float, "longitude": float})


FIRST = addresses(
    {"city": "Lyon", "economy": "FR"},
    {"city": "Qqqqq", "economy": "FR"},
    {"address": "Dept Chem, Cambridge CB2 1TN, England"},
)
SECOND = addresses(
    {"city": "Lyon", "economy": "FR"},
    {"city": "Lyon", "economy": "FR", "latitude": 45.75, "longitude": 4.85},
    {"city": "Porto", "economy": "PT"},
)


def kept_in(folder: Path, gazetteer: Gazetteer, overrides: pd.DataFrame | None = None) -> KeptAnswers:
    return KeptAnswers(folder, gazetteer, INSTITUTIONS, read_overrides(None) if overrides is None else overrides)


def test_a_later_year_asks_only_for_the_addresses_that_are_new(tmp_path: Path, locating: Locating) -> None:
    kept_in(tmp_path, locating.gazetteer).locate(FIRST, locating)
    second = kept_in(tmp_path, locating.gazetteer).locate(SECOND, locating)
    again = kept_in(tmp_path, locating.gazetteer).locate(FIRST, locating)
    assert locating.asked == len(FIRST) + 2
    for asked, answers in ((FIRST, again), (SECOND, second)):
        plain = Locating(locating.gazetteer)(asked)
        pd.testing.assert_frame_equal(answers.astype("object"), plain.astype("object"), check_dtype=False)


def test_a_damaged_file_of_answers_is_not_believed(tmp_path: Path, locating: Locating) -> None:
    before = kept_in(tmp_path, locating.gazetteer).locate(FIRST, locating)
    [file] = tmp_path.glob("answers-*.parquet")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    after = kept_in(tmp_path, locating.gazetteer).locate(FIRST, locating)
    assert locating.asked == 2 * len(FIRST)
    pd.testing.assert_frame_equal(before, after)
    assert verified.damage(file) is None


def test_other_overrides_have_answers_of_their_own(tmp_path: Path, locating: Locating) -> None:
    kept_in(tmp_path, locating.gazetteer).locate(FIRST, locating)
    (tmp_path / "overrides.csv").write_text("address,latitude,longitude\nDept,50,6\n", encoding="utf-8")
    overrides = read_overrides(tmp_path / "overrides.csv")
    kept_in(tmp_path, locating.gazetteer, overrides).locate(FIRST, locating)
    assert locating.asked == 2 * len(FIRST)


def test_answers_of_another_version_are_outdated_and_those_of_other_overrides_are_not(
    tmp_path: Path, locating: Locating, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "overrides.csv").write_text("address,latitude,longitude\nDept,50,6\n", encoding="utf-8")
    kept_in(tmp_path, locating.gazetteer).locate(FIRST, locating)
    kept_in(tmp_path, locating.gazetteer, read_overrides(tmp_path / "overrides.csv")).locate(FIRST, locating)
    files = sorted(tmp_path.glob("answers-*.parquet"))
    assert len(files) == 2
    assert outdated_answers(tmp_path, locating.gazetteer) == []
    monkeypatch.setattr(kept, "code_of", lambda _: "another version")
    kept_in(tmp_path, locating.gazetteer).locate(FIRST, locating)
    assert outdated_answers(tmp_path, locating.gazetteer) == files
