"""The consumer's guide: every Python and SQL block of docs/consumers.md runs on a release."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from gii_pipeline.releases import withdraw
from gii_pipeline_tests.releases.small_edition import SHENZHEN, write_and_release

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "consumers.md"
BLOCK = re.compile(r"^```(python|sql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Snippet(NamedTuple):
    language: str
    text: str
    line: int


TEXT = GUIDE.read_text(encoding="utf-8")
SNIPPETS = [Snippet(m[1], m[2], TEXT[: m.start()].count("\n") + 2) for m in BLOCK.finditer(TEXT)]


def of(language: str) -> list[Snippet]:
    return [snippet for snippet in SNIPPETS if snippet.language == language]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with gii_data in it: two editions, a revision that was withdrawn, and half a copy."""
    home = tmp_path_factory.mktemp("reader")
    root = home / "gii_data"
    write_and_release(root, "2024")
    write_and_release(root, "2025")
    write_and_release(root, "2025", digest="e", grown={SHENZHEN: 1.2})
    withdraw(root, "v2025.2", because="An example.", at="2026-04-01T00:00:00Z")
    half = root / "releases" / "v2026.1"
    half.mkdir()
    source = root / "releases" / "v2025.1" / "ranking_size.parquet"
    (half / "ranking_size.parquet").write_bytes(source.read_bytes())
    return home


@pytest.mark.parametrize("snippet", of("python"), ids=lambda snippet: f"line {snippet.line}")
def test_the_python_of_the_guide_runs(home: Path, snippet: Snippet) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", snippet.text], cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{GUIDE}:{snippet.line}\n{done.stderr}"
    if "print(" in snippet.text:
        assert done.stdout.strip()


@pytest.mark.parametrize("snippet", of("sql"), ids=lambda snippet: f"line {snippet.line}")
def test_the_sql_of_the_guide_finds_rows(home: Path, snippet: Snippet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert duckdb.connect().execute(snippet.text).fetchall()


def test_sql_over_all_versions_reads_whole_and_valid_ones(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    (over_all,) = [snippet.text for snippet in of("sql") if "withdrawn" in snippet.text]
    rows = duckdb.connect().execute(over_all).fetch_df()
    assert set(rows["version"]) == {"v2024.1", "v2025.1"}
    assert set(rows["edition"]) == {2024, 2025}


def test_the_guide_names_every_file_of_a_version(home: Path) -> None:
    for path in (home / "gii_data" / "releases" / "v2025.1").iterdir():
        assert path.name in TEXT or path.name.split(".")[0] in TEXT, path.name


def test_there_are_snippets_for_every_reader() -> None:
    for library in ("pandas", "polars", "pyarrow", "geopandas", "frictionless", "gii_pipeline"):
        assert any(f"import {library}" in s.text or f"from {library}" in s.text for s in of("python")), library
    assert len(of("sql")) >= 3
