"""Local files in the archive."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gii_pipeline.archive import Archive
from gii_pipeline.archive.manifest import Manifest
from gii_pipeline.errors import DamagedError, InputError


@pytest.fixture
def regpat(tmp_path: Path) -> Path:
    path = tmp_path / "202602_PCT_Inv_reg.txt"
    path.write_text("PCT_Nbr|City\nWO2020000001|Shenzhen\n", encoding="utf-8")
    return path


def manifest(archive: Archive, source: str = "regpat") -> list[str]:
    return (archive.folder / source / "manifest.jsonl").read_text().splitlines()


def test_a_local_file_lies_under_its_sha256_and_is_read_only(tmp_path: Path, regpat: Path) -> None:
    archive = Archive(tmp_path / "root")

    entry = archive.keep_file("regpat", regpat, licence="OECD, on request")

    sha256 = hashlib.sha256(regpat.read_bytes()).hexdigest()
    assert entry.path == tmp_path / "root" / "archive" / "regpat" / sha256[:2] / sha256
    assert entry.path.read_bytes() == regpat.read_bytes()
    assert stat.S_IMODE(entry.path.stat().st_mode) == 0o444
    assert (entry.address, entry.name, entry.bytes, entry.sha256, entry.status, entry.licence) == (
        "file:202602_PCT_Inv_reg.txt", regpat.name, regpat.stat().st_size, sha256, None, "OECD, on request",
    )  # fmt: skip
    assert archive.verify() == []


def test_keeping_an_unchanged_file_again_gives_the_same_entry_and_writes_nothing(tmp_path: Path, regpat: Path) -> None:
    archive = Archive(tmp_path)
    first = archive.keep_file("regpat", regpat)
    kept_at = first.path.stat().st_mtime_ns

    assert archive.keep_file("regpat", regpat) == first
    assert Archive(tmp_path).keep_file("regpat", regpat) == first
    assert len(manifest(archive)) == 1
    assert first.path.stat().st_mtime_ns == kept_at


def test_an_unchanged_old_file_is_not_even_read(tmp_path: Path, regpat: Path) -> None:
    os.utime(regpat, (1, 1))
    archive = Archive(tmp_path)
    first = archive.keep_file("regpat", regpat)
    regpat.write_text("PCT_Nbr|City\nWO2020000001|Shenzhou\n", encoding="utf-8")
    os.utime(regpat, (1, 1))

    assert archive.keep_file("regpat", regpat) == first


def test_a_file_changed_right_after_it_was_kept_is_seen_even_with_size_and_time_unchanged(
    tmp_path: Path, regpat: Path
) -> None:
    archive = Archive(tmp_path)
    changed_at = regpat.stat().st_mtime_ns
    first = archive.keep_file("regpat", regpat)
    regpat.write_text("PCT_Nbr|City\nWO2020000001|Shenzhou\n", encoding="utf-8")
    os.utime(regpat, ns=(changed_at, changed_at))

    second = archive.keep_file("regpat", regpat)

    assert second.sha256 != first.sha256
    assert second.path.read_bytes() == regpat.read_bytes()


def test_a_changed_file_is_a_new_entry_and_the_old_bytes_stay(tmp_path: Path, regpat: Path) -> None:
    archive = Archive(tmp_path)
    first = archive.keep_file("regpat", regpat)
    regpat.write_text("PCT_Nbr|City\n", encoding="utf-8")

    second = archive.keep_file("regpat", regpat)

    assert archive.entries("regpat") == [second]
    assert first.path.exists()
    assert archive.verify() == []


def test_offline_uses_the_kept_copy_when_the_file_is_gone(tmp_path: Path, regpat: Path) -> None:
    entry = Archive(tmp_path).keep_file("regpat", regpat)
    regpat.unlink()

    offline = Archive(tmp_path, offline=True)

    assert offline.keep_file("regpat", regpat) == entry
    assert offline.keep_file("regpat", Path("/elsewhere") / regpat.name) == entry
    with pytest.raises(InputError, match=r"never\.txt .* without --offline"):
        offline.keep_file("regpat", tmp_path / "never.txt")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.csv is not a file.*`regpat`"):
        Archive(tmp_path).keep_file("regpat", tmp_path / "nothing.csv")


def test_entries_can_be_narrowed_to_a_source_and_a_data_year(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "root")
    for name, source, year in [("a", "deals", 2020), ("b", "deals", 2021), ("c", "deals", None), ("d", "other", 2020)]:
        (tmp_path / name).write_text(name)
        archive.keep_file(source, tmp_path / name, data_year=year)

    assert [entry.name for entry in archive.entries("deals", data_year=2021)] == ["c", "b"]
    assert [entry.name for entry in archive.entries()] == ["c", "a", "b", "d"]
    assert archive.sources() == ["deals", "other"]


def test_verify_finds_a_flipped_bit_a_missing_file_and_an_orphan(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "root")
    entries = []
    for name in ("flipped", "missing", "short", "whole"):
        (tmp_path / name).write_text(f"content of {name}")
        entries.append(archive.keep_file("source", tmp_path / name))
    flipped, missing, short, _ = (entry.path for entry in entries)
    flipped.chmod(0o644)
    flipped.write_bytes(bytes([flipped.read_bytes()[0] ^ 1]) + flipped.read_bytes()[1:])
    missing.unlink()
    short.chmod(0o644)
    short.write_bytes(b"cont")
    orphan = archive.folder / "source" / "ab" / ("ab" + 62 * "0")
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"")

    problems = "\n".join(map(str, archive.verify()))

    assert f"{flipped} is damaged: its bytes are not those that were received" in problems
    assert f"{missing} is missing (file:missing)" in problems
    assert f"{short} has 4 bytes, not 16 (file:short)" in problems
    assert f"{orphan} is an orphan" in problems
    assert len(problems.splitlines()) == 4


def test_a_damaged_copy_is_made_whole_by_keeping_the_file_again(tmp_path: Path, regpat: Path) -> None:
    archive = Archive(tmp_path)
    entry = archive.keep_file("regpat", regpat)
    entry.path.unlink()

    archive.keep_file("regpat", regpat)

    assert archive.verify() == []


def test_offline_and_refresh_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be combined"):
        Archive(tmp_path, offline=True, refresh=True)


def test_a_torn_last_line_is_passed_over_and_mended_by_the_next_writer(tmp_path: Path, regpat: Path) -> None:
    archive = Archive(tmp_path)
    first = archive.keep_file("regpat", regpat)
    path = archive.folder / "regpat" / "manifest.jsonl"
    with path.open("ab") as file:
        file.write(path.read_bytes()[:57])

    assert Archive(tmp_path).entries("regpat") == [first]
    assert archive.verify() == []

    regpat.write_text("PCT_Nbr|City\n")
    second = Archive(tmp_path).keep_file("regpat", regpat)

    assert Archive(tmp_path).entries("regpat") == [second]
    assert len(manifest(archive)) == 2
    assert archive.verify() == []


@pytest.mark.parametrize("flipped", [3, 40, 200, -30, -3])
def test_a_line_of_the_manifest_that_has_changed_stops_who_uses_it(tmp_path: Path, regpat: Path, flipped: int) -> None:
    Archive(tmp_path).keep_file("regpat", regpat)
    path = tmp_path / "archive" / "regpat" / "manifest.jsonl"
    content = bytearray(path.read_bytes())
    content[flipped] ^= 4
    path.write_bytes(content)

    with pytest.raises(DamagedError, match=r"manifest.jsonl, line 1, is damaged.*gii verify --repair"):
        Archive(tmp_path).keep_file("regpat", regpat)

    assert "manifest.jsonl has a damaged line 1" in str(Archive(tmp_path).verify()[0])


WRITER = """
import sys
from pathlib import Path
from gii_pipeline.archive import Archive
folder, name = Path(sys.argv[1]), sys.argv[2]
archive = Archive(folder / "root")
for number in range(60):
    path = folder / f"{name}-{number}"
    path.write_text(f"{name} {number}")
    archive.keep_file("shared", path)
"""


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in ("a", "b", "c")]
    assert [writer.wait() for writer in writers] == [0, 0, 0]

    archive = Archive(tmp_path / "root")

    assert len(archive.entries("shared")) == 180
    assert archive.verify() == []


def test_an_open_archive_sees_what_another_one_keeps(tmp_path: Path, regpat: Path) -> None:
    reader, writer = Archive(tmp_path), Archive(tmp_path)
    assert reader.entries("regpat") == []

    entry = writer.keep_file("regpat", regpat)

    assert reader.entries("regpat") == [entry]


def test_bytes_that_a_killed_process_made_visible_get_their_line(
    tmp_path: Path, regpat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the bytes and their line: no orphan is left, and nothing is read or asked for again."""
    archive = Archive(tmp_path / "root")
    with monkeypatch.context() as killed:
        killed.setattr(Manifest, "append", _killed)
        with pytest.raises(KeyboardInterrupt):
            archive.keep_file("regpat", regpat)
    (kept,) = (archive.folder / "regpat").glob("??/*")
    assert Archive(tmp_path / "root").entries("regpat") == []
    assert archive.verify() == []

    entry = Archive(tmp_path / "root").keep_file("regpat", regpat)

    assert entry.path == kept
    assert len(manifest(archive)) == 1
    assert archive.verify() == []
    assert list((archive.folder / "regpat" / ".work").glob("*.line")) == []


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_pattern_keeps_every_file_that_fits_and_replays_offline(tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    for name in ("2023-2.txt", "2023-10.txt", "2023-1.txt", "2022-1.txt"):
        (exports / name).write_text(name)
    archive = Archive(tmp_path / "root")

    entries = archive.keep_files("wos", exports / "2023-*.txt")

    assert [entry.name for entry in entries] == ["2023-1.txt", "2023-10.txt", "2023-2.txt"]
    assert archive.keep_files("wos", exports / "2022-1.txt")[0].name == "2022-1.txt"
    with pytest.raises(InputError, match=r"No file matches .*2021-\*\.txt.*`wos`"):
        archive.keep_files("wos", exports / "2021-*.txt")
    for path in exports.iterdir():
        path.unlink()
    assert Archive(tmp_path / "root", offline=True).keep_files("wos", exports / "2023-*.txt") == entries
