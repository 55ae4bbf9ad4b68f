"""Recipes: what decides the tables of a data year, and which code, settings and files count for which table.

Belongs here: the locks of core tables, and the parts that the locks of editions share with them.
Does not: what an edition is made from (see `edition_recipes`), or comparing locks (see `planning`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from gii_pipeline import contracts
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.fingerprints import LIBRARIES_OF_RECORDS, code_of, libraries
from gii_pipeline.profiles import Gazetteer
from gii_pipeline.registry import Registry
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.gathering import hashes
from gii_pipeline.store import FOLLOWING_TABLES, Lock, made
from gii_pipeline.store.lock import fingerprint, footer
from gii_pipeline.verified import sha256_of

GEOCODING = ("gii_pipeline.geocoding.locate", "gii_pipeline.geocoding.core")
UNITING = (
    "gii_pipeline.sources.source",
    "gii_pipeline.sources.extracts",
    "gii_pipeline.sources.union",
    "gii_pipeline.sources.choosing",
    "gii_pipeline.sources.ledger",
)
"""What makes a data year of the files that a reader reads."""


def core_lock(pipeline: Pipeline, table: str, data_year: int, others: Iterable[int] = ()) -> Lock:
    """What a core table of records is made from: the pinned files of its year, institutions, and how they are read.

    others: data years, fetched apart, that count records of these files in their place.
    """
    store, profile = pipeline.store, pipeline.profile
    source = profile.metrics[pipeline.tables[table]]
    sources = {name: {str(data_year): found} for name, found in hashes(store.raw(table, data_year)).items()}
    for year in others:
        for name, found in hashes(store.raw(table, year)).items():
            sources[name] = {**sources.get(name, {}), str(year): found}
    if profile.institutions:
        sources |= {name: {"all": found} for name, found in hashes(store.raw("institutions")).items()}
    settings = {
        "reader": _reader(source.reader),
        "options": source.options,
        "institutions": profile.institutions
        and {
            "reader": _reader(profile.institutions.reader),
            "options": profile.institutions.options,
        },
        "gazetteer": _gazetteer(profile.gazetteer),
        **waivers(pipeline, str(data_year), table, *FOLLOWING_TABLES),
    }
    return Lock(
        sources,
        fingerprint(settings),
        record_code(pipeline, table),
        contract_versions([table], pipeline.registry),
        libraries=libraries(LIBRARIES_OF_RECORDS),
        each_setting=each_fingerprint(settings),
    )


def record_code(pipeline: Pipeline, table: str) -> dict[str, str]:
    """What reads, unites and locates a table's records -> the fingerprint of its code."""
    institutions = pipeline.profile.institutions
    readers = [
        pipeline.profile.metrics[pipeline.tables[table]].reader,
        *([institutions.reader] if institutions else []),
    ]
    return {
        **{f"reader {reader}": _code_of_reader(reader) for reader in readers},
        "union": code_of(*UNITING),
        "geocoding": code_of(*GEOCODING),
    }


def _code_of_reader(name: str) -> str:
    """The reader, its options, and how it says what a file lacks; these may lie in several modules."""
    source = SOURCES[name]
    lacks = [source.lacks.__module__] if source.lacks else []
    return code_of(*sorted({source.read.__module__, source.options.__module__, *lacks}))


def _reader(name: str) -> dict[str, object]:
    """What the registry says of a reader that decides what is read."""
    source = SOURCES[name]
    roles = [*source.roles, *(source.optional_roles or {})]
    return {"name": name, "roles": roles, "extract_version": source.extract_version, "joins": source.joins}


def each_fingerprint(settings: Mapping[str, object]) -> dict[str, str]:
    return {name: fingerprint(value) for name, value in settings.items()}


def contract_versions(tables: Iterable[str], registry: Registry) -> dict[str, str]:
    """Table -> version and hash of its contract."""
    found = {name: contracts.load(name, registry) for name in tables}
    return {name: f"{contract.version}+{contract.sha256[:12]}" for name, contract in found.items()}


def waivers(pipeline: Pipeline, partition: str, *tables: str) -> dict[str, object]:
    """What the profile allows of these tables: a part of what they are made from."""
    concerned = [each for each in pipeline.profile.waivers if any(each.concerns(name, partition) for name in tables)]
    return {"waivers": [waiver.model_dump(mode="json") for waiver in concerned]} if concerned else {}


def _gazetteer(gazetteer: Gazetteer) -> dict[str, object]:
    """What a gazetteer says: its settings, and its files by content, wherever they lie."""
    files = {"path": gazetteer.path, "overrides": gazetteer.overrides}
    content = {name: sha256_of(file) for name, file in files.items() if file and file.is_file()}
    limits = {"min_population": gazetteer.min_population, "unknown_economies_pct": gazetteer.unknown_economies_pct}
    return {**limits, **content}


def joint_lock(files: Iterable[Path], tables: Iterable[str], registry: Registry) -> Lock:
    """What tables are made from that are computed from core files: all that these were made from."""
    known = {file: made(file) for file in sorted(files)}
    own = Lock(
        code={"geocoding": code_of(*GEOCODING)},
        contracts=contract_versions(tables, registry),
        inputs={named(file): fingerprint([one.content, sorted(footer(file).items())]) for file, one in known.items()},
        libraries=libraries(),
    )
    return own.with_sources_of(one.lock for one in known.values())


def named(file: Path) -> str:
    """A stored table's file as a plan names it: `patents of 2024`."""
    *_, table, partition = (part for part in file.parent.parts if not part.startswith("method="))
    return f"{table} of {partition.partition('=')[2]}"
