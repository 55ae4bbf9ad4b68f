"""Locks: what a table was made from, carried inside its Parquet file.

Belongs here: the lock's content and its canonical bytes, merging the locks of several inputs.
Does not: comparing releases, or deciding what is stale.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline.errors import DamagedError, InputError

LOCK_KEY = b"gii_lock"

Sources = Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Lock:
    """What a table was made from.

    sources: source -> data year (or `all`) -> sha256 of every archived file or response.
    settings: sha256 of the settings that shaped it (a reader's options, an edition).
    code: version of gii_pipeline. contracts: table -> version of its contract.
    """

    sources: Sources = field(default_factory=dict)
    settings: str = ""
    code: str = ""
    contracts: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        content = {"sources": self.sources, "settings": self.settings, "code": self.code, "contracts": self.contracts}
        return json.dumps(content, sort_keys=True, separators=(",", ":"), default=list).encode()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def parts(self) -> dict[str, str]:
        """Part of the lock -> a fingerprint, to say which part of two locks differs."""
        return {
            "sources": fingerprint(self.sources),
            "settings": self.settings,
            "code version": self.code,
            "contracts": fingerprint(self.contracts),
        }

    def with_sources_of(self, locks: Iterable[Lock]) -> Lock:
        """This lock with the sources of all `locks` beside its own."""
        merged: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for lock in (self, *locks):
            for source, years in lock.sources.items():
                for year, hashes in years.items():
                    merged[source][year].update(hashes)
        return replace(self, sources={s: {y: tuple(sorted(h)) for y, h in ys.items()} for s, ys in merged.items()})


def fingerprint(settings: Any) -> str:  # noqa: ANN401
    """Sha256 of any JSON-like settings, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()


def read_lock(path: Path) -> Lock:
    """The lock of a Parquet file that this project wrote.

    InputError when it carries none, DamagedError when it is cut short.
    """
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowException, OSError) as error:
        raise DamagedError(
            f"{path} is cut short or damaged ({error}). `gii verify` says how to make it again."
        ) from error
    if LOCK_KEY not in metadata:
        raise InputError(
            f"{path} carries no lock, so it is not a table of this pipeline. Make it again with `gii run`."
        )
    content = json.loads(metadata[LOCK_KEY])
    sources = {s: {y: tuple(hashes) for y, hashes in years.items()} for s, years in content["sources"].items()}
    return Lock(sources, content["settings"], content["code"], content["contracts"])
