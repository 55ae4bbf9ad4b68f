"""Whether a server can be reached at all, for a person who wonders why a fetch fails.

Belongs here: one request without content. Does not: fetching.
"""

from __future__ import annotations

import requests

TIMEOUT_SECONDS = 5.0


def reachable(origin: str) -> str | None:
    """Why nothing answers at an address (scheme and host); None when something does, whatever it says."""
    try:
        requests.head(origin, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        return f"does not answer: {type(error).__name__}"
    return None
