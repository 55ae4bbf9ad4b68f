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

TRADEMARKS = {
    "core_table": "trademarks",
    "title": "Trademarks",
    "record": "a registration",
    "unit": "registrations",
    "person": "applicant",
    "people": "applicants",
    "colour": {"light": "#c2255c", "dark": "#f783ac"},
}
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
    told = ("versions", "disk", "to fetch", "live")
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
    assert "not known before the first request" in found["to fetch: vc_deals (sec_form_d)"]["says"]
    assert "local files" in found["to fetch: scientific_publications (local files)"]["says"]
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


def test_waivers_are_listed_and_those_that_allow_nothing_are_not_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tiny_world.write(tmp_path)
    made = yaml.safe_load(path.read_text(encoding="utf-8"))
    waiver = {
        "check": "records_at_least_70_pct_of_previous_year",
        "subject": "patents",
        "observed": 60,
        "reason": "moved",
    }
    made["waivers"] = [
        {**waiver, "partition": "2014", "until": "2999-12-31"},
        {**waiver, "partition": "2013", "until": "2020-01-01"},
    ]
    path.write_text(yaml.safe_dump(made), encoding="utf-8")
    ended = Gii(path, tmp_path / "root", capsys)("doctor", "--json")
    found = {finding["what"]: finding for finding in json.loads(ended.out)}
    asked = found["waiver: patents 2014 records_at_least_70_pct_of_previous_year"]
    assert (asked["well"], asked["says"]) == (True, "allows 60 until 2999-12-31: moved")
    expired = found["waiver: patents 2013 records_at_least_70_pct_of_previous_year"]
    assert (expired["well"], expired["says"]) == (False, "expired on 2020-01-01")


def test_a_profile_that_no_edition_can_be_made_of_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tiny_world.write(tmp_path)
    made = yaml.safe_load(path.read_text(encoding="utf-8"))
    made["metrics"] = {"trademarks": made["metrics"]["vc_deals"]}
    made["new_metrics"] = {"trademarks": TRADEMARKS}
    del made["editions"]
    path.write_text(yaml.safe_dump(made), encoding="utf-8")
    ended = Gii(path, tmp_path / "root", capsys)("doctor", "--json")
    found = {finding["what"]: finding for finding in json.loads(ended.out)}
    [edition] = [what for what in found if what.startswith("to fetch for edition 20")]
    assert not found[edition]["well"]
    assert "a source of trademarks only: choose another edition, or add a source" in found[edition]["says"]
