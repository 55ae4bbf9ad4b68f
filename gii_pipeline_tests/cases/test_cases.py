"""Every folder of `../shared/cases` with a profile and expected rows is read and located as its `expected.csv` says."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gii_pipeline_tests.cases.reading import READ, differences, located_rows
from gii_pipeline_tests.conftest import SHARED

CASES = SHARED / "cases"
OTHERWISE = {
    ("form_d_set", "021-2"): "pooled_fund",
    ("form_d_set", "021-4"): "real_estate",
    ("form_d_set", "021-5"): "natural_resources",
}
"""Record types that a folder leaves open, or gives by the security alone: the industry group decides first."""


def _expected(folder: Path) -> pd.DataFrame:
    text = dict.fromkeys(("record_id", "dropped", "or_dropped", "or", "file", "record_type", "economy"), str)
    return pd.read_csv(folder / "expected.csv", dtype=text, keep_default_na=False, na_values=[""])


def folders() -> list[Path]:
    found = sorted(path.parent for path in CASES.glob("*/expected.csv") if list(path.parent.glob("profile*.yaml")))
    return [folder for folder in found if set(_expected(folder).columns) <= READ]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is not here: its files are not part of the repository")
@pytest.mark.parametrize("folder", [pytest.param(folder, id=folder.name) for folder in folders()])
def test_a_case_is_read_as_expected(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _expected(folder)
    for (name, record_id), kind in OTHERWISE.items():
        if name == folder.name:
            expected.loc[expected["record_id"] == record_id, "record_type"] = kind
    files = [None] if "file" not in expected else sorted(expected["file"].unique())
    found = []
    for number, file in enumerate(files):
        monkeypatch.setenv("FILE", file or "")
        root = tmp_path / str(number)
        root.mkdir()
        wanted = expected if file is None else expected[expected["file"] == file]
        profile = max(folder.glob("profile*.yaml"), key=lambda path: len(path.name))
        rows = located_rows(profile, root)
        if file is not None:
            rows = rows[rows["files"].str.contains(file, regex=False)]
        found += differences(rows, wanted)
    assert not found, "\n".join(found)
