"""The stages of an edition: which tables each makes, from what, and with which code.

Belongs here: the one list that assets, recipes and plans follow. Does not: computing a table (see `editions`), or
comparing recipes (see `planning`).

A stage reads only what it names here: its recipe is made of that, and an input that a recipe does not name would change
tables unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gii_pipeline import contracts
from gii_pipeline.registry import Registry
from gii_pipeline.store import COMPOSITION_TABLES, EDITION_TABLES

PREVIOUS = "previous"
"""What rules call the table of the edition before."""
Take = Literal["records", "records before", "ties", "ids", "population", "settlements", "retrievals"]
RECORDS = ("counting.counts", "counting.by_economy", "metrics.coverage")
"""What records are counted and weighed with."""


@dataclass(frozen=True)
class Stage:
    """A step of an edition.

    tables: what it makes together. reads: tables of the same edition. modules: those that it begins with, inside
    gii_pipeline. takes: what it reads beside tables of the edition: the records of its windows and of the edition it is
    compared with, ties between locations, the ids of earlier clusters, population rasters, extents of settlements,
    earlier retrievals. settings: those of the profile that it reads beside the edition (see `edition_recipes`).
    """

    name: str
    tables: tuple[str, ...]
    modules: tuple[str, ...]
    reads: tuple[str, ...] = ()
    takes: frozenset[Take] = frozenset()
    settings: tuple[str, ...] = ()

    @property
    def code(self) -> tuple[str, ...]:
        return tuple(f"gii_pipeline.{module}" for module in self.modules)

    def needs(self, registry: Registry) -> tuple[str, ...]:
        """The tables of the edition that decide its own: those that it reads, and those that rules compare with."""
        others = {*self.reads, *(_references(self, registry) - {PREVIOUS} - set(self.tables))}
        return tuple(table for table in EDITION_TABLES if table in others)

    def compared(self, registry: Registry) -> tuple[str, ...]:
        """Its tables that rules compare with the edition before."""
        return tuple(table for table in self.tables if PREVIOUS in _references_of(table, registry))


def _references(stage: Stage, registry: Registry) -> set[str]:
    return {name for table in stage.tables for name in _references_of(table, registry)}


def _references_of(table: str, registry: Registry) -> set[str]:
    return {name for rule in contracts.load(table, registry).rules for name in rule.references}


STAGES = (
    Stage("points", ("points",), RECORDS, takes=frozenset({"records"}), settings=("country", "calibration")),
    Stage(
        "clusters",
        ("clusters", "cluster_members", "cluster_footprints"),
        (*RECORDS, "counting.ties", "clusters.build", "clusters.settlements", "metrics.population", "metrics.rasters"),
        reads=("points",),
        takes=frozenset({"ties", "ids", "population", "settlements"}),
        settings=("country", "calibration", "population layer"),
    ),
    Stage(
        "metrics",
        ("cluster_metrics",),
        ("metrics.cluster_metrics",),
        reads=("points", "cluster_members", "cluster_footprints"),
    ),
    Stage(
        "ranking",
        ("ranking_size", "ranking_intensity"),
        ("ranking.rank",),
        reads=("clusters", "cluster_footprints", "cluster_metrics"),
        settings=("population layer",),
    ),
    Stage("contributions", ("contributions",), ("ranking.contributions",), reads=("points", "cluster_members")),
    Stage(
        "rank changes",
        ("rank_changes",),
        (*RECORDS, "counting.ties", "ranking.changes"),
        reads=("points", "cluster_members", "ranking_size"),
        takes=frozenset({"records", "records before", "ties"}),
        settings=("country", "calibration", "edition before"),
    ),
    Stage(
        "rank stability",
        ("rank_stability", "rank_variants"),
        (
            *(*RECORDS, "counting.ties", "counting.co_counts"),
            *("ranking.stability", "ranking.variants", "metrics.population", "metrics.rasters"),
        ),
        reads=("points", "cluster_members", "ranking_size"),
        takes=frozenset({"records", "ties", "population"}),
        settings=("country", "calibration", "population layer"),
    ),
    Stage(
        "agreement",
        ("agreement",),
        ("ranking.agreement",),
        reads=("ranking_size", "cluster_metrics"),
        settings=("made up", "country"),
    ),
    Stage(
        "coverage",
        ("coverage",),
        (*RECORDS, "metrics.completeness"),
        takes=frozenset({"records", "retrievals"}),
        settings=("country", "calibration", "official totals"),
    ),
    Stage(
        "composition",
        COMPOSITION_TABLES,
        (*RECORDS, "counting.makeup", "counting.co_counts", "composition.tables", "composition.organisations"),
        reads=("points", "clusters", "cluster_members", "cluster_metrics"),
        takes=frozenset({"records"}),
        settings=("country", "calibration", "licences", "by applicant", "organisations"),
    ),
)
"""In the order in which they run: a stage comes after all whose tables it needs."""
STAGE_OF = {table: stage for stage in STAGES for table in stage.tables}
