"""What a validation found: one result a rule, and a message that a person can act on.

Belongs here: the results as plain data, their message, and handing out every failing row.
Does not: finding them (see `validation`), or deciding what happens to the table.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gii_pipeline.contracts.model import Rule, Severity

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class RuleResult:
    """How one rule came out. `failing_rows` are the first 20 by key; `failing_count` counts all of them.

    A skipped rule could not be judged and neither passed nor failed; `reason` says what was missing. waiver: what the
    profile says that makes a broken rule a warning.
    """

    rule: str
    status: Status
    severity: Severity
    description: str
    observed: Any = None
    failing_count: int = 0
    failing_rows: tuple[Mapping[str, Any], ...] = ()
    reason: str = ""
    waiver: Mapping[str, Any] | None = None

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    @property
    def sentence(self) -> str:
        """What the rule says, and what was found."""
        count = f" {self.failing_count:,} rows break it." if self.failing_count else ""
        value = f"{self.observed:,.4f}".rstrip("0").rstrip(".") if isinstance(self.observed, float) else self.observed
        observed = f" Observed: {value}." if value is not None else ""
        return f"{self.rule}: {self.description}{observed}{count}"


@dataclass(frozen=True)
class Verdict:
    """The results of all rules of one table, in the order of the contract.

    `rules` are those of the contract, by name, with the values that they were judged by. `notes` are shown next to
    them.
    """

    table: str
    partition: str
    contract_version: str
    rows: int
    results: tuple[RuleResult, ...]
    rules: Mapping[str, Rule] = field(default_factory=dict, repr=False, compare=False)
    write_failing_rows: Callable[[Path], int] | None = field(default=None, repr=False, compare=False)
    notes: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def plain(self) -> Verdict:
        """The same as data alone, which another process can read."""
        return replace(self, write_failing_rows=None)

    @property
    def passed(self) -> bool:
        """No rule of severity error failed."""
        return not self.errors

    @property
    def errors(self) -> list[RuleResult]:
        return [r for r in self.results if r.status == "failed" and r.severity == "error"]

    @property
    def warnings(self) -> list[RuleResult]:
        return [r for r in self.results if r.status == "failed" and r.severity == "warning"]

    @property
    def waivers(self) -> list[Mapping[str, Any]]:
        """The waivers that allow what this table breaks."""
        return [result.waiver for result in self.results if result.waiver]

    @property
    def skipped(self) -> list[RuleResult]:
        return [r for r in self.results if r.status == "skipped"]

    def quarantine(self, path: Path) -> int:
        """Write every failing row to the Parquet file `path`, with the columns `rule` and `severity` before its own.

        Returns how many were written; without failing rows, 0 and no file.
        """
        return self.write_failing_rows(path) if self.write_failing_rows else 0

    def message(self, limit: int = 5) -> str:
        """What is wrong, with up to `limit` rows per rule, and how to see all of them."""
        where = f"{self.table} {self.partition}".strip()
        broken = [*self.errors, *self.warnings]
        if not broken:
            return (
                f"{where}: {self.rows:,} rows keep all {len(self.results) - len(self.skipped)} rules of the contract."
            )
        verdict = "keeps its contract, with warnings" if self.passed else "breaks its contract"
        lines = [f"{where} {verdict} (version {self.contract_version}, {self.rows:,} rows):"]
        for result in broken:
            lines += _told(result, limit)
        if self.write_failing_rows:
            lines.append(f"All failing rows: gii explain {where}")
        return "\n".join(lines)


def _told(result: RuleResult, limit: int) -> list[str]:
    lines = [f"  {result.severity} {result.sentence}"]
    lines += [f"    {', '.join(f'{k}={v}' for k, v in row.items())}" for row in result.failing_rows[:limit]]
    more = result.failing_count - min(limit, len(result.failing_rows))
    return [*lines, f"    … and {more:,} more"] if result.failing_rows and more > 0 else lines
