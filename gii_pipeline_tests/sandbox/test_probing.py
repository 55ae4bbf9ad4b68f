"""A probe asks each source for its smallest answer, and says what its reader misses in one that has drifted."""

from __future__ import annotations

import gzip
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gii_pipeline.defs.doctor import probes
from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.profiles import Fetch, Input, read_profile
from gii_pipeline.sandbox import Serving
from gii_pipeline.sandbox.servers.faults import Fault
from gii_pipeline.sandbox.servers.http import Asked, Reply, Service
from gii_pipeline.sources.heads import readable
from gii_pipeline.sources.probing import Probe, probe, recorded

YEAR = 2021


@dataclass
class Drifted:
    """A service whose answers have changed since its reader was written."""

    service: Service
    change: Callable[[bytes], bytes]

    def reply(self, asked: Asked, fault: Fault | None) -> Reply:
        answer = self.service.reply(asked, fault)
        return replace(answer, body=self.change(answer.body)) if answer.file is None else answer


def renamed(old: str, new: str) -> Callable[[bytes], bytes]:
    return lambda body: body.replace(f'"{old}":'.encode(), f'"{new}":'.encode())


def empty(body: bytes) -> bytes:
    page: dict[str, Any] = msgspec.json.decode(body)
    return msgspec.json.encode({**page, "meta": {"count": 0, "next_cursor": None}, "results": []})


@pytest.fixture
def sources(served: Serving) -> dict[str, Input]:
    """The sources of the profile `sandbox`, of the small world that is served."""
    profile = read_profile("sandbox")
    return {**profile.metrics, **profile.yearless}


@pytest.fixture
def asked(served: Serving, sources: dict[str, Input], tmp_path: Path) -> Callable[..., Probe]:
    """`asked(source, server, change)`: a probe of a source whose server answers otherwise."""

    def probed(name: str, server: str = "", change: Callable[[bytes], bytes] | None = None) -> Probe:
        if change is None:
            return probe(tmp_path, name, sources[name], YEAR)
        running = served.servers[server]
        sound, running.service = running.service, Drifted(running.service, change)
        try:
            return probe(tmp_path, name, sources[name], YEAR)
        finally:
            running.service = sound

    return probed


@pytest.mark.parametrize("name", ["scientific_publications", "vc_deals"])
def test_a_source_as_its_reader_expects_it_is_recorded_as_tested(
    asked: Callable[..., Probe], sources: dict[str, Input], tmp_path: Path, name: str
) -> None:
    assert recorded(tmp_path, name, sources[name]) is None
    found = asked(name)
    assert found.differs == ()
    assert found.records > 0
    assert recorded(tmp_path, name, sources[name]) == found


WORKS = ("scientific_publications", "openalex")


@pytest.mark.parametrize(
    ("source", "change", "said"),
    [
        (WORKS, renamed("authorships", "contributions"), "none of 100 records has an address, an institution or coord"),
        (WORKS, renamed("publication_year", "year"), "none of 100 records has a readable year"),
        (WORKS, renamed("primary_topic", "topic"), "works: no record has primary_topic"),
        (WORKS, renamed("is_core", "core"), "is_core"),
        (WORKS, renamed("results", "items"), "works: openalex_api: .* not a page of this source"),
        (WORKS, lambda _: b"<html><body>We have moved</body></html>", "the response is an HTML page instead of JSON"),
        (WORKS, empty, "the response has no record"),
        (("vc_deals", "crunchbase"), renamed("announced_on", "announced"), "has a readable year"),
        (("vc_deals", "crunchbase"), renamed("uuid", "id"), "rounds: crunchbase_api: .* not a page of this source"),
    ],
)
def test_an_answer_that_has_drifted_is_named(
    asked: Callable[..., Probe], source: tuple[str, str], change: Callable[[bytes], bytes], said: str
) -> None:
    found = asked(*source, change)
    assert re.search(said, "; ".join(found.differs))


def test_fields_that_went_since_the_last_probe_are_named(asked: Callable[..., Probe]) -> None:
    assert asked(*WORKS).differs == ()
    found = asked(*WORKS, renamed("raw_affiliation_strings", "raw_strings"))
    [differs] = found.differs
    assert "works lacks authorships[].raw_affiliation_strings[]" in differs
    assert found.notes == ("since " + found.at[:10] + ", works has new fields: authorships[].raw_strings[]",)


def test_an_error_page_in_place_of_a_file_is_named(asked: Callable[..., Probe], served: Serving) -> None:
    served.servers["files"].faults.add(Fault.HTML, times=4)
    [institutions] = asked("institutions").differs
    assert "an HTML page" in institutions
    population = asked("population").differs
    assert len(population) == 3
    assert all("is not a GeoTIFF: it begins with b'<!DO'" in differs for differs in population)


def test_a_record_of_another_question_does_not_count(
    asked: Callable[..., Probe], sources: dict[str, Input], tmp_path: Path
) -> None:
    asked("scientific_publications")
    source = sources["scientific_publications"]
    works = source.fetches()["works"]
    narrower = Fetch(fetch=works.fetch, **{**works.options, "filter": "type:review"})
    assert (
        recorded(tmp_path, "scientific_publications", source.model_copy(update={"files": {"works": narrower}})) is None
    )


def test_doctor_says_never_tested_live_until_it_was(served: Serving, tmp_path: Path) -> None:
    profile = read_profile("sandbox")
    deals = {"metrics": {"vc_deals": profile.metrics["vc_deals"]}, "population": None, "institutions": None}
    pipeline = Pipeline(profile.model_copy(update=deals), tmp_path)
    before = {found.what: found for found in probes(pipeline, ask=False)}
    assert before["live: vc_deals"].says.startswith("never tested live")
    after = list(probes(pipeline, ask=True))
    assert all(found.says.startswith("tested live on 20") for found in after)
    assert list(probes(pipeline, ask=False)) == after


TSV = "patent_id\tcity\n" + "".join(f"{nth}\tGraz\n" for nth in range(100_000))
OBJECTS = [{"id": f"https://ror.org/{nth}", "name": "ä" * 40} for nth in range(20_000)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("g_pct_data.tsv.zip", TSV.encode()),
        ("works.jsonl.gz", "".join(f"{msgspec.json.encode(each).decode()}\n" for each in OBJECTS).encode()),
        ("dump.json.zip", msgspec.json.format(msgspec.json.encode(OBJECTS))),
    ],
)
def test_the_head_of_a_packed_file_is_whole_lines_or_objects(tmp_path: Path, name: str, content: bytes) -> None:
    packed = tmp_path / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("folder/", b"")
            archive.writestr(f"folder/{packed.stem}", content)
    else:
        packed.write_bytes(gzip.compress(content))
    found, head = readable(name, packed.read_bytes()[:20_000])
    assert found == packed.stem
    assert 1_000 < len(head) < len(content)
    if name.startswith("dump"):
        assert msgspec.json.decode(head) == OBJECTS[: len(msgspec.json.decode(head))]
    else:
        assert content.startswith(head)
        assert head.endswith(b"\n")
