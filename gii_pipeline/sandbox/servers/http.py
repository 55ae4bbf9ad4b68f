"""HTTP on loopback: requests in, replies out, and the faults that need no knowledge of a source.

Belongs here: the server, replies from memory or from files, ranges, resets, trickles, truncation.
Does not: any source's protocol.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import parse_qsl, urlsplit

from gii_pipeline.errors import InputError
from gii_pipeline.sandbox.servers.faults import Fault, Faults

LOOPBACK = "127.0.0.1"
CONTROL = "/_faults"
TRICKLE_PIECES, TRICKLE_S = 20, 0.1
CHUNK = 1 << 16
HTML = b"<!DOCTYPE html><html><body><h1>We will be back soon</h1></body></html>"


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """One answer: a body from memory, or from byte `begin` on of a file."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    begin: int = 0

    @property
    def length(self) -> int:
        return len(self.body) if self.file is None else self.file.stat().st_size - self.begin

    def chunks(self) -> Iterator[bytes]:
        if self.file is None:
            yield self.body
            return
        with self.file.open("rb") as file:
            file.seek(self.begin)
            while chunk := file.read(CHUNK):
                yield chunk

    def read(self, most: int) -> bytes:
        """The first bytes of the body."""
        if self.file is None:
            return self.body[:most]
        with self.file.open("rb") as file:
            file.seek(self.begin)
            return file.read(most)


class Service(Protocol):
    """What one source answers. fault: one in the source's own words, which it shows; others are not its business."""

    def reply(self, asked: Asked, fault: Fault | None) -> Reply: ...


def json_reply(
    content: bytes | list[Any] | dict[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Reply:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Reply(body, status, {"Content-Type": "application/json", **(headers or {})})


class Server:
    """One source on its own port; `asked` counts the requests that came in. POST /_faults?fault=… orders a fault."""

    def __init__(self, service: Service, port: int = 0) -> None:
        """Raises OSError where the port is taken; 0 takes any that is free."""
        self.service = service
        self.faults = Faults()
        self.asked = 0
        self._http = _Http(self, port)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self.close()

    def close(self) -> None:
        self._http.server_close()

    def reply(self, asked: Asked, target: str) -> tuple[Reply, Fault | None]:
        if asked.path == CONTROL:
            return self._control(asked), None
        self.asked += 1
        fault = self.faults.take(target)
        if fault is Fault.HTML:
            return Reply(HTML, 200, {"Content-Type": "text/html; charset=utf-8"}), None
        if fault is Fault.SERVER_ERROR:
            error = {"error": "Service unavailable", "message": "Please try again later."}
            return json_reply(error, 503), None
        reply = self.service.reply(asked, fault)
        return (_truncated(reply), None) if fault is Fault.TRUNCATED_GZIP else (reply, fault)

    def _control(self, asked: Asked) -> Reply:
        try:
            self.faults.add_from(asked.query)
        except InputError as error:
            return json_reply({"error": str(error)}, 400)
        return json_reply({"ordered": dict(asked.query)})


def _truncated(reply: Reply) -> Reply:
    """Half of the bytes, announced as if they were all: of a compressed file as it is, of JSON as it would be sent."""
    if reply.file is not None:
        return replace(reply, file=None, body=reply.read(reply.length // 2))
    packed = gzip.compress(reply.body, mtime=0)
    return replace(reply, body=packed[: len(packed) // 2], headers={**reply.headers, "Content-Encoding": "gzip"})


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, owner: Server, port: int) -> None:
        self.owner = owner
        super().__init__((LOOPBACK, port), _Handler)

    def handle_error(self, *_: object) -> None:
        """A client that hangs up needs no message."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = CHUNK
    server: _Http

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        reply, fault = self.server.owner.reply(Asked(self.command, parts.path, query, headers, body), self.path)
        self._send(reply, fault)

    def do_POST(self) -> None:
        self.do_GET()

    def do_HEAD(self) -> None:
        self.do_GET()

    def _send(self, reply: Reply, fault: Fault | None) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(reply.length))
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault is Fault.RESET:
            self._reset(reply.read(reply.length // 2))
            return
        if fault is Fault.TRICKLE:
            self._trickle(reply.read(reply.length))
            return
        for chunk in reply.chunks():
            self.wfile.write(chunk)
        self.wfile.flush()

    def _trickle(self, body: bytes) -> None:
        step = len(body) // TRICKLE_PIECES + 1
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            self.wfile.flush()
            time.sleep(TRICKLE_S)

    def _reset(self, sent: bytes) -> None:
        self.wfile.write(sent)
        self.wfile.flush()
        time.sleep(0.05)  # the client reads what came before the reset
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Servers of a demo are quiet."""


def http_date(epoch_s: float) -> str:
    return formatdate(epoch_s, usegmt=True)
