"""Recipes name what decides a table; equal content keeps its file; code counts by what it says, not by its layout."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import packages_distributions
from pathlib import Path

import pyarrow as pa
import pytest

from gii_pipeline import fingerprints, verified
from gii_pipeline.fingerprints import DATA
from gii_pipeline.store import EDITION_TABLES, LOCK_KEY, Lock, Made, made, note, read_footer, read_lock, write_parquet
from gii_pipeline.store.lock import content_of

OLD = Lock({"ror": {"all": ("ab",)}}, "s", {"ranking": "1"}, {"points": "1.0.0"}, {"patents of 2020": "c"})

CACHED = (
    fingerprints.code_of,
    fingerprints._said,
    fingerprints._tree,
    fingerprints._running,
    fingerprints._imported,
    fingerprints._data_files,
)


def test_a_recipe_is_of_what_decides_the_content_and_not_of_where_it_came_from() -> None:
    assert replace(OLD, sources={"ror": {"all": ("cd",)}}).recipe == OLD.recipe
    others = [
        replace(OLD, settings="t"),
        replace(OLD, each_setting={"gazetteer": "t"}),
        replace(OLD, code={"ranking": "2"}),
        replace(OLD, contracts={"points": "1.0.1"}),
        replace(OLD, inputs={"patents of 2020": "d"}),
        replace(OLD, libraries={"numpy": "2"}),
    ]
    assert len({OLD.recipe, *(other.recipe for other in others)}) == 7


def test_what_is_read_from_the_archive_has_its_files_in_its_recipe() -> None:
    first = replace(OLD, inputs={})
    assert replace(first, sources={"ror": {"all": ("cd",)}}).recipe != first.recipe


def test_a_note_gives_a_newer_recipe_of_the_same_bytes_and_is_ignored_for_others(tmp_path: Path) -> None:
    path, new = tmp_path / "part-0.parquet", replace(OLD, code={"ranking": "2"})
    write_parquet(pa.table({"rank": [1, 2]}), path, {LOCK_KEY: OLD.to_bytes()})
    content = made(path).content
    assert (read_lock(path), content) == (OLD, content_of(path))
    known = Made(content, new, ({"check": "table_not_empty"},))
    note(path, known)
    assert (made(path), read_footer(path)) == (known, OLD)
    write_parquet(pa.table({"rank": [2, 1]}), path, {LOCK_KEY: OLD.to_bytes()})
    assert (made(path).lock, made(path).waivers) == (OLD, None)
    assert made(path).content != content


def test_the_figures_in_a_footer_are_content_and_the_lock_is_not(tmp_path: Path) -> None:
    def content(**metadata: bytes) -> str:
        path = tmp_path / "a.parquet"
        write_parquet(pa.table({"rank": [1]}), path, {key.encode(): value for key, value in metadata.items()})
        return content_of(path)

    assert content(gii_lock=b"1", gii_totals=b"1") == content(gii_lock=b"2", gii_totals=b"1", gii_ingest_ledger=b"")
    assert content(gii_totals=b"1") != content(gii_totals=b"2")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of two modules in the place of ours: `stage` imports `rules`."""
    files = {
        "stage.py": "from gii_pipeline.room import weight\n\ndef score(x: int) -> int:\n    return weight(x)\n",
        "room/__init__.py": "from gii_pipeline.room.rules import weight\nfrom gii_pipeline.room.other import unused\n",
        "room/rules.py": 'NAMES = "names.csv"\n\ndef weight(x: int) -> int:\n    """Twice."""\n    return 2 * x\n',
        "room/other.py": "unused = 1\n",
        "room/names.csv": "a\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(fingerprints, "ROOT", tmp_path)
    return tmp_path


def _code() -> str:
    for function in CACHED:
        function.cache_clear()
    return fingerprints.code_of("gii_pipeline.stage")


@pytest.fixture(autouse=True)
def _of_ours_again() -> object:
    yield
    _ = [function.cache_clear() for function in CACHED]


@pytest.mark.parametrize(
    ("file", "text", "changed"),
    [
        ("room/rules.py", "# why\nNAMES = 'names.csv'\ndef weight(\n  x: int) -> int:\n    return (2 * x)\n", False),
        ("room/other.py", "unused = 2\n", False),
        ("room/rules.py", 'NAMES = "names.csv"\n\ndef weight(x: int) -> int:\n    return 3 * x\n', True),
        ("room/names.csv", "b\n", True),
        (
            "stage.py",
            "from gii_pipeline.room import weight\n\ndef score(x: int) -> int:\n    return -weight(x)\n",
            True,
        ),
    ],
    ids=["layout", "a module that is not imported", "an imported rule", "a data file", "the stage itself"],
)
def test_code_changes_a_fingerprint_and_layout_does_not(package: Path, file: str, text: str, changed: bool) -> None:
    before = _code()
    (package / file).write_text(text)
    assert (_code() != before) == changed


def test_a_stage_has_the_code_that_it_runs_and_none_of_the_orchestration() -> None:
    from gii_pipeline.defs.recipes import GEOCODING
    from gii_pipeline.defs.stages import STAGE_OF, STAGES

    assert set(STAGE_OF) == set(EDITION_TABLES)
    for modules in [*(stage.code for stage in STAGES), GEOCODING]:
        packages = {name.split(".")[1] for name in fingerprints._reached(modules)}
        assert not packages & {"defs", "cli", "report", "releases", "sandbox"}
    assert "gii_pipeline.ranking.rank" not in fingerprints._reached(STAGE_OF["clusters"].code)


@pytest.mark.parametrize("python", ["python3.12", "python3.13"])
def test_every_supported_python_gives_the_same_fingerprint(python: str, tmp_path: Path) -> None:
    import shutil

    if shutil.which(python) is None:
        pytest.skip(f"{python} is not installed")
    stub = "import types; p = types.ModuleType('gii_pipeline'); p.__path__ = [sys.argv[1]]"
    script = f"import sys; {stub}; sys.modules['gii_pipeline'] = p\nfrom gii_pipeline.fingerprints import code_of\n"
    script += "print(code_of('gii_pipeline.counting.counts'))"
    ours = Path(fingerprints.__file__).parent
    told = [
        subprocess.run([name, "-c", script, ours], capture_output=True, text=True, check=False, cwd=tmp_path)
        for name in (sys.executable, python)
    ]
    if told[1].returncode and "not found" in told[1].stderr:
        pytest.skip(f"{python} does not run here")
    assert told[0].stdout == told[1].stdout != ""


def test_a_replaced_file_is_noticed_by_its_note(tmp_path: Path) -> None:
    path = tmp_path / "part-0.parquet"
    write_parquet(pa.table({"rank": [1]}), path, {LOCK_KEY: OLD.to_bytes()})
    note(path, made(path))
    assert verified.record_of(path).name != f".{path.name}.made"
    assert [found.name for found in tmp_path.iterdir() if not found.name.startswith(".")] == [path.name]


def _third_party(modules: Iterable[str]) -> set[str]:
    """The distributions that code imports, without the standard library."""
    named: set[str] = set()
    for node in (node for module in modules for node in fingerprints._running(module)):
        if isinstance(node, ast.Import):
            named |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named.add(node.module.split(".")[0])
    known = packages_distributions()
    foreign = named - set(sys.stdlib_module_names) - {"gii_pipeline"}
    return {distribution.lower() for name in foreign for distribution in known[name]}


def test_every_library_that_a_stage_imports_is_in_its_recipe() -> None:
    from gii_pipeline.defs.recipes import GEOCODING, UNITING
    from gii_pipeline.defs.stages import STAGES
    from gii_pipeline.sources import SOURCES

    decide_nothing = {"defusedxml", "filelock", "pydantic", "pyyaml"}
    of_editions = _third_party(name for stage in STAGES for name in fingerprints._reached(stage.code))
    assert of_editions - decide_nothing <= set(fingerprints.libraries())
    readers = {source.read.__module__ for source in SOURCES.values()}
    of_records = _third_party(fingerprints._reached([*GEOCODING, *UNITING, *readers]))
    assert of_records - decide_nothing <= set(fingerprints.libraries(fingerprints.LIBRARIES_OF_RECORDS))


def test_records_have_the_code_that_unites_them_and_no_reader_but_their_own() -> None:
    from gii_pipeline.defs.recipes import GEOCODING, UNITING

    uniting = fingerprints._reached(UNITING)
    assert {f"gii_pipeline.sources.{name}" for name in ("union", "extracts", "ledger", "source")} <= uniting
    assert {f"gii_pipeline.sources.readers.{name}" for name in ("rows", "text", "files")} <= uniting
    readers = {name for name in uniting if name.startswith("gii_pipeline.sources.readers.")}
    assert not readers & {f"gii_pipeline.sources.readers.{name}" for name in ("regpat", "scopus", "openalex_works")}
    table = fingerprints._reached(["gii_pipeline.sources.readers.table"])
    shared = ("rows", "text", "dates", "deal_types", "publication_types")
    assert {f"gii_pipeline.sources.readers.{name}" for name in shared} <= table
    geocoding = {file.name for name in fingerprints._reached(GEOCODING) for file in fingerprints._data_files(name)}
    assert geocoding == {"admin1.csv", "aliases.csv", "economies.csv", "regions.csv"}


def test_a_data_file_of_a_package_above_counts_where_a_module_names_it() -> None:
    technology = fingerprints._data_files("gii_pipeline.sources.readers.technology")
    assert [file.name for file in technology] == ["technology_fields.csv"]


def test_every_data_file_that_lies_in_a_package_of_a_stage_is_in_some_recipe() -> None:
    from gii_pipeline.defs.recipes import GEOCODING, UNITING
    from gii_pipeline.defs.stages import STAGES
    from gii_pipeline.sources import SOURCES

    begins = [*GEOCODING, *UNITING, *(name for stage in STAGES for name in stage.code)]
    reached = fingerprints._reached([*begins, *{source.read.__module__ for source in SOURCES.values()}])
    counted = {file for name in reached for file in fingerprints._data_files(name)}
    packages = ("sources", "geocoding", "counting", "clusters", "metrics", "ranking")
    there = {file for package in packages for file in (fingerprints.ROOT / package).rglob("*") if file.suffix in DATA}
    compared_with = {"population_printed.csv"}  # by `gii population fit`, which makes no table
    assert {file.name for file in there - counted} == compared_with
