"""Edition assets: points, clusters, figures, rankings and what explains them, by edition.

Belongs here: one asset per stage; it reads its inputs, calls one function of a room, publishes.
Does not: what a stage reads (see `stages`), the order of steps inside a room, or any rule.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import dagster as dg
import pandas as pd
import pyarrow as pa

from gii_pipeline import contracts
from gii_pipeline.defs.failing import failing_clearly
from gii_pipeline.defs.inputs import EditionInputs, totals_metadata
from gii_pipeline.defs.lacking import allowed_by_lacking
from gii_pipeline.defs.partitions import editions, years_of_editions
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.publishing import Audit, Published, as_made_before, asset_spec, check_specs, keep, publish
from gii_pipeline.defs.stages import STAGES, Stage
from gii_pipeline.errors import InputError
from gii_pipeline.fingerprints import code_of
from gii_pipeline.store import FOLLOWING_TABLES, read_parquet

Frames = Mapping[str, pd.DataFrame | pa.Table]
Step = Callable[[EditionInputs], Frames]


def edition_assets(pipeline: Pipeline) -> list[dg.AssetsDefinition]:
    """Every table of the edition layer, in the order in which they are made."""
    return [_asset(pipeline, stage, STEPS[stage.name]) for stage in STAGES]


def count(inputs: EditionInputs) -> Frames:
    counted = inputs.count(inputs.edition)
    schema = contracts.load("points").arrow_schema.with_metadata(totals_metadata(counted.totals))
    return {"points": counted.points.cast(schema)}


def find_clusters(inputs: EditionInputs) -> Frames:
    from gii_pipeline import clusters
    from gii_pipeline.metrics.population import with_population

    points = inputs.read("points")
    found = clusters.build(
        points,
        inputs.edition,
        previous=inputs.previous_members,
        ties=inputs.ties,
        settlements=inputs.settlements,
    )
    if found.clusters.empty:
        raise InputError(_no_cluster(points, inputs))
    footprints = with_population(found.footprints, inputs.population_of)
    return {"clusters": found.clusters, "cluster_members": found.members, "cluster_footprints": footprints}


def _no_cluster(points: pd.DataFrame, inputs: EditionInputs) -> str:
    """Why nothing is dense enough, and what the profile can say about that."""
    dense = [name for name, metric in inputs.edition.metrics.items() if metric.in_density.value]
    people = points[points["metric"].isin(dense)].groupby("place")["people"].sum()
    least = f"{inputs.edition.min_weight.value:g} people or records within {inputs.edition.radius_km.value:g} km"
    most = f"the place with most, {people.idxmax()}, has {people.max():g}" if len(people) else "no record is located"
    return (
        f"Edition {inputs.label} has no cluster: one takes {least}, and {most}. If the sources have a part of the "
        f"world's records only, set `world_part` in the profile {inputs.pipeline.profile.name!r} (0.1 for a tenth); or "
        "give it an edition with a `min_weight` of its own."
    )


def measure(inputs: EditionInputs) -> Frames:
    from gii_pipeline.metrics.cluster_metrics import cluster_metrics

    members, points, footprints = map(inputs.read, ("cluster_members", "points", "cluster_footprints"))
    return {"cluster_metrics": cluster_metrics(members, points, inputs.totals, footprints, inputs.edition)}


def rank(inputs: EditionInputs) -> Frames:
    from gii_pipeline import ranking

    found, footprints, figures = map(inputs.read, ("clusters", "cluster_footprints", "cluster_metrics"))
    size = ranking.rank_size(found, footprints, figures, inputs.edition, tuple(inputs.pipeline.registry))
    return {"ranking_size": size, "ranking_intensity": ranking.rank_intensity(size)}


def contribute(inputs: EditionInputs) -> Frames:
    from gii_pipeline import ranking

    members, points = map(inputs.read, ("cluster_members", "points"))
    return {"contributions": ranking.contributions(members, points, inputs.edition)}


def compare(inputs: EditionInputs) -> Frames:
    from gii_pipeline import ranking
    from gii_pipeline.counting import Counted

    points = read_parquet(inputs.file("points"))
    counted = Counted(points, inputs.totals, inputs.ties)
    size, members = map(inputs.read, ("ranking_size", "cluster_members"))
    changes = ranking.rank_changes(size, members, counted, inputs.edition, previous=inputs.previous, count=inputs.count)
    return {"rank_changes": changes}


def resample(inputs: EditionInputs) -> Frames:
    from gii_pipeline import ranking

    size, members, points = map(inputs.read, ("ranking_size", "cluster_members", "points"))
    edition, totals = inputs.edition, inputs.totals
    by_size = ranking.size_variants(members, points, totals, edition, count=inputs.count, ties=inputs.ties)
    by_intensity = ranking.intensity_variants(size, members, edition, inputs.population_of)
    stability = ranking.rank_stability(
        size, members, points, totals, edition, co_counts=inputs.co_counts, variants=by_size
    )
    return {
        "rank_stability": stability,
        "rank_variants": ranking.rank_variants(size, by_size, by_intensity, edition),
    }


def hold_against(inputs: EditionInputs) -> Frames:
    from gii_pipeline import ranking

    ours = ranking.Ours(*map(inputs.read, ranking.Ours._fields))
    profile = inputs.pipeline.profile
    national = profile.country is not None
    return {"agreement": ranking.agreement(ours, inputs.edition, made_up=profile.made_up, national=national)}


def cover(inputs: EditionInputs) -> Frames:
    return {"coverage": inputs.coverage()}


def compose(inputs: EditionInputs) -> Frames:
    from gii_pipeline import composition
    from gii_pipeline.counting import numbered

    clusters, members, points, figures = map(inputs.read, ("clusters", "cluster_members", "points", "cluster_metrics"))
    makeup = inputs.makeup(numbered(members, composition.cluster_ids(clusters)))
    found = composition.Inputs(
        inputs.edition,
        clusters,
        members,
        points,
        figures,
        makeup,
        licences=inputs.licences,
        by_applicant=inputs.by_applicant,
        names=inputs.organisation_names,
    )
    return composition.compose(found)


STEPS: dict[str, Step] = {
    "points": count,
    "clusters": find_clusters,
    "metrics": measure,
    "ranking": rank,
    "contributions": contribute,
    "rank changes": compare,
    "rank stability": resample,
    "agreement": hold_against,
    "coverage": cover,
    "composition": compose,
}
"""Stage -> what computes its tables."""


def _asset(pipeline: Pipeline, stage: Stage, step: Step) -> dg.AssetsDefinition:
    """One step: the tables that a stage makes together; nothing is computed where its recipe is not new."""
    deps = _deps(pipeline, stage)

    @dg.multi_asset(
        name=f"make_{stage.name.replace(' ', '_')}",  # an op may not be called like a job
        specs=[
            asset_spec(
                contracts.load(table, pipeline.registry),
                "edition",
                editions(pipeline),
                deps,
                code_of(*stage.code),
            )
            for table in stage.tables
        ],
        check_specs=check_specs(pipeline.registry, editions(pipeline), *stage.tables),
    )
    def assets(context: dg.AssetExecutionContext) -> Published:
        with failing_clearly() as meter:
            inputs = EditionInputs(pipeline, context.partition_key, stage)
            lock = inputs.recipes.lock(stage)
            if kept := as_made_before(pipeline.store, inputs.label, stage.tables, lock):
                yield from keep(pipeline.store, _audit(inputs), kept, meter=meter)
                return
            made = step(inputs)
            yield from publish(pipeline.store, _audit(inputs, made), made, lock, meter=meter)

    return assets


def _deps(pipeline: Pipeline, stage: Stage) -> list[str | dg.AssetDep]:
    """What a stage's tables are made from, as the page shows it."""
    deps: list[str | dg.AssetDep] = list(stage.needs(pipeline.registry))
    before = "records before" in stage.takes
    if "records" in stage.takes:
        deps += [
            dg.AssetDep(table, partition_mapping=years_of_editions(pipeline, metric, before=before))
            for table, metric in (*pipeline.tables.items(), *((table, None) for table in FOLLOWING_TABLES))
        ]
    if "population" in stage.takes and pipeline.profile.population:
        deps.append("raw_population")
    return deps


def _audit(inputs: EditionInputs, made: Frames = MappingProxyType({})) -> Audit:
    edition = inputs.edition
    parameters = {
        "edition": edition.edition,
        "method": edition.method,
        "ranking_length": edition.ranking_length.value,
        "largest_size_score": edition.largest_size_score,
    }
    profile = inputs.pipeline.profile
    return Audit(
        inputs.label,
        parameters,
        previous=inputs.previous_label,
        waivers=(*profile.waivers, *allowed_by_lacking(inputs.pipeline, inputs.label, made)),
        registry=profile.registry,
    )
