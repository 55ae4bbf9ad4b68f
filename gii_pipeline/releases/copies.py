"""Copies: the versions of a root on an object store, in the working copy of this machine.

Belongs here: bringing whole versions, withdrawals, embargoes and `latest.json` as they are published.
Does not: publishing, which goes to the object store first (`storage.places`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from gii_pipeline.errors import DamagedError
from gii_pipeline.releases.damage import damaged
from gii_pipeline.releases.package import check_itself
from gii_pipeline.releases.reader import Release
from gii_pipeline.releases.shelf import PACKAGE, POINTER, Version, releases_folder
from gii_pipeline.releases.storage import (
    Folder,
    files_in,
    folder,
    publish_renamed,
    put,
    read_bytes,
    staging,
    storage_errors,
)

MARKERS = ("withdrawn", "embargoed")


def bring(root: Path, address: str) -> None:
    """Make the releases under `root` those of the address. DamagedError where a version is not as it was published."""
    here = releases_folder(root)
    with storage_errors("read the releases under", address):
        found = files_in(releases_folder(folder(address)))
        for name in (str(PurePosixPath(path).parent) for path in found if PurePosixPath(path).name == PACKAGE):
            if not (here / name / PACKAGE).exists():
                inside = {
                    path.removeprefix(f"{name}/"): file for path, file in found.items() if path.startswith(f"{name}/")
                }
                _bring_version(Version.parse(name), inside, here)
        told = {path: file for path, file in found.items() if path == POINTER or path.partition("/")[0] in MARKERS}
        for path, file in told.items():
            content = read_bytes(file)
            if not (here / path).exists() or read_bytes(here / path) != content:
                put(here / path, content, here)
        for marker in (path for kind in MARKERS for path in sorted(Path(str(here / kind)).glob("*.json"))):
            if f"{marker.parent.name}/{marker.name}" not in told:
                marker.unlink()


def _bring_version(version: Version, files: Mapping[str, Folder], here: Folder) -> None:
    with staging(here) as work:
        staged = work / str(version)
        for name, file in files.items():
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            (staged / name).write_bytes(read_bytes(file))
        package = check_itself((staged / PACKAGE).read_bytes(), str(files[PACKAGE]))
        if problems := damaged(Release(version, staged, package, None, None)):
            names = ", ".join(Path(problem.split(" ", maxsplit=1)[0]).name for problem in problems)
            raise DamagedError(
                f"{version} is not as it was published in {files[PACKAGE].parent}: {names}. Restore it from a copy or "
                "from the bucket's history of versions."
            )
        publish_renamed(staged, Path(str(here / str(version))))
