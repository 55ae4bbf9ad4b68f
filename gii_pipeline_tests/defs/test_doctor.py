"""`gii doctor` on a profile whose sources are a server that is up and one that is down."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from gii_pipeline_tests import tiny_world
from gii_pipeline_tests.commands import Gii

DOWN = "http://127.0.0.1:9"  # the port `discard`, which nothing listens on


@pytest.fixture
def up() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def profile(folder: Path, up: str) -> Path:
    path = tiny_world.write(folder)
    made = yaml.safe_load(path.read_text(encoding="utf-8"))
    metrics, population = made["metrics"], made["population"]
    pct: dict[str, object] = {
        name: {"fetch": "uspto_odp", "table": name, "base_url": f"{up}/api"} for name in ("pct", "locations")
    }
    pct["inventors"] = {"fetch": "file_url", "url": [f"{DOWN}/one.tsv", f"{up}/two.tsv"]}
    metrics["pct_applications"] = {"reader": "patentsview_tables", "files": pct}
    metrics["vc_deals"] = {"reader": "sec_form_d", "files": {"sets": {"fetch": "sec_form_d", "base_url": DOWN}}}
    population["rasters"][2015] = {"fetch": "file_url", "url": f"{up}/world.tif"}
    path.write_text(yaml.safe_dump(made), encoding="utf-8")
    return path


def test_every_file_variable_and_server_of_a_profile_is_looked_at(
    tmp_path: Path, up: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USPTO_API_KEY", "a-key")
    monkeypatch.delenv("SEC_CONTACT", raising=False)
    ended = Gii(profile(tmp_path, up), tmp_path / "root", capsys)("doctor", "--json")
    found = {finding["what"]: finding for finding in json.loads(ended.out)}
    told = ("versions", "disk", "to fetch")
    assert {what: finding["well"] for what, finding in found.items() if not what.startswith(told)} == {
        f"profile {tmp_path / 'tiny.yaml'}": True,
        "scientific_publications: people": True,
        "variable SEC_CONTACT": False,
        "variable USPTO_API_KEY": True,
        f"server {up}": True,
        f"server {DOWN}": False,
    }
    assert "not set" in found["variable SEC_CONTACT"]["says"]
    assert "ConnectionError" in found[f"server {DOWN}"]["says"]
    assert "not known before it is asked" in found["to fetch: vc_deals (sec_form_d)"]["says"]
    assert "local files" in found["to fetch: scientific_publications (people)"]["says"]
    assert "a-key" not in ended.out
    assert ended.code == 1


def test_a_gazetteer_of_ones_own_is_looked_into(
    tmp_path: Path, up: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USPTO_API_KEY", "a-key")
    path = profile(tmp_path, up)
    made = yaml.safe_load(path.read_text(encoding="utf-8"))
    made["gazetteer"] = {"path": str(tmp_path / "IN.txt"), "overrides": str(tmp_path / "overrides.csv")}
    path.write_text(yaml.safe_dump(made), encoding="utf-8")
    (tmp_path / "IN.txt").write_text("<html>Rate limit</html>\n", encoding="utf-8")
    (tmp_path / "overrides.csv").write_text("address,economy\nSomewhere,IN\n", encoding="utf-8")
    ended = Gii(path, tmp_path / "root", capsys)("doctor", "--json")
    found = {finding["what"]: finding for finding in json.loads(ended.out)}
    assert not found["gazetteer: path"]["well"]
    assert "IN.txt" in found["gazetteer: path"]["says"]
    assert found["gazetteer: overrides"]["says"] == "1 overrides"
