"""Which version an edition becomes, which one readers get, and what may still be said of one later."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gii_pipeline.errors import InputError, ReleaseError
from gii_pipeline.releases import Version, discard, is_released, make_release, open_release, versions, withdraw
from gii_pipeline.verified import sealed
from gii_pipeline_tests.releases.small_edition import (
    SHENZHEN,
    TOKYO,
    info,
    lock,
    noon,
    release,
    tables,
    write_and_release,
    write_edition,
)

LATER = "2026-04-01T00:00:00Z"


def listed(root: Path) -> list[str]:
    return [str(found.version) for found in versions(root)]


def latest(root: Path) -> str:
    return str(json.loads((root / "releases" / "latest.json").read_bytes())["version"])


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_unchanged_rerun_makes_no_version_and_names_the_equal_one(released: Path) -> None:
    before = bytes_of(released / "releases" / "v2025.2")
    made = release(released)
    assert (made.created, str(made.release.version)) == (False, "v2025.2")
    assert made.message == "No new version: nothing has changed since v2025.2."
    assert listed(released) == ["v2025.1", "v2025.2"]
    assert bytes_of(released / "releases" / "v2025.2") == before


def test_newer_code_alone_makes_no_version(root: Path) -> None:
    assert release(root).created
    write_edition(root, by=lock(code="0.2.0"))
    assert not release(root).created


@pytest.mark.parametrize("what", ["values", "inputs", "settings", "words"])
def test_what_differs_becomes_the_next_revision(root: Path, what: str) -> None:
    release(root)
    said = info()
    if what == "values":
        write_edition(root, made=tables(reach=0.25))
    elif what == "inputs":
        write_edition(root, by=lock(digest="e"))
    elif what == "settings":
        write_edition(root, by=replace(lock(), settings="f" * 64))
    else:
        said = replace(said, title="Another title")
    made = make_release(root, "2025", said, clock=noon, validated=True)
    assert made.message == "Published v2025.2."
    assert latest(root) == "v2025.2"


def test_a_version_is_never_written_again(root: Path) -> None:
    first = release(root).release.folder
    before = bytes_of(Path(str(first)))
    write_and_release(root, digest="e")
    assert bytes_of(Path(str(first))) == before


def test_a_name_that_is_taken_is_refused(root: Path) -> None:
    taken = root / "releases" / "v2025.1"
    taken.mkdir(parents=True)
    (taken / "ranking_size.parquet").write_bytes(b"half a copy")
    with pytest.raises(ReleaseError, match=r"v2025\.1 .* is unfinished.*`gii release discard v2025\.1`"):
        release(root)
    assert bytes_of(taken) == {"ranking_size.parquet": b"half a copy"}


def test_an_unfinished_version_can_be_discarded_and_its_name_is_not_used_again(root: Path) -> None:
    taken = root / "releases" / "v2025.1"
    taken.mkdir(parents=True)
    (taken / "ranking_size.parquet").write_bytes(b"half a copy")
    discard(root, "v2025.1", at=LATER)
    assert str(release(root).release.version) == "v2025.2"
    assert not release(root).created
    assert latest(root) == "v2025.2"
    with pytest.raises(ReleaseError, match=r"v2025\.1 .* was discarded before it was finished and has no tables"):
        open_release(root, "v2025.1")


def test_a_finished_version_cannot_be_discarded(released: Path) -> None:
    with pytest.raises(ReleaseError, match=r"not an unfinished release. You can withdraw a finished one"):
        discard(released, "v2025.2", at=LATER)


def test_editions_and_methods_have_their_own_numbers(tmp_path: Path) -> None:
    for label in ("2024", "2024@2025", "2025"):
        write_and_release(tmp_path, label)
    write_and_release(tmp_path, "2024", digest="e")
    assert listed(tmp_path) == ["v2024-m2025.1", "v2024.1", "v2024.2", "v2025.1"]
    pointed = json.loads((tmp_path / "releases" / "latest.json").read_bytes())
    assert pointed["version"] == "v2025.1"
    assert pointed["editions"] == {"2024@2025": "v2024-m2025.1", "2024": "v2024.2", "2025": "v2025.1"}
    assert str(open_release(tmp_path, "2024").version) == "v2024.2"
    assert str(open_release(tmp_path, "2024@2025").version) == "v2024-m2025.1"
    assert str(open_release(tmp_path).version) == "v2025.1"


def test_a_withdrawn_version_is_hidden_from_latest_and_stays_readable(released: Path) -> None:
    before = bytes_of(released / "releases" / "v2025.2")
    assert withdraw(released, "v2025.2", because="Two years were counted twice.", at=LATER) == Version.parse("v2025.1")
    assert latest(released) == "v2025.1"
    assert str(open_release(released).version) == str(open_release(released, "2025").version) == "v2025.1"
    with pytest.warns(UserWarning, match=r"v2025\.2 was withdrawn: Two years were counted twice\."):
        opened = open_release(released, "v2025.2")
    assert opened.withdrawn == "Two years were counted twice."
    assert opened.table("ranking_size")["rank"].tolist() == [1, 2, 3, 4]
    assert bytes_of(released / "releases" / "v2025.2") == before


def test_when_all_is_withdrawn_there_is_no_latest(root: Path) -> None:
    release(root)
    assert withdraw(root, "v2025.1", because="Wrong.", at=LATER) is None
    with pytest.raises(ReleaseError, match=r"No release under .*: there is v2025\.1"):
        open_release(root)


def test_a_rerun_after_a_withdrawal_says_so(released: Path) -> None:
    withdraw(released, "v2025.2", because="Wrong.", at=LATER)
    made = release(released)
    assert not made.created
    assert made.message == "No new version: nothing has changed since v2025.2. It was withdrawn: Wrong."
    assert str(write_and_release(released, grown={SHENZHEN: 1.1}).release.version) == "v2025.3"
    assert latest(released) == "v2025.3"


def test_a_withdrawal_says_why(released: Path) -> None:
    with pytest.raises(InputError, match=r"Give the reason why v2025\.1 is withdrawn"):
        withdraw(released, "v2025.1", because=" ", at=LATER)
    with pytest.raises(ReleaseError, match=r"There is no release v2025\.9 .*: there is v2025\.1, v2025\.2\."):
        withdraw(released, "v2025.9", because="Wrong.", at=LATER)


def test_latest_is_replaced_whole(released: Path) -> None:
    """A reader that opened it before reads the old one to its end; the new one is another file."""
    path = released / "releases" / "latest.json"
    with path.open("rb") as opened:
        write_and_release(released, grown={SHENZHEN: 1.1})
        assert json.loads(opened.read())["version"] == "v2025.2"
        assert os.fstat(opened.fileno()).st_ino != path.stat().st_ino
    assert latest(released) == "v2025.3"
    assert [p.name for p in path.parent.iterdir() if p.name.startswith(".latest")] == []


def test_a_latest_that_names_nothing_is_mended_by_the_next_run(released: Path) -> None:
    path = released / "releases" / "latest.json"
    flipped = path.read_bytes().replace(b'"v2025.2"', b'"v2025.1"')
    for wrong in (sealed({"version": "v2031.1"}), b"half a fi", sealed({"version": None}), flipped):
        path.write_bytes(wrong)
        assert str(open_release(released).version) == "v2025.2"
        assert not release(released).created
        assert latest(released) == "v2025.2"


@pytest.mark.parametrize("change", [(b"because", b"becausd"), (b"Wrong", b"Vrong"), (b"v2025.2", b"v2025.3")])
def test_a_withdrawal_whose_marker_was_flipped_stops_whoever_reads(released: Path, change: tuple[bytes, bytes]) -> None:
    withdraw(released, "v2025.2", because="Wrong.", at=LATER)
    marker = released / "releases" / "withdrawn" / "v2025.2.json"
    marker.write_bytes(marker.read_bytes().replace(*change))
    assert str(open_release(released).version) == "v2025.1"  # what the pointer says, which is whole
    for version in ("2025", "v2025.2"):
        with pytest.raises(
            ReleaseError, match=r"v2025\.2\.json is damaged: it contains the reason why v2025\.2 was withdrawn"
        ):
            open_release(released, version)


def test_a_version_can_be_copied_to_another_root(released: Path, tmp_path: Path) -> None:
    shutil.copytree(released / "releases" / "v2025.1", tmp_path / "other" / "releases" / "v2025.1")
    assert str(open_release(tmp_path / "other").version) == "v2025.1"


@pytest.mark.parametrize(
    "name", ["2025.1", "v2025", "v2025.0", "v25.1", "V2025.1", "v2025.1 ", "../v2025.1", "v2024@2025.1"]
)
def test_what_is_no_name_of_a_version_is_refused(released: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"is not a version.*v2025\.1"):
        open_release(released, name)
    with pytest.raises(InputError, match="is not a version"):
        withdraw(released, name, because="Wrong.", at=LATER)


def test_what_is_no_edition_is_refused(root: Path) -> None:
    with pytest.raises(InputError, match=r"'v2025\.1' is not an edition\. Write 2025, or 2024@2025"):
        make_release(root, "v2025.1", info(), clock=noon)


def test_an_edition_is_released_while_its_tables_are_those_of_the_newest_version(tmp_path: Path) -> None:
    write_edition(tmp_path, "2025")
    assert not is_released(tmp_path, "2025")
    release(tmp_path, "2025")
    assert is_released(tmp_path, "2025")
    write_edition(tmp_path, "2025", tables("2025", grown={TOKYO: 1.5}))
    assert not is_released(tmp_path, "2025")
    release(tmp_path, "2025")
    withdraw(tmp_path, "v2025.2", because="Wrong.", at="2026-04-01T00:00:00Z")
    assert not is_released(tmp_path, "2025")


def test_a_release_lists_what_a_person_allowed(root: Path) -> None:
    assert "None: every table meets every" in (release(root).release.folder / "README.md").read_text()
    waiver = {
        "check": "records_at_least_70_pct_of_previous_year",
        "subject": "patents",
        "partition": "2024",
        "observed": 62.5,
        "reason": "the office\nmoved <b>its</b> year",
        "until": "2027-06-30",
    }
    made = make_release(root, "2025", replace(info(), waivers=(waiver,)), clock=noon)
    assert (made.created, str(made.release.version)) == (True, "v2025.2")
    assert made.release.package["waivers"] == made.release.lock["waivers"] == [waiver]
    assert (
        "- `patents` 2024 breaks `records_at_least_70_pct_of_previous_year`. Allowed until 2027-06-30, observed 62.5: "
        "the office moved &lt;b&gt;its&lt;/b&gt; year\n"
    ) in (made.release.folder / "README.md").read_text()
    assert not make_release(root, "2025", replace(info(), waivers=(waiver,)), clock=noon).created
