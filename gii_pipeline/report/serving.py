"""What people read, over HTTP: a browser follows no link from a page to a file of the disk.

Belongs here: serving the folders of a root that people look at, read only.
Does not: what is in them; the other folders of the root; who may read from elsewhere (a deployment's own server).
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from gii_pipeline.errors import GiiError, InputError
from gii_pipeline.report.notices import with_notice

FOLDERS = ("data_docs", "report", "releases")
LOOPBACK = "127.0.0.1"


class _Reading(SimpleHTTPRequestHandler):
    """GET and HEAD of a file or a list of files. Nothing is kept by the browser: a picture may be redrawn."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".md": "text/plain; charset=utf-8",
        ".csv": "text/plain; charset=utf-8",
        ".geojson": "application/geo+json",
    }

    def translate_path(self, path: str) -> str:
        """The file of an address; one that cannot exist where the address is of anything else."""
        root = Path(self.directory).resolve()
        found = Path(super().translate_path(path))
        inside = found.resolve()
        if inside.is_relative_to(root):
            parts = inside.relative_to(root).parts
            if parts and parts[0] in FOLDERS and not any(part.startswith(".") for part in parts):
                return str(found) + "/" * path.partition("?")[0].endswith("/")
        return os.devnull + "/"

    def send_head(self) -> BytesIO | BinaryIO | None:
        """A page of a withdrawn version goes out with a notice, a damaged file not at all, every other one as it is."""
        path = Path(self.translate_path(self.path))
        if path.is_dir() and self.path.partition("?")[0].endswith("/"):
            path /= "index.html"
        inside = path.relative_to(self.directory).parts if path.is_relative_to(self.directory) else ()
        if inside[:1] != ("releases",) or not path.is_file():
            return super().send_head()
        try:
            because = self._withdrawn(inside[1], "/".join(inside[2:]))
        except GiiError as error:
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR, "Changed since it was published", str(error))
            return None
        if path.suffix != ".html" or because is None:
            return super().send_head()
        page = with_notice(path.read_text(encoding="utf-8"), inside[1], because).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        return BytesIO(page)

    def _withdrawn(self, version: str, path: str) -> str | None:
        """Why the version of a file was withdrawn, or None; ReleaseError where the file has changed since."""
        from gii_pipeline.releases import versions  # noqa: PLC0415
        from gii_pipeline.releases.reader import open_version  # noqa: PLC0415

        root = Path(self.directory)
        listed = next((one for one in versions(root) if str(one.version) == version and not one.discarded), None)
        if listed is None:
            return None
        open_version(root, listed.version).check(path)
        return listed.withdrawn

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Requests are not logged."""


def check_free(port: int, host: str = LOOPBACK) -> None:
    """Raise InputError where something listens on a port already."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((host, port))
        except OSError as error:
            raise InputError(
                f"Port {port} is taken ({error.strerror}): perhaps `gii dev` is already running. Choose another "
                f"port with --port, or stop the program that uses it."
            ) from None


@contextmanager
def serving(root: Path, port: int, host: str = LOOPBACK) -> Iterator[str]:
    """Within it FOLDERS of the root are served on the port; gives their address. Raises InputError on a taken port."""
    try:
        server = ThreadingHTTPServer((host, port), partial(_Reading, directory=str(root)))
    except OSError as error:
        raise InputError(f"Port {port} cannot be used for the files of {root} ({error}). Choose another one.") from None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
