"""Markdown pages as the tests of the documentation read them: links, anchors, code blocks, commands.

Belongs here: finding these in README.md and docs/. Does not: judging them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if path.is_file()]
SHELLS = ("", "sh", "bash", "shell", "console")

_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^(?: {4}.*)?\n)+", re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(?P<title>.+?) *$", re.MULTILINE)
_GII = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?gii (?P<arguments>.*)$")


class Block(NamedTuple):
    """A fenced block of code: its page, first line, language and text."""

    page: Path
    line: int
    language: str
    text: str


class Command(NamedTuple):
    """A `gii` command as it is written on a page. whole: as a line of a code block; else a mention in a sentence."""

    page: Path
    line: int
    arguments: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line} gii {shlex.join(self.arguments)}"


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        words = match["info"].split()
        yield Block(page, _line(text, match.start("text")), words[0] if words else "", match["text"])


def prose(page: Path) -> str:
    """A page with its fenced blocks blanked, so that lines keep their numbers."""
    return _FENCE.sub(lambda match: "\n" * match[0].count("\n"), page.read_text(encoding="utf-8"))


def links(page: Path) -> Iterator[tuple[int, str]]:
    """Line and target of every link of a page that is not to another site."""
    text = _INLINE.sub(lambda match: " " * len(match[0]), prose(page))
    for match in _LINK.finditer(text):
        if "://" not in match["target"] and not match["target"].startswith("mailto:"):
            yield _line(text, match.start()), match["target"]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, by the rule that GitHub and the site share for headings of plain words."""
    titles = [match["title"].replace("`", "") for match in _HEADING.finditer(prose(page))]
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def commands(page: Path) -> Iterator[Command]:
    """Every `gii …` of a page, in code blocks of a shell and in sentences."""
    for block in blocks(page):
        if block.language in SHELLS:
            yield from _lines_of_commands(page, block.line, block.text)
    text = prose(page)
    for match in _INDENTED.finditer(text):
        yield from _lines_of_commands(page, _line(text, match.start()), match[0].replace("    ", ""))
    for match in _INLINE.finditer(text):
        if found := _GII.match(match[1]):
            arguments = tuple(shlex.split(found["arguments"].replace("…", "")))
            if arguments:
                yield Command(page, _line(text, match.start()), arguments, whole=False)


def _lines_of_commands(page: Path, line: int, text: str) -> Iterator[Command]:
    for number, written in enumerate(text.replace("\\\n", "").splitlines(), line):
        if found := _GII.match(written.strip()):
            lexer = shlex.shlex(found["arguments"], posix=True, punctuation_chars="|><;&")
            lexer.whitespace_split = True
            words = list(lexer)
            ends = [at for at, word in enumerate(words) if set(word) <= set("|><;&")]
            yield Command(page, number, tuple(words[: ends[0]] if ends else words), whole=True)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
