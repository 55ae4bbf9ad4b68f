"""Redaction: keys stay out of everything that is written or said.

Belongs here: finding keys in text, bytes and addresses. Does not: where a key comes from or goes to.
"""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

REDACTED = "REDACTED"
SHORTEST = 6

_SECRET_PARAMETER = re.compile(
    r"(?i)(api[-_]?|user[-_]?|access[-_]?|aws)?(key|key[-_]?id|token|secret|signature|sig|password)"
    r"|awsaccesskeyid|key-pair-id|policy|x-(amz|goog)-.*"
)


def public_address(url: str) -> str:
    """The address without a user's name and password, and without keys or signatures among its parameters.

    >>> public_address("https://me:pw@host.org/a.zip?page=2&X-Amz-Signature=abc&api_key=def")
    'https://host.org/a.zip?page=2&X-Amz-Signature=REDACTED&api_key=REDACTED'
    """
    parts = urlsplit(url)
    query = parts.query
    if any(_SECRET_PARAMETER.fullmatch(name) for name, _ in parse_qsl(query, keep_blank_values=True)):
        pairs = parse_qsl(query, keep_blank_values=True)
        query = urlencode([(n, REDACTED if _SECRET_PARAMETER.fullmatch(n) else value) for n, value in pairs])
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


class Redactor:
    """Replaces keys, as they are and as URLs and JSON spell them. Its own `repr` does not show them.

    Keys shorter than `SHORTEST` characters are left alone: replacing them would damage data.
    """

    def __init__(self, *secrets: str) -> None:
        spelled = {
            form
            for secret in secrets
            if len(secret) >= SHORTEST
            for form in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
        }
        self._spelled = sorted(spelled, key=len, reverse=True)

    def text(self, text: str) -> str:
        for form in self._spelled:
            text = text.replace(form, REDACTED)
        return text

    def data(self, data: bytes) -> bytes:
        for form in self._spelled:
            data = data.replace(form.encode(), REDACTED.encode())
        return data
