"""One vocabulary of deal types, and what each source's words mean in it.

Belongs here: our types, which of them are venture equity, and the words of Crunchbase's vintages, PitchBook and Form D.
Does not: which types an edition counts (`editions.yaml`), or which a profile chooses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from gii_pipeline.sources.readers.rows import Options, not_of_types, ours, word

TYPES: Final = {
    "angel": "equity from private persons",
    "seed": "seed and pre-seed rounds",
    "early": "early-stage venture: series A and B",
    "late": "later-stage venture: series C and after, expansion",
    "venture": "venture equity whose stage is not said",
    "equity": "equity that a company sells privately, where nothing says whether it is venture (Form D)",
    "growth": "growth equity: minority stakes in grown companies",
    "corporate": "a company that takes a stake in another",
    "accelerator": "accelerators and incubators",
    "convertible": "convertible notes and debt",
    "equity_crowdfunding": "equity sold to a crowd",
    "product_crowdfunding": "products sold to a crowd before they are made",
    "token_offering": "tokens and initial coin offerings",
    "grant": "grants",
    "non_equity": "office space, services or prizes for no equity",
    "debt": "loans and other debt",
    "secondary": "shares that one owner sells to another",
    "private_equity": "buyouts and other private equity",
    "merger": "mergers, acquisitions, spin-offs, joint ventures, business combinations",
    "ipo": "going public",
    "post_ipo": "equity, debt or secondary sales of a company that is public",
    "real_estate": "property",
    "natural_resources": "oil, gas, coal and mineral property",
    "pooled_fund": "funds that raise money to invest it",
    "undisclosed": "the source does not say",
    "other": "a word that this vocabulary does not have",
}
"""Every value of `record_type` that a reader of deals gives, and what it means."""

VENTURE_EQUITY: Final = ("angel", "seed", "early", "late", "venture", "equity")
"""What an edition counts by default."""

_SERIES: Final = {
    **{f"series_{letter}": "early" for letter in "ab"},
    **{f"series_{letter}": "late" for letter in "cdefghijkl"},
    "series_c+": "late",
    "series_unknown": "venture",
}

CRUNCHBASE: Final = _SERIES | {
    "angel": "angel",
    "pre_seed": "seed",
    "seed": "seed",
    "venture": "venture",
    "venture_series_unknown": "venture",
    "equity_crowdfunding": "equity_crowdfunding",
    "product_crowdfunding": "product_crowdfunding",
    "crowdfunding": "equity_crowdfunding",
    "initial_coin_offering": "token_offering",
    "convertible_note": "convertible",
    "corporate_round": "corporate",
    "private_equity": "private_equity",
    "debt_financing": "debt",
    "grant": "grant",
    "non_equity_assistance": "non_equity",
    "secondary_market": "secondary",
    "post_ipo": "post_ipo",
    "post_ipo_equity": "post_ipo",
    "post_ipo_debt": "post_ipo",
    "post_ipo_secondary": "post_ipo",
    "funding_round": "undisclosed",
    "undisclosed": "undisclosed",
    "other": "undisclosed",
}
"""The words of 2013 (series-a), 2015 and 2016 (venture), Pro (Venture - Series Unknown), bulk export and API."""

PITCHBOOK: Final = _SERIES | {
    "angel_individual": "angel",
    "angel": "angel",
    "individual": "angel",
    "seed_round": "seed",
    "pre_seed_round": "seed",
    "pre_seed": "seed",
    "seed": "seed",
    "early_stage_vc": "early",
    "later_stage_vc": "late",
    "late_stage_vc": "late",
    "restart_early_vc": "early",
    "restart_later_vc": "late",
    "vc": "venture",
    "pe_growth_expansion": "growth",
    "growth_expansion": "growth",
    "corporate": "corporate",
    "corporate_asset_purchase": "merger",
    "accelerator_incubator": "accelerator",
    "pre_accelerator_incubator": "accelerator",
    "equity_crowdfunding": "equity_crowdfunding",
    "product_crowdfunding": "product_crowdfunding",
    "initial_coin_offering": "token_offering",
    "convertible_debt": "convertible",
    "grant": "grant",
    "university_spin_out": "other",
    "spin_off": "merger",
    "joint_venture": "merger",
    "capitalization": "other",
    "debt": "debt",
    "debt_general": "debt",
    "debt_ppp": "debt",
    "debt_refinancing": "debt",
    "debt_repayment": "debt",
    "debt_conversion": "debt",
    "bridge": "debt",
    "loan": "debt",
    "mezzanine": "debt",
    "dip_financing": "debt",
    "project_financing": "debt",
    "platform_creation": "private_equity",
    "buyout_lbo": "private_equity",
    "add_on": "private_equity",
    "management_buyout": "private_equity",
    "management_buy_in": "private_equity",
    "investor_buyout_by_management": "private_equity",
    "leveraged_recapitalization": "private_equity",
    "dividend_recapitalization": "private_equity",
    "recapitalization": "private_equity",
    "gp_stakes": "private_equity",
    "merger_acquisition": "merger",
    "merger_of_equals": "merger",
    "reverse_merger": "merger",
    "asset_acquisition": "merger",
    "asset_divestiture_corporate": "merger",
    "acquisition_financing": "merger",
    "acquisition_of_property": "real_estate",
    "secondary_transaction": "secondary",
    "secondary_transaction_private": "secondary",
    "secondary_transaction_open_market": "post_ipo",
    "secondary_buyout": "private_equity",
    "share_repurchase": "secondary",
    "ipo": "ipo",
    "public_investment_2nd_offering": "post_ipo",
    "2po": "post_ipo",
    "pipe": "post_ipo",
    "bankruptcy_admin_reorg": "other",
    "bankruptcy_liquidation": "other",
    "out_of_business": "other",
    "restart": "other",
}

TABLES: Final = (
    PITCHBOOK
    | CRUNCHBASE
    | {type_: type_ for type_ in TYPES}
    | {
        "deal": "venture",
        "vc_deal": "venture",
        "venture_capital": "venture",
        "early_stage": "early",
        "early_stage_venture": "early",
        "expansion": "late",
        "later_stage": "late",
        "late_stage": "late",
        "late_stage_venture": "late",
        "growth_equity": "growth",
        "growth_vc": "late",
        "start_up": "seed",
        "bridge_loan": "debt",
        "venture_debt": "debt",
        "acquisition": "merger",
        "m_a": "merger",
        "buyout": "private_equity",
        "lbo": "private_equity",
        "convertible": "convertible",
        "private_equity_round": "private_equity",
        "seed_angel_funding": "seed",
        "seed_funding": "seed",
        "angel_funding": "angel",
        "angel_round": "angel",
        "debt_funding": "debt",
        "unspecified": "undisclosed",
        "unknown": "undisclosed",
        "n_a": "undisclosed",
    }
)
"""The words of any vendor's table of deals."""

FORM_D_INDUSTRIES: Final = {
    "pooled_investment_fund": "pooled_fund",
    "commercial": "real_estate",
    "construction": "real_estate",
    "reits_and_finance": "real_estate",
    "residential": "real_estate",
    "other_real_estate": "real_estate",
    "oil_and_gas": "natural_resources",
    "oil_gas": "natural_resources",
    "coal_mining": "natural_resources",
}
"""Industry groups of Form D that are not venture capital, whatever security is sold."""

FORM_D_SECURITIES: Final = {
    "ISPOOLEDINVESTMENTFUNDTYPE": ("Pooled Investment Fund Interests", "pooled_fund"),
    "ISTENANTINCOMMONTYPE": ("Tenant-in-Common Securities", "real_estate"),
    "ISMINERALPROPERTYTYPE": ("Mineral Property Securities", "natural_resources"),
    "ISEQUITYTYPE": ("Equity", "equity"),
    "ISOPTIONTOACQUIRETYPE": ("Option, Warrant or Other Right to Acquire Another Security", "convertible"),
    "ISSECURITYTOBEACQUIREDTYPE": ("Security to be Acquired Upon Exercise", "convertible"),
    "ISDEBTTYPE": ("Debt", "debt"),
    "ISOTHERTYPE": ("Other", "other"),
}
"""The flags of an offering in the order in which they decide: the words of the form, and our type."""


def deal_type(source_type: str, words: Mapping[str, str]) -> str:
    """SQL for our type of a source's word; `other` for one that is not known, `undisclosed` where there is none."""
    return f"CASE WHEN {source_type} IS NULL THEN 'undisclosed' ELSE {ours(word(source_type), words)} END"


class DealOptions(Options):
    """types: deal types that count, in our words or the source's, all when not given.

    date_formats: as strptime has them, of dates that are written in numbers; the first that fits is taken.
    """

    choosing: ClassVar[frozenset[str]] = frozenset({"types"})
    values: ClassVar[Mapping[str, str]] = {"types": ""}

    types: tuple[str, ...] | None = None
    date_formats: tuple[str, ...] = ()

    def drops(self) -> Mapping[str, str]:
        """other_type."""
        return {} if self.types is None else {"other_type": not_of_types(self.types)}
