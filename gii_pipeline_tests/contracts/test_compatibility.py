"""What kind of change a contract saw since the last release, and that its version says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gii_pipeline import contracts
from gii_pipeline.contracts.compatibility import Kind
from gii_pipeline.contracts.model import Column, Contract

RELEASED = Path(__file__).resolve().parents[2] / "data_contracts" / "released"
Edit = Callable[[Contract], Contract]


def _columns(edit: Callable[[Column], Column], *names: str) -> Edit:
    return lambda old: replace(old, columns=tuple(edit(c) if c.name in names else c for c in old.columns))


def _rules(name: str, **changed: object) -> Edit:
    return lambda old: replace(
        old,
        rules=tuple(replace(r, **changed) if r.name == name else r for r in old.rules),  # type: ignore[arg-type]
    )


def _without_rule(name: str) -> Edit:
    return lambda old: replace(old, rules=tuple(r for r in old.rules if r.name != name))


NEW = Column("ipc", "string", "Class of the application.")
CHANGES: list[tuple[Edit, Kind, str]] = [
    (lambda old: old, "none", ""),
    (lambda old: replace(old, usage="Count fractions."), "patch", "usage is described differently"),
    (_columns(lambda c: replace(c, description="Year."), "data_year"), "patch", "data_year is described differently"),
    (_rules("located_share", description="Located."), "patch", "rule located_share is described differently"),
    (lambda old: replace(old, columns=(*old.columns, NEW)), "minor", "column ipc is new"),
    (_columns(lambda c: replace(c, required=True), "economy"), "minor", "economy is now required"),
    (_columns(lambda c: replace(c, maximum=0.5), "fraction"), "minor", "fraction has another maximum: 0.5 for 1"),
    (_columns(lambda c: replace(c, allowed_values=("city",)), "precision"), "minor", "precision may only be city"),
    (_without_rule("located_share"), "minor", "rule located_share is gone"),
    (_columns(lambda c: replace(c, name="country"), "economy"), "major", "column economy is gone"),
    (lambda old: replace(old, columns=old.columns[:-1]), "major", "column fields is gone"),
    (lambda old: replace(old, columns=old.columns[::-1]), "none", ""),
    (_columns(lambda c: replace(c, type="int64"), "people"), "major", "people has another type: int64 for int32"),
    (_columns(lambda c: replace(c, unit="%"), "fraction"), "major", "fraction has another unit: % for records"),
    (_columns(lambda c: replace(c, required=False), "fraction"), "major", "fraction is no longer required"),
    (_columns(lambda c: replace(c, maximum=None), "fraction"), "major", "fraction has another maximum: None for 1"),
    (_columns(lambda c: replace(c, classification=None), "address"), "major", "address has another classification"),
    (
        _columns(lambda c: replace(c, allowed_values=(*c.allowed_values, "street")), "precision"),
        "major",
        "precision may now be street",
    ),
    (_columns(lambda c: replace(c, key_position=None), "location_seq"), "major", "the key was"),
    (_without_rule("record_fractions_add_up_to_one"), "major", "rule record_fractions_add_up_to_one is gone"),
    (
        _rules("first_at_location_once", severity="warning"),
        "major",
        "first_at_location_once is now of severity warning",
    ),
    (_rules("record_fractions_add_up_to_one", kwargs={}), "major", "add_up_to_one asks something else"),
]


@pytest.mark.parametrize(("edit", "kind", "why"), CHANGES, ids=[why or "nothing" for _, _, why in CHANGES])
def test_a_change_is_as_grave_as_what_a_reader_loses(edit: Edit, kind: Kind, why: str) -> None:
    old = contracts.load("patents")
    change = contracts.compare(old, edit(old))
    assert change.kind == kind
    assert change.reasons[0].startswith(f"{kind}: ") if why else change.reasons == ()
    assert why in "; ".join(change.reasons)


@pytest.mark.parametrize(
    ("kind", "least", "short"),
    [
        ("none", "1.4.2", "1.4.1"),
        ("patch", "1.4.3", "1.4.2"),
        ("minor", "1.5.0", "1.4.9"),
        ("major", "2.0.0", "1.9.0"),
    ],
)
def test_a_version_has_to_say_at_least_what_changed(kind: Kind, least: str, short: str) -> None:
    change = contracts.Change(kind, ())
    assert change.fits("1.4.2", least)
    assert not change.fits("1.4.2", short)


@pytest.mark.parametrize("name", sorted(path.name.removesuffix(".odcs.yaml") for path in RELEASED.iterdir()))
def test_a_contract_that_differs_from_the_released_one_has_the_version_for_it(name: str) -> None:
    assert name in contracts.names(), f"{name} was released: its readers need it"
    old, new = contracts.read(RELEASED / f"{name}.odcs.yaml"), contracts.load(name)
    change = contracts.compare(old, new)
    told = "\n  ".join((f"{name} {old.version} -> {new.version} is a {change.kind} change:", *change.reasons))
    assert change.fits(old.version, new.version), f"{told}\nRaise the contract's version accordingly."
