"""Data Docs: the pages that Great Expectations makes of a validation.

Belongs here: one page a table and partition, and their index, in a folder that several runs may share.
Does not: validating. It imports Great Expectations, so it is imported when pages are written, not before.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gii_pipeline.contracts.expectations import SEVERITY  # first: it switches analytics off

# isort: split
import great_expectations as gx
from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.store import ValidationResultsStore
from great_expectations.data_context.types.base import DataContextConfig, ProgressBarsConfig
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gii_pipeline.contracts.verdict import RuleResult, Verdict

INDEXED_PAGES = 500
"""How many pages, the newest, the index lists: it reads the result of each anew."""
RESULTS = "results"
"""The store's name. Under its own name Great Expectations puts a store of its own class where it finds another."""
IN_MEMORY = {"class_name": "InMemoryStoreBackend"}


class ResultsStore(ValidationResultsStore):  # type: ignore[misc]  # an untyped library
    """Results as files. Those of earlier runs are read as the index needs them, without their rules.

    Reading the rules of 500 results takes two seconds, for each step anew.
    """

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self._own: set[ValidationResultIdentifier] = set()

    def set(self, key: ValidationResultIdentifier, value: ExpectationSuiteValidationResult, **options: Any) -> Any:  # noqa: ANN401
        self._own.add(key)
        return super().set(key, value, **options)

    def get(self, key: ValidationResultIdentifier) -> ExpectationSuiteValidationResult:
        if key in self._own:
            return super().get(key)
        told = json.loads(self._store_backend.get(self.key_to_tuple(key)))
        return ExpectationSuiteValidationResult(
            success=told["success"], results=[], suite_name=told["suite_name"], meta=told["meta"]
        )


def write(verdicts: Sequence[Verdict], folder: Path) -> dict[str, Path]:
    """Write a page for each verdict and the index of all pages in the folder; return the page of each table."""
    context = gx.get_context(mode="ephemeral", project_config=_project(folder))
    now = datetime.now(UTC)
    keys = {verdict.table: _key(verdict, now) for verdict in verdicts}
    for verdict in verdicts:
        context.validation_results_store.set(keys[verdict.table], _report(verdict))
    context.build_data_docs(resource_identifiers=list(keys.values()))
    pages = folder / "html" / "validations"
    return {table: pages.joinpath(*key.to_tuple()).with_suffix(".html") for table, key in keys.items()}


def _project(folder: Path) -> DataContextConfig:
    """Results and pages as files, all else in memory: contexts of parallel steps share nothing but files of their own.

    The name of the validation definition store must be this one.
    """
    stores = {
        "expectations_store": {"class_name": "ExpectationsStore", "store_backend": IN_MEMORY},
        RESULTS: {
            "class_name": "ResultsStore",
            "module_name": __name__,
            "store_backend": _files(folder / "results"),
        },
        "checkpoint_store": {"class_name": "CheckpointStore", "store_backend": IN_MEMORY},
        "validation_definition_store": {"class_name": "ValidationDefinitionStore", "store_backend": IN_MEMORY},
    }
    site = {
        "class_name": "SiteBuilder",
        "store_backend": {
            "class_name": "OfflinePages",
            "module_name": "gii_pipeline.contracts.pages",
            "base_directory": str(folder / "html"),
        },
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "validation_results_limit": INDEXED_PAGES},
        "show_how_to_buttons": False,
    }
    return DataContextConfig(
        stores=stores,
        expectations_store_name="expectations_store",
        validation_results_store_name=RESULTS,
        checkpoint_store_name="checkpoint_store",
        data_docs_sites={"site": site},
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )


def _files(folder: Path) -> dict[str, str]:
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)}


def _key(verdict: Verdict, now: datetime) -> ValidationResultIdentifier:
    return ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(verdict.table),
        run_id=RunIdentifier(run_name=verdict.partition or "all", run_time=now),
        batch_identifier=verdict.partition or "all",
    )


def _report(verdict: Verdict) -> ExpectationSuiteValidationResult:
    """All rules that were judged, those of shape told by hand since they are judged on Arrow types."""
    told = [verdict.reports.get(r.rule) or _by_hand(r) for r in verdict.results if r.status != "skipped"]
    kept = sum(bool(r.success) for r in told)
    return ExpectationSuiteValidationResult(
        success=kept == len(told),
        results=told,
        suite_name=f"{verdict.table} {verdict.partition}".strip(),
        statistics={
            "evaluated_expectations": len(told),
            "successful_expectations": kept,
            "unsuccessful_expectations": len(told) - kept,
            "success_percent": 100 * kept / len(told),
        },
        meta={"contract_version": verdict.contract_version, "batch_spec": {}},
    )


def _by_hand(result: RuleResult) -> Any:  # noqa: ANN401 - an untyped library
    told = "; ".join(f"{row['column']} {row['problem']}" for row in result.failing_rows)
    return ExpectationValidationResult(
        success=result.passed,
        expectation_config=ExpectationConfiguration(
            type="expect_table_columns_to_match_ordered_list",
            kwargs={"column_list": []},
            meta={"rule": result.rule},
            severity=SEVERITY[result.severity],
            description=result.description,
        ),
        result={"observed_value": told or "as declared"},
        exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
    )
