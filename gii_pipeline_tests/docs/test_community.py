"""What a maintainer, a contributor and a citation manager find in the repository."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("command", [[sys.executable, "-m", "gii_pipeline", "--version"]])
def test_the_module_runs_as_a_command_and_shows_its_version(command: list[str]) -> None:
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert shown.strip() == f"gii_pipeline {project['version']}"


def test_the_citation_names_the_version_of_the_package() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])


def test_the_workflow_runs_the_check_on_every_supported_python() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yaml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert any("bash .ci/run" in step.get("run", "") for step in workflow["jobs"]["tests"]["steps"])


def test_issue_forms_are_valid_and_ask_for_what_a_fix_needs() -> None:
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert {"name", "description", "body"} <= set(form)
        assert all(field["id"] and field["attributes"]["label"] for field in form["body"])
