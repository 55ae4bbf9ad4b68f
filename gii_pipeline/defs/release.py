"""The release asset: an edition's finished tables as an immutable version.

Belongs here: what a release says of its sources, and the asset that makes one.
Does not: staging, auditing or publishing a version.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq

from gii_pipeline import contracts, remote
from gii_pipeline.contracts.shape import problems
from gii_pipeline.defs import page
from gii_pipeline.defs.failing import failing_clearly
from gii_pipeline.defs.gone import gone_between
from gii_pipeline.defs.inputs import EditionInputs
from gii_pipeline.defs.lacking import notes
from gii_pipeline.defs.partitions import editions
from gii_pipeline.defs.pictures import pictures
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.defs.waived import used_waivers
from gii_pipeline.errors import ReleaseError
from gii_pipeline.profiles import Input
from gii_pipeline.releases import (
    Made,
    ReleaseInfo,
    SourceInfo,
    Tolerance,
    diff,
    exceeds,
    make_release,
    open_release,
    snapshot_of_edition,
    versions,
)
from gii_pipeline.releases.info import WORLD
from gii_pipeline.report.breaks import method_breaks
from gii_pipeline.report.explorer import PAGE, write_report
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.gathering import pinned_entries
from gii_pipeline.store import EDITION_TABLES, read_parquet
from gii_pipeline.wording import some


class ReleaseConfig(dg.Config):
    """What a person says of a release when launching it.

    approved: publish changes beyond the profile's tolerance. embargo: the day from which on it may be published.
    """

    approved: bool = False
    embargo: str = ""


def release_assets(pipeline: Pipeline) -> list[dg.AssetsDefinition]:
    spec = dg.AssetSpec(
        "release",
        description="An immutable version of the edition's tables: staged, audited together, then published.",
        group_name="release",
        partitions_def=editions(pipeline),
        deps=list(EDITION_TABLES),
        kinds={"parquet"},
        owners=["team:gii_pipeline"],
    )

    @dg.multi_asset(name="make_release", specs=[spec])
    def release(context: dg.AssetExecutionContext, config: ReleaseConfig) -> dg.MaterializeResult[Any]:
        with failing_clearly() as meter:
            made = release_edition(pipeline, context.partition_key, approved=config.approved, embargo=config.embargo)
        context.log.info(made.message)
        return dg.MaterializeResult(metadata={**_about(pipeline.root, made), **meter.figures})

    return [release]


def _about(root: Path, made: Made) -> dict[str, dg.MetadataValue | int | str | bool]:
    """What the page shows of a version: where to read it, and its ranking."""
    folder = Path(str(made.release.folder))
    rows = {name: pq.read_metadata(folder / f"{name}.parquet").num_rows for name in made.release.tables}
    ranking = folder / "ranking_size.parquet"
    return {
        "version": str(made.release.version),
        "created": made.created,
        "explorer": page.link(root, folder / PAGE),
        "files": page.link(root, folder),
        "changes": page.link(root, folder / "CHANGES.md"),
        **pictures(root, "ranking_size", made.release.label, ranking, made.release.registry),
        "ranking_size": page.preview(ranking),
        "tables": page.table([{"table": name, "rows": count} for name, count in rows.items()]),
        "dagster/row_count": sum(rows.values()),
        "path": dg.MetadataValue.path(folder),
    }


def release_edition(pipeline: Pipeline, label: str, *, approved: bool = False, embargo: str = "") -> Made:
    """Publish the edition's tables as the next version, unless they are what the last one holds.

    Raises ReleaseError where the change from the last version exceeds the profile's tolerance and nobody approved it,
    and where the columns of a table are not those of its contract.
    """
    remote.publish(pipeline.root)  # what a run that was killed had made
    _check_columns(pipeline, label)
    info = release_info(pipeline, label)
    breaks = {} if "@" in label else method_breaks(pipeline.book.editions.values(), pipeline.registry)
    if not approved and (reasons := beyond_tolerance(pipeline, label, info)):
        listed = "\n  ".join(reasons)
        raise ReleaseError(
            f"Edition {label} differs from its last release by more than the profile allows:\n  {listed}\n"
            f"Review the changes with `gii diff`. To publish them, run `gii release make --edition {label} "
            f"--approve`, or start the job `release` with the configuration "
            "`ops: {make_release: {config: {approved: true}}}`."
        )
    return make_release(
        pipeline.root,
        label,
        info,
        clock=lambda: datetime.now(UTC),
        embargo=embargo,
        gone=lambda before, after: gone_between(pipeline, label, (before.lock, before.arrow), (after.lock, after.read)),
        extras=lambda folder, version: write_report(folder, info, str(version), breaks),
    )


def _check_columns(pipeline: Pipeline, label: str) -> None:
    """Tables that another version of the pipeline made have other columns, whatever is asked of them here."""
    store = pipeline.store
    for table in (table for table in EDITION_TABLES if store.edition(table, label).is_file()):
        contract = contracts.load(table, pipeline.registry)
        if wrong := problems(pq.read_schema(path := store.verified(table, label)), contract):
            said = some([f"{each['column']} {each['problem']}" for each in wrong], 3)
            raise ReleaseError(
                f"The columns of {path} differ from its contract, so it was made by another version of the pipeline: "
                f"{said}. {store.remedy(table, label)}"
            )


def beyond_tolerance(pipeline: Pipeline, label: str, info: ReleaseInfo) -> list[str]:
    """Which changes from the edition's last release exceed the profile's tolerance, a sentence each."""
    tolerance = Tolerance(**pipeline.profile.approval.model_dump())
    if tolerance == Tolerance():
        return []
    released = [one.version for one in versions(pipeline.root) if one.version.label == label and not one.withdrawn]
    if not released:
        return []
    now = snapshot_of_edition(pipeline.root, label, info.settings)
    return exceeds(diff(open_release(pipeline.root, str(released[-1])), now), tolerance)


def release_info(pipeline: Pipeline, label: str) -> ReleaseInfo:
    """What the release of an edition says of itself: title, sources with licences and citations, settings."""
    inputs = EditionInputs(pipeline, label)
    edition = inputs.edition
    used = {sha for years in inputs.recipes.all.sources.values() for found in years.values() for sha in found}
    sources: dict[str, SourceInfo] = {}
    as_of = ""
    for path, source, metric in inputs.pins:
        for entry in pinned_entries(path):
            if entry["sha256"] in used:
                name, counted = entry["source"], (metric,) if metric in edition.metrics else ()
                before = sources[name].metrics if name in sources else ()
                sources[name] = _source_info(source, entry, tuple(dict.fromkeys([*before, *counted])))
                as_of = max(as_of, entry["retrieved_at"])
    return ReleaseInfo(
        title=f"Innovation clusters, edition {label}: {pipeline.profile.title}",
        sources=sources,
        settings=edition.model_dump(mode="json") | _variant(pipeline),
        made_up=pipeline.profile.made_up,
        maturity="provisional" if edition.provisional else "final",
        data_as_of=as_of,
        waivers=used_waivers(pipeline, label),
        notes=(*notes(pipeline, label), *_incomplete(pipeline, label)),
        registry=pipeline.registry,
        whole=pipeline.profile.country or WORLD,
    )


def _incomplete(pipeline: Pipeline, label: str) -> list[str]:
    """Which data years are incomplete and which economies without a record, as every output of the release says."""
    from gii_pipeline.metrics.coverage import warnings as coverage_warnings

    rows = read_parquet(pipeline.store.existing_edition("coverage", label)).to_pandas()
    return coverage_warnings(rows, pipeline.registry.title_in_text)


def _variant(pipeline: Pipeline) -> dict[str, Any]:
    """What the profile changes of the edition's method, tagged like its settings."""
    source = "The profile weights records by economy and year to match official totals"
    files = {metric: path.name for metric, path in pipeline.profile.calibration.items()}
    return {"calibration": {"value": files, "tag": "A", "source": source}} if files else {}


def _source_info(source: Input, entry: Mapping[str, str], metrics: tuple[str, ...]) -> SourceInfo:
    """The profile's words on a source, else its reader's, else the archive's."""
    reader = SOURCES.get(source.reader)
    return SourceInfo(
        title=source.title or entry["source"],
        licence=source.licence or (reader.licence if reader else "") or entry["licence"],
        citation=source.citation or (reader.citation if reader else ""),
        metrics=metrics,
        shares_records=reader.shares_records if reader and source.shares_records is None else source.shares_records,
    )
