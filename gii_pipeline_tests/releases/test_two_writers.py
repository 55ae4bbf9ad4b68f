"""Two releases at once: one wins and the other says so; nothing is mixed."""

from __future__ import annotations

import shutil
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from gii_pipeline.errors import GiiError
from gii_pipeline.releases import open_release, verify, versions
from gii_pipeline_tests.releases.small_edition import SHENZHEN, lock, release, tables, write_edition
from gii_pipeline_tests.releases.writers import at_once


def _release_when_all_are_staged(root: str, label: str, answers: Queue[str], barrier: Barrier) -> None:
    """Wait for the other writers once everything is staged, so that all try to publish at the same time."""
    try:
        made = release(root, label, extras=lambda *_: barrier.wait())
        answers.put(made.message)
    except GiiError as error:
        answers.put(f"{type(error).__name__}: {error}")


def released_at_once(*roots: Path, labels: tuple[str, ...] = ()) -> list[str]:
    given = zip(map(str, roots), labels or ["2025"] * len(roots), strict=True)
    return at_once(_release_when_all_are_staged, list(given))


def sharing_releases(root: Path, tmp_path: Path) -> Path:
    """Another root with other tables of the same edition, whose releases are those of `root`."""
    (root / "releases").mkdir(exist_ok=True)
    other = tmp_path / "other"
    write_edition(other, made=tables(grown={SHENZHEN: 1.2}), by=lock(digest="f"))
    (other / "releases").symlink_to(root / "releases", target_is_directory=True)
    return other


def test_of_two_writers_with_other_tables_one_wins_and_the_other_says_so(root: Path, tmp_path: Path) -> None:
    other = sharing_releases(root, tmp_path)
    won, lost = released_at_once(root, other)
    assert won == "Published v2025.1."
    assert lost.startswith("ReleaseError: Another run published v2025.1 under")
    assert "Nothing from this run was kept. Run it again to make v2025.2." in lost
    assert [str(listed.version) for listed in versions(root)] == ["v2025.1"]
    assert verify(root, "v2025.1") == []
    assert list((root / "releases" / ".staging").iterdir()) == []


def test_the_loser_becomes_the_next_version_when_run_again(root: Path, tmp_path: Path) -> None:
    other = sharing_releases(root, tmp_path)
    released_at_once(root, other)
    assert {release(side).message for side in (root, other)} >= {"Published v2025.2."}
    assert str(open_release(root).version) in ("v2025.2", "v2025.3")


def test_four_writers_of_the_same_tables_make_one_version(root: Path) -> None:
    said = released_at_once(*[root] * 4)
    assert said == ["No new version: nothing has changed since v2025.1."] * 3 + ["Published v2025.1."]
    assert verify(root, "v2025.1") == []


def test_writers_of_two_editions_do_not_hinder_each_other(root: Path, tmp_path: Path) -> None:
    """And latest.json names the newest edition, whoever came last."""
    write_edition(root, "2024")
    for attempt in range(2):
        copy = Path(shutil.copytree(root, tmp_path / f"copy-{attempt}"))
        said = released_at_once(copy, copy, labels=("2024", "2025"))
        assert said == ["Published v2024.1.", "Published v2025.1."]
        assert (copy / "releases" / "latest.json").read_text(encoding="utf-8").count("v2025.1") == 2
        assert str(open_release(copy).version) == "v2025.1"
