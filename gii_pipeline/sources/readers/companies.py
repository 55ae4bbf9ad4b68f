"""The company that received a deal: its name, and its business in one short list of industries.

Belongs here: the list, and the parts of words by which Crunchbase's categories and groups of every vintage, PitchBook's
sectors and Form D's industry groups are told.
Does not: organisations and fields of patents and publications.
"""

from __future__ import annotations

from typing import Final

INDUSTRIES: Final = {
    "Health and biotechnology": "bio|health|medic|pharma|hospital|therap|diagnos|genetic|genom|clinic|drug|dental|"
    "cancer|fitness|wellness|elder|nutri|psycholog|surg|life.science",
    "Financial services and insurance": "financ|fintech|bank|insur|payment|lend|invest|venture.capital|trading|credit|"
    "wealth|accounting|billing|currency|bitcoin|blockchain|crypto|crowdfund|stock|tax",
    "Energy and environment": "energy|solar|wind|clean|oil|gas|fuel|electric.util|utilit|power|environment|"
    "sustainab|recycl|waste|water|carbon|green|batter|natural.resource|mining|coal|mineral",
    "Food and agriculture": "agri|farm|food|beverage|restaurant|wine|beer|grocer|cook|organic|cannabis",
    "Real estate and construction": "real.estate|propert|construct|residential|commercial$|reits|home.improvement|"
    "architect|building",
    "Education": "educat|e.learning|edtech|university|school|student|tutor|training|language.learn",
    "Travel, sports and leisure": "travel|touris|lodging|hotel|hospitality|airline|leisure|sport|vacation|event|"
    "recreation",
    "Transport and logistics": "transport|automot|vehicle|car$|cars|logistic|shipping|deliver|mobility|aerospace|"
    "aviation|drone|space|ride|parking|supply.chain|freight",
    "Media, games and entertainment": "media|music|video|game|gaming|entertain|publish|news|content|film|photo|audio|"
    "broadcast|art|tv|television|blog|writing",
    "Retail and consumer goods": "commerce|retail|shop|consumer|fashion|clothing|apparel|beauty|cosmetic|jewel|luxury|"
    "pet|toy|furniture|kid|baby|marketplace|coupon|gift|lifestyle|wedding|women",
    "Telecommunications and mobile": "telecom|mobile|wireless|messag|network|sms|voip|phone|broadband|communicat",
    "Hardware and electronics": "hardware|electronic|semicon|sensor|robot|3d.print|wearable|internet.of.things|iot|"
    "nanotech|photonic|laser|optic|device|computers$",
    "Software, data and internet": "software|saas|internet|web|data|analytic|cloud|information.tech|artificial|"
    "machine.learn|security|search|app$|apps|application|platform|enterprise|developer|curated|social.net|social.media|"
    "social$|location|navigation|mapping|storage|crm|open.source|other.technology|technology|virtual|augmented|"
    "computer|algorithm|automation|privacy|identity",
    "Business services": "advert|market|sales|business|consult|profession|legal|human.resource|recruit|employ|staff|"
    "public.relation|admin|outsourc|customer|design|service|startups|office",
    "Manufacturing and materials": "manufact|industr|material|chemic|machinery|textile|engineering|packaging|steel|"
    "plastic|paper",
    "Government and society": "government|nonprofit|non.profit|charit|military|defense|politic|civic|social|communit|"
    "religio|local",
}
"""Industry -> parts of the words for it; the first whose part occurs in a word is the word's."""

OTHER: Final = "Other"


def industries(text: str, separators: str = "[|;,]") -> str:
    """SQL for a record's `fields` out of the words of a text: each industry once, with equal weights; null for none."""
    rules = " ".join(f"WHEN regexp_matches(lower(w), '{parts}') THEN '{name}'" for name, parts in INDUSTRIES.items())
    words = (
        f"list_filter(list_transform(string_split_regex({text}, '{separators}'), lambda w: trim(w)), lambda w: w <> '')"
    )
    named = f"list_sort(list_distinct(list_transform({words}, lambda w: CASE {rules} ELSE '{OTHER}' END)))"
    return (
        f"CASE WHEN len({named}) > 0 "
        f'THEN list_transform({named}, lambda n: {{"name": n, weight: 1 / len({named})}}) END'
    )


def company(name: str, economy: str, identity: str = "NULL") -> str:
    """SQL for a record's `organisations` where one company received the deal; null where it has no name."""
    return (
        f'CASE WHEN {name} IS NOT NULL THEN [{{id: {identity}, "name": {name}, economy: {economy}, '
        "kind: 'organisation', weight: 1}] END"
    )
