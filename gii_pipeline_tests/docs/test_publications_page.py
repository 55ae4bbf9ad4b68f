"""The page on publications and patents: every line of what is read names the test that tries it."""

from __future__ import annotations

import re

from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.readers.publication_types import TYPES
from gii_pipeline_tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "publications-and-patents.md").read_text(encoding="utf-8")


def test_every_line_of_what_is_read_names_a_reader_and_a_test() -> None:
    rows = [line.split("|") for line in PAGE.splitlines() if "`test_" in line]
    tests = {
        name
        for path in (ROOT / "gii_pipeline_tests" / "sources").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert len(rows) > 30
    for *_, outcome, reader, test, _ in rows:
        assert outcome.strip() == "read" or outcome.strip().startswith("refused: ")
        assert reader.strip(" `") in SOURCES
        assert test.strip(" `") in tests


def test_every_type_of_ours_is_on_the_page() -> None:
    assert [name for name in TYPES if f"`{name}`" not in PAGE] == []
