"""A version under an embargo is whole and readable by its name, and is given to nobody else before its day."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gii_pipeline.errors import InputError
from gii_pipeline.releases import open_release, set_embargo, versions
from gii_pipeline.verified import sealed
from gii_pipeline_tests.releases.small_edition import NOON, lock, release, write_edition

AT, FUTURE, PAST = NOON.isoformat(), "2999-09-16", "2020-09-16"


def pointer(root: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((root / "releases" / "latest.json").read_bytes())
    return found


def release_again(root: Path) -> None:
    write_edition(root, by=lock(digest="e"))
    release(root, embargo=FUTURE)


def test_before_its_day_a_version_is_readable_by_its_name_only(root: Path) -> None:
    release(root)
    release_again(root)
    assert str(open_release(root).version) == str(open_release(root, "2025").version) == "v2025.1"
    assert pointer(root)["embargoed"] == {"v2025.2": FUTURE}
    assert [(str(one.version), one.embargo) for one in versions(root)] == [("v2025.1", None), ("v2025.2", FUTURE)]
    with pytest.warns(UserWarning, match=f"may not be published before {FUTURE}"):
        assert str(open_release(root, "v2025.2").version) == "v2025.2"


def test_on_its_day_a_version_is_the_latest_without_anybody_doing_anything(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(root)
    release_again(root)
    for module in ("shelf", "reader"):
        monkeypatch.setattr(f"gii_pipeline.releases.{module}.today", lambda: FUTURE)
    assert str(open_release(root).version) == "v2025.2"


def test_a_past_day_lifts_an_embargo_and_what_is_no_day_is_refused(root: Path) -> None:
    release(root, embargo=FUTURE)
    assert pointer(root)["version"] is None
    assert str(set_embargo(root, "v2025.1", until=PAST, at=AT)) == "v2025.1"
    assert "embargoed" not in pointer(root)
    with pytest.raises(InputError, match="not a date"):
        set_embargo(root, "v2025.1", until="soon", at=AT)


def test_a_release_without_an_embargo_inherits_none_of_one_that_failed(root: Path) -> None:
    marker = root / "releases" / "embargoed" / "v2025.1.json"
    marker.parent.mkdir(parents=True)
    marker.write_bytes(sealed({"version": "v2025.1", "until": FUTURE}))
    write_edition(root)
    release(root)
    assert str(open_release(root).version) == "v2025.1"
