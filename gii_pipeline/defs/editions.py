"""Edition assets: points, clusters, figures, rankings and what explains them, by edition.

Belongs here: one asset a step; it reads its inputs, calls one function of a room, publishes.
Does not: the order of steps inside a room, or any rule.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import dagster as dg
import pandas as pd

from gii_pipeline import contracts
from gii_pipeline.defs.failing import failing_clearly
from gii_pipeline.defs.inputs import EditionInputs, totals_metadata
from gii_pipeline.defs.lacking import allowed_by_lacking
from gii_pipeline.defs.partitions import editions, years_of_editions
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.publishing import Audit, Published, asset_spec, check_specs, publish
from gii_pipeline.defs.recipes import STAGE_OF, STAGES
from gii_pipeline.errors import InputError
from gii_pipeline.fingerprints import code_of
from gii_pipeline.store import COMPOSITION_TABLES, FOLLOWING_TABLES, read_parquet

Frames = Mapping[str, pd.DataFrame]
Step = Callable[[EditionInputs], Frames]


def edition_assets(pipeline: Pipeline) -> list[dg.AssetsDefinition]:
    """Every table of the edition layer, in the order in which they are made."""
    population = ["raw_population"] if pipeline.profile.population else []
    return [
        _points(pipeline),
        _asset(pipeline, ("clusters", "cluster_members", "cluster_footprints"), ["points", *population], find_clusters),
        _asset(pipeline, ("cluster_metrics",), ("points", "cluster_members", "cluster_footprints"), measure),
        _asset(
            pipeline, ("ranking_size", "ranking_intensity"), ("clusters", "cluster_footprints", "cluster_metrics"), rank
        ),
        _asset(pipeline, ("contributions",), ("points", "cluster_members"), contribute),
        _asset(pipeline, ("rank_changes",), ("points", "ranking_size", "cluster_members"), compare),
        _asset(
            pipeline,
            ("rank_stability", "rank_variants"),
            ("points", "cluster_members", "ranking_size", "raw_population"),
            resample,
        ),
        _asset(pipeline, ("agreement",), ("ranking_size", "cluster_metrics"), hold_against),
        _asset(pipeline, ("coverage",), ("points",), cover),
        _asset(pipeline, COMPOSITION_TABLES, ("points", "clusters", "cluster_members", "cluster_metrics"), compose),
    ]


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


def _points(pipeline: Pipeline) -> dg.AssetsDefinition:
    by_window = [
        dg.AssetDep(table, partition_mapping=years_of_editions(pipeline, metric))
        for table, metric in pipeline.tables.items()
    ]
    by_any_window = [dg.AssetDep(table, partition_mapping=years_of_editions(pipeline)) for table in FOLLOWING_TABLES]

    @dg.multi_asset(
        name="points",
        specs=[
            asset_spec(
                contracts.load("points", pipeline.registry),
                "edition",
                editions(pipeline),
                [*by_window, *by_any_window],
                code_of(*STAGES["points"]),
            )
        ],
        check_specs=check_specs(pipeline.registry, editions(pipeline), "points"),
    )
    def points(context: dg.AssetExecutionContext) -> Published:
        with failing_clearly() as meter:
            inputs = EditionInputs(pipeline, context.partition_key)
            counted = inputs.count(inputs.edition)
            tables = {"points": counted.points.cast(contracts.load("points").arrow_schema)}
            totals = totals_metadata(counted.totals)
            yield from publish(pipeline.store, _audit(inputs), tables, inputs.lock, totals, meter=meter)

    return points


def _asset(pipeline: Pipeline, tables: Sequence[str], deps: Sequence[str], step: Step) -> dg.AssetsDefinition:
    """One step: the tables that it makes together, from the tables that it reads."""

    @dg.multi_asset(
        name=step.__name__,
        specs=[
            asset_spec(
                contracts.load(table, pipeline.registry),
                "edition",
                editions(pipeline),
                deps,
                code_of(*STAGES[STAGE_OF[table]]),
            )
            for table in tables
        ],
        check_specs=check_specs(pipeline.registry, editions(pipeline), *tables),
    )
    def assets(context: dg.AssetExecutionContext) -> Published:
        with failing_clearly() as meter:
            inputs = EditionInputs(pipeline, context.partition_key)
            made = step(inputs)
            yield from publish(pipeline.store, _audit(inputs, made), made, inputs.lock, meter=meter)

    return assets


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
