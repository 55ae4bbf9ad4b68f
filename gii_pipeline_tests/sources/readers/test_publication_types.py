"""One vocabulary of publication types: what an edition counts is what every source can give."""

from __future__ import annotations

import pytest

from gii_pipeline.editions import wipo_book
from gii_pipeline.sources.readers.publication_types import OPENALEX, SCOPUS, TYPES, WEB_OF_SCIENCE

SOURCES = {"OpenAlex": OPENALEX, "Web of Science": WEB_OF_SCIENCE, "Scopus": SCOPUS}


@pytest.mark.parametrize("words", SOURCES.values(), ids=list(SOURCES))
def test_every_word_of_a_source_means_a_type_of_ours(words: dict[str, str]) -> None:
    assert set(words.values()) <= set(TYPES)


@pytest.mark.parametrize("words", SOURCES.values(), ids=list(SOURCES))
def test_every_type_that_an_edition_counts_can_come_from_every_source(words: dict[str, str]) -> None:
    book = wipo_book().editions
    counted = {
        label: set(edition.metrics["scientific_publications"].record_types.value or ())
        for label, edition in book.items()
        if "scientific_publications" in edition.metrics
    }
    assert {label for label, types in counted.items() if "proceedings_paper" in types} == set(range(2018, 2022))
    for types in counted.values():
        assert types <= set(words.values())
