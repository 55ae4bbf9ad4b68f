"""The pages: links lead somewhere, commands are commands, code is code, tables agree with the settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from gii_pipeline.cli import app
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.editions.book import parse_editions
from gii_pipeline_tests.docs import commands_page
from gii_pipeline_tests.docs.pages import PAGES, ROOT, Command, anchors, blocks, commands, links, name_of

DOCS = ROOT / "docs"
PLACEHOLDERS = {"EDITION": "2025", "PORT": "8741", "SEED": "1", "SCALE": "0.1"}
"""What stands for a number; other words in capitals (PATH, NAME, VERSION) are texts and go through as they are."""

EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=name_of)


@EVERY_PAGE
def test_links_lead_to_a_file_and_a_heading_of_it(page: Path) -> None:
    broken = []
    for line, target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(f"{name_of(page)}:{line} {target}")
    assert not broken


@EVERY_PAGE
def test_every_command_can_be_given_to_gii(page: Path) -> None:
    for command in commands(page):
        try:
            given(command) if command.whole else mentioned(command)
        except typer.Exit:
            assert "--help" in command.arguments, command
        except Exception as error:  # noqa: BLE001 - typer keeps its classes of usage errors to itself
            pytest.fail(f"{command}: {error}")


@EVERY_PAGE
def test_blocks_of_code_are_code(page: Path) -> None:
    for block in blocks(page):
        where = f"{name_of(page)}:{block.line}"
        if block.language == "python":
            compile(block.text, where, "exec")
        elif block.language == "yaml":
            assert yaml.safe_load(block.text), where


def test_the_commands_are_found() -> None:
    found = [command for page in PAGES for command in commands(page)]
    assert {"run", "plan", "backfill", "release"} <= {command.arguments[0] for command in found if command.whole}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("runn --edition 2025", "No such command 'runn'"),
        ("release made", "No such command 'made'"),
        ("run --editions 2025", "No such option: --editions"),
        ("run", "Missing parameter: edition"),
        ("run --edition next", "should be a valid integer"),
        ("diff 2024", "Missing parameter: new"),
    ],
)
def test_a_wrong_command_is_noticed(wrong: str, why: str) -> None:
    with pytest.raises(Exception, match=why):
        given(Command(DOCS, 1, tuple(wrong.split()), whole=True))


@pytest.mark.parametrize("wrong", ["relase make", "release made", "run --approve"])
def test_a_wrong_mention_is_noticed(wrong: str) -> None:
    with pytest.raises(AssertionError):
        mentioned(Command(DOCS, 1, tuple(wrong.split()), whole=False))


def test_the_page_of_commands_is_of_these_commands() -> None:
    written = commands_page.PAGE.read_text(encoding="utf-8")
    assert written == commands_page.page(), "make it again: python -m gii_pipeline_tests.docs.commands_page"


def test_the_method_page_has_every_setting_with_its_value_and_tag() -> None:
    text = (DOCS / "method.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| ([FIA]) \|", text, re.MULTILINE)
    written = {name: (value.replace("`", ""), tag) for name, value, tag in rows}
    edition = wipo_book()[2025]
    assert written == expected_settings(edition)


def test_the_method_page_has_every_window_with_its_tag() -> None:
    text = (DOCS / "method.md").read_text(encoding="utf-8")
    written = {int(year): rest for year, rest in re.findall(r"^\| (20\d\d) \| (.+) \|$", text, re.MULTILINE)}
    assert written == {year: windows(edition) for year, edition in wipo_book().editions.items()}


def test_the_example_edition_is_a_whole_edition() -> None:
    (example,) = [block for block in blocks(DOCS / "adding-an-edition.md") if block.text.startswith("editions:")]
    (edition,) = parse_editions(yaml.safe_load(example.text)["editions"], "the example").values()
    assert edition.edition not in wipo_book().editions
    assert {name: metric.window.value.last_year for name, metric in edition.metrics.items()} == {
        "pct_applications": edition.edition - 1,
        "scientific_publications": edition.edition - 2,
        "vc_deals": edition.edition - 1,
    }


def given(command: Command) -> None:
    """Parse a command as `gii` would, without running it; a group needs a command."""
    parser: Any = typer.main.get_command(app)
    arguments, name, context = [PLACEHOLDERS.get(word, word) for word in command.arguments], "gii", None
    while True:
        context = parser.make_context(name, list(arguments), parent=context)
        if not hasattr(parser, "commands"):
            return
        name, parser, arguments = parser.resolve_command(context, context._protected_args + context.args)


def mentioned(command: Command) -> None:
    """A mention in a sentence may leave arguments out: its names and options have to exist."""
    parser: Any = typer.main.get_command(app)
    words = list(command.arguments)
    while hasattr(parser, "commands") and words and not words[0].startswith("-"):
        assert words[0] in parser.commands, command
        parser = parser.commands[words.pop(0)]
    known = {option for parameter in parser.params for option in parameter.opts} | {"--help"}
    assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known, command


def expected_settings(edition: Edition) -> dict[str, tuple[str, str]]:
    others = {"metrics", "edition", "method", "provisional", "left_out"}
    settings = {name: getattr(edition, name) for name in type(edition).model_fields if name not in others}
    return {name: (str(setting.value), setting.tag) for name, setting in settings.items()}


def windows(edition: Edition) -> str:
    cells = []
    for name in ("pct_applications", "scientific_publications", "vc_deals"):
        metric = edition.metrics.get(name)
        cells.append(f"{metric.window.value} {metric.window.tag}" if metric else "–")
    return " | ".join(cells)
