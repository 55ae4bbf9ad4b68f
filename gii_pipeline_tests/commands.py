"""Running `gii` in this process, as a person at a terminal would."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from gii_pipeline import cli

CACHE = "GII_CACHE"
"""The folder of the index of places, which all roots of the tests share unless they have one of their own."""
REAL_PROFILE = Path(__file__).parent / "profiles" / "real-2015.yaml"
_STYLES = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Outcome:
    """The exit code of a command, and what it printed."""

    code: int
    out: str
    err: str


class Gii:
    """`gii` with a profile and a root."""

    def __init__(self, profile: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.profile, self.root, self.capsys = profile, root, capsys

    def __call__(self, *arguments: str) -> Outcome:
        environment = {"GII_PROFILE": str(self.profile), "GII_ROOT": str(self.root), "DAGSTER_HOME": ""}
        if (self.root / "cache").is_dir():
            environment[CACHE] = ""
        self.capsys.readouterr()
        with patch.dict(os.environ, environment), patch.object(sys, "argv", ["gii", *arguments]):
            del os.environ["DAGSTER_HOME"]
            code = _exit_code()
        out, err = self.capsys.readouterr()
        return Outcome(code, _STYLES.sub("", out), _STYLES.sub("", err))


def _exit_code() -> int:
    try:
        cli.main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    return 0
