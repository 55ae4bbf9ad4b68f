"""What has changed on the disk is found by `gii verify` and `gii plan`, stops whoever reads it, and is made again."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from shutil import rmtree

import pytest

from gii_pipeline.errors import DamagedError
from gii_pipeline_tests.commands import Gii

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KINDS = {
    "archive": "archive/local/[0-9a-f][0-9a-f]/*",
    "manifest": "archive/local/manifest.jsonl",
    "input lists": "raw/patents/data_year=2013/inputs.json",
    "extracts": "extracts/local/v*/*.parquet",
    "superseded": "extracts/local/superseded-*.parquet",
    "core tables": "core/patents/data_year=2013/part-0.parquet",
    "edition tables": "editions/points/edition=2015/method=2015/part-0.parquet",
    "releases": "releases/v2015.1/ranking_size.parquet",
    "caches": "cache/*.places.parquet",
    "history of runs": "dagster/history/runs.db",
}


def spoil(root: Path, kind: str) -> Path:
    """Flip one bit in the middle of a file of the kind."""
    path = next(path for path in sorted(root.glob(KINDS[kind])) if path.is_file() and path.suffix != ".record")
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    at = 3 if kind == "history of runs" else len(content) // 2
    content[at] ^= 1
    path.write_bytes(content)
    return path


def test_verify_lists_what_it_read_and_finds_nothing_wrong_with_a_finished_root(tiny: Gii) -> None:
    looked = tiny("verify")
    assert looked.code == 0, looked.out
    for kind in ("archive", "input lists", "extracts", "core tables", "edition tables", "releases", "caches"):
        assert any(line.startswith(kind) and "as written" in line for line in looked.out.splitlines()), looked.out


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_flipped_bit_is_found_and_repaired_with_the_command_that_verify_names(tiny: Gii, kind: str) -> None:
    ranking = tiny.root / "editions" / "ranking_size" / "edition=2015" / "method=2015" / "part-0.parquet"
    before = ranking.read_bytes()
    path = spoil(tiny.root, kind)
    looked = tiny("verify")
    assert looked.code == DamagedError.exit_code
    assert str(path if kind != "releases" else path.parent) in looked.out
    assert "gii " in looked.out or "next run" in looked.out
    tiny("verify", "--repair")
    if kind == "releases":
        assert "is damaged" in tiny("facts", "--edition", "2015", "--cluster", "Graz").err
        return
    again = tiny("ingest", "--years", "2013")
    assert again.code == 0, again.err
    again = tiny("run", "--edition", "2015")
    assert again.code == 0, again.err
    assert tiny("verify").code == 0
    assert ranking.read_bytes() == before


@pytest.mark.parametrize("kind", ["core tables", "edition tables", "input lists"])
def test_the_plan_shows_damage_and_a_run_makes_it_again(tiny: Gii, kind: str) -> None:
    spoil(tiny.root, kind)
    assert "damaged" in tiny("plan", "--edition", "2015").out
    again = tiny("run", "--edition", "2015")
    assert again.code == 0, again.err
    assert tiny("verify").code == 0


def test_an_archived_file_that_was_edited_is_copied_again_or_stops_the_data_year_that_reads_it(tiny: Gii) -> None:
    path = spoil(tiny.root, "archive")
    rmtree(tiny.root / "extracts")  # where they are there, the archive is not read again
    assert tiny("ingest", "--years", "2013").code == 0
    assert sha256(path.read_bytes()).hexdigest() == path.name

    spoil(tiny.root, "archive")
    rmtree(tiny.root / "extracts")
    for local in tiny.profile.parent.glob("*.csv"):
        local.unlink()
    refused = tiny("ingest", "--years", "2013", "--offline")
    assert refused.code == DamagedError.exit_code
    assert str(path) in refused.err
    assert "gii verify --repair" in refused.err


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"caches", "manifest", "archive"}])
def test_a_file_that_is_cut_short_ends_in_one_message(tiny: Gii, kind: str) -> None:
    path = next(path for path in sorted(tiny.root.glob(KINDS[kind])) if path.is_file())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 - 1])
    for command in (["verify"], ["plan", "--edition", "2015"], ["facts", "--edition", "2015", "--cluster", "Graz"]):
        ended = tiny(*command)
        assert "Traceback" not in ended.out + ended.err
    assert tiny("verify").code == DamagedError.exit_code
