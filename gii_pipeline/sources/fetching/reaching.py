"""What a server reports before any request for data: whether it answers at all, and how large a file is.

Belongs here: one request without content. Does not: fetching.
"""

from __future__ import annotations

import requests

from gii_pipeline.archive import connection

TIMEOUT_SECONDS = 5.0


def size_at(address: str) -> int | None:
    """The bytes of the file at an address, as its server says; None where it does not."""
    try:
        answer = _head(address, follow=True)
    except requests.RequestException:
        return None
    length = answer.headers.get("Content-Length", "")
    return int(length) if answer.status_code == requests.codes.ok and length.isdecimal() else None


def reachable(origin: str) -> str | None:
    """Why nothing answers at an address (scheme and host); None when something does, whatever it says."""
    try:
        _head(origin, follow=False)
    except requests.RequestException as error:
        return f"does not respond: {type(error).__name__}"
    return None


def _head(address: str, *, follow: bool) -> requests.Response:
    reached, host = connection(address)
    return requests.head(reached, headers=host, timeout=TIMEOUT_SECONDS, allow_redirects=follow)
