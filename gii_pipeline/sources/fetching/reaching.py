"""What a server says before it is asked for anything: whether it answers at all, and how large a file is.

Belongs here: one request without content. Does not: fetching.
"""

from __future__ import annotations

import requests

TIMEOUT_SECONDS = 5.0


def size_at(address: str) -> int | None:
    """The bytes of the file at an address, as its server says; None where it does not."""
    try:
        answer = requests.head(address, timeout=TIMEOUT_SECONDS, allow_redirects=True)
    except requests.RequestException:
        return None
    length = answer.headers.get("Content-Length", "")
    return int(length) if answer.status_code == requests.codes.ok and length.isdecimal() else None


def reachable(origin: str) -> str | None:
    """Why nothing answers at an address (scheme and host); None when something does, whatever it says."""
    try:
        requests.head(origin, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        return f"does not answer: {type(error).__name__}"
    return None
