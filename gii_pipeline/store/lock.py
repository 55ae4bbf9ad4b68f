"""Locks: what a table was made from, carried inside its Parquet file, and what it says.

Belongs here: the lock's content and its canonical bytes, the recipe that follows from it, merging the locks of several
inputs, and the note beside a file of its content and of a newer recipe that gives the same.
Does not: comparing releases, or deciding what is stale.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from gii_pipeline import verified
from gii_pipeline.errors import DamagedError, InputError
from gii_pipeline.store.content import file_content

LOCK_KEY = b"gii_lock"
NOTE_SUFFIX = ".made"
TOTALS_KEY = b"gii_totals"
"""The world totals that `points` carries: figures, though no rows. All else in a footer is about the rows."""

Sources = Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Lock:
    """What a table was made from.

    sources: source -> data year (or `all`) -> sha256 of every archived file or response, down to the archive.
    settings: sha256 of the settings that shaped it (a reader's options, an edition). code: stage -> fingerprint of its
    code. contracts: table -> version of its contract, and a hash of it. inputs: name -> content hash of each table or
    file that it was computed from; a table that is read from the archive has its sources instead. libraries: name ->
    version, of those that decide numbers. each_setting: setting -> its sha256, so that a plan can name the changed one.
    """

    sources: Sources = field(default_factory=dict)
    settings: str = ""
    code: Mapping[str, str] = field(default_factory=dict)
    contracts: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    each_setting: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        return json.dumps(vars(self), sort_keys=True, separators=(",", ":"), default=list).encode()

    @classmethod
    def from_bytes(cls, text: bytes) -> Lock:
        content = json.loads(text)
        sources = {s: {y: tuple(hashes) for y, hashes in years.items()} for s, years in content.pop("sources").items()}
        return cls(sources, **content)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def recipe(self) -> str:
        """Sha256 of all that decides the table's content: direct inputs, settings, code, contracts, libraries."""
        return fingerprint(self.parts)

    @property
    def parts(self) -> dict[str, str]:
        """Part of the recipe, as a plan names it -> a fingerprint, to say which parts of two recipes differ."""
        return {
            **({} if self.inputs else {"sources": fingerprint(self.sources)}),
            **self.inputs,
            **({} if self.each_setting else {"settings": self.settings}),
            **{f"setting {name}": said for name, said in self.each_setting.items()},
            "contracts": fingerprint(self.contracts),
            **{f"code of {stage}": said for stage, said in self.code.items()},
            **{f"library {name}": number for name, number in self.libraries.items()},
        }

    @property
    def named(self) -> dict[str, str]:
        """The parts of the recipe, with each contract as one of its own: what two locks say of the same thing."""
        contracts = {f"contract of {table}": said for table, said in self.contracts.items()}
        return {name: said for name, said in self.parts.items() if name != "contracts"} | contracts

    def without(self, inputs: Collection[str]) -> Lock:
        """This lock without some of its inputs."""
        return replace(self, inputs={name: said for name, said in self.inputs.items() if name not in inputs})

    def with_sources_of(self, locks: Iterable[Lock]) -> Lock:
        """This lock with the sources of all `locks` beside its own."""
        merged: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for lock in (self, *locks):
            for source, years in lock.sources.items():
                for year, hashes in years.items():
                    merged[source][year].update(hashes)
        return replace(self, sources={s: {y: tuple(sorted(h)) for y, h in ys.items()} for s, ys in merged.items()})


def merged(locks: Sequence[Lock]) -> Lock:
    """Several locks as one: everything that one of them names. They say the same of what several name."""

    def all_of(part: str) -> dict[str, str]:
        return {name: said for lock in locks for name, said in getattr(lock, part).items()}

    each, whole = all_of("each_setting"), {lock.settings for lock in locks}
    settings = fingerprint(each) if each else "".join(sorted(whole))
    own = Lock({}, settings, all_of("code"), all_of("contracts"), all_of("inputs"), all_of("libraries"), each)
    return own.with_sources_of(locks)


def fingerprint(settings: Any) -> str:  # noqa: ANN401
    """Sha256 of any JSON-like settings, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()


def read_footer(path: Path) -> Lock:
    """The lock that a Parquet file of this project was first made with.

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
    return Lock.from_bytes(metadata[LOCK_KEY])


def content_of(path: Path) -> str:
    """What a Parquet file of ours contains, whatever it was made from."""
    return file_content(path, figures=[TOTALS_KEY])


class Made(NamedTuple):
    """A stored table's content, and the newest recipe known to give it.

    waivers: what a person allows and without which it would break a rule; warnings: what its contract warns of. None
    where no note says so.
    """

    content: str
    lock: Lock
    waivers: tuple[Mapping[str, Any], ...] | None = None
    warnings: tuple[str, ...] | None = None


def made(path: Path, copy: Path | None = None) -> Made:
    """What a stored file contains and was made from: as noted beside it, else as the file itself says.

    A note that is damaged or not about these bytes is ignored: the file was replaced, or copied from elsewhere.
    copy: the same bytes on this machine.
    """
    return _noted(path) or Made(content_of(copy or path), read_footer(copy or path))


def read_lock(path: Path) -> Lock:
    """The lock of a stored file: the newest that gives its content."""
    known = _noted(path)
    return known.lock if known else read_footer(path)


def _noted(path: Path) -> Made | None:
    try:
        noted = verified.unsealed(_note_of(path).read_bytes())
    except FileNotFoundError:
        return None
    if not noted or noted["sha256"] != verified.sha256_of(path):
        return None
    waivers, warnings = (None if said is None else tuple(said) for said in (noted["waivers"], noted.get("warnings")))
    return Made(noted["content"], Lock.from_bytes(noted["lock"].encode()), waivers, warnings)


def note(path: Path, known: Made) -> None:
    """Note beside a stored file what it contains, by which recipe, and how its contract judged it."""
    said = {
        "sha256": verified.sha256_of(path),
        "content": known.content,
        "lock": known.lock.to_bytes().decode(),
        "waivers": known.waivers,
        "warnings": known.warnings,
    }
    staged = _note_of(path).with_suffix(f".{os.getpid()}")
    staged.write_bytes(verified.sealed(said))
    staged.replace(_note_of(path))


def footer(path: Path) -> dict[bytes, bytes]:
    """What a file says of its table beside the lock."""
    return {key: value for key, value in (pq.read_schema(path).metadata or {}).items() if key != LOCK_KEY}


def _note_of(path: Path) -> Path:
    return path.with_name(f".{path.name}{NOTE_SUFFIX}")
