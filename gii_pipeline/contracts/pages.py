"""Pages that run no script and ask no other host: what is written in place of Great Expectations' own HTML.

Belongs here: the store of the pages, what is taken out of each, and their index.
Does not: what a page shows (see `data_docs`).

Great Expectations' pages load scripts and styles from seven hosts. Values of other people's files are shown on them, so
browsers are told to run nothing at all; without a network the pages look the same.
"""

from __future__ import annotations

import html
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from great_expectations.data_context.store import TupleFilesystemStoreBackend

INDEX = "index.html"
INDEXED_PAGES = 500
"""How many pages, the newest, the index lists."""
POLICY = "default-src 'none'; style-src 'unsafe-inline' 'self'; img-src 'self' data:; font-src 'self'"
_SCRIPTS = re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE)
_ELSEWHERE = re.compile(r"<link\b[^>]*\bhref=[\"']?https?:[^>]*>", re.IGNORECASE)
_PICTURES = re.compile(r"<img\b[^>]*\bsrc=[\"']?https?:[^>]*>", re.IGNORECASE)
_HANDLERS = re.compile(r"(<[a-z][^<>]*?)\son[a-z]+=\"[^\"]*\"", re.IGNORECASE)
_FAILED = re.compile(r"Status:</span>\s*<i class=\"fas fa-times")
_BATCH = "Batch Spec"
"""The heading of the one table for facts of one's own that Great Expectations' page of results has."""
_HEAD = re.compile(r"<head>", re.IGNORECASE)
_OUTCOME = re.compile(r'<meta name="outcome" content="(\w+)">')
STYLE = (files("gii_pipeline.contracts") / "pages.css").read_text(encoding="utf-8")


class OfflinePages(TupleFilesystemStoreBackend):  # type: ignore[misc]  # an untyped library
    """Pages as files, each without scripts; the index lists what is next to it."""

    def _set(self, key: tuple[str, ...], value: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        if self.filepath_template == INDEX:
            value = index(Path(self.full_base_directory))
        elif self.filepath_suffix == ".html":
            value = offline(value)
        return super()._set(key, value, *arguments, **options)


def offline(page: str) -> str:
    """A page that runs nothing and asks nobody."""
    page = page.replace(_BATCH, "Notes")
    page = _PICTURES.sub("", _HANDLERS.sub(r"\1", _ELSEWHERE.sub("", _SCRIPTS.sub("", page))))
    outcome = "failed" if _FAILED.search(page) else "passed"
    return _HEAD.sub(lambda found: found[0] + _head(outcome), page, count=1)


def index(folder: Path) -> str:
    """The newest pages below a folder, the newest first: table, partition, when, and whether all rules were kept."""
    found = [path.relative_to(folder) for path in (folder / "validations").glob("*/*/*/*.html")]
    newest = sorted(found, key=lambda path: (path.parts[-2], path.parts), reverse=True)[:INDEXED_PAGES]
    rows = "\n".join(_row(folder, path) for path in newest)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{_head("index")}<title>Data Docs</title></head><body>'
        f"<h1>Validations</h1><table><tr><th>table</th><th>partition</th><th>when (UTC)</th><th>outcome</th></tr>\n"
        f"{rows}</table></body></html>\n"
    )


def _row(folder: Path, path: Path) -> str:
    with (folder / path).open(encoding="utf-8") as file:
        outcome = _OUTCOME.search(file.read(4096))
    said = outcome[1] if outcome else "unknown"
    _, table, partition, when, _ = map(html.escape, path.parts)
    link = html.escape(path.as_posix().replace("%", "%25").replace(" ", "%20").replace("#", "%23").replace("?", "%3F"))
    cells = (table, partition, f'<a href="{link}">{when}</a>', f'<span class="{said}">{said}</span>')
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _head(outcome: str) -> str:
    return (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="outcome" content="{outcome}"><style>{STYLE}</style>'
    )
