"""A cluster on one page of a terminal, and the two sentences on its fields and leaders."""

from __future__ import annotations

from dataclasses import replace

from gii_pipeline.releases.portrait import FieldShare, InMetric, Leader, Partner, Portrait
from gii_pipeline.report.portraits import WIDTH, page, sentences

PCT = InMetric(
    "pct_applications", "PCT applications", 117_542.4, 8.97, 1, 2020, 2024,
    leaders_known=True,
    leaders=(Leader(1, "Huawei", "CN", 30_000, 25.5), Leader(2, "OPPO\x1b[2J", "CN", 10_000, 8.5)),
    fields_known=True,
    fields=(
        FieldShare(1, "Digital communication", 30_000, 26.1, 2.4),
        FieldShare(2, "Computer technology", 20_000, 19, 1.5),
    ),
    ways={"within": 70, "clusters": 20, "outside": 10, "unlocated": 0, "economies": 12},
    partners=(Partner("b", "Tokyo–Yokohama", 35.7, 139.7, 300, 2.1),),
    origin_known=True,
    origin={"cluster": 80, "abroad": 20},
    years={2020: 20_000, 2024: 27_000},
    growth_pct=7.8,
)  # fmt: skip
PAPERS = InMetric("scientific_publications", "Scientific publications", 193_635, 2.4, 2, 2019, 2023)
PORTRAIT = Portrait("a", "Shenzhen–Hong Kong–Guangzhou", "CN/HK", 22.5, 114.1, 1, 14.3, 51.29e6, (PCT, PAPERS))


def test_a_page_fits_a_terminal_and_has_who_in_what_and_with_whom() -> None:
    told = page(PORTRAIT, "2025", ["All records are made up."])
    assert max(map(len, told.splitlines())) <= WIDTH
    for words in (
        "1st by size, 51.29 million",
        "Huawei 25.5 %",
        "Digital communication 26.1 % (x 2.4 of the",
        "+7.8 % a year",
    ):
        assert words in told
    assert "applicants in the cluster 80 %; abroad 20 %" in told
    assert "Tokyo–Yokohama 2.1 %" in told
    assert told.endswith("All records are made up.")
    assert "\x1b" not in told


def test_what_no_source_knows_is_said_to_be_unknown() -> None:
    papers = page(replace(PORTRAIT, metrics=(PAPERS,)), "2025")
    assert papers.count("not known from this source") == 4
    named_by_none = replace(PAPERS, leaders_known=True)
    assert "each has few records" in page(replace(PORTRAIT, metrics=(named_by_none,)), "2025")
    withheld = replace(named_by_none, leaders_named=False)
    assert "the licence of the source" in page(replace(PORTRAIT, metrics=(withheld,)), "2025")


def test_the_sentences_of_a_profile() -> None:
    assert sentences(PORTRAIT) == [
        "By field, its PCT applications are 26 % Digital communication and 19 % Computer technology.",
        "Its leaders are Huawei (26 %) and OPPO\\x1b[2J (8 %) in PCT applications.",
    ]
    assert sentences(replace(PORTRAIT, metrics=(PAPERS,))) == []
