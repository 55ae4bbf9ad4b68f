"""Gathering: everything that one source's reader needs for one data year, in the archive and named.

Belongs here: archiving an input's local files and fetches, and the list that pins which entries a data
year is read from, and what its sources were asked for.
Does not: what to ask a source for (`fetching`), or what the bytes mean (`readers`).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gii_pipeline import verified
from gii_pipeline.archive import Archive, Entry
from gii_pipeline.errors import InputError
from gii_pipeline.profiles import Fetch, Input
from gii_pipeline.sources.extracts import Extracts, RawFile
from gii_pipeline.sources.fetching import FETCHERS, Fetcher
from gii_pipeline.sources.streaming import stream

Gathered = Mapping[str, list[Entry]]
_ASKED = "asked"
"""Beside the roles of a pinned list: role -> what a client was asked for, where one fetched its files."""


def gather(
    archive: Archive,
    source: Input,
    data_year: int | None,
    extracts: Extracts | None = None,
    engine: str = "duckdb",
) -> Gathered:
    """Role of the reader -> the archive entries that serve it, local files copied in and fetches made.

    data_year: None for what serves every year (institutions, population). extracts: where what is read of a source that
    keeps no files lies. engine: whose workers read it.
    """
    streamed = extracts if source.keep == "extract" else None
    read: Gathered = stream(archive, source, data_year, streamed, engine) if streamed else {}
    return {
        role: read[role] if role in read else _entries(archive, source.reader, files, data_year)
        for role, files in source.files.items()
    }


def _entries(archive: Archive, source: str, files: tuple[Path, ...] | Fetch, data_year: int | None) -> list[Entry]:
    if not isinstance(files, Fetch):
        return [entry for path in files for entry in archive.keep_files(source, path)]
    return _client(source, files.fetch).fetch(archive, files.options, data_year)


def _client(source: str, name: str) -> Fetcher:
    if name not in FETCHERS:
        raise InputError(f"There is no client {name!r} to fetch {source} with. Known: {', '.join(FETCHERS)}.")
    return FETCHERS[name]


def asked(source: Input) -> dict[str, dict[str, Any]]:
    """Role -> the client that fetches its files, and what it is asked for."""
    return {
        role: {"fetch": files.fetch, **_client(source.reader, files.fetch).parsed(files.options).asks}
        for role, files in source.fetches().items()
    }


def pin(gathered: Gathered, path: Path, source: Input | None = None) -> None:
    """Write the list of entries, all at once: from now on the data year is read from these.

    source: what was gathered. Without it, a list of fetched files is one of which nobody knows what was asked for.
    A copy is kept beside it under a name that follows from the files, for whoever rebuilds what was made from them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    listed: dict[str, Any] = {role: [_named(entry) for entry in entries] for role, entries in gathered.items()}
    if source and (requests := asked(source)):
        listed[_ASKED] = requests
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.write_text(json.dumps(listed, indent=1, sort_keys=True), encoding="utf-8")
    verified.replace(staged, path)
    copy_pin(path, kept_pin(path, hashes(path)))


def copy_pin(path: Path, target: Path) -> None:
    """Copy a list, verified and with its record."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.with_name(f".{target.name}.{os.getpid()}")
    staged.write_bytes(verified.read_bytes(path, _remedy(path)))
    verified.replace(staged, target)


def kept_pin(path: Path, files: Mapping[str, Sequence[str]]) -> Path:
    """Where the list is kept that `path` was when it named these files (source -> sha256 of each)."""
    content = json.dumps({source: sorted(files[source]) for source in sorted(files)})
    return path.with_name(f"inputs-{hashlib.sha256(content.encode()).hexdigest()[:16]}.json")


def pinned(path: Path, archive: Archive) -> dict[str, list[Path]]:
    """Role -> the archived files of a pinned list, in the order of the source, each hashed before it is given.

    Raises InputError when the list is not there, DamagedError when it or a file of it is not as it was written.
    """
    years = _years(path)
    return {
        role: [archive.shelf(entry["source"]).verified(entry["sha256"], years) for entry in entries]
        for role, entries in _read(path).items()
    }


def pinned_files(path: Path, archive: Archive) -> dict[str, list[RawFile]]:
    """Role -> the files of a pinned list, in the order of the source, whether or not they are still in the archive."""
    return {
        role: [
            RawFile(
                archive.shelf(entry["source"]).objects.path(entry["sha256"]),
                entry["sha256"],
                entry["address"],
                entry["records"],
            )
            for entry in entries
        ]
        for role, entries in _read(path).items()
    }


def retrieved_at(path: Path) -> str:
    """When the newest file of a pinned list was retrieved, as ISO 8601 in UTC; empty for a list without files."""
    return max((entry["retrieved_at"] for entry in pinned_entries(path)), default="")


@contextmanager
def named_by_address(pins: Iterable[Path]) -> Iterator[None]:
    """Within it, an error that names an archived file of these lists names the address that the file came from."""
    try:
        yield
    except InputError as error:
        told = str(error)
        for entry in (entry for pin in pins if pin.is_file() for entry in pinned_entries(pin)):
            told = " ".join(entry["address"] if entry["sha256"] in word else word for word in told.split(" "))
        raise type(error)(told) from error


def changed_files(archive: Archive, source: Input, path: Path) -> str:
    """Why a pinned list no longer is what `gather` would give; empty when it still is.

    Local files are compared by content. Of fetched ones, what is asked for is compared; nobody is asked.
    """
    if not path.is_file():
        return "nothing is pinned"
    listed, requests = _read(path), asked(source)
    if named := sorted(set(listed) ^ set(source.files)):
        return f"other roles have files: {', '.join(named)}"
    known = _content(path).get(_ASKED, {})
    for role in sorted({*known, *requests}):
        if why := _asked_otherwise(role, known.get(role), requests.get(role)):
            return why
    for role, files in source.local_files().items():
        now = [entry.sha256 for entry in _entries(archive, source.reader, files, None)]
        if now != [entry["sha256"] for entry in listed.get(role, [])]:
            return f"the files for `{role}` changed"
    return ""


def _asked_otherwise(role: str, then: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> str:
    """What of a role's fetch is otherwise than it was when its files were pinned; empty where nothing is."""
    if now is None:
        return f"the files for `{role}` are no longer fetched"
    if then is None:
        return f"what was fetched for `{role}` is not on record"
    changed = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    return f"the fetch of `{role}` changed: {', '.join(changed)}" if changed else ""


def hashes(path: Path) -> dict[str, tuple[str, ...]]:
    """Source -> the sha256 of every entry of a pinned list."""
    entries = pinned_entries(path)
    return {
        source: tuple(sorted({entry["sha256"] for entry in entries if entry["source"] == source}))
        for source in sorted({entry["source"] for entry in entries})
    }


def pinned_entries(path: Path) -> list[dict[str, Any]]:
    """Everything on a pinned list: source, address, sha256, licence, retrieved_at."""
    return [entry for entries in _read(path).values() for entry in entries]


def _read(path: Path) -> dict[str, list[dict[str, Any]]]:
    return {role: entries for role, entries in _content(path).items() if role != _ASKED}


def _content(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path} is not there: nothing has been fetched for it. Run `gii ingest` for this year first.")
    listed: dict[str, Any] = json.loads(verified.read_bytes(path, _remedy(path)))
    return listed


def _remedy(path: Path) -> str:
    return f"Run `gii ingest --years {_years(path)}` to pin its files again."


def _years(path: Path) -> str:
    """The data year of a pinned list as a command names it; any year for what serves all."""
    return path.parent.name.removeprefix("data_year=") if "=" in path.parent.name else "YEARS"


def _named(entry: Entry) -> dict[str, object]:
    return {
        "source": entry.source,
        "address": entry.address,
        "sha256": entry.sha256,
        "bytes": entry.bytes,
        "records": entry.records,
        "retrieved_at": entry.retrieved_at,
        "licence": entry.licence,
    }
