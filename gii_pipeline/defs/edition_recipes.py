"""Recipes of an edition: what decides the tables of each of its stages.

Belongs here: the lock of a stage from its direct inputs, settings, contracts, code and libraries.
Does not: which stage reads what (see `stages`), or comparing locks (see `planning`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gii_pipeline.defs.recipes import contract_versions, each_fingerprint, named, waivers
from gii_pipeline.defs.stages import STAGES, Stage
from gii_pipeline.fingerprints import code_of, libraries
from gii_pipeline.sources.gathering import hashes
from gii_pipeline.store import Lock, Made, made
from gii_pipeline.store.lock import content_of, fingerprint, merged
from gii_pipeline.verified import sha256_of

if TYPE_CHECKING:
    from gii_pipeline.defs.inputs import EditionInputs


@dataclass(frozen=True)
class EditionRecipes:
    """What the stages of an edition would be made from now."""

    inputs: EditionInputs

    def lock(self, stage: Stage) -> Lock:
        """The lock of a stage's tables: its own inputs, and the content of the edition's tables that it needs.

        Raises InputError or MissingYearsError where an input is not there, DamagedError where it is not as written.
        """
        if stage.name not in self._locks:
            pipeline, label = self.inputs.pipeline, self.inputs.label
            needed = stage.needs(pipeline.registry)
            tables = {name: made(pipeline.store.existing_edition(name, label)) for name in needed}
            own = self.own_lock(stage)
            contents = {name: one.content for name, one in tables.items()}
            joint = replace(own, inputs={**own.inputs, **contents})
            self._locks[stage.name] = joint.with_sources_of(one.lock for one in tables.values())
        return self._locks[stage.name]

    def own_lock(self, stage: Stage) -> Lock:
        """The lock of a stage without the tables of the edition that it needs: these need not be there."""
        if stage.name not in self._own_locks:
            self._own_locks[stage.name] = self._own_lock(stage)
        return self._own_locks[stage.name]

    @cached_property
    def all(self) -> Lock:
        """What the edition is made from, down to the archive, as one lock."""
        return merged([self.own_lock(stage) for stage in STAGES])

    @cached_property
    def _locks(self) -> dict[str, Lock]:
        return {}

    @cached_property
    def _own_locks(self) -> dict[str, Lock]:
        return {}

    @cached_property
    def _known(self) -> dict[Path, Made]:
        return {}

    def _own_lock(self, stage: Stage) -> Lock:
        pipeline = self.inputs.pipeline
        settings = {name: self._settings[name]() for name in ("edition", *stage.settings)} | self._waivers(stage)
        known = {file: self._made(file) for file in sorted(self._core_files(stage))}
        rasters = self._rasters if "population" in stage.takes else {}
        own = Lock(
            sources={source: {"all": found} for source, found in rasters.items()},
            settings=fingerprint(settings),
            code={stage.name: code_of(*stage.code)},
            contracts=contract_versions(stage.tables, pipeline.registry),
            inputs={named(file): one.content for file, one in known.items()} | dict(self._other_inputs(stage)),
            libraries=libraries(),
            each_setting=each_fingerprint(settings),
        )
        return own.with_sources_of(one.lock for one in known.values())

    def _made(self, file: Path) -> Made:
        if file not in self._known:
            self._known[file] = made(file)
        return self._known[file]

    def _core_files(self, stage: Stage) -> set[Path]:
        """The files of the records and locations that a stage reads."""
        inputs, takes = self.inputs, stage.takes
        own = "records" in takes or ("ties" in takes and inputs.counts_ties)
        editions = [inputs.edition] if own else []
        if "records before" in takes and inputs.previous:
            editions += [inputs.previous, inputs.previous.under(inputs.edition)]
        return {file for edition in editions for files in inputs.core_files(edition).values() for file in files}

    def _other_inputs(self, stage: Stage) -> Iterator[tuple[str, str]]:
        """Name -> content of what a stage reads beside records and tables of the edition."""
        inputs, takes = self.inputs, stage.takes
        store, layer, before = inputs.pipeline.store, inputs.pipeline.profile.population, inputs.previous_label
        if "ids" in takes and (members := inputs.previous_members_file):
            yield "ids of clusters", content_of(members)
        for table in stage.compared(inputs.pipeline.registry) if before else ():
            if store.edition(table, str(before)).is_file():
                yield f"{table} of {before}", content_of(store.verified(table, str(before)))
        if "population" in takes:
            yield from ((f"population ({source})", fingerprint(found)) for source, found in self._rasters.items())
        if "settlements" in takes and layer and (settlements := content_hash(layer.settlements)):
            yield "settlements", settlements
        if "retrievals" in takes and any(inputs.retrieved.values()):
            yield "earlier retrievals", fingerprint(inputs.retrieved)

    @cached_property
    def _rasters(self) -> dict[str, tuple[str, ...]]:
        pipeline = self.inputs.pipeline
        return hashes(pipeline.store.raw("population")) if pipeline.profile.population else {}

    @cached_property
    def _settings(self) -> Mapping[str, Callable[[], object]]:
        """What a stage may read of the edition and the profile."""
        inputs, profile = self.inputs, self.inputs.pipeline.profile
        return {
            "edition": lambda: inputs.edition.model_dump(mode="json"),
            "edition before": lambda: inputs.previous and inputs.previous.model_dump(mode="json"),
            "country": lambda: profile.country,
            "calibration": lambda: {metric: content_hash(path) for metric, path in profile.calibration.items()},
            "official totals": lambda: {metric: content_hash(file) for metric, file in profile.official_totals.items()},
            "population layer": lambda: profile.population is not None,
            "made up": lambda: profile.made_up,
            "licences": lambda: {metric: list(licence) for metric, licence in inputs.licences.items()},
            "by applicant": lambda: sorted(inputs.by_applicant),
            "organisations": lambda: content_hash(profile.organisations),
        }

    def _waivers(self, stage: Stage) -> dict[str, object]:
        pipeline, label = self.inputs.pipeline, self.inputs.label
        found = {f"waivers of {table}": waivers(pipeline, label, table) for table in stage.tables}
        return {name: said for name, said in found.items() if said}


def content_hash(file: Path | None) -> str | None:
    return sha256_of(file) if file and file.is_file() else None
