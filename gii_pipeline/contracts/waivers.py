"""Waivers: a broken rule that a person allows, for one table and partition and within the value that was observed.

Belongs here: what a waiver says, which broken rules it covers, and how an error says that one can be written.
Does not: where waivers are written down; the profile does that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict, Field

from gii_pipeline.contracts.verdict import RuleResult, Verdict

VALID_DAYS = 365


class Waiver(BaseModel):
    """A broken rule (`check`) of one table (`subject`) and partition that a person allows, for a reason, until a day.

    observed: what was observed when it was allowed: the value that the rule judges, or how many rows break it. A value
    that is worse is not allowed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: str
    subject: str
    partition: str = Field(coerce_numbers_to_str=True)
    observed: float
    reason: str = Field(min_length=1)
    until: date

    def concerns(self, table: str, partition: str) -> bool:
        return (self.subject, self.partition) == (table, partition)


def waive(verdict: Verdict, waivers: Iterable[Waiver], today: date) -> tuple[Verdict, list[str]]:
    """The verdict in which a broken rule that a waiver covers is a warning, and what to say of the others."""
    told: list[str] = []
    results = {result.rule: result for result in verdict.results}
    for waiver in (each for each in waivers if each.concerns(verdict.table, verdict.partition)):
        result = results.get(waiver.check)
        if result is None or result not in verdict.errors:
            told.append(f"the waiver of {waiver.check} is not needed: remove it from the profile")
        elif waiver.until < today:
            told.append(f"the waiver of {waiver.check} expired on {waiver.until}")
        elif _within(verdict, result, waiver.observed):
            allowed = f"{result.description} Allowed until {waiver.until}: {waiver.reason}"
            results[waiver.check] = replace(
                result, severity="warning", description=allowed, waiver=waiver.model_dump(mode="json")
            )
        else:
            told.append(f"the waiver of {waiver.check} allows {waiver.observed:g}; the value observed now is worse")
    return replace(verdict, results=tuple(results.values())), told


def how_to_waive(verdict: Verdict, today: date) -> str:
    """The lines for the profile that allow what broke, where it has a value that can be compared; else empty."""
    lines = [
        f'  - {{check: {result.rule}, subject: {verdict.table}, partition: "{verdict.partition}", '
        f"observed: {value:.10g}, reason: …, until: {today + timedelta(VALID_DAYS)}}}"
        for result in verdict.errors
        if (value := _value(result)) is not None
    ]
    if not lines:
        return ""
    return "\n".join(["If a person has checked that this is correct, allow it in the profile:", "  waivers:", *lines])


def _value(result: RuleResult) -> float | None:
    """What a waiver of a broken rule is compared with: the value it judges, or how many rows break it."""
    if isinstance(result.observed, int | float) and not isinstance(result.observed, bool):
        return float(result.observed)
    return float(result.failing_count) if result.failing_count else None


def _within(verdict: Verdict, result: RuleResult, allowed: float) -> bool:
    """Whether a broken rule is broken no more than was allowed: rules with a least value break below it."""
    value = _value(result)
    if value is None:
        return False
    least = verdict.rules[result.rule].kwargs.get("min_value") if result.rule in verdict.rules else None
    below = isinstance(result.observed, int | float) and least is not None and value < float(least)
    tolerance = 1e-9 * max(1.0, abs(allowed))
    return value >= allowed - tolerance if below else value <= allowed + tolerance
