"""A real Spark cluster on this machine, whose executors have the package from an archive alone."""

from __future__ import annotations

import os
import pickle
import pkgutil
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gii_pipeline
from gii_pipeline import spark
from gii_pipeline.archive import Archive
from gii_pipeline.counting import connect, count
from gii_pipeline.counting.engine import read_core
from gii_pipeline.editions import Edition, wipo_book
from gii_pipeline.errors import InputError
from gii_pipeline.fingerprints import installation
from gii_pipeline.profiles import Fetch, Input
from gii_pipeline.sources import working
from gii_pipeline.sources.extracts import Extracts
from gii_pipeline.sources.gathering import gather
from gii_pipeline_tests.archive.server import Asked, Reply, Server
from gii_pipeline_tests.counting.core_rows import CORE, LOCATIONS, packed
from gii_pipeline_tests.sources.fetching.services import Snapshot, work

YEARS = (2018, 2019, 2020)
METRICS = ("pct_applications", "scientific_publications")
PARTS = [f"updated_date=2026-03-{day:02d}/part_0000.gz" for day in range(1, 9)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two executors of one core. Their Python has this environment's libraries, and the package from an archive."""
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17: install Debian's package `openjdk-17-jre-headless`")
    folder, package = tmp_path_factory.mktemp("cluster"), Path(gii_pipeline.__file__).parent
    shutil.copytree(package, folder / "files/gii_pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    archived = shutil.make_archive(str(folder / "package"), "zip", folder / "files")
    libraries = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_HOME", str(_home(folder / "spark", Path(sql.__file__).parents[1])))
        patch.setenv("PYSPARK_PYTHON", getattr(sys, "_base_executable", sys.executable))
        settings = {
            "spark.archives": f"{archived}#package",
            "spark.executorEnv.PYTHONPATH": os.pathsep.join(["package", *libraries]),
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.adaptive.enabled": "false",
        }
        builder = sql.SparkSession.builder.master("local-cluster[2,1,1024]").config(map=spark.SETTINGS | settings)
        session = builder.getOrCreate()
        yield
        session.stop()
        gateway = session.sparkContext._gateway
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(timeout=60)
        type(session.sparkContext)._gateway = type(session.sparkContext)._jvm = None


def _home(home: Path, installed: Path) -> Path:
    """Spark as it is installed, under another path: executors write beside it."""
    home.mkdir()
    for path in installed.iterdir():
        (home / path.name).symlink_to(path)
    return home


def executors() -> list[int]:
    """The processes of Spark's executors that this one started."""
    found, parents = [], {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            command = status.with_name("cmdline").read_bytes()
        except OSError:
            continue
        process = int(status.parent.name)
        parents[process] = int(lines["PPid"])
        found += [process] if b"CoarseGrainedExecutorBackend" in command and lines["Name"] == "java" else []
    return [process for process in found if os.getpid() in ancestors(process, parents)]


def ancestors(process: int, parents: dict[int, int]) -> Iterator[int]:
    while process := parents.get(process, 0):
        yield process


def _edition() -> Edition:
    edition = wipo_book()[2024]
    rule = edition.merge_rule.model_copy(update={"value": "distance_and_ties"})
    return edition.model_copy(update={"merge_rule": rule})


def _write(folder: Path) -> None:
    """A file a table and year, of random records with one to five people near a few towns, across the date line."""
    rng = np.random.default_rng(7)
    towns = [packed(48.8606, 2.3376), packed(-16.85, 179.9999), packed(1.3, 103.8), packed(-33.4489, -70.6693)]
    where: list[tuple[Any, ...]] = []
    for year in YEARS:
        for metric in METRICS:
            rows: list[tuple[Any, ...]] = []
            for record in range(200):
                people = int(rng.integers(1, 6))
                seen: set[int | None] = set()
                for person in range(people):
                    place = int(rng.choice(towns)) + int(rng.integers(0, 300)) if rng.random() < 0.95 else None
                    kind = "article" if record % 4 else "review"
                    rows.append(
                        (f"{metric}{year}{record}", year, kind, person, 1, 1 / people, place not in seen, place)
                    )
                    seen.add(place)
                where += [(place, year, f"Town {place % 97}", None, "AA", person) for place in seen if place]
            pd.DataFrame(rows, columns=list(CORE)).astype(CORE).to_parquet(folder / f"{metric}-{year}.parquet")
    frame = pd.DataFrame(where, columns=["location_id", "data_year", "place", "admin", "economy", "people"])
    frame = frame.drop_duplicates(["location_id", "data_year"]).astype(LOCATIONS)
    for year in YEARS:
        frame[frame["data_year"] == year].to_parquet(folder / f"locations-{year}.parquet")


@pytest.mark.slow
def test_executors_count_what_duckdb_counts(tmp_path: Path, cluster: None) -> None:
    folder = tmp_path / "economy=ZZ" / "data_year=1900"  # of the file system, no column
    folder.mkdir(parents=True)
    _write(folder)
    counted = {}
    for connection in (connect(), connect("spark")):
        tables = {
            name: read_core(connection, [folder / f"{name}-{year}.parquet" for year in YEARS])
            for name in (*METRICS, "locations")
        }
        counted[connection.name] = count(tables, tables["locations"], _edition())
    assert counted["pyspark"].points.num_rows > 30
    assert counted["pyspark"].points.equals(counted["duckdb"].points)
    assert counted["pyspark"].totals == counted["duckdb"].totals
    assert counted["pyspark"].ties is not None
    assert counted["duckdb"].ties is not None
    pd.testing.assert_frame_equal(counted["pyspark"].ties, counted["duckdb"].ties)


class Root:
    """A root in which the works of a snapshot are read as they come."""

    def __init__(self, folder: Path, server: Server) -> None:
        fetch = Fetch(fetch="openalex_snapshot", base_url=server.url, per_second=10_000, refresh_tolerance_pct=100)
        self.folder, self.server = folder, server
        self.input = Input(reader="openalex_works", files={"works": fetch}, keep="extract")
        self.extracts = Extracts(folder / "extracts")

    def gather(self, engine: str, *, refresh: bool = False) -> list[str]:
        """The parts that the server was asked for."""
        self.server.asked.clear()
        gather(Archive(self.folder, refresh=refresh), self.input, 2020, self.extracts, engine)
        return sorted(asked.path.rpartition("works/")[2] for asked in self.server.asked if "part_" in asked.path)

    @property
    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.extracts.folder.rglob("*.parquet")}


@pytest.mark.slow
def test_executors_read_parts_with_the_package_from_the_archive_and_one_is_killed(
    tmp_path: Path, cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "LEAST_BYTES", 0)
    places: list[str] = []
    spark.on_executors(
        pkgutil.resolve_name, ["gii_pipeline:__file__"] * 4, 2, tmp_path, lambda _, path: places.append(path)
    )
    assert len(places) == 4
    assert {path.rpartition("/work/")[2].split("/", 2)[2] for path in places} == {"package/gii_pipeline/__init__.py"}

    snapshot = Snapshot({name: [work(number), work(100 + number, 2019)] for number, name in enumerate(PARTS)})
    with Server(snapshot) as server:
        alone, spread = Root(tmp_path / "alone", server), Root(tmp_path / "spread", server)
        monkeypatch.setenv(working.VARIABLE, "1")
        alone.gather("duckdb")
        monkeypatch.delenv(working.VARIABLE)
        killed: list[int] = []

        def kill_one(asked: Asked) -> Reply:
            if asked.path.endswith(PARTS[3]) and not killed:
                killed.extend(executors()[:1])
                os.kill(killed[0], signal.SIGKILL)
            return snapshot(asked)

        server.service = kill_one
        asked = spread.gather("spark")
        assert killed
        assert sorted(set(asked)) == PARTS
        assert len(asked) <= len(PARTS) + 2
        assert spread.files == alone.files
        assert spread.gather("duckdb") == []
        archive = Archive(spread.folder)
        assert archive.verify() == []
        kept = [entry for entry in archive.entries() if "part_" in entry.address]
        assert [(entry.records, entry.here) for entry in kept] == [(2, False)] * len(PARTS)

        refuse_a_part(snapshot, spread)
    refuse_another_installation(tmp_path, monkeypatch)


def refuse_a_part(snapshot: Snapshot, root: Root) -> None:
    """A part that has fewer records than the list says stops the run by its name; the others are taken."""
    snapshot.parts |= {PARTS[0]: [work(0), work(7)], PARTS[1]: [work(1), work(8)]}
    snapshot.publish("2026-09-30")
    wrong = snapshot.host.files[f"/data/jsonl/works/{PARTS[0]}"]
    snapshot.parts[PARTS[0]] = [work(0), work(7), work(9)]
    snapshot.publish("2026-09-30")
    snapshot.host.files[f"/data/jsonl/works/{PARTS[0]}"] = wrong
    with pytest.raises(Exception, match=f"{PARTS[0]}: it has .* bytes, but its list says"):
        root.gather("spark", refresh=True)


def refuse_another_installation(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "installation", lambda: {**installation(), "gii_pipeline": "another", "duckdb": "0"})
    done: list[str] = []
    with pytest.raises(
        InputError, match=r"another installation.*gii_pipeline .*, the driver another; duckdb .*driver 0"
    ):
        spark.on_executors(os.fspath, ["a", "b"], 2, root, lambda piece, _: done.append(piece))
    assert done == []


def test_an_executor_that_does_not_see_the_root_refuses_its_piece(tmp_path: Path) -> None:
    packed_piece = pickle.dumps((os.fspath, "piece"))
    error = pickle.loads(spark.answer(installation(), str(tmp_path / "elsewhere/.gii"), packed_piece))  # noqa: S301
    assert isinstance(error, InputError)
    assert "does not see" in str(error)
