"""Releases: from a finished edition to a version that others read for years.

Belongs here: staging, auditing and publishing a version; reading, comparing, verifying and withdrawing versions.
Does not: computing a table, or who approves a release.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gii_pipeline.releases.comparison import Diff, Snapshot, Tolerance, diff, exceeds, snapshot_of_edition
    from gii_pipeline.releases.comparison_text import to_dict, to_json, to_markdown, to_rich
    from gii_pipeline.releases.damage import verify
    from gii_pipeline.releases.info import PROVISIONAL, ReleaseInfo, SourceInfo
    from gii_pipeline.releases.make import Made, make_release
    from gii_pipeline.releases.opening import opened
    from gii_pipeline.releases.portrait import Portrait, Portraits, portraits
    from gii_pipeline.releases.reader import Release, open_release
    from gii_pipeline.releases.rebuilding import Rebuilt, rebuild
    from gii_pipeline.releases.retire import discard, set_embargo, withdraw
    from gii_pipeline.releases.series import history, standing
    from gii_pipeline.releases.shelf import Listed, Version, versions

_HOMES = {
    "comparison": ("Diff", "Snapshot", "Tolerance", "diff", "exceeds", "snapshot_of_edition"),
    "comparison_text": ("to_dict", "to_json", "to_markdown", "to_rich"),
    "opening": ("opened",),
    "series": ("first_clusters", "history", "standing"),
    "info": ("PROVISIONAL", "ReleaseInfo", "SourceInfo"),
    "retire": ("discard", "set_embargo", "withdraw"),
    "make": ("Made", "is_released", "make_release"),
    "portrait": ("Portrait", "Portraits", "portraits"),
    "reader": ("Release", "open_release"),
    "rebuilding": ("Rebuilt", "rebuild"),
    "damage": ("verify",),
    "shelf": ("Listed", "Version", "versions"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "PROVISIONAL",
    "Diff",
    "Listed",
    "Made",
    "Portrait",
    "Portraits",
    "Rebuilt",
    "Release",
    "ReleaseInfo",
    "Snapshot",
    "SourceInfo",
    "Tolerance",
    "Version",
    "diff",
    "discard",
    "exceeds",
    "first_clusters",
    "history",
    "is_released",
    "make_release",
    "open_release",
    "opened",
    "portraits",
    "rebuild",
    "set_embargo",
    "snapshot_of_edition",
    "standing",
    "to_dict",
    "to_json",
    "to_markdown",
    "to_rich",
    "verify",
    "versions",
    "withdraw",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a name's module when it is first asked for: a reader loads nothing of what makes releases."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
