"""Opening a root that a person names: a folder, or the address of a bucket.

Belongs here: what every command and process does first, so that a folder costs it no import.
"""

from __future__ import annotations

from pathlib import Path

from gii_pipeline import remote


def opened(root: str | Path) -> Path:
    """The folder of a root; for one in a bucket the working copy, with all that is published there."""
    found = remote.opened(root)
    if copy := remote.WorkingCopy.at(found.absolute()):
        from gii_pipeline.releases.copies import bring  # noqa: PLC0415 - only such a root needs it

        bring(found.absolute(), copy.address)
    return found
