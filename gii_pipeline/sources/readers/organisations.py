"""Who applied for a patent or employs an author: organisations by their names, and natural persons never by theirs.

Belongs here: telling an organisation's name from a person's, and the list of a record's organisations as SQL.
Does not: that two names are one organisation.

A name is an organisation's where something in it says so: a legal form, a word such as `university` or `laboratory` in
one of the languages of applicants, or that it is a single word in Latin letters, which hardly any name of a person is.
Any other may be a person's and is an individual, whose name goes no further.
"""

from __future__ import annotations

from typing import Final

_LEGAL_FORMS: Final = (
    "inc|incorporated|corp|corporation|company|companies|ltd|limited|llc|llp|plc|gmbh|mbh|kgaa|ohg|ltda|pty|"
    "pte|sdn|bhd|aktiengesellschaft|gesellschaft|kabushiki|kaisha|aktiebolag|naamloze|vennootschap|sarl|srl|"
    "sro|doo|ooo|oao|zao|pao|kft|zrt|oyj|aps|asa"
)
_SHORT_FORMS: Final = "co|ag|kg|sa|se|nv|bv|ab|as|oy|kk|lp|spa|sas|sl|sc|ao|ev"
_STEMS: Final = (
    "univers|institut|istitut|college|hochschule|ecole|facult|academ|akadem|hospital|hopita|ospedal|"
    "clinic|klinik|charite|foundation|stiftung|fundac|fondation|fondazione|laborator|centre|center|centro|"
    "zentrum|centrum|research|forschung|recherche|ricerc|council|conseil|consejo|consiglio|ministr|government|"
    "republic|agenc|agenzia|authorit|commissi|commissariat|associat|society|societ|sociedad|verein|anstalt|"
    "organisation|organization|consortium|cooperativ|industr|technolog|technik|tecnolog|systems|systemes|"
    "gruppe|groupe|holding|international|pharma|therapeutic|biotech|bioscience|biologics|genetics|electronic|"
    "electric|energ|chemical|chemie|chimie|enterprise|department|politecn|polytechn|semiconductor|aerospace|"
    "engineering|manufactur|instruments|materials|diagnostics|telecom|communications|petrole|machinery|robotics"
)
_WORDS: Final = (  # of which a longer word may be a surname
    "bank|trust|fund|group|school|products|services|solutions|partners|ventures|capital|national|federal|werke|"
    "networks|software|motors|trading|devices|medical|machines|equipment|vision|imaging"
)
_OTHER_SCRIPTS: Final = (
    "株式会社|有限会社|合同会社|公司|大学|大學|学院|學院|研究所|研究院|集团|集團|医院|病院|機構|회사|대학교|"
    "연구원|연구소|공사|재단|общество|ооо |оао |зао |пао |университет|институт|компания|"
    "предприятие|академия|учреждение|شركة|جامعة"
)


def is_organisation(name: str) -> str:
    """SQL for whether a name is an organisation's."""
    text = f"regexp_replace(lower(strip_accents({name})), '[.]', '', 'g')"
    words = rf"\b({_LEGAL_FORMS}|{_WORDS})\b|\b({_STEMS})|[^,] ({_SHORT_FORMS})$|\ba/s\b|&"
    one_word = rf"regexp_matches(trim({name}), '^[\p{{Latin}}\p{{N}}&+.''’-]+$')"
    return f"(regexp_matches({text}, '{words}') OR regexp_matches(lower({name}), '{_OTHER_SCRIPTS}') OR {one_word})"


def person_key(name: str) -> str:
    """SQL for a name of a person, the same in whatever order, case and punctuation."""
    words = f"string_split(trim(regexp_replace(lower(strip_accents({name})), '[^\\p{{L}}\\p{{N}}]+', ' ', 'g')), ' ')"
    return f"array_to_string(list_sort({words}), ' ')"


def organisation(name: str, economy: str, *, own_id: str = "NULL", known: str = "NULL") -> str:
    """SQL for an applicant as an element of `organisations`, without its weight.

    known: SQL for whether the source says that it is an organisation; null where only its name can tell.
    """
    organised = f"coalesce({known}, {is_organisation(name)})"
    return f"""CASE WHEN {name} IS NULL THEN {{id: NULL, name: NULL, economy: {economy}, kind: NULL}}
        WHEN {organised} THEN {{id: {own_id}, name: {name}, economy: {economy}, kind: 'organisation'}}
        ELSE {{id: NULL, name: NULL, economy: {economy}, kind: 'individual'}} END"""


def shared(organisations: str) -> str:
    """SQL for a list of organisations that share a record equally."""
    return f"""list_transform({organisations}, lambda o: {{id: o.id::VARCHAR, name: o.name::VARCHAR,
        economy: o.economy::VARCHAR, kind: o.kind::VARCHAR, weight: 1 / len({organisations})}})"""


def first_part_of(address: str, economy: str) -> str:
    """SQL for the organisations of an author at an address that begins with its organisation."""
    parts = f"list_filter(list_transform(string_split({address}, ','), lambda p: trim(p)), lambda p: p <> '')"
    return f"""CASE WHEN len({parts}) > 1 THEN
        [{{id: NULL, name: {parts}[1], economy: {economy}, kind: 'organisation', weight: 1}}] END"""
