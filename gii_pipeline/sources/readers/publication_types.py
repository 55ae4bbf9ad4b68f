"""One vocabulary of publication types, and what each source's words mean in it.

Belongs here: our types, and the words of OpenAlex and Crossref, Web of Science and Scopus.
Does not: which types an edition counts (`editions.yaml`), or which a profile chooses (`Options` of each reader).
"""

from __future__ import annotations

from typing import Final

from gii_pipeline.sources.readers.rows import ours, word

TYPES: Final = (
    "article",
    "review",
    "letter",
    "proceedings_paper",
    "meeting_abstract",
    "editorial",
    "correction",
    "retraction",
    "data_paper",
    "software_paper",
    "book",
    "book_chapter",
    "book_review",
    "preprint",
    "news",
    "biography",
    "report",
    "thesis",
    "dataset",
    "peer_review",
    "reference_entry",
    "paratext",
    "other",
)
"""Every value of `record_type` that a reader of publications gives."""

OPENALEX: Final = {
    "article": "article",
    "journal_article": "article",
    "review": "review",
    "letter": "letter",
    "proceedings_article": "proceedings_paper",
    "conference_paper": "proceedings_paper",
    "proceedings": "paratext",
    "conference_abstract": "meeting_abstract",
    "editorial": "editorial",
    "erratum": "correction",
    "retraction": "retraction",
    "data_paper": "data_paper",
    "software_paper": "software_paper",
    "book": "book",
    "monograph": "book",
    "edited_book": "book",
    "reference_book": "book",
    "book_set": "book",
    "book_series": "book",
    "book_chapter": "book_chapter",
    "book_section": "book_chapter",
    "book_part": "book_chapter",
    "book_track": "book_chapter",
    "book_review": "book_review",
    "preprint": "preprint",
    "posted_content": "preprint",
    "report": "report",
    "report_component": "report",
    "report_series": "report",
    "dissertation": "thesis",
    "dataset": "dataset",
    "database": "dataset",
    "peer_review": "peer_review",
    "reference_entry": "reference_entry",
    "paratext": "paratext",
    "journal": "paratext",
    "journal_issue": "paratext",
    "journal_volume": "paratext",
    "proceedings_series": "paratext",
}
"""The words of OpenAlex; until August 2023 they were those of Crossref, which are among them."""

WEB_OF_SCIENCE: Final = {
    "article": "article",
    "early_access": "article",
    "review": "review",
    "letter": "letter",
    "proceedings_paper": "proceedings_paper",
    "meeting_abstract": "meeting_abstract",
    "meeting_summary": "meeting_abstract",
    "editorial_material": "editorial",
    "editorial": "editorial",
    "discussion": "editorial",
    "correction": "correction",
    "correction_addition": "correction",
    "retraction": "retraction",
    "retracted_publication": "retraction",
    "withdrawn_publication": "retraction",
    "expression_of_concern": "retraction",
    "publication_with_expression_of_concern": "article",
    "item_withdrawal": "retraction",
    "data_paper": "data_paper",
    "data_set": "dataset",
    "data_study": "dataset",
    "software_review": "book_review",
    "hardware_review": "book_review",
    "database_review": "book_review",
    "book_review": "book_review",
    "book": "book",
    "book_chapter": "book_chapter",
    "news_item": "news",
    "biographical_item": "biography",
    "item_about_an_individual": "biography",
    "reprint": "other",
    "bibliography": "other",
    "chronology": "other",
}

SCOPUS: Final = {
    "article": "article",
    "article_in_press": "article",
    "business_article": "article",
    "short_survey": "review",
    "review": "review",
    "letter": "letter",
    "conference_paper": "proceedings_paper",
    "conference_review": "paratext",
    "abstract_report": "meeting_abstract",
    "editorial": "editorial",
    "note": "editorial",
    "erratum": "correction",
    "retracted": "retraction",
    "data_paper": "data_paper",
    "book": "book",
    "book_chapter": "book_chapter",
    "press_release": "news",
    "report": "report",
    "preprint": "preprint",
    "dissertation": "thesis",
}


def publication_type(source_type: str, words: dict[str, str]) -> str:
    """SQL for our type of a source's word; of a word that nobody knows, and where there is none, `other`."""
    return ours(word(source_type), words)
