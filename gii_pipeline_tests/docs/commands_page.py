"""docs/commands.md, made from the commands themselves: `python -m gii_pipeline_tests.docs.commands_page`.

Belongs here: rendering every command's help as Markdown. Does not: wording, which is that of the commands.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer

from gii_pipeline import errors
from gii_pipeline.cli import app
from gii_pipeline_tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "commands.md"
HEAD = """# Commands

Every command of `gii`, as its `--help` says. This page is made by `python -m gii_pipeline_tests.docs.commands_page`;
change a command and run it again.

A value can also come from the environment variable named beside its option. The option goes before the variable.
`gii --install-completion` sets up completion in the shell.
"""
BROKE_DOWN = "Something broke down, or what a command checked is not well. The output names it."


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_exit_codes(), *_commands(typer.main.get_command(app), "gii")]).rstrip() + "\n"


def _exit_codes() -> Iterator[str]:
    yield "## Exit codes\n"
    yield "| code | error | means |\n|---|---|---|"
    yield "| 0 | | Done. |"
    yield f"| 1 | | {BROKE_DOWN} |"
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.GiiError)]
    for kind in sorted(kinds, key=lambda kind: (kind.exit_code, inspect.getsourcelines(kind)[1])):
        if kind is not errors.GiiError:
            yield f"| {kind.exit_code} | `{kind.__name__}` | {' '.join((kind.__doc__ or '').split())} |"
    yield "\nA command line that cannot be read (an unknown option, a missing value) also ends with 2.\n"


def _commands(group: Any, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        full = f"{path} {name}"
        if hasattr(command, "commands"):
            yield f"## {full}\n\n{_text(command.help)}\n"
            yield from _commands(command, full)
        else:
            yield from _command(command, full, "###" if path.count(" ") else "##")


def _command(command: Any, full: str, level: str) -> Iterator[str]:
    yield f"{level} {full}\n\n{_text(command.help)}\n"
    arguments = " ".join(f"{one.name.upper()}" for one in command.params if one.param_type_name == "argument")
    required = " ".join(
        f"{one.opts[0]} {_placeholder(one)}"
        for one in command.params
        if one.param_type_name == "option" and one.required
    )
    yield f"```text\n{' '.join(filter(None, [full, arguments, required, '[OPTIONS]']))}\n```\n"
    rows = [_row(one) for one in command.params if one.name != "help"]
    if rows:
        yield "| | value | default | |\n|---|---|---|---|"
        yield "\n".join(rows) + "\n"


def _row(parameter: Any) -> str:
    option = parameter.param_type_name == "option"
    named = ", ".join(f"`{name}`" for name in parameter.opts) if option else f"`{parameter.name.upper()}`"
    value = "" if getattr(parameter, "is_flag", False) else _values(parameter)
    if parameter.required:
        default = "required"
    else:
        default = "" if parameter.default in (None, False, "") else f"`{parameter.default}`"
    if parameter.envvar:
        default = f"`{parameter.envvar}`, else {default}"
    return f"| {named} | {value} | {default} | {_text(parameter.help)} |"


def _values(parameter: Any) -> str:
    annotation = parameter.type_descriptor.annotation
    if choices := getattr(annotation, "__args__", None):
        return ", ".join(f"`{choice}`" for choice in choices if isinstance(choice, str)) or _type(choices[0])
    return _type(annotation)


def _type(annotation: type) -> str:
    return {"str": "text", "int": "number", "float": "number", "Path": "path"}[annotation.__name__]


def _placeholder(parameter: Any) -> str:
    return str(parameter.opts[0]).lstrip("-").upper().replace("-", "_")


def _text(help_text: str | None) -> str:
    return re.sub(r"(?<!\n)\n(?!\n) *", " ", inspect.cleandoc(help_text or "")).replace("|", "\\|")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
