"""The diagrams of the documentation are those that their script draws, and no picture is missing or large."""

from __future__ import annotations

import re
from pathlib import Path

from gii_pipeline_tests.docs.pages import ROOT
from gii_pipeline_tests.docs.pictures import FOLDER, write_diagrams

LARGEST = 250_000


def test_the_diagrams_are_as_drawn(tmp_path: Path) -> None:
    write_diagrams(tmp_path)
    for drawn in tmp_path.iterdir():
        assert (FOLDER / drawn.name).read_text(encoding="utf-8") == drawn.read_text(encoding="utf-8"), drawn.name


def test_every_picture_is_there_described_and_small() -> None:
    used = set()
    for page in (ROOT / "docs").glob("*.md"):
        for text, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            picture = (page.parent / target).resolve()
            assert picture.is_file(), (page, target)
            assert len(text) > 10, (page, target)
            used.add(picture)
    assert used == {path.resolve() for path in FOLDER.iterdir()}
    assert [path.name for path in used if path.stat().st_size > LARGEST] == []
