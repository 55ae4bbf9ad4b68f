"""Where a root lies, what the folders of a user's files are called, language, time zone and rights change no byte."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.errors import MachineError
from gii_pipeline_tests.faults.world import EDITION, RELEASE, files_of

GII = [sys.executable, "-c", "from gii_pipeline.cli import process; process()"]
ROOTS = ("year=2030/data_year=1999 x", '[a-z]*?{b}/it\'s "here"', f"ü 中 é/{'long ' * 40}", "-n $HOME;%s/link")
FOLDERS = ("year=2030", "economy=ZZ/city=[x]*", "ü 'a' \"b\"", "record_id=1 #?")
LOCALES: tuple[dict[str, str], ...] = (
    {"LANG": "C"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LANG": "tr_TR.UTF-8"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "1"},
)
ZONES = ("UTC", "Pacific/Kiritimati", "America/St_Johns", "Etc/GMT+12")
UMASKS = (0o077, 0o022, 0o027, 0o002)


class Surroundings(NamedTuple):
    """What is around one run."""

    root: str
    folder: str
    locale: dict[str, str]
    zone: str
    umask: int


def surroundings(seed: int) -> list[Surroundings]:
    """Each value once, in combinations that the seed decides on."""
    chance = random.Random(seed)
    shuffled = [chance.sample(values, len(values)) for values in (FOLDERS, LOCALES, ZONES, UMASKS)]
    return [Surroundings(*values) for values in zip(ROOTS, *shuffled, strict=True)]


def test_a_process_that_could_not_name_all_files_says_how_to_start_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    with pytest.raises(MachineError, match="Set PYTHONUTF8=1 and start again"):
        Pipeline.from_environment()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("around", surroundings(2026), ids=lambda around: f"{around.zone} {around.umask:o}")
def test_what_is_around_a_run_changes_no_byte_of_its_release(
    finished_tiny_root: Path, tmp_path: Path, around: Surroundings
) -> None:
    world, root = tmp_path / around.folder / "world", tmp_path / around.root
    shutil.copytree(finished_tiny_root / "world", world)
    root.parent.mkdir(parents=True, exist_ok=True)
    if root.name == "link":
        (tmp_path / "elsewhere").mkdir()
        root.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    left_out = ("DAGSTER_HOME", "LANG", "LC_ALL", "LC_CTYPE", "PYTHONUTF8", "TZ")
    inherited = {name: value for name, value in os.environ.items() if name not in left_out}
    given = {"TZ": around.zone, "GII_PROFILE": str(world / "tiny.yaml"), "GII_ROOT": str(root)}
    ended = subprocess.run(
        [*GII, "run", "--edition", EDITION],
        env=inherited | around.locale | given,
        umask=around.umask,
        capture_output=True,
        check=False,
    )
    told = (ended.stdout + ended.stderr).decode("utf-8", "replace")
    assert ended.returncode == 0, told
    assert "Traceback" not in told
    assert files_of(root, f"{RELEASE}/**/*") == files_of(finished_tiny_root / "root", f"{RELEASE}/**/*")
    assert not [path for path in (root / "core").rglob("*") if path.stat().st_mode & around.umask]
