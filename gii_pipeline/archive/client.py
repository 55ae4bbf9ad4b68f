"""Who is asking, and when: the version that the manifest names beside every entry.

Belongs here: the client's name and the clock of the archive. Does not: connections.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version

CLIENT = f"gii-pipeline/{version('gii-pipeline')} requests/{version('requests')}"


def now() -> str:
    """The time, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
