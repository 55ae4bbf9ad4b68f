"""The waivers of a profile: which of them an edition's tables needed, and which allow nothing.

Belongs here: what the tables of an edition note of waivers, compared with the profile.
Does not: whether a waiver covers a broken rule (`contracts.waivers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gii_pipeline import contracts
from gii_pipeline.defs.inputs import EditionInputs
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.store import EDITION_TABLES, FOLLOWING_TABLES, made


def used_waivers(pipeline: Pipeline, label: str) -> tuple[Mapping[str, Any], ...]:
    """The waivers without which a table that the edition is made from, or one of its own, would break a rule.

    Of a table that does not say, all that the profile allows of it.
    """
    found: list[Mapping[str, Any]] = []
    for table, partition in _tables_of(pipeline, label):
        path = pipeline.store.partition(table, partition)
        noted = made(path).waivers if path.is_file() else ()
        concerned = (each for each in pipeline.profile.waivers if each.concerns(table, partition))
        found += noted if noted is not None else (each.model_dump(mode="json") for each in concerned)
    return tuple(sorted(found, key=lambda each: (each["subject"], each["partition"], each["check"])))


def idle_waivers(pipeline: Pipeline, labels: Iterable[str] = (), told: Iterable[str] = ()) -> list[str]:
    """What to say of the profile's waivers that have expired, or that no table of these editions needs.

    told: warnings that were shown already. Whether a table that does not exist, or of another edition, needs one is not
    judged.
    """
    if not pipeline.profile.waivers:
        return []
    before = [line.split(" is not needed")[0].split(" expired")[0] for line in told]
    return [line for where, line in _idle(pipeline, tuple(labels)) if where not in before]


def _idle(pipeline: Pipeline, labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    found = [each for label in labels for each in used_waivers(pipeline, label)]
    used = {(each["check"], each["subject"], each["partition"]) for each in found}
    tables = {
        table for label in labels for table in _tables_of(pipeline, label) if pipeline.store.partition(*table).is_file()
    }
    today = datetime.now(UTC).date()
    for waiver in pipeline.profile.waivers:
        table = waiver.subject, waiver.partition
        where = f"{waiver.subject} {waiver.partition}: the waiver of {waiver.check}"
        rules = (
            [rule.name for rule in contracts.load(waiver.subject, pipeline.registry).rules]
            if _is_table(waiver.subject)
            else []
        )
        partitions = map(str, (*pipeline.data_years, *pipeline.editions))
        if waiver.check not in rules or waiver.partition not in partitions:
            yield where, f"{where} has no effect: the profile has no such table, partition or check. Correct it"
        elif waiver.until < today:
            yield where, f"{where} expired on {waiver.until}"
        elif table in tables and (waiver.check, *table) not in used:
            yield where, f"{where} is not needed: remove it from the profile"


def _is_table(name: str) -> bool:
    return name in contracts.names()


def _tables_of(pipeline: Pipeline, label: str) -> list[tuple[str, str]]:
    """Table and partition of all that an edition is made from, and of its own tables."""
    inputs = EditionInputs(pipeline, label)
    editions = [inputs.edition]
    if inputs.previous:
        editions += [inputs.previous, inputs.previous.under(inputs.edition)]
    records = {
        (inputs.pipeline.core_tables[metric], str(year))
        for edition in editions
        for metric, years in edition.data_years.items()
        for year in years
    }
    following = {(table, year) for _, year in records for table in FOLLOWING_TABLES}
    return sorted({*records, *following, *((table, label) for table in EDITION_TABLES)})
