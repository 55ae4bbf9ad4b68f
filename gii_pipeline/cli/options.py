"""Options shared by several commands, and their values.

Belongs here: names and help of options, parsing years and labels, and the pipeline that options ask for.
Does not: commands.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gii_pipeline.errors import InputError
from gii_pipeline.report.plain import plain

if TYPE_CHECKING:
    from gii_pipeline.defs.workflow import Workflow

ProfileOption = Annotated[
    str, typer.Option("--profile", "-p", envvar="GII_PROFILE", help="A shipped profile, or the path of a profile.")
]


def open_root(text: str | Path) -> Path:
    from gii_pipeline.releases import opened

    return opened(text)


def _root_as_it_is(text: str | Path) -> Path:
    from gii_pipeline.remote import opened

    return opened(text, files=False)


RootOption = Annotated[
    Path,
    typer.Option("--root", envvar="GII_ROOT", parser=open_root, help="The folder for all data, or s3://BUCKET/PATH."),
]
LookedAtRootOption = Annotated[
    Path,
    typer.Option(
        "--root", envvar="GII_ROOT", parser=_root_as_it_is, help="The folder for all data, or s3://BUCKET/PATH."
    ),
]
"""A root that may be damaged: nothing is fetched from a bucket."""
EditionOption = Annotated[int, typer.Option("--edition", "-e", help="The edition's year.")]
MethodOption = Annotated[int | None, typer.Option("--method", "-m", help="Use the method of this edition instead.")]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Use only archived files.")]
RefreshOption = Annotated[bool, typer.Option("--refresh", help="Fetch and read everything again.")]
MemoryOption = Annotated[
    str | None,
    typer.Option(
        "--memory",
        envvar="GII_MEMORY",
        help="Memory a run may use, such as 2GB; by default half of the available memory.",
    ),
]
MaxDiskOption = Annotated[
    str | None,
    typer.Option(
        "--max-disk", envvar="GII_MAX_DISK", help="Stop before the run starts if fetched files need more disk."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CountryOption = Annotated[
    str | None,
    typer.Option(
        "--country",
        help="Rank a national slice (ISO code, such as CH) from the sources that can be queried by country, "
        "under ROOT/national/CH.",
    ),
]
ROOT = Path("gii_data")
_CONTROLS = re.compile(r"[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
SANDBOX = "sandbox"


@contextmanager
def sources_up(profile: str, root: Path) -> Iterator[None]:
    """Run the sandbox's servers, if the profile needs them and they are not running yet."""
    with _sources_starting(profile, root) as wait:
        wait()
        yield


@contextmanager
def _sources_starting(profile: str, root: Path) -> Iterator[Callable[[], None]]:
    """As `sources_up`, once the function that it gives has been called: until then they start."""
    if profile != SANDBOX or "GII_SANDBOX_KEY" in os.environ:
        yield lambda: None
        return
    from gii_pipeline.cli.beside import serving_apart

    with serving_apart(root.absolute() / SANDBOX) as wait:
        yield wait


@contextmanager
def workflow_of(
    profile: str,
    root: Path,
    *,
    method: int | None = None,
    offline: bool = False,
    refresh: bool = False,
    fetches: bool = False,
    memory: str | None = None,
    max_disk: str | None = None,
    country: str | None = None,
) -> Iterator[Workflow]:
    """The workflow for a command's options. They are passed through the environment, as for the Dagster UI.

    fetches: whether the command may ask sources, so that the sandbox's have to be up.
    """
    from gii_pipeline.archive.pacing import Clock
    from gii_pipeline.memory import budget

    if country:
        root = slice_of(root, country)
    os.environ |= {"GII_PROFILE": profile, "GII_ROOT": str(root.absolute()), "GII_OFFLINE": str(int(offline))}
    os.environ["GII_REFRESH"] = Clock().timestamp() if refresh else "0"
    if memory:
        os.environ["GII_MEMORY"] = memory
        budget()
    if max_disk:
        os.environ["GII_MAX_DISK"] = max_disk
    if method is not None:
        os.environ["GII_METHODS"] = str(method)
    with _sources_starting(profile if fetches and not offline else "", root) as wait:
        from gii_pipeline.contracts import pages_later
        from gii_pipeline.defs.pipeline import Pipeline
        from gii_pipeline.defs.workflow import Workflow

        wait()
        with pages_later():
            yield Workflow(Pipeline.from_environment())


def slice_of(root: Path, country: str) -> Path:
    """The root of a national slice, which lies in the bucket too where the root around it does."""
    from gii_pipeline.defs.pipeline import NATIONAL
    from gii_pipeline.releases import opened
    from gii_pipeline.remote import WorkingCopy

    code, copy = country_code(country), WorkingCopy.at(root.absolute())
    if copy is None:
        return root / NATIONAL / code
    return opened(WorkingCopy.made(f"{copy.address}/{NATIONAL}/{code}", root.absolute() / NATIONAL / code).root)


def country_code(text: str) -> str:
    """The ISO 3166-1 alpha-2 code of a country given by name or code. Raises InputError if there is none."""
    from gii_pipeline.geocoding.economies import alpha2

    code = alpha2(text)
    if code is None:
        raise InputError(f"{text!r} is not a country. Use its two-letter code, for instance --country CH.")
    return code


def label_of(edition: int, method: int | None) -> str:
    return str(edition) if method in (None, edition) else f"{edition}@{method}"


def years_in(text: str) -> list[int]:
    """`2019..2023` and `2019,2021` as years."""
    try:
        parts = [part.split("..") for part in text.split(",")]
        return sorted({year for part in parts for year in range(int(part[0]), int(part[-1]) + 1)})
    except ValueError:
        raise InputError(f"{text!r} is not a list of years. Write 2019, 2019,2021 or 2019..2023.") from None


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print text that may quote foreign files, without letting the terminal interpret it."""
    typer.echo(plain(text), err=err, nl=nl)


def print_json(content: Any) -> None:  # noqa: ANN401
    text = json.dumps(content, indent=2, ensure_ascii=False, default=str)
    typer.echo(_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))
