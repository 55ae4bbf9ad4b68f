"""A whole run that keeps no files of a source counts every record, and can be made again."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gii_pipeline import open_release
from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.archive.server import FileHost, Server
from gii_pipeline_tests.commands import Gii

PUBLICATIONS = "/scientific_publications.csv"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_without_the_files_of_a_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile = tiny_world.write(tmp_path)
    with Server(FileHost({PUBLICATIONS: (tmp_path / PUBLICATIONS[1:]).read_bytes()})) as server:
        given = yaml.safe_load(profile.read_text(encoding="utf-8"))
        fetched = {"fetch": "file_url", "url": f"{server.url}{PUBLICATIONS}"}
        source = given["metrics"]["scientific_publications"]
        given["metrics"]["scientific_publications"] = {**source, "keep": "extract", "files": {"people": fetched}}
        (tmp_path / "streamed.yaml").write_text(yaml.safe_dump(given), encoding="utf-8")
        streamed = Gii(tmp_path / "streamed.yaml", tmp_path / "streamed", capsys)
        assert streamed("run", "--edition", "2015").code == 0
        assert [asked.path for asked in server.asked] == [PUBLICATIONS]

    ranking = open_release(streamed.root).table("ranking_size")
    counted = dict(zip(ranking["name"], ranking["scientific_publications_count"], strict=True))
    assert counted == {town: len(tiny_world.YEARS) * tiny_world.PEOPLE[town] for town in ("Graz", "Lyon", "Oslo")}
    assert list((streamed.root / "archive" / "file_url").glob("??/*")) == []
    assert streamed("verify").code == 0

    rebuilt = streamed("release", "rebuild", "v2015.1")
    assert rebuilt.code == 0, rebuilt.err
    assert f"{PUBLICATIONS} is no longer in the archive (deleted after it was read" in rebuilt.out

    for path in (streamed.root / "extracts").rglob("*.*"):
        path.unlink()
    lost = streamed("release", "rebuild", "v2015.1")
    assert lost.code == 2
    assert f"{PUBLICATIONS} is no longer in the archive (deleted after it was read" in " ".join(lost.err.split())
