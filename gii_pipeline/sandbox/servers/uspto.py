"""The USPTO Open Data Portal: bulk files behind a key, handed out by redirect to a signed address elsewhere.

Belongs here: the portal's address, its refusals, one request at a time for a key.
Does not: the files, which are on the file host.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gii_pipeline.sandbox.patents import TABLES
from gii_pipeline.sandbox.servers.faults import Fault
from gii_pipeline.sandbox.servers.files import SIGNATURE, SIGNED, signature
from gii_pipeline.sandbox.servers.http import Asked, Reply, json_reply

PRODUCT = "PVGPATDIS"
_APPLICATIONS = "PVPGPUBDIS"
_FILE = re.compile(rf"/api/v1/datasets/products/files/(?:{PRODUCT}/(g_\w+)|{_APPLICATIONS}/(pg_\w+))\.tsv\.zip")


class Uspto:
    """The portal. file_host: gives the address of the file host, for the host by which the portal was asked."""

    def __init__(self, key: str, file_host: Callable[[str], str]) -> None:
        self._key = key
        self._file_host = file_host

    def reply(self, asked: Asked, fault: Fault | None) -> Reply:
        """401 without a key, 403 for a wrong one, 404 for what does not exist, 429 without a wait; else a redirect."""
        key = asked.headers.get("x-api-key", "")
        if not key:
            return json_reply({"code": 401, "message": "Unauthorized"}, 401)
        if key != self._key:
            return json_reply({"code": 403, "message": "Forbidden"}, 403)
        if fault in (Fault.RATE_LIMITED, Fault.BUDGET_SPENT):
            return json_reply({"code": 429, "message": "Too Many Requests"}, 429)
        found = _FILE.fullmatch(asked.path)
        table = found and (found[1] or found[2])
        if table not in TABLES:
            return json_reply({"code": 404, "message": "Not Found"}, 404)
        path = f"{SIGNED}/{table}.tsv.zip"
        address = (
            f"{self._file_host(asked.headers.get('host', ''))}{path}?X-Amz-Expires=60&{SIGNATURE}={signature(path)}"
        )
        return Reply(b"", 302, {"Location": address})
