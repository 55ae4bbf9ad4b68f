"""One vocabulary of deal types: what an edition counts is what every source can give."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gii_pipeline.editions import wipo_book
from gii_pipeline.profiles import read_profile
from gii_pipeline.sources.readers.deal_types import (
    CRUNCHBASE,
    FORM_D_INDUSTRIES,
    FORM_D_SECURITIES,
    PITCHBOOK,
    TABLES,
    TYPES,
    VENTURE_EQUITY,
)

FORM_D = {name: meant for name, (_, meant) in FORM_D_SECURITIES.items()} | FORM_D_INDUSTRIES
SOURCES = {"Crunchbase": CRUNCHBASE, "PitchBook": PITCHBOOK, "tables": TABLES, "Form D": FORM_D}
STAGES = {"angel", "seed", "early", "late", "venture"}


@pytest.mark.parametrize("words", SOURCES.values(), ids=list(SOURCES))
def test_every_word_of_a_source_means_a_type_of_ours(words: Mapping[str, str]) -> None:
    assert set(words.values()) <= set(TYPES)


def test_editions_count_venture_equity() -> None:
    for book in (wipo_book().editions, read_profile("sandbox").book.editions):
        counted = [
            edition.metrics["vc_deals"].record_types for edition in book.values() if "vc_deals" in edition.metrics
        ]
        assert [set(types.value or ()) for types in counted] == [set(VENTURE_EQUITY)] * len(counted)
        assert counted
        assert {types.tag for types in counted} == {"A"}


@pytest.mark.parametrize(
    ("words", "never"), [(CRUNCHBASE, {"equity"}), (PITCHBOOK, {"equity"}), (TABLES, set()), (FORM_D, STAGES)]
)
def test_each_source_gives_the_types_that_editions_count(words: Mapping[str, str], never: set[str]) -> None:
    assert set(VENTURE_EQUITY) - set(words.values()) == never
