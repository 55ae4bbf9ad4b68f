"""Where an address is reached, when that is elsewhere: a mirror, a tunnel, the sandbox's servers on other ports.

Belongs here: the environment variable GII_CONNECT_TO. Does not: sending; what is archived has the address itself, so
that files, extracts and locks do not depend on the way by which they came.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit, urlunsplit

from gii_pipeline.errors import InputError

VARIABLE = "GII_CONNECT_TO"


def connection(url: str) -> tuple[str, dict[str, str]]:
    """The URL that a request for `url` is sent to, and the header that keeps the host that it asks for.

    GII_CONNECT_TO is `host:port=host:port`, several with blanks between them; only HTTP is redirected,
    because no other server has a certificate for the host. Raises InputError for anything else.
    """
    parts = urlsplit(url)
    other = _pairs().get(parts.netloc.lower() if ":" in parts.netloc else f"{parts.netloc.lower()}:80")
    if parts.scheme != "http" or other is None:
        return url, {}
    return urlunsplit(parts._replace(netloc=other)), {"Host": parts.netloc}


def _pairs() -> dict[str, str]:
    pairs = [pair.split("=") for pair in os.environ.get(VARIABLE, "").split()]
    for pair in pairs:
        if len(pair) != 2 or not all(host and port.isdecimal() for host, _, port in (x.rpartition(":") for x in pair)):
            raise InputError(
                f"{VARIABLE}: {'='.join(pair)!r} is not host:port=host:port, such as api.example:80=127.0.0.1:81."
            )
    return {asked.lower(): reached for asked, reached in pairs}
