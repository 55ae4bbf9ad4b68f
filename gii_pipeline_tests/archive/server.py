"""A real HTTP server on loopback that misbehaves on demand.

Belongs here: replies, faults and what was asked. Does not: any source's protocol (see `sources/fetching/services.py`).
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request that came in."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What goes out. length: claimed instead of the true one, None claims nothing.

    reset_after: bytes before the connection is reset. trickle: bytes at a time, `pause_s` apart.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = -1
    reset_after: int | None = None
    trickle: int | None = None
    pause_s: float = 0.1


def json_reply(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(json.dumps(content).encode(), status, {"Content-Type": "application/json", **(headers or {})})


def html_reply(status: int = 200) -> Reply:
    return Reply(b"<!DOCTYPE html><html><body>Sign in</body></html>", status, {"Content-Type": "text/html"})


Service = Callable[[Asked], Reply]


class Server:
    """Serves `service`; replies put into `faults` go out first, one a request, a None lets the service answer."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.faults: list[Reply | Callable[[Asked], Reply] | None] = []
        self.asked: list[Asked] = []
        self._http = _Http(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            return self.service(asked)
        return fault(asked) if callable(fault) else fault


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, owner: Server) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, *_: object) -> None:
        """A client that hangs up, or is killed, is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
        try:
            self._send(self.server.owner.reply(asked))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def do_POST(self) -> None:
        self.do_GET()

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.length is None:
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(reply.body) if reply.length < 0 else reply.length))
        self.end_headers()
        self._send_body(reply)
        if reply.reset_after is not None or (reply.length or 0) > len(reply.body):
            self._reset()

    def _send_body(self, reply: Reply) -> None:
        body = reply.body[: reply.reset_after]
        step = reply.trickle or max(1, len(body))
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            self.wfile.flush()
            if reply.trickle:
                time.sleep(reply.pause_s)

    def _reset(self) -> None:
        self.wfile.flush()
        time.sleep(0.05)  # let the client read what came before the reset
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class FileHost:
    """Serves files with Range support. ranges, etags: whether it does."""

    files: dict[str, bytes]
    ranges: bool = True
    etags: bool = True

    def __call__(self, asked: Asked) -> Reply:
        if asked.path not in self.files:
            return Reply(b"no such file", 404, {"Content-Type": "text/plain"})
        content = self.files[asked.path]
        headers = {"Content-Type": "application/octet-stream"}
        if self.etags:
            headers["ETag"] = f'"{hash(content)}"'
        wanted, condition = asked.headers.get("range"), asked.headers.get("if-range")
        if asked.headers.get("if-match", headers.get("ETag")) != headers.get("ETag"):
            return Reply(b"", 412, headers)
        if not (self.ranges and wanted) or (condition and condition != headers.get("ETag")):
            return Reply(content, 200, headers)
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start = int(first) if first else len(content) - int(last)
        end = int(last) + 1 if first and last else len(content)
        if start >= len(content):
            return Reply(b"", 416, {**headers, "Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
        return Reply(content[start:end], 206, headers)
