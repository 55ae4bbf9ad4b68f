"""Values of other people's files are text wherever they are shown: no markup, no control sequence, no formula."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from rich.text import Text

from gii_pipeline.cli.options import echo, print_json
from gii_pipeline.cli.telling import say
from gii_pipeline.registry import shipped
from gii_pipeline.releases.comparison_text import _line
from gii_pipeline.releases.files import write_csv
from gii_pipeline.report.plain import plain
from gii_pipeline.report.progress import PlainConsole
from gii_pipeline.report.terminal import ranking_table, rows_table

HOSTILE = [
    "[/dim]",
    "[bold red]Oslo[/bold red]",
    "[link=http://evil.example]Oslo[/link]",
    "\x1b]0;a title\x07Oslo",
    "\x9b31mOslo",
    "Oslo\rBergen\x08",
    "\u202eolsO",
    ":smiley:",
    "<img src=x onerror=alert(1)>",
]


def shown(printed: object, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    PlainConsole(stderr=False, width=200).print(printed)
    return capsys.readouterr().out


@pytest.mark.parametrize("value", HOSTILE)
def test_a_terminal_shows_a_value_as_it_is_and_obeys_nothing_in_it(
    value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pd.DataFrame({"name": [value], value: [1]})
    ranking = pd.DataFrame(
        {
            "rank": [1],
            "name": [value],
            "economies": [value],
            "population": [1.0],
            "size_score": [1.0],
            **{f"{name}_{figure}": [1.0] for name in shipped() for figure in ("count", "share_pct", "per_million")},
        }
    )
    for printed in (value, rows_table(rows, value), ranking_table(ranking, value, shipped()), Text(plain(value))):
        out = shown(printed, capsys)
        assert plain(value).split("\n")[0] in out
        assert not set(out) & set("\x07\x08\x1b\x9b\r\u202e")
    echo(value)
    print_json({"name": value})
    assert not set(capsys.readouterr().out) & set("\x07\x08\x1b\x9b\r\u202e")


@pytest.mark.parametrize("value", HOSTILE)
def test_a_table_of_markdown_stays_a_table_without_html(value: str) -> None:
    line = _line((value, "a|b"))
    assert "<" not in line
    assert line.count(" | ") == 1
    assert "\n" not in line


def test_a_spreadsheet_runs_no_formula_of_a_name(tmp_path: Path) -> None:
    names = ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx", "Oslo", None]
    write_csv(pa.table({"name": names, "change": [-1.5] * len(names)}), tmp_path / "a.csv", {"title": "Names"})
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text(encoding="utf-8"))))
    assert [row["name"] for row in rows] == ["'=cmd|' /C calc'!A0", "'+1", "'-1", "'@x", "'\tx", "Oslo", ""]
    assert {row["change"] for row in rows} == {"-1.5"}


@pytest.mark.parametrize("value", HOSTILE)
def test_a_warning_shows_a_value_as_it_is(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(PlainConsole(stderr=False, width=20), [f"deals.csv has {value} as a type of deal"], "Warning")
    out = capsys.readouterr().out
    assert f"Warning: deals.csv has {plain(value)} as a type of deal" in out.replace("\n", " ")
    assert not set(out) & set("\x07\x08\x1b\x9b\r\u202e")
