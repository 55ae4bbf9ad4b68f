"""The plan of an edition: which of its stages have to run, why, and which wait for another.

Belongs here: comparing the locks of an edition's tables with what its stages would be made from now, stage by stage.
Does not: data years, or the order of editions (see `planning`).

Whether a stage behind another has to run is known when that one has run: where its content is the same, nothing
follows. Until then the stage waits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from gii_pipeline.defs.inputs import EditionInputs
from gii_pipeline.defs.stages import STAGE_OF, STAGES, Stage
from gii_pipeline.errors import DamagedError, InputError, MissingYearsError
from gii_pipeline.store import EDITION_TABLES, Lock, made
from gii_pipeline.wording import listed

State = Literal["there", "missing", "stale", "damaged"]


@dataclass(frozen=True)
class Pending:
    """A stage that has to run, or may have to.

    why: what has changed, a sentence each, or the tables that are missing; empty where it only waits. waits: for data
    years or an earlier edition.
    """

    stage: Stage
    state: State
    why: tuple[str, ...]
    waits: tuple[str, ...]


def pending_stages(
    inputs: EditionInputs, changed_years: Collection[int] = (), earlier: Collection[str] = ()
) -> list[Pending]:
    """The stages of an edition that have to run or wait for something that has.

    changed_years: data years that are ingested before; earlier: editions that are ranked before.
    """
    found: dict[str, Pending] = {}
    for stage in STAGES:
        waits = tuple(_waits(inputs, stage, set(changed_years), set(earlier)))
        behind = any(STAGE_OF[table].name in found for table in stage.needs(inputs.pipeline.registry))
        state, why = _compared(inputs, stage, waiting=behind or bool(waits))
        if behind or waits or why:
            found[stage.name] = Pending(stage, state, why, waits)
    return list(found.values())


def told(pending: Sequence[Pending]) -> str:
    """Why an edition is not as it would be made now, as a plan says it."""
    missing = [table for one in pending if one.state == "missing" for table in one.why]
    if len(missing) == len(EDITION_TABLES):
        return f"no {', '.join(missing)}"
    why = dict.fromkeys([f"no {', '.join(missing)}"] if missing else [])
    changed = dict.fromkeys(said for one in pending if one.state != "missing" for said in one.why)
    why |= dict.fromkeys(_together(changed))
    why |= dict.fromkeys(said for one in pending for said in one.waits)
    first = [one.stage.name for one in pending if one.why or one.waits]
    behind = [one.stage.name for one in pending if not (one.why or one.waits)]
    if behind:
        why[f"{listed(behind)} wait{'s' if len(behind) == 1 else ''} for {listed(first)}"] = None
    return "; ".join(why)


def _together(whys: Iterable[str]) -> list[str]:
    """Sentences on the code of several stages as one."""
    before, after = "code of ", " changed"
    stages = [why.removeprefix(before).removesuffix(after) for why in whys if why.startswith(before)]
    others = [why for why in whys if not why.startswith(before)]
    return [*([f"{before}{listed(stages)}{after}"] if stages else []), *others]


def difference(old: Lock, new: Lock, apart: Collection[str] = ()) -> list[str]:
    """What a recipe has otherwise than before, a sentence each. apart: parts that are not compared."""
    before, now = old.named, new.named
    return [f"{part} changed" for part in {**before, **now} if part not in apart and before.get(part) != now.get(part)]


def _waits(inputs: EditionInputs, stage: Stage, changed: set[int], earlier: set[str]) -> Iterator[str]:
    """What a stage waits for that is no stage of the edition."""
    reads_before = "records before" in stage.takes
    counted = inputs.pipeline.counted(inputs.edition) if reads_before else [inputs.edition]
    demanded = inputs.pipeline.tables_by_year(counted) if {"records", "records before", "ties"} & stage.takes else {}
    if again := sorted(changed & set(demanded)):
        yield f"data years {', '.join(map(str, again))} are ingested again"
    if "ids" in stage.takes or stage.compared(inputs.pipeline.registry):
        yield from (f"edition {label} is ranked again" for label in inputs.earlier_labels if label in earlier)


def _compared(inputs: EditionInputs, stage: Stage, *, waiting: bool) -> tuple[State, tuple[str, ...]]:
    """How a stage's tables stand against their recipe; against what is known of it while the stage is waiting."""
    store, label, recipes = inputs.pipeline.store, inputs.label, inputs.recipes
    if missing := [table for table in stage.tables if not store.edition(table, label).is_file()]:
        return "missing", tuple(missing)
    try:
        known = {table: made(store.verified(table, label)) for table in stage.tables}
        now = recipes.own_lock(stage) if waiting else recipes.lock(stage)
    except DamagedError as error:
        return "damaged", (str(error),)
    except (InputError, MissingYearsError) as error:
        return "stale", () if waiting else (str(error),)
    needed = stage.needs(inputs.pipeline.registry)
    changed = [said for one in known.values() for said in difference(one.lock, now, (*needed, "sources"))]
    former = [one.lock.inputs for one in known.values()]
    others = [name for name in needed if any(one.get(name) != now.inputs.get(name) for one in former)]
    if others and not waiting:
        changed.append(f"{stage.name} was made from another {listed(others)}")
    if not changed:
        changed = [f"how {table} was judged is not noted" for table, one in known.items() if one.warnings is None]
    return "stale", tuple(dict.fromkeys(changed))
