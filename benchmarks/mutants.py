"""Plant small faults in the domain packages, one at a time, and print those that no fast test notices.

The faults are those of mutmut's operators, without the texts of errors; a seed chooses among them. Each runs in a fork
of a process that has the libraries loaded, in a copy of the checkout, with the tests of its package that reach its
line, the quickest first. See "Mutants" in CONTRIBUTING.md.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import coverage
import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

PACKAGES = ("counting", "clusters", "metrics", "ranking", "releases")
LIBRARIES = ("ibis.backends.duckdb", "pyarrow.parquet", "scipy.spatial", "rasterio", "geopandas", "numba", "hypothesis")
OPTIONS = ["-q", "-x", "-p", "no:xdist", "--timeout=120"]


class Mutant(NamedTuple):
    """A fault: where it is, what was there and is now, and the code of the file with it."""

    file: Path
    first: int
    last: int
    old: str
    new: str
    code: str


class Visitor(MutationVisitor):  # type: ignore[misc]
    """Kernels and other decorated functions too; neither texts of errors nor `__all__`."""

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        listed = isinstance(node, cst.Assign) and getattr(node.targets[0].target, "value", "") == "__all__"
        if isinstance(node, cst.Raise) or listed:
            return True
        return not isinstance(node, cst.FunctionDef) and bool(super()._skip_node_and_children(node))


def mutants(file: Path) -> Iterator[Callable[[], Mutant]]:
    """Every fault of a file, made when it is called."""
    source = file.read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    wrapper = MetadataWrapper(cst.parse_module(source))
    visitor = Visitor(mutation_operators, IgnoredCode(set(), set(), set()))
    module, positions = wrapper.visit(visitor), wrapper.resolve(PositionProvider)

    def made(node: cst.CSTNode, other: cst.CSTNode) -> Mutant:
        start, end = positions[node].start, positions[node].end
        head = "".join(lines[: start.line - 1]) + lines[start.line - 1][: start.column]
        tail = lines[end.line - 1][end.column :] + "".join(lines[end.line :])
        new = module.code_for_node(other)
        return Mutant(file, start.line, end.line, source[len(head) : len(source) - len(tail)], new, head + new + tail)

    for node, other in ((one.original_node, one.mutated_node) for one in visitor.mutations):
        text = node.value if isinstance(node, cst.SimpleString) else ""
        if node in positions and " " not in text and (not text or "XX" in other.value):
            yield partial(made, node, other)


class Reached:
    """A plugin that notes which tests reach each line; what a fixture reaches counts for all tests of its file."""

    def __init__(self, package: str) -> None:
        self.coverage = coverage.Coverage(data_file=None, source=[f"gii_pipeline/{package}"], config_file=False)
        self.seconds: dict[str, float] = {}

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self.coverage.switch_context(item.nodeid.split("::")[0])
        self.seconds[item.nodeid] = -sum(os.times()[:4])

    def pytest_runtest_call(self, item: pytest.Item) -> None:
        self.coverage.switch_context(item.nodeid)

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        self.seconds[item.nodeid] += sum(os.times()[:4])


def reached(package: str, into: Path) -> int:
    """Run a package's tests; write the seconds of each, and file -> line -> who reaches it."""
    plugin = Reached(package)
    plugin.coverage.start()
    code = pytest.main([f"gii_pipeline_tests/{package}", *OPTIONS], plugins=[plugin])
    plugin.coverage.stop()
    data = plugin.coverage.get_data()
    lines = {file: data.contexts_by_lineno(file) for file in data.measured_files()}
    into.write_text(json.dumps([plugin.seconds, lines]), encoding="utf-8")
    return int(code)


def tests_of(mutant: Mutant, noted: Path) -> list[str]:
    """The tests that reach a fault; all of the package's for constants and kernels, whose lines run elsewhere."""
    seconds, lines = json.loads(noted.read_text(encoding="utf-8"))
    by_line = lines.get(str(mutant.file.resolve()), {})
    who = {name for line in range(mutant.first, mutant.last + 1) for name in by_line.get(str(line), [])} - {""}
    return sorted([t for t in seconds if {t, t.split("::")[0]} & who] or seconds, key=seconds.__getitem__)


def forked(work: Callable[[], int], seconds: int) -> int:
    """The exit code of work in a process of its own; below zero where it takes longer."""
    sys.stdout.flush()
    if not (process := os.fork()):
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        signal.alarm(10 * seconds)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(work())
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def main(seed: int, number: int, packages: Sequence[str]) -> None:
    files = (file for name in packages for file in sorted(Path("gii_pipeline", name).glob("*.py")))
    every = [one for file in files for one in mutants(file)]
    print(f"seed {seed}: {number} of {len(every)} mutants")
    for name in LIBRARIES:
        importlib.import_module(name)
    for mutant in sorted(one() for one in random.Random(seed).sample(every, number)):
        package = mutant.file.parts[1]
        if not (noted := Path(f"{package}.json")).exists() and forked(partial(reached, package, noted), 1800):
            sys.exit(f"The tests of {package} fail without a fault.")
        healthy = mutant.file.read_bytes()
        mutant.file.write_text(mutant.code, encoding="utf-8")
        code = forked(partial(pytest.main, [*tests_of(mutant, noted), *OPTIONS]), 300)
        mutant.file.write_bytes(healthy)
        outcome = "killed" if code > 0 else "timeout" if code else "survived"
        old, new = (" ".join(text.split()) for text in (mutant.old, mutant.new))
        print(f"{outcome} {mutant.file}:{mutant.first} {old} -> {new}", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        unneeded = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".mypy_cache")
        os.chdir(shutil.copytree(Path(__file__).resolve().parents[1], Path(folder, "copy"), ignore=unneeded))
        Path("gii_pipeline", "data_contracts").symlink_to("../data_contracts")
        sys.path.insert(0, str(Path.cwd()))
        os.environ["PYTHONPATH"] = str(Path.cwd())
        seed, number, *packages = sys.argv[1:]
        main(int(seed), int(number), packages or PACKAGES)
