"""Whether a version is as it was published.

Belongs here: comparing every file with the data package. Does not: whether its figures are right (see `audit`).
"""

from __future__ import annotations

import hashlib

from gii_pipeline.releases.reader import Release, open_release
from gii_pipeline.releases.shelf import LATEST, PACKAGE
from gii_pipeline.releases.storage import Folder, files_in, storage_errors


def verify(root: Folder | str, version: str = LATEST) -> list[str]:
    """What is not as it was published: a line for each file that is damaged, missing or added; [] when all is well.

    Raises ReleaseError when the data package itself is damaged or missing: nothing can be compared with it then.
    """
    release = open_release(root, version)
    with storage_errors(f"verify {release.version} under", root):
        return [*damaged(release), *_added(release)]


def damaged(release: Release) -> list[str]:
    """What of a version is missing or has other bytes than were published."""
    problems = []
    for resource in release.package["resources"]:
        path = release.folder / resource["path"]
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            problems.append(f"{path} is missing")
            continue
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != resource["hash"]:
            problems.append(
                f"{path} is damaged: {len(content)} bytes that differ from the {resource['bytes']} published"
            )
    return problems


def _added(release: Release) -> list[str]:
    known = {PACKAGE, *(resource["path"] for resource in release.package["resources"])}
    found = files_in(release.folder)
    return [f"{found[name]} is not a file of the release" for name in sorted(set(found) - known)]
