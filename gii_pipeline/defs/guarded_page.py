"""Dagster's page behind a check of who asks: `python -m gii_pipeline.defs.guarded_page`, with the page's own options.

Belongs here: which requests reach the page, and leading those for files to where these are served. Does not: log-in,
which a proxy before it has to bring; serving files (see `report.serving`), which stay apart from a page that
can start runs.

The page has no log-in, and its GraphQL runs mutations from any host, also by GET: a link on any web page, or a name
that somebody lets point to this machine, could start and delete runs through a browser that is open here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from dagster_webserver import app, cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gii_pipeline.defs.page import FILES, FILES_VARIABLE

LOCAL = ("localhost", "127.0.0.1", "::1")
HOSTS_VARIABLE = "GII_PAGE_HOSTS"


def known_hosts() -> tuple[str, ...]:
    """This machine, and the names in GII_PAGE_HOSTS (with commas between them) by which a proxy asks."""
    more = os.environ.get(HOSTS_VARIABLE, "")
    return (*LOCAL, *(name.strip().lower() for name in more.split(",") if name.strip()))


class Guard:
    """Lets through what asks for a known host, from a page of a known host, and changes nothing by GET."""

    def __init__(self, inner: ASGIApp, hosts: Sequence[str]) -> None:
        self.inner, self.hosts = inner, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = self._refused(scope) if scope["type"] in ("http", "websocket") else None
        if reason is None:
            await self.inner(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            await PlainTextResponse(reason, status_code=403)(scope, receive, send)

    def _refused(self, scope: Scope) -> str | None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = _name(f"//{headers.get('host', '')}")
        if host not in self.hosts:
            return (
                f"This page accepts requests only for {', '.join(sorted(self.hosts))} ; add a name with "
                f"{HOSTS_VARIABLE}."
            )
        if "origin" in headers and _name(headers["origin"]) not in self.hosts:
            return "This page accepts no requests from other pages."
        asks_by_get = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if asks_by_get and scope["path"].rstrip("/").endswith("/graphql") and b"query=" in scope["query_string"]:
            return "GraphQL requests must use POST."
        return None


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


class ToFiles:
    """Leads what is below FILES to where the files are served now."""

    def __init__(self, inner: ASGIApp, served_at: str) -> None:
        self.inner, self.served_at = inner, served_at.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(f"{FILES}/"):
            await self.inner(scope, receive, send)
        else:
            await RedirectResponse(self.served_at + path.removeprefix(FILES), 307)(scope, receive, send)


def files_at() -> str:
    """Where the files are served: as `gii dev` says, else where GII_FILES_URL has them for all readers."""
    return os.environ.get(FILES_VARIABLE) or os.environ.get("GII_FILES_URL") or "http://127.0.0.1:3001"


class GuardedWebserver(DagsterWebserver[Any, Any]):
    """Dagster's web server with the guard in front of everything."""

    def build_middleware(self) -> list[Any]:
        ours = [Middleware(Guard, hosts=known_hosts()), Middleware(ToFiles, served_at=files_at())]
        return [*ours, *super().build_middleware()]


def main() -> None:
    vars(app)["DagsterWebserver"] = GuardedWebserver  # what makes the page looks it up there
    cli.main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
