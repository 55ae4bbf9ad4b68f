"""Write, audit, publish: the one way in which an asset's tables reach the store.

Belongs here: staging, one Dagster check result per table, and the promotion of what passed.
Does not: the rules, which are the contract's, or computing a table.

A failing check in Dagster does not by itself keep a bad table out: the form that does is to yield the check results and
raise while the table is staged and not yet promoted.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline import contracts, remote
from gii_pipeline.defs import page
from gii_pipeline.defs.costs import Meter
from gii_pipeline.defs.pictures import pictures
from gii_pipeline.errors import ContractError, DamagedError, GiiError, InputError
from gii_pipeline.registry import Registry, shipped
from gii_pipeline.store import LOCK_KEY, Lock, Made, Store, made, note, read_footer, write_parquet
from gii_pipeline.store.lock import content_of, footer
from gii_pipeline.verified import check

Published: TypeAlias = Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]
Table: TypeAlias = pa.Table | pd.DataFrame | Path
CHECK = "contract"
WARNINGS = "warnings"
"""Metadata of a check: its rules of severity warning that failed, one per line."""
ORDER = {"failed": 0, "skipped": 1, "passed": 2}


@dataclass(frozen=True)
class Audit:
    """What the contracts of a partition's tables are judged with, beside the tables themselves.

    parameters: `data_year` and `retrieved_year`, or `edition`, `method` and `ranking_length`.
    previous: the partition before, if any.
    references: tables by the names that rules use, where they are neither the partition's own nor the one before.
    waivers: what the profile allows. registry: the metrics that it knows.
    """

    partition: str
    parameters: Mapping[str, Any]
    previous: str | None = None
    references: Mapping[str, pa.Table | Path] = field(default_factory=dict)
    waivers: tuple[contracts.Waiver, ...] = ()
    registry: Registry = field(default_factory=shipped)


def check_specs(registry: Registry, partitions: dg.PartitionsDefinition[str], *tables: str) -> list[dg.AssetCheckSpec]:
    """One check per table: its contract. The result names the rules that are broken.

    Each partition has a result of its own: an edition that keeps its contract hides no warning of an earlier one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # a test holds what we rely on
        return [
            dg.AssetCheckSpec(
                CHECK,
                asset=table,
                description=f"The {len(contracts.load(table, registry).rules)} rules of the table's contract.",
                partitions_def=partitions,
            )
            for table in tables
        ]


def asset_spec(
    contract: contracts.Contract,
    group: str,
    partitions: dg.PartitionsDefinition[str],
    deps: Sequence[str | dg.AssetDep],
    code: str,
) -> dg.AssetSpec:
    """A table as an asset: what its contract says of it, its columns, its owner. code: of its stage."""
    return dg.AssetSpec(
        contract.name,
        deps=list(deps),
        description=contract.purpose,
        group_name=group,
        code_version=code[:12],
        partitions_def=partitions,
        kinds={"parquet"},
        owners=["team:gii_pipeline"],
        metadata={
            "dagster/column_schema": column_schema(contract),
            "contract": contract.version,
            **page.release_links(),
        },
    )


def column_schema(contract: contracts.Contract) -> dg.TableSchema:
    """The contract's columns as Dagster shows them."""
    columns = [
        dg.TableColumn(
            name=column["name"],
            type=column["type"],
            description=column["description"],
            constraints=dg.TableColumnConstraints(
                nullable=column["nullable"], unique=column["unique"], other=column["other"]
            ),
        )
        for column in contract.column_schema
    ]
    return dg.TableSchema(columns)


def publish(
    store: Store,
    audit: Audit,
    tables: Mapping[str, Table],
    lock: Lock,
    *,
    meter: Meter,
    about: Mapping[str, Any] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Published:
    """Stage and validate every table; promote all of them, or none.

    tables: table -> its rows sorted by key, or a staged Parquet file that carries the lock already.
    meter: of the step that made the tables.
    about: what the page shows of each beside what every table shows. notes: what Data Docs show beside the rules.
    Raises ContractError with the failing rows when a table breaks a rule of severity error; all failing rows are then
    in the quarantine file.
    """
    with store.staging() as folder:
        carried = {LOCK_KEY: lock.to_bytes()}
        staged = {
            name: _stage(contracts.load(name, audit.registry), table, folder, carried) for name, table in tables.items()
        }
        today = datetime.now(UTC).date()
        judged = {
            name: contracts.waive(replace(_judge(store, audit, name, staged), notes=notes or {}), audit.waivers, today)
            for name in staged
        }
        verdicts = {name: verdict for name, (verdict, _) in judged.items()}
        written = contracts.write_data_docs(list(verdicts.values()), store.data_docs)
        data_docs = {name: page.link(store.root, path) for name, path in written.items()}
        for name, verdict in verdicts.items():
            yield _check_result(verdict, data_docs[name], judged[name][1])
        broken = {name: verdict for name, verdict in verdicts.items() if not verdict.passed}
        for name, verdict in broken.items():
            if verdict.quarantine(turned_away := folder / "quarantine" / f"{name}.parquet"):
                store.promote({turned_away: store.quarantine(name, audit.partition)})
                remote.publish(store.root)
        if broken:
            told = [(verdict.message(), contracts.how_to_waive(verdict, today)) for verdict in broken.values()]
            raise ContractError("\n\n".join(part for parts in told for part in parts if part))
        shown = {
            name: {
                **_about(store, name, audit, path),
                "data_docs": data_docs[name],
                "lock": lock.sha256,
                **(about or {}),
            }
            for name, path in staged.items()
        }
        with store.lock(audit.partition):  # so that two runs of a partition do not mix their files
            made_now = _promote(store, audit.partition, staged, lock, judged)
            remote.publish(store.root)
        costs = meter.figures
    for name, known in made_now.items():
        yield _materialised(name, known, {**shown[name], **costs})


def as_made_before(store: Store, partition: str, tables: Sequence[str], lock: Lock) -> dict[str, Made] | None:
    """What is noted of the tables of a stage where all lie there, whole, by this recipe and judged; else None."""
    found = {name: known for name in tables if (known := _as_written(store, name, partition)) is not None}
    same = [known for known in found.values() if known.lock.recipe == lock.recipe and known.warnings is not None]
    return found if len(same) == len(tables) else None


def kept_warnings(store: Store, partition: str, tables: Iterable[str]) -> list[str]:
    """What the contracts warned of when tables that stay as they are were judged."""
    known = {name: _as_written(store, name, partition) for name in sorted(tables)}
    return [f"{name} {partition}: {told}" for name, one in known.items() if one for told in one.warnings or ()]


def keep(store: Store, audit: Audit, kept: Mapping[str, Made], *, meter: Meter) -> Published:
    """What the page shows of tables that stay as they are, because nothing that decides them is new."""
    for name, known in kept.items():
        docs = page.link(store.root, store.data_docs / "index.html")
        said = "Not judged again: neither the table nor what its rules compare it with is new."
        yield dg.AssetCheckResult(
            asset_key=name,
            check_name=CHECK,
            passed=not known.warnings,
            severity=dg.AssetCheckSeverity.WARN,
            description="\n".join([said, *(known.warnings or ())]),
            metadata={**_warned(known.warnings or ()), "data_docs": docs},
        )
    unchanged = {"unchanged": "Nothing was computed: the recipe is the one that made the table."}
    for name, known in kept.items():
        shown = _about(store, name, audit, store.verified(name, audit.partition))
        yield _materialised(name, known, {**unchanged, **shown, "lock": known.lock.sha256, **meter.figures})


def _materialised(table: str, known: Made, shown: Mapping[str, Any]) -> dg.MaterializeResult[Any]:
    """Its content is the data version, so that for Dagster too what follows is stale only where the content is new."""
    return dg.MaterializeResult(asset_key=table, metadata=shown, data_version=dg.DataVersion(known.content))


def _warned(warnings: Sequence[str]) -> dict[str, str]:
    return {WARNINGS: "\n".join(warnings)} if warnings else {}


def not_demanded(table: str, data_year: int) -> Published:
    """What the page shows of a record table of a data year that no window demands: nothing is made or judged."""
    why = f"No window of any edition needs {table} of {data_year}."
    yield dg.AssetCheckResult(asset_key=table, check_name=CHECK, passed=True, description=f"Not judged: {why}")
    yield dg.MaterializeResult(asset_key=table, metadata={"not_made": why})


def _promote(
    store: Store,
    partition: str,
    staged: Mapping[str, Path],
    lock: Lock,
    judged: Mapping[str, tuple[contracts.Verdict, Sequence[str]]],
) -> dict[str, Made]:
    """Put the staged files in their places; one whose content is there already stays, and its new recipe is noted.

    Returns what is noted of each. Raises GiiError where the same recipe gave other content before: something undeclared
    decides it. Tables of records are left out: which of two data years counts a record follows from the years that are
    there.
    """
    notes: dict[str, Made] = {}
    moved: dict[Path, Path] = {}
    for name, path in staged.items():
        target = store.partition(name, partition)
        new, old = content_of(path), _as_written(store, name, partition)
        verdict, told = judged[name]
        notes[name] = Made(new, lock, tuple(verdict.waivers), _warnings(verdict, told))
        recipes = {old.lock.recipe, read_footer(target).recipe} if old else set()
        if old and lock.inputs and lock.recipe in recipes and old.content != new:
            raise GiiError(
                f"{name} of {partition} differs from before, although inputs, settings and code are the same: "
                f"something outside its recipe affects it. {target} is kept; delete it to rebuild it."
            )
        if not (old and old.content == new and footer(target) == footer(path)):
            moved[path] = target
    store.promote(moved)
    for name, known in notes.items():
        note(store.partition(name, partition), known)
    return notes


def _warnings(verdict: contracts.Verdict, notes: Sequence[str]) -> tuple[str, ...]:
    return (*(result.sentence for result in verdict.warnings), *notes)


def _as_written(store: Store, table: str, partition: str) -> Made | None:
    """What lies in a table's place; None where nothing does, or nothing that can be trusted."""
    try:
        return made(store.verified(table, partition))
    except (DamagedError, InputError):
        return None


def _stage(contract: contracts.Contract, table: Table, folder: Path, metadata: Mapping[bytes, bytes]) -> Path:
    """The table as a file with the contract's column types and metadata; a staged file is taken as it is.

    A frame's columns that the contract does not know are kept, so that the contract refuses them.
    """
    if isinstance(table, Path):
        return table
    path = folder / f"{contract.name}.parquet"
    if isinstance(table, pd.DataFrame):
        table = _typed(table, contract.arrow_schema)
    write_parquet(table, path, metadata)
    return path


def _typed(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    if set(frame.columns) == set(schema.names):
        return pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    return pa.Table.from_pandas(frame, preserve_index=False)


def _judge(store: Store, audit: Audit, name: str, staged: Mapping[str, Path]) -> contracts.Verdict:
    contract = contracts.load(name, audit.registry)
    return contracts.validate(
        staged[name],
        contract,
        references=_references(store, audit, contract, staged),
        parameters=audit.parameters,
        partition=audit.partition,
    )


def _references(
    store: Store, audit: Audit, contract: contracts.Contract, staged: Mapping[str, Path]
) -> dict[str, pa.Table | Path]:
    """What a contract's rules compare with: the partition's other tables, the partition before, and what was given."""
    found: dict[str, pa.Table | Path] = dict(audit.references)
    for name in sorted({reference for rule in contract.rules for reference in rule.references} - set(found)):
        if name in staged:
            found[name] = staged[name]
        else:
            path = _stored(store, audit, contract.name, name)
            if path and path.is_file():
                found[name] = check(path, "`gii verify` shows how to rebuild it.")
    return found


def _stored(store: Store, audit: Audit, table: str, reference: str) -> Path | None:
    if reference == "previous":
        return store.partition(table, audit.previous) if audit.previous else None
    return store.partition(reference, audit.partition) if reference in contracts.names(audit.registry) else None


def _check_result(
    verdict: contracts.Verdict, data_docs: dg.UrlMetadataValue, notes: Sequence[str]
) -> dg.AssetCheckResult:
    """How the table stands against its contract: every rule in one table, and the rows that break one.

    notes: what is to be said of the profile's waivers.
    """
    rules = [
        {
            "rule": result.rule,
            "status": result.status,
            "severity": result.severity,
            "failing rows": result.failing_count,
            "observed": result.observed,
            "description": f"Not judged: {result.reason}." if result.status == "skipped" else result.description,
        }
        for result in sorted(verdict.results, key=lambda result: ORDER[result.status])
    ]
    broken = [*verdict.errors, *verdict.warnings]
    return dg.AssetCheckResult(
        asset_key=verdict.table,
        check_name=CHECK,
        passed=not broken,
        severity=dg.AssetCheckSeverity.WARN if verdict.passed else dg.AssetCheckSeverity.ERROR,
        description=verdict.message(),
        metadata={
            **({"broken": ", ".join(result.rule for result in broken)} if broken else {}),
            **_warned(_warnings(verdict, notes)),
            "rules": page.table(rules),
            **{f"failing rows: {result.rule}": page.table(result.failing_rows) for result in broken},
            "data_docs": data_docs,
        },
    )


def _about(store: Store, table: str, audit: Audit, path: Path) -> dict[str, dg.MetadataValue | int]:
    """What the page shows of a table from its file, which lies at `path` until it is promoted."""
    return {
        "dagster/row_count": pq.read_metadata(path).num_rows,
        **pictures(store.root, table, audit.partition, path, audit.registry),
        "preview": page.preview(path),
        "path": dg.MetadataValue.path(store.partition(table, audit.partition)),
        "bytes": path.stat().st_size,
    }
