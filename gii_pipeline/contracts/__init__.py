"""Contracts: the one description of every table, and everything that follows from it.

Belongs here: reading `data_contracts/*.odcs.yaml`; the Arrow schema, the data dictionary and the rules derived from
them; `validate(table) -> Verdict` with the rows that break a rule. Great Expectations is used here only, and imported
only in the process `judge`, which runs next to the one that validates a table.
Does not: where tables are kept, when they are validated, or what happens to those that fail.
"""

from gii_pipeline.contracts.compatibility import Change, column_changes, compare
from gii_pipeline.contracts.consumers import exported, write_documents
from gii_pipeline.contracts.judging import pages_later, prepare, write_data_docs
from gii_pipeline.contracts.model import Column, Contract, Measure, Rule
from gii_pipeline.contracts.quarantine import explain
from gii_pipeline.contracts.reading import document, load, names, read, written
from gii_pipeline.contracts.validation import validate
from gii_pipeline.contracts.verdict import RuleResult, Verdict
from gii_pipeline.contracts.waivers import Waiver, how_to_waive, waive

__all__ = [
    "Change",
    "Column",
    "Contract",
    "Measure",
    "Rule",
    "RuleResult",
    "Verdict",
    "Waiver",
    "column_changes",
    "compare",
    "document",
    "explain",
    "exported",
    "how_to_waive",
    "load",
    "names",
    "pages_later",
    "prepare",
    "read",
    "validate",
    "waive",
    "write_data_docs",
    "write_documents",
    "written",
]
