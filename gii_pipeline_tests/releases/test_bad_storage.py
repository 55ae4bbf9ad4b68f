"""No space, no permission, damage and half-written versions: one clear message each, and nothing lost."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gii_pipeline import verified
from gii_pipeline.errors import GiiError, InputError, ReleaseError
from gii_pipeline.releases import history, open_release, verify, versions
from gii_pipeline_tests.releases.small_edition import lock, release, tables, write_edition

NOBODY = 65534


def in_a_process(root: Path, prepare: Callable[[], None]) -> str:
    """Release edition 2025 in a process of its own after `prepare`; what it says, or why it fails."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def work() -> None:
        try:
            prepare()
            sender.send(release(root).message)
        except GiiError as error:
            sender.send(f"{type(error).__name__}: {error}")

    process = context.Process(target=work)
    process.start()
    sender.close()
    said: str = receiver.recv()
    process.join()
    return said


def test_no_space_left_leaves_what_was_there(released: Path) -> None:
    """The limit on the size of a file fails a write halfway, as a full disk does."""
    write_edition(released, made=tables(reach=0.25))
    said = in_a_process(released, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)))
    assert said.startswith("ReleaseError: Cannot publish a release under")
    assert "no space left" in said
    assert "Free some space, then run again. Published versions are unchanged." in said
    assert [str(found.version) for found in versions(released)] == ["v2025.1", "v2025.2"]
    assert verify(released, "v2025.2") == []
    assert list((released / "releases" / ".staging").iterdir()) == []
    assert release(released).message == "Published v2025.3."


def test_a_root_that_may_not_be_written_says_so(released: Path) -> None:
    write_edition(released, made=tables(reach=0.25))
    before = sorted(released.rglob("*"))
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)

    def nobody() -> None:
        os.chdir(released)
        if os.geteuid() == 0:  # root may write anywhere
            os.setuid(NOBODY)

    said = in_a_process(Path(), nobody)
    assert said.startswith("ReleaseError: Cannot publish a release under")
    assert "it is not writable" in said
    assert "set GII_ROOT" in said
    assert sorted(released.rglob("*")) == before


def test_a_root_on_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "gii_data").write_text("a file", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"Cannot publish a release under .*gii_data"):
        release(tmp_path / "gii_data")


@pytest.mark.parametrize("name", ["points.parquet", "CHANGES.md", "sources.lock.json", "footprints.geojson"])
def test_verify_names_the_file_with_a_flipped_byte(released: Path, name: str) -> None:
    path = released / "releases" / "v2025.1" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (problem,) = verify(released, "v2025.1")
    assert str(path) in problem
    assert "is damaged" in problem
    assert verify(released, "v2025.2") == []


def test_verify_names_missing_and_added_files(released: Path) -> None:
    folder = released / "releases" / "v2025.1"
    (folder / "ranking_size.csv").unlink()
    (folder / "report").mkdir()
    (folder / "report" / "note.txt").write_text("mine", encoding="utf-8")
    missing, added = verify(released, "v2025.1")
    assert "ranking_size.csv is missing" in missing
    assert "report/note.txt is not a file of the release" in added


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
def test_a_damaged_data_package_opens_nothing(released: Path, place: float) -> None:
    path = released / "releases" / "v2025.1" / "datapackage.json"
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)
    for look in (open_release, verify):
        with pytest.raises(ReleaseError, match=r"v2025\.1/datapackage\.json is damaged.*Restore it from a copy"):
            look(released, "v2025.1")


def test_a_damaged_table_is_read_as_an_error_that_says_how_to_look(released: Path) -> None:
    path = released / "releases" / "v2025.2" / "clusters.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ReleaseError, match=r"clusters\.parquet is damaged.*`gii release verify v2025\.2`"):
        open_release(released).table("clusters")


def test_a_half_written_version_is_no_version(released: Path) -> None:
    half = released / "releases" / "v2025.3"
    shutil.copytree(released / "releases" / "v2025.2", half)
    (half / "datapackage.json").unlink()
    assert str(open_release(released).version) == "v2025.2"
    assert [str(found.version) for found in versions(released)] == ["v2025.1", "v2025.2"]
    with pytest.raises(ReleaseError, match=r"v2025\.3 .* has no datapackage\.json, which is written last"):
        open_release(released, "v2025.3")


def test_an_empty_root_has_no_release(tmp_path: Path) -> None:
    for look in (open_release, verify):
        with pytest.raises(ReleaseError, match=r"there is none yet\. Make one with `gii release make`"):
            look(tmp_path)
    with pytest.raises(ReleaseError, match="There is no release"):
        history(tmp_path, "Shenzhen")


def test_a_table_of_another_name_is_refused_with_those_that_are_there(published: Path) -> None:
    opened = open_release(published)
    with pytest.raises(InputError, match=r"v2025\.2 has no table 'rankings'. It has .*ranking_size"):
        opened.table("rankings")
    with pytest.raises(InputError, match=r"Table points has no geometry\. `cluster_footprints` has"):
        opened.geo("points")


def test_a_table_of_the_store_without_a_lock_is_refused(root: Path) -> None:
    import pyarrow.parquet as pq

    path = root / "editions" / "points" / "edition=2025" / "method=2025" / "part-0.parquet"
    pq.write_table(tables()["points"], path)
    verified.record(path)
    with pytest.raises(InputError, match=r"carries no lock.*`gii run`"):
        release(root)


def test_leftovers_of_a_killed_run_are_cleared_and_those_of_a_living_one_kept(root: Path) -> None:
    import fcntl

    staging = root / "releases" / ".staging"
    for name in ("dead", "living"):
        (staging / name).mkdir(parents=True)
        (staging / name / "points.parquet").write_bytes(b"part")
    descriptor = os.open(staging / "living", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        release(root)
    finally:
        os.close(descriptor)
    assert [path.name for path in staging.iterdir()] == ["living"]


def test_a_release_quotes_no_clock(released: Path) -> None:
    """Only latest.json knows when: the same inputs give the same bytes on any day."""
    assert "updated_at" in json.loads((released / "releases" / "latest.json").read_bytes())
    for path in (released / "releases" / "v2025.1").iterdir():
        assert b"2026-03-01T12" not in path.read_bytes()
    assert lock().sources["openalex"]
