"""Troubleshooting quotes what the commands print."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from gii_pipeline.errors import InputError
from gii_pipeline.profiles import Profile, read_profile
from gii_pipeline.profiles.reading import SHIPPED
from gii_pipeline.sources.checking import check_profile
from gii_pipeline_tests.commands import Gii
from gii_pipeline_tests.docs.pages import ROOT, Block, blocks

DOCS = ROOT / "docs"
RUN = [block for block in blocks(DOCS / "troubleshooting.md") if block.language == "console"]
HOME = "/srv/gii"


@pytest.mark.parametrize("block", RUN, ids=lambda block: f"line {block.line}")
def test_a_command_says_what_the_page_says(block: Block, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command, _, expected = block.text.partition("\n")
    program, *arguments = shlex.split(command.removeprefix("$ "))
    assert program == "gii"
    ended = Gii(Path("open"), tmp_path / "gii_data", capsys)(*arguments)
    assert ended.code != 0
    assert (ended.out + ended.err).replace(str(tmp_path), HOME) == expected


@pytest.mark.parametrize(
    ("page", "changes"),
    [
        ("troubleshooting", {"pct_applications": {"files": {}}}),
        ("troubleshooting", {"vc_deals": {"reader": "crunchbase", "files": {"rounds": "rounds.csv"}}}),
        (
            "troubleshooting",
            {"pct_applications": {"reader": "regpat", "files": {"inventors": "${GII_REGPAT_EDITION}"}}},
        ),
        ("adding-an-edition", {}),
    ],
    ids=["no reader", "unknown reader", "no variable", "edition without a window"],
)
def test_a_wrong_profile_is_told_as_on_the_page(
    page: str, changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GII_REGPAT_EDITION", raising=False)
    path = tmp_path / "mine.yaml"
    profile = yaml.safe_load((SHIPPED / "licensed.yaml").read_text(encoding="utf-8"))
    profile["metrics"] |= changes
    if not changes:
        profile |= edition_without_window()
    path.write_text(yaml.safe_dump(profile), encoding="utf-8")
    with pytest.raises(InputError) as told:
        check_profile(read_profile(path), str(path))
    message = str(told.value).replace(str(tmp_path), HOME)
    quoted = [block.text.strip() for block in blocks(DOCS / f"{page}.md") if block.language == "text"]
    assert any(message.startswith(quote.partition("…")[0]) for quote in quoted), message


def test_there_are_commands_to_run() -> None:
    assert len(RUN) >= 7


def test_the_settings_of_the_runbook_fit_a_profile() -> None:
    profile = yaml.safe_load((SHIPPED / "licensed.yaml").read_text(encoding="utf-8"))
    del profile["data"]
    for block in blocks(DOCS / "runbook.md"):
        if block.language == "yaml":
            profile |= yaml.safe_load(block.text)
    read = Profile.model_validate(profile)
    assert read.approval.rank_move is not None
    assert set(read.schedule.sources) == set(read.metrics)


def edition_without_window() -> dict[str, Any]:
    """The example of an edition, as a profile has it, with one setting taken out."""
    (example,) = [block for block in blocks(DOCS / "adding-an-edition.md") if block.text.startswith("editions:")]
    editions: dict[str, Any] = yaml.safe_load(example.text)
    (edition,) = editions["editions"].values()
    del edition["metrics"]["vc_deals"]["window"]
    return editions
