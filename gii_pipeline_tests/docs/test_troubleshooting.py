"""Troubleshooting quotes what the commands print."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml

from gii_pipeline.profiles import Profile
from gii_pipeline_tests.commands import Gii
from gii_pipeline_tests.docs.pages import ROOT, Block, blocks

PAGE = ROOT / "docs" / "troubleshooting.md"
RUN = [block for block in blocks(PAGE) if block.language == "console"]
HOME = "/srv/gii"


@pytest.mark.parametrize("block", RUN, ids=lambda block: f"line {block.line}")
def test_a_command_says_what_the_page_says(block: Block, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command, _, expected = block.text.partition("\n")
    program, *arguments = shlex.split(command.removeprefix("$ "))
    assert program == "gii"
    ended = Gii(Path("open"), tmp_path / "gii_data", capsys)(*arguments)
    assert ended.code != 0
    assert (ended.out + ended.err).replace(str(tmp_path), HOME) == expected


def test_there_are_commands_to_run() -> None:
    assert len(RUN) >= 7


def test_the_settings_of_the_runbook_fit_a_profile() -> None:
    text = (ROOT / "gii_pipeline" / "profiles" / "licensed.yaml").read_text(encoding="utf-8")
    profile = yaml.safe_load(text)
    del profile["data"]
    for block in blocks(ROOT / "docs" / "runbook.md"):
        if block.language == "yaml":
            profile |= yaml.safe_load(block.text)
    read = Profile.model_validate(profile)
    assert read.approval.rank_move is not None
    assert set(read.schedule.sources) == set(read.metrics)
