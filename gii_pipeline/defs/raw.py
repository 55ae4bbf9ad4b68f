"""Raw assets: what each source gave, kept in the archive, and pinned for the data year.

Belongs here: one asset a metric and data year, and one for what serves every year (institutions, population).
Does not: reading what was kept.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import dagster as dg

from gii_pipeline import remote
from gii_pipeline.archive import Archive, Entry
from gii_pipeline.defs.costs import Meter
from gii_pipeline.defs.failing import failing_clearly
from gii_pipeline.defs.partitions import data_years
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.profiles import Fetch, Input
from gii_pipeline.sources.extracts import Extracts
from gii_pipeline.sources.gathering import Gathered, gather, pin
from gii_pipeline.sources.rates import Rate, Rates
from gii_pipeline.sources.streaming import Taking, streamed_role

REFRESH_TAG = "gii/refresh_{table}"
"""On a run: the time (ISO 8601, UTC) since when what is kept of a table's source counts as fetched."""


def raw_assets(pipeline: Pipeline) -> list[dg.AssetsDefinition]:
    """`raw_<core table>` by data year, and `raw_institutions` and `raw_population` for all years."""
    by_year = [_by_year(pipeline, table, metric) for table, metric in pipeline.tables.items()]
    return [*by_year, *(_for_all_years(pipeline, name, source) for name, source in pipeline.yearless.items())]


def _by_year(pipeline: Pipeline, table: str, metric: str) -> dg.AssetsDefinition:
    source = pipeline.profile.metrics[metric]

    @dg.asset(
        name=f"raw_{table}",
        description=f"The files of the source `{source.reader}` for {metric} of a data year, as received.",
        group_name="raw",
        partitions_def=data_years(pipeline),
        pool=_pool(source),
        kinds={"archive"},
        owners=["team:gii_pipeline"],
    )
    def raw(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        data_year = int(context.partition_key)
        if not pipeline.demands(table, data_year):
            return dg.MaterializeResult(metadata={"not_fetched": f"No window needs {table} of {data_year}."})
        archive = _archive(pipeline, context.run.tags.get(REFRESH_TAG.format(table=table)))
        with failing_clearly() as meter:
            began = archive.clock.timestamp()
            gathered = gather(archive, source, data_year, Extracts(pipeline.store.extracts), pipeline.engine)
            pin(gathered, pipeline.store.raw(table, data_year), source)
            remote.publish(pipeline.root)
            _note_rate(pipeline, source, gathered, began, meter)
        return dg.MaterializeResult(metadata={**_metadata(gathered, began), **meter.figures})

    return raw


def _for_all_years(pipeline: Pipeline, name: str, source: Input) -> dg.AssetsDefinition:
    @dg.asset(
        name=f"raw_{name}",
        description=f"The {name} that every data year and edition uses, as received.",
        group_name="raw",
        pool=_pool(source),
        kinds={"archive"},
        owners=["team:gii_pipeline"],
    )
    def raw() -> dg.MaterializeResult[Any]:
        archive = pipeline.archive
        with failing_clearly() as meter:
            began = archive.clock.timestamp()
            gathered = gather(archive, source, None)
            pin(gathered, pipeline.store.raw(name), source)
            remote.publish(pipeline.root)
            _note_rate(pipeline, source, gathered, began, meter)
        return dg.MaterializeResult(metadata={**_metadata(gathered, began), **meter.figures})

    return raw


def _pool(source: Input) -> str:
    """The client that a source is fetched with, so that two runs do not ask it at once; else the reader."""
    fetches = [files.fetch for files in source.files.values() if isinstance(files, Fetch)]
    return fetches[0] if fetches else source.reader


def _archive(pipeline: Pipeline, since: str | None) -> Archive:
    """The pipeline's archive, fetching again what it fetched before `since`."""
    if since is None or pipeline.offline or pipeline.refresh:
        return pipeline.archive
    return replace(pipeline, refresh=True, refresh_since=since).archive


def _note_rate(pipeline: Pipeline, source: Input, gathered: Gathered, began: str, meter: Meter) -> None:
    """Keep how fast a client fetched, or how fast its files were fetched and read in one go."""
    for role, fetch in source.fetches().items():
        fetched = [each for each in gathered[role] if each.status is not None and each.retrieved_at >= began]
        size, seconds = sum(entry.fetched or entry.bytes for entry in fetched), float(meter.figures["seconds"])
        if source.keep == "extract" and role == streamed_role(source):
            taking = Taking(source.reader, role, source.options, Extracts(pipeline.store.extracts))
            made = sum(taking.made(entry) for entry in fetched)
            whole = sum(entry.bytes for entry in fetched)
            columns = size if any(entry.needed for entry in fetched) else None
            Rates(pipeline.rates).note(f"stream {source.reader}", Rate(whole, seconds, made, columns))
        else:
            Rates(pipeline.rates).note(f"fetch {fetch.fetch}", Rate(size, seconds))


def _metadata(gathered: Gathered, began: str) -> dict[str, dg.MetadataValue]:
    """began: when the step did. What a server answered since then is what this run cost."""
    entries = [entry for role in gathered.values() for entry in role]
    fetched = [entry for entry in entries if entry.status is not None and entry.retrieved_at >= began]
    return {
        "requests_kept": dg.MetadataValue.int(len(fetched)),
        "credits_used": dg.MetadataValue.float(sum((entry.credits or 0.0 for entry in fetched), 0.0)),
        "bytes_fetched": dg.MetadataValue.int(sum(entry.fetched or entry.bytes for entry in fetched)),
        "files": dg.MetadataValue.int(len(entries)),
        "bytes": dg.MetadataValue.int(sum(entry.bytes for entry in entries)),
        "records": dg.MetadataValue.int(sum(entry.records or 0 for entry in entries)),
        "entries": dg.MetadataValue.json(list(_listed(entries))),
    }


def _listed(entries: list[Entry], most: int = 20) -> Iterator[dict[str, object]]:
    for entry in entries[:most]:
        yield {"address": entry.address, "bytes": entry.bytes, "sha256": entry.sha256}
