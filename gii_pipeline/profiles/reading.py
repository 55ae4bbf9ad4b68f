"""Reading a profile: a shipped one by name, or a user's by path.

Belongs here: finding the file, resolving its relative paths and environment variables, and naming what is wrong in it.
Does not: checking that the files it names exist; the archive says that when it opens them.
"""

from __future__ import annotations

import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gii_pipeline import contracts
from gii_pipeline.editions.book import field_by_field, parse_editions, wipo_book
from gii_pipeline.errors import InputError
from gii_pipeline.profiles.model import Profile
from gii_pipeline.registry import Registry
from gii_pipeline.registry import shipped as shipped_metrics
from gii_pipeline.yaml import read_yaml

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)(:-(?P<default>[^}]*))?\}")
SHIPPED = Path(str(files("gii_pipeline.profiles")))


def shipped() -> list[str]:
    """Names of the profiles that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def read_profile(name_or_path: str | Path) -> Profile:
    """Read a shipped profile (`sandbox`) or a user's (`path/to/profile.yaml`).

    Paths in it are relative to its `data` folder, which is relative to the file, in a shipped profile to the current
    folder. `${NAME}` and `${NAME:-default}` are taken from the environment.
    Raises InputError naming the file and each field that is missing or wrong.
    """
    path = _find(name_or_path)
    document = _with_environment(_parse(path), path)
    if not isinstance(document, dict):
        raise InputError(f"{path}: a profile is a YAML mapping, not a {type(document).__name__}.")
    data = (Path.cwd() if path.parent == SHIPPED else path.parent) / document.pop("data", ".")
    if "registry" in document:
        raise InputError(f"{path}: `registry` is not a setting of a profile. Add new metrics under `new_metrics`.")
    document["registry"] = _registry(document.pop("new_metrics", None) or {}, path)
    document["editions"] = parse_editions(document.get("editions") or {}, str(path), wipo_book().editions)
    try:
        return Profile.model_validate(document, context={"data": data.resolve()})
    except ValidationError as error:
        raise InputError(f"{path} is an incomplete profile.\n{field_by_field(error)}") from error


def _registry(entries: Any, path: Path) -> Registry:  # noqa: ANN401
    """The metrics of the package and those that a profile adds."""
    if not isinstance(entries, dict):
        raise InputError(f"{path}: `new_metrics` is a mapping of names to entries, not a {type(entries).__name__}.")
    registry = shipped_metrics().with_entries(entries, str(path))
    if taken := sorted({metric.core_table for metric in registry.values()} & set(contracts.written())):
        raise InputError(f"{path}: new_metrics: the table `{taken[0]}` already exists. Choose another `core_table`.")
    return registry


def _find(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"}:
        if not path.is_file():
            raise InputError(f"There is no profile at {path}.")
        return path.resolve()
    if str(name_or_path) not in shipped():
        raise InputError(
            f"There is no profile {str(name_or_path)!r}. Shipped: {', '.join(shipped())}; or pass the path of a "
            f"YAML file."
        )
    return SHIPPED / f"{name_or_path}.yaml"


def _parse(path: Path) -> Any:  # noqa: ANN401
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not valid YAML in UTF-8: {error}") from error
    return read_yaml(text, str(path))


def _with_environment(value: Any, path: Path) -> Any:  # noqa: ANN401
    """The parsed document with every `${NAME}` in its strings replaced."""
    if isinstance(value, dict):
        return {key: _with_environment(item, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_environment(item, path) for item in value]
    if not isinstance(value, str):
        return value

    def replacement(match: re.Match[str]) -> str:
        found = os.environ.get(match["name"], match["default"])
        if found is None:
            raise InputError(f"{path} needs the environment variable {match['name']}, which is not set.")
        return found

    return _VARIABLE.sub(replacement, value)
