"""The year: what the person who runs an edition has done, and what is open, as one list.

Belongs here: looking at the edition, its sources, tables, waivers and release. Does not: doing any of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Literal, NamedTuple

from gii_pipeline.contracts import Waiver
from gii_pipeline.defs.doctor import LIVE, NEVER, Finding
from gii_pipeline.defs.estimating import costs, refuse_too_much
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.planning import Step, plan
from gii_pipeline.editions import Edition
from gii_pipeline.errors import GiiError
from gii_pipeline.releases import is_released
from gii_pipeline.store import read_parquet
from gii_pipeline.wording import some

State = Literal["done", "open"]
FAR = 5
"""Places: a rank that moved further is looked at by a person before it is released."""
SHOWN = 5


class Item(NamedTuple):
    """One point of the list. todo: what to do while it is open, as a command or a sentence."""

    what: str
    state: State
    says: str
    todo: str = ""


def checklist(pipeline: Pipeline, year: int, today: date, findings: Callable[[], list[Finding]]) -> list[Item]:
    """The list of an edition, in the order in which a year goes. findings: `doctor.examine` of the profile."""
    edition = pipeline.book.editions.get(year)
    found = findings()
    machine = [*_machine(found), *_live(found)]
    items = [_edition(pipeline, year), *machine, *_waivers(pipeline.profile.waivers, year, today)]
    if edition is None:
        return items
    try:
        steps = plan(pipeline, [edition.label])
    except GiiError as error:
        return [*items, Item("sources", "open", str(error), "Name a source for it in the profile.")]
    return [
        *items,
        *_years(steps),
        *_costs(pipeline, steps),
        *_ranking(pipeline, edition, steps),
        _release(pipeline, edition, steps),
    ]


def _edition(pipeline: Pipeline, year: int) -> Item:
    edition = pipeline.book.editions.get(year)
    if edition is None:
        last = max((known for known in pipeline.book.editions if known < year), default=None)
        block = f"`{year}: {{provisional_after: {last}}}`" if last else f"the block of {year}"
        return Item("edition", "open", f"There is no edition {year}.", f"Add {block} to `editions` of the profile.")
    windows = ", ".join(f"{name} {metric.window.value}" for name, metric in edition.metrics.items())
    if edition.provisional:
        todo = "When its windows and parameters are published, enter them with their sources."
        return Item("edition", "open", f"Provisional: {windows}.", todo)
    return Item("edition", "done", f"{windows}.")


def _machine(findings: list[Finding]) -> Iterator[Item]:
    """Versions, disk, files, keys and servers: one point where all is well, a point for each that is not."""
    wrong = [finding for finding in findings if not finding.well]
    if not wrong:
        yield Item("files, keys, servers", "done", f"`gii doctor` finds no problem in {len(findings)} checks.")
    for finding in wrong:
        yield Item(finding.what, "open", finding.says, "gii doctor")


def _live(findings: list[Finding]) -> Iterator[Item]:
    """Whether a real response was requested from every fetched source; what differed is an item of `_machine`."""
    probes = [finding for finding in findings if finding.what.startswith(LIVE)]
    never = [finding.what.removeprefix(LIVE) for finding in probes if finding.says.startswith(NEVER)]
    if never:
        yield Item("sources, live", "open", f"Never tested live: {', '.join(never)}.", "gii doctor --probe")
    elif probes:
        said = "; ".join(f"{finding.what.removeprefix(LIVE)}: {finding.says}" for finding in probes if finding.well)
        yield Item("sources, live", "done", f"{said}.")


def _costs(pipeline: Pipeline, steps: list[Step]) -> Iterator[Item]:
    """What the data years that are open take, and whether there is room for it."""
    if all(step.state == "there" for step in steps if step.job == "ingest"):
        return
    try:
        found = costs(pipeline, steps)
        refuse_too_much(found, pipeline)
    except GiiError as error:
        yield Item("costs", "open", str(error), "Free disk space, or fetch less.")
        return
    said = "; ".join(cost.told for cost in found if not cost.nothing)
    yield Item("costs", "done", f"{said or 'Nothing to fetch'}.")


def _waivers(waivers: tuple[Waiver, ...], year: int, today: date) -> Iterator[Item]:
    """Waivers that are over, or will be before the year of the edition is."""
    ending = [waiver for waiver in waivers if waiver.until <= date(year, 12, 31)]
    for waiver in sorted(ending, key=lambda one: one.until):
        over = "Ended" if waiver.until < today else "Ends"
        says = f"{over} on {waiver.until}: {waiver.subject} {waiver.partition} breaks {waiver.check} ({waiver.reason})."
        yield Item("waiver", "open", says, "Fix the cause, or review the waiver and set a later date.")
    if not ending:
        yield Item("waivers", "done", f"{len(waivers)} in the profile; none ends in {year} or before.")


def _years(steps: list[Step]) -> Iterator[Item]:
    ingest = [step for step in steps if step.job == "ingest"]
    lacking = [step for step in ingest if step.state != "there"]
    if not lacking:
        yield Item("data years", "done", f"All {len(ingest)} exist.")
        return
    named = ",".join(step.partition for step in lacking)
    said = some([f"{step.partition} is {step.state}: {step.why}" for step in lacking], SHOWN, "; and ", "; ")
    yield Item("data years", "open", f"{said}.", f"gii ingest --years {named}")


def _ranking(pipeline: Pipeline, edition: Edition, steps: list[Step]) -> Iterator[Item]:
    step = next(step for step in steps if step.job == "ranking" and step.partition == edition.label)
    if step.state != "there":
        yield Item("ranking", "open", f"{step.state}: {step.why}.", f"gii run --edition {edition.label}")
        return
    yield Item("ranking", "done", "Every table of the edition exists.")
    changes = read_parquet(pipeline.store.edition("rank_changes", edition.label)).to_pandas()
    if changes["rank_change"].isna().all():
        yield Item("ranks that moved", "open", "No earlier ranking to compare with.", "Rank the previous edition.")
        return
    moved = changes[changes["rank_change"].abs() > FAR].sort_values("rank")
    if moved.empty:
        yield Item("ranks that moved", "done", f"None by more than {FAR} places.")
        return
    rows = moved.to_dict("records")
    moves = [f"{row['name']} {int(row['previous_rank'])} → {int(row['rank'])}" for row in rows]
    said = some(moves, SHOWN, "; and ", "; ")
    todo = "See the reasons in `rank_changes` and `contributions`."
    yield Item("ranks that moved", "open", f"{len(moved)} by more than {FAR} places: {said}.", todo)


def _release(pipeline: Pipeline, edition: Edition, steps: list[Step]) -> Item:
    ready = all(step.state == "there" for step in steps)
    if ready and is_released(pipeline.root, edition.label):
        return Item("release", "done", "The newest version has the edition's tables.")
    says = "No version has the edition's tables." if ready else "Something before it is open."
    return Item("release", "open", says, f"gii release make --edition {edition.label}")
