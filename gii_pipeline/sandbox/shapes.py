"""How records look: rates and distributions measured on real ones.

Belongs here: numbers, each with the real files it was measured on.
Does not: drawing from them (see `records`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Authors per article in core journals: 3,243 OpenAlex works of 2025-2026. The API lists at most the first 100.
MAX_LISTED_AUTHORS = 100
_ARTICLES_BY_AUTHORS = {
    1: 268, 2: 385, 3: 513, 4: 532, 5: 497, 6: 408, 7: 229, 8: 144, 9: 81, 10: 53, 11: 45, 12: 21, 13: 16, 14: 4,
    15: 10, 16: 3, 17: 10, 18: 2, 19: 6, 20: 1, 23: 1, 26: 1, 28: 1, 30: 2, 40: 2, 42: 1, 53: 1, 66: 1, 95: 1, 99: 1,
    100: 3,
}  # fmt: skip
# Inventors per patent: 2,200 US patents of PatentsView, 2026.
_PATENTS_BY_INVENTORS = {
    1: 728, 2: 506, 3: 382, 4: 292, 5: 122, 6: 94, 7: 29, 8: 21, 9: 9, 10: 2, 11: 3, 12: 4, 13: 1, 14: 2, 15: 1, 17: 1,
    18: 2, 19: 1,
}  # fmt: skip

# Parts of the world's records that no location is known for.
#   publications: authorships without institution in core journals, 3,176 of 16,338 (in all works 28 %)
#   patents: WIPO geocodes 98 % of inventor addresses (PatentsView misses 0.25 % of its own)
#   deals: rounds whose company has no city, Crunchbase export of 2015
UNLOCATED = {"pct_applications": 0.02, "scientific_publications": 0.194, "vc_deals": 0.089}
RAW_STRING_ONLY = 1025 / 7192  # of the authorships without institution, those that have an affiliation text
WITHOUT_AUTHORS = 0.02  # of the works that nobody can be located for

# Part of the records with several people that were made in two regions, and of people with two affiliations.
SPLIT = 0.45
TWO_AFFILIATIONS = 1704 / 18545
# Of the records made in two regions, those that are so because one person belongs to both.
SPLIT_BY_PERSON = 0.15

AUTHOR_WITHOUT_ID = 348 / 16545
AUTHOR_WITH_ORCID = 0.744
WORK_WITHOUT_DOI = 460 / 5370
DEAL_WITH_AMOUNT = 0.81

# Works that do not count, per work that does, and why. From 5,370 works; social sciences as in OpenAlex,
# since the files are of the earth sciences; retractions and expansion-pack works are rare and must occur.
UNCOUNTED_WORKS = {
    "other_type": 0.16,
    "not_core": 0.20,
    "no_source": 0.12,
    "social_sciences": 0.08,
    "retracted": 0.004,
    "expansion_pack": 0.03,
}
OTHER_TYPES = ("book-chapter", "preprint", "dataset", "dissertation", "erratum", "peer-review", "paratext")
# Investment types by frequency (Crunchbase 2015 and 2020): those that are venture deals, and those that are not.
VENTURE_TYPES = {
    "pre_seed": 0.08, "seed": 0.36, "angel": 0.06, "series_a": 0.19, "series_b": 0.12, "series_c": 0.06,
    "series_d": 0.03, "series_e": 0.01, "series_unknown": 0.09,
}  # fmt: skip
OTHER_DEAL_TYPES = {
    "debt_financing": 0.38, "grant": 0.16, "private_equity": 0.14, "post_ipo_equity": 0.1, "post_ipo_debt": 0.06,
    "non_equity_assistance": 0.08, "secondary_market": 0.04, "product_crowdfunding": 0.04,
}  # fmt: skip
UNCOUNTED_DEALS = 0.25  # per deal that counts
PATENTS_WITHOUT_PCT = 0.3  # US patents without a PCT application, per one with


def people_distribution(metric: str) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Numbers of people that a record of the metric may have, and their probabilities."""
    counts = {"scientific_publications": _ARTICLES_BY_AUTHORS, "pct_applications": _PATENTS_BY_INVENTORS}.get(
        metric, {1: 1}
    )
    numbers = np.array(list(counts), dtype=np.int32)
    weights = np.array(list(counts.values()), dtype=np.float64)
    return numbers, weights / weights.sum()


def mean_people(metric: str) -> float:
    numbers, weights = people_distribution(metric)
    return float(numbers @ weights)
