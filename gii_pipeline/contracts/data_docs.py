"""Data Docs: the pages that Great Expectations makes of a validation.

Belongs here: one page per table and partition, and their index, in a folder that several runs may share.
Does not: validating. It imports Great Expectations, so only the process `judge` imports this module.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gii_pipeline.contracts.expectations import expectation  # first: it switches analytics off

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
from great_expectations.render.renderer.site_builder import SiteBuilder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gii_pipeline.contracts.verdict import RuleResult, Verdict

INDEXED_PAGES = 500
"""How many pages, the newest, the index lists: it reads the result of each again."""
RESULTS = "results"
"""The store's name. Under its own name Great Expectations puts a store of its own class where it finds another."""
IN_MEMORY = {"class_name": "InMemoryStoreBackend"}


class ResultsStore(ValidationResultsStore):  # type: ignore[misc]  # an untyped library
    """Results as files. Those of earlier runs are read as the index needs them, without their rules.

    Reading the rules of 500 results takes two seconds, for each step again.
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


@dataclass(frozen=True)
class _Site:
    """The pages of one folder, and the verdicts whose pages wait to be written."""

    store: ResultsStore
    builder: SiteBuilder
    waiting: list[tuple[ValidationResultIdentifier, Verdict, Path]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def write_next(self) -> None:
        """Great Expectations does not raise where a page cannot be written."""
        key, verdict, page = self.waiting.pop(0)
        try:
            self.store.set(key, _report(verdict))
            self.builder.site_section_builders["validations"].build([key])
        except Exception as error:  # noqa: BLE001 - `finish` raises it
            self.failures.append(f"{type(error).__name__}: {error}")
        if not page.is_file():
            self.failures.append(f"{page} was not written.")

    def finish(self) -> None:
        while self.waiting:
            self.write_next()
        if self.failures:
            raise RuntimeError("\n".join(self.failures))
        self.builder.target_store.copy_static_assets()
        self.builder.site_index_builder.build()


_sites: dict[Path, _Site] = {}


def note(verdicts: Sequence[Verdict], folder: Path) -> dict[str, Path]:
    """Take a note of verdicts, whose pages then wait; return where the page of each table will be."""
    if folder not in _sites:
        context = gx.get_context(mode="ephemeral", project_config=_project())
        store = context.stores[RESULTS] = ResultsStore(store_name=RESULTS, store_backend=_files(folder / "results"))
        _sites[folder] = _Site(store, _builder(context, folder))
    now = datetime.now(UTC)
    keys = {verdict.table: _key(verdict, now) for verdict in verdicts}
    pages = {
        table: (folder / "html" / "validations").joinpath(*key.to_tuple()).with_suffix(".html")
        for table, key in keys.items()
    }
    _sites[folder].waiting.extend((keys[verdict.table], verdict, pages[verdict.table]) for verdict in verdicts)
    return pages


def waiting() -> bool:
    return any(site.waiting for site in _sites.values())


def write_next() -> None:
    """Write one of the pages that wait."""
    next(site for site in _sites.values() if site.waiting).write_next()


def finish() -> None:
    """Write every page that waits, and the index of all pages in its folder."""
    while _sites:
        _, site = _sites.popitem()
        site.finish()


def _builder(context: Any, folder: Path) -> SiteBuilder:  # noqa: ANN401 - an untyped library
    return SiteBuilder(
        context,
        {
            "class_name": "OfflinePages",
            "module_name": "gii_pipeline.contracts.pages",
            "base_directory": str(folder / "html"),
        },
        site_index_builder={"class_name": "DefaultSiteIndexBuilder", "validation_results_limit": INDEXED_PAGES},
        show_how_to_buttons=False,
    )


def _project() -> DataContextConfig:
    """All in memory but results and pages: contexts of parallel steps share nothing but files of their own.

    The name of the validation definition store must be this one.
    """
    stores = {
        "expectations_store": {"class_name": "ExpectationsStore", "store_backend": IN_MEMORY},
        RESULTS: {"class_name": "ValidationResultsStore", "store_backend": IN_MEMORY},
        "checkpoint_store": {"class_name": "CheckpointStore", "store_backend": IN_MEMORY},
        "validation_definition_store": {"class_name": "ValidationDefinitionStore", "store_backend": IN_MEMORY},
    }
    return DataContextConfig(
        stores=stores,
        expectations_store_name="expectations_store",
        validation_results_store_name=RESULTS,
        checkpoint_store_name="checkpoint_store",
        data_docs_sites={},
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
    """All rules that were judged, as if Great Expectations had seen the rows that DuckDB counted."""
    told = [_judged(verdict, result) for result in verdict.results if result.status != "skipped"]
    kept = sum(bool(result.success) for result in told)
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
        meta={"contract_version": verdict.contract_version, "batch_spec": _notes(verdict)},
    )


def _notes(verdict: Verdict) -> dict[str, str]:
    """What the page shows as its notes (see `pages.offline`), in their order; there the templates do escape."""
    return {f"{nth:02d}. {name}": text for nth, (name, text) in enumerate(verdict.notes.items(), 1)}


def _judged(verdict: Verdict, result: RuleResult) -> ExpectationValidationResult:
    return ExpectationValidationResult(
        success=result.passed,
        expectation_config=ExpectationConfiguration(**expectation(verdict.rules[result.rule])),
        result=_found(verdict, result),
        exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
    )


def _found(verdict: Verdict, result: RuleResult) -> dict[str, Any]:
    """What the page shows next to the rule. Cells come from outside, and the page's templates escape nothing."""
    if verdict.rules[result.rule].scope == "table":
        problems = [html.escape(" ".join(map(str, row.values()))) for row in result.failing_rows]
        return {
            "observed_value": "; ".join(problems) or ("as declared" if result.observed is None else result.observed)
        }
    return {
        "element_count": verdict.rows,
        "unexpected_count": result.failing_count,
        "unexpected_percent": 100 * result.failing_count / verdict.rows if verdict.rows else 0.0,
        "partial_unexpected_list": [
            html.escape(", ".join(f"{name}={value}" for name, value in row.items())) for row in result.failing_rows
        ],
    }
