"""What kind of change a new version of a contract is, to those who read the table.

Belongs here: comparing two contracts of one table.
Does not: choosing the new version's number. What a reader could rely on and no longer can is major; what is new besides
it is minor; what only reads differently is a patch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gii_pipeline.contracts.model import Column, Contract, Rule

Kind = Literal["none", "patch", "minor", "major"]
KINDS: tuple[Kind, ...] = ("none", "patch", "minor", "major")
Reason = tuple[Kind, str]


@dataclass(frozen=True)
class Change:
    """The kind of a change and why, the gravest reasons first."""

    kind: Kind
    reasons: tuple[str, ...]

    def fits(self, old_version: str, new_version: str) -> bool:
        """Whether the new version's number says at least as much as the change is."""
        old, new = (tuple(map(int, version.split("."))) for version in (old_version, new_version))
        least = {
            "none": old,
            "patch": (*old[:2], old[2] + 1),
            "minor": (old[0], old[1] + 1, 0),
            "major": (old[0] + 1, 0, 0),
        }[self.kind]
        return new >= least


def compare(old: Contract, new: Contract) -> Change:
    """How `new` differs from `old` for a reader of the table."""
    found = [*_table(old, new), *column_changes(old.columns, new.columns), *_rules(old, new)]
    found.sort(key=lambda reason: -KINDS.index(reason[0]))
    return Change(found[0][0] if found else "none", tuple(f"{kind}: {why}" for kind, why in found))


def _table(old: Contract, new: Contract) -> Iterator[Reason]:
    grave = {"key": (old.key, new.key), "partition": (old.partition_by, new.partition_by), "name": (old.name, new.name)}
    for what, (before, after) in grave.items():
        if before != after:
            yield "major", f"the {what} was {before}, is {after}"
    for what in ("purpose", "usage", "limitations", "grain", "maturity", "status", "owner", "sla"):
        if getattr(old, what) != getattr(new, what):
            yield "patch", f"{what} is described differently"


def column_changes(old: Iterable[Column], new: Iterable[Column]) -> Iterator[Reason]:
    """How a table's columns differ for a reader, who addresses them by name: their order is not a promise."""
    before, after = ({c.name: c for c in columns} for columns in (old, new))
    yield from (("major", f"column {name} is gone") for name in before if name not in after)
    yield from (("minor", f"column {name} is new") for name in after if name not in before)
    for name in (name for name in before if name in after):
        yield from ((kind, f"column {name} {why}") for kind, why in _column(before[name], after[name]))


def _column(old: Column, new: Column) -> Iterator[Reason]:
    for what in ("type", "unit", "pattern", "classification"):
        if getattr(old, what) != getattr(new, what):
            yield "major", f"has another {what}: {getattr(new, what)} for {getattr(old, what)}"
    for what in ("required", "unique"):
        if getattr(old, what) != getattr(new, what):
            yield ("minor", f"is now {what}") if getattr(new, what) else ("major", f"is no longer {what}")
    if old.description != new.description:
        yield "patch", "is described differently"
    yield from _bounds(old, new)
    yield from _allowed(old, new)


def _bounds(old: Column, new: Column) -> Iterator[Reason]:
    for what, sign in (("minimum", 1), ("exclusive_minimum", 1), ("maximum", -1), ("exclusive_maximum", -1)):
        before, after = getattr(old, what), getattr(new, what)
        if before != after:
            tighter = before is None or (after is not None and sign * after > sign * before)
            yield ("minor" if tighter else "major"), f"has another {what}: {after} for {before}"
    if (old.min_length or 0) != (new.min_length or 0):
        tighter = (new.min_length or 0) > (old.min_length or 0)
        yield ("minor" if tighter else "major"), f"has another min_length: {new.min_length} for {old.min_length}"


def _allowed(old: Column, new: Column) -> Iterator[Reason]:
    before, after = set(old.allowed_values), set(new.allowed_values)
    if before and (more := after - before or (set() if after else {"any"})):
        yield "major", f"may now be {', '.join(sorted(map(str, more)))}"
    elif before != after:
        yield "minor", f"may only be {', '.join(sorted(map(str, after)))}"


def _rules(old: Contract, new: Contract) -> Iterator[Reason]:
    """Rules beyond those that columns imply by their own declarations."""
    before, after = ({r.name: r for r in contract.rules if not _implied(r)} for contract in (old, new))
    for name, rule in before.items():
        if name not in after:
            yield _guarantee(rule), f"rule {name} is gone"
        elif _tests(rule) != _tests(after[name]):
            yield max(_guarantee(rule), _guarantee(after[name]), key=KINDS.index), f"rule {name} asks something else"
        elif rule.severity != after[name].severity:
            yield _guarantee(rule), f"rule {name} is now of severity {after[name].severity}"
        elif rule.description != after[name].description:
            yield "patch", f"rule {name} is described differently"
    yield from (("minor", f"rule {name} is new") for name in after if name not in before)


def _implied(rule: Rule) -> bool:
    return rule.name.endswith(("_not_null", "_unique", "_in_bounds", "_well_formed", "_is_known")) or rule.name in (
        "columns_as_declared",
        "key_unique",
    )


def _guarantee(rule: Rule) -> Kind:
    """A rule of severity error is a promise to readers; a warning is none."""
    return "major" if rule.severity == "error" else "minor"


def _tests(rule: Rule) -> Any:  # noqa: ANN401 - compared, never looked into
    return rule.expectation, rule.kwargs, rule.measures, rule.references
