"""A stored file is read only while its bytes are those that were written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from gii_pipeline import verified
from gii_pipeline.cli import app
from gii_pipeline.cli.verifying import look, not_compared, set_aside
from gii_pipeline.errors import DamagedError, InputError
from gii_pipeline.store import Lock, Made, Store, note, read_lock, write_parquet


@pytest.fixture
def stored(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    _promote(store, 1)
    return store


def _promote(store: Store, people: int) -> None:
    with store.staging() as folder:
        write_parquet(pa.table({"people": [people] * 100}), folder / "patents.parquet")
        store.promote({folder / "patents.parquet": store.core("patents", 2024)})


def flip(path: Path, at: int) -> None:
    """Change one bit of a file in place, as a bad disk does; its size and its age stay."""
    stat, content = path.stat(), bytearray(path.read_bytes())
    content[at] ^= 16
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize("at", [0, 4, 60, -60, -1])
def test_one_flipped_bit_of_a_core_table_is_refused_with_the_command_that_repairs_it(stored: Store, at: int) -> None:
    flip(stored.core("patents", 2024), at)
    with pytest.raises(DamagedError, match=r"part-0\.parquet is damaged.*`gii ingest --years 2024`"):
        stored.core_years("patents", [2024])


def test_a_changed_cut_or_missing_record_is_refused_too(stored: Store) -> None:
    record = verified.record_of(stored.core("patents", 2024))
    flip(record, 20)
    assert verified.damage(stored.core("patents", 2024))
    record.write_bytes(record.read_bytes()[:10])
    assert "no readable record" in (verified.damage(stored.core("patents", 2024)) or "")
    record.unlink()
    assert "no readable record" in (verified.damage(stored.core("patents", 2024)) or "")


def test_a_file_that_is_read_twice_is_hashed_once_and_again_when_it_changes(stored: Store) -> None:
    path = stored.core("patents", 2024)
    os.utime(path, (1, 1))
    assert stored.core_years("patents", [2024]) == [path]
    before = verified.sha256_of(path)
    os.utime(path, (2, 2))
    assert verified.sha256_of(path) == before
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(DamagedError):
        stored.core_years("patents", [2024])


@pytest.mark.parametrize("moment", ["before", "after"])
def test_whoever_is_killed_while_a_table_is_replaced_leaves_one_that_its_record_knows(
    stored: Store, moment: str
) -> None:
    killed = (
        "import os, signal, sys; from pathlib import Path; from gii_pipeline import verified\n"
        "kill = lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
        "replace = Path.replace\n"
        "def dying(self, target):\n"
        "    data = str(target).endswith('.parquet')\n"
        "    if data and sys.argv[3] == 'before': kill()\n"
        "    replace(self, target)\n"
        "    if data: kill()\n"
        "Path.replace = dying\n"
        "verified.replace(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    path = stored.core("patents", 2024)
    with stored.staging() as folder:
        write_parquet(pa.table({"people": [2] * 100}), folder / "new.parquet")
        dead = subprocess.run([sys.executable, "-c", killed, folder / "new.parquet", path, moment], check=False)
    assert dead.returncode == -9
    assert stored.core_years("patents", [2024]) == [path]
    _promote(stored, 3)
    assert verified.damage(path) is None
    assert verified.record_of(path).read_text().count('", "') == 0


def test_what_names_its_own_hash_says_nothing_once_any_of_its_bits_is_flipped() -> None:
    content = verified.sealed({"version": "v2025.1", "name": "São Paulo", "until": None})
    assert (verified.unsealed(content) or {})["name"] == "São Paulo"
    flipped = [
        content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
        for at in range(len(content))
        for bit in range(8)
    ]
    assert [verified.unsealed(each) for each in flipped] == [None] * len(flipped)
    assert verified.unsealed(b"[" * 200_000) is None


def test_a_note_of_a_recipe_that_was_flipped_is_ignored_and_found(stored: Store) -> None:
    path = stored.core("patents", 2024)
    note(path, Made("content", Lock(settings="new"), ()))
    assert read_lock(path).settings == "new"
    noted = path.with_name(".part-0.parquet.made")
    at = noted.read_bytes().index(b"new")
    flip(noted, at)
    with pytest.raises(InputError, match="carries no lock"):  # the file itself is asked
        read_lock(path)
    assert [problem.path for looked in look(stored.root) for problem in looked.problems] == [noted]


def test_a_folder_without_anything_to_compare_is_not_called_well(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["verify", "--root", str(tmp_path / "elsewhere")])
    assert isinstance(done.exception, InputError)
    assert "nothing was compared" in str(done.exception)
    assert "as they were written" not in done.output


@pytest.mark.parametrize("file", ["quarantine/patents/2024.parquet", "releases/latest.json"])
def test_other_files_that_somebody_reads_are_compared_too_and_the_rest_is_named(stored: Store, file: str) -> None:
    path = stored.root / file
    path.parent.mkdir(parents=True)
    path.write_bytes(verified.sealed({"version": None}))
    if path.suffix == ".parquet":
        verified.record(path)
    assert [problem for looked in look(stored.root) for problem in looked.problems] == []
    flip(path, 5)
    problems = [problem for looked in look(stored.root) for problem in looked.problems]
    assert [problem.path for problem in problems] == [path]
    set_aside(stored.root, problems)
    assert [problem for looked in look(stored.root) for problem in looked.problems] == []
    (stored.root / "data_docs").mkdir()
    assert not_compared(stored.root) == ["data_docs"]
