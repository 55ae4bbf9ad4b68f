"""Two machines and one root in a bucket: what one publishes the other reads, and nobody overwrites anybody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import s3fs

from gii_pipeline import verified
from gii_pipeline.archive import Archive
from gii_pipeline.errors import DamagedError, GiiError, InputError, TransientError
from gii_pipeline.remote import WorkingCopy, inspection, opened
from gii_pipeline.remote.bucket import Bucket, Named, Pointer
from gii_pipeline_tests.s3_server import BUCKET, client, environment

Machine = Callable[[str], WorkingCopy]
CORE = "core/patents/data_year=2020/part-0.parquet"
POINTS = "editions/points/edition=2025/method=2025/part-0.parquet"
CLUSTERS = "editions/clusters/edition=2025/method=2025/part-0.parquet"
EXTRACT = "extracts/table/v1/{}.parquet"


def promote(copy: WorkingCopy, **files: str) -> None:
    """Put files in their places as a step does. files: name of a path above -> content."""
    for name, content in files.items():
        write(copy, {"core": CORE, "points": POINTS, "clusters": CLUSTERS}.get(name, EXTRACT.format(name)), content)


def write(copy: WorkingCopy, inside: str, content: str) -> None:
    target = copy.root / inside
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.with_name(".staged")
    staged.write_text(content, encoding="utf-8")
    verified.replace(staged, target)


def read(copy: WorkingCopy, inside: str) -> str:
    return verified.check(copy.root / inside, "").read_text(encoding="utf-8")


def objects(address: str, store: dict[str, str]) -> dict[str, str]:
    """Path below the root -> key, of what lies in the bucket."""
    prefix = address.removeprefix(f"s3://{BUCKET}/")
    found = client(store).list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {each["Key"].removeprefix(f"{prefix}/"): each["Key"] for each in found}


def test_what_one_machine_makes_another_reads(machine: Machine) -> None:
    first = machine("first")
    promote(first, core="patents of 2020", points="points", clusters="clusters")
    (note := first.root / CORE).with_name(f".{note.name}.made").write_bytes(verified.sealed({"sha256": "of the table"}))
    first.push()
    second = machine("second")
    assert [read(second, each) for each in (CORE, POINTS, CLUSTERS)] == ["patents of 2020", "points", "clusters"]
    assert (second.root / CORE).with_name(".part-0.parquet.made").is_file()
    promote(second, core="patents of 2020, again")
    second.push()
    assert read(machine("first"), CORE) == "patents of 2020, again"


def test_extracts_and_archived_files_come_when_they_are_read(machine: Machine, tmp_path: Path) -> None:
    first = machine("first")
    (tmp_path / "2020.csv").write_text("id\n1\n", encoding="utf-8")
    kept = Archive(first.root).keep_file("local", tmp_path / "2020.csv")
    promote(first, unit="rows")
    first.push()
    second = machine("second")
    archive = Archive(second.root)
    [entry] = archive.entries("local")
    assert archive.shelf("local").objects.has(entry.sha256, entry.bytes)
    assert archive.verify() == []
    assert not entry.path.exists()
    assert not (second.root / EXTRACT.format("unit")).exists()
    assert archive.shelf("local").verified(kept.sha256, "2020").read_text(encoding="utf-8") == "id\n1\n"
    assert read(second, EXTRACT.format("unit")) == "rows"


@pytest.mark.slow
def test_manifests_of_two_machines_are_united(machine: Machine, tmp_path: Path) -> None:
    machines = [machine("first"), machine("second")]
    for number, copy in enumerate(machines):
        (tmp_path / f"{number}.csv").write_text(f"id\n{number}\n", encoding="utf-8")
        Archive(copy.root).keep_file("local", tmp_path / f"{number}.csv")
        promote(copy, **{f"unit{number}": "rows"})
    for copy in machines:
        copy.push()
    for name in ("first", "second", "third"):
        copy = machine(name)
        assert {entry.address for entry in Archive(copy.root).entries("local")} == {"file:0.csv", "file:1.csv"}
        assert [read(copy, EXTRACT.format(f"unit{number}")) for number in (0, 1)] == ["rows", "rows"]
        assert Archive(copy.root).verify() == []


def test_a_pointer_is_replaced_only_as_it_was_read(address: str) -> None:
    bucket = Bucket(address)
    one, two = bucket.put(b"one"), bucket.put(b"two")
    created = bucket.swap("core/patents", Pointer({}), {CORE: (one,)})
    assert created
    assert bucket.swap("core/patents", Pointer({}), {CORE: (two,)}) is None
    replaced = bucket.swap("core/patents", created, {CORE: (two,)})
    assert bucket.swap("core/patents", created, {CORE: (one,)}) is None
    assert bucket.read("core/patents") == replaced
    assert bucket.swap("core/of_another_root", created, {CORE: (one,)}) is None


@pytest.mark.parametrize(("mine", "title"), [("core", "core table patents data_year=2020"), ("points", "edition=2025")])
def test_of_two_runs_with_other_content_the_second_is_told(machine: Machine, mine: str, title: str) -> None:
    first, second = machine("first"), machine("second")
    promote(first, **{mine: "of the first"}, clusters="of the first")
    promote(second, **{mine: "of the second"})
    first.push()
    with pytest.raises(TransientError, match=rf"published .*{title} .* Run the same command again"):
        second.push()
    inside = CORE if mine == "core" else POINTS
    assert [read(machine(name), inside) for name in ("first", "second", "third")] == ["of the first"] * 3
    promote(second, **{mine: "of the second, from there"})
    second.push()
    assert read(machine("first"), inside) == "of the second, from there"


@pytest.mark.slow
def test_two_runs_with_the_same_content_agree(machine: Machine) -> None:
    first, second = machine("first"), machine("second")
    for copy in (first, second):
        promote(copy, core="the same", points="the same")
    first.push()
    second.push()
    second.push()
    assert read(machine("third"), POINTS) == "the same"


@pytest.mark.slow
def test_of_tables_of_an_edition_that_two_runs_changed_none_are_mixed(machine: Machine) -> None:
    promote(first := machine("first"), points="before", clusters="before")
    first.push()
    second = machine("second")
    promote(first, points="of the first")
    promote(second, clusters="of the second")
    first.push()
    with pytest.raises(TransientError, match="edition=2025"):
        second.push()
    assert [read(machine("third"), inside) for inside in (POINTS, CLUSTERS)] == ["of the first", "before"]


@pytest.mark.slow
def test_what_was_made_before_a_kill_is_published_by_the_next_command(machine: Machine) -> None:
    promote(machine("first"), core="made, not published")
    machine("first").push()
    assert read(machine("second"), CORE) == "made, not published"


@pytest.mark.slow
def test_where_both_changed_a_file_that_of_the_bucket_stays_and_it_is_told(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    promote(first := machine("first"), core="of the first, before a kill")
    promote(second := machine("second"), core="of the second")
    second.push()
    assert read(machine("first"), CORE) == "of the second"
    assert f"{CORE} was changed here and by another run" in caplog.text
    first.push()
    assert read(machine("third"), CORE) == "of the second"


def test_a_damaged_object_is_noticed_and_repaired_from_a_machine_that_has_it(
    machine: Machine, address: str, store: dict[str, str]
) -> None:
    promote(first := machine("first"), core="patents", unit="rows")
    first.push()
    [named] = first.published()["core/patents/data_year=2020"].files[CORE]
    key = objects(address, store)[f"objects/{named.sha256[:2]}/{named.sha256}"]
    client(store).put_object(Bucket=BUCKET, Key=key, Body=b"patentS")
    with pytest.raises(DamagedError, match=rf"{key}, which is {CORE}, is damaged"):
        machine("second")
    damaged = [found for found in inspection.look(first) if found.damage]
    assert [found.path for found in damaged] == [first.root / CORE]
    assert inspection.repair(first, damaged) == []
    assert read(machine("second"), CORE) == "patents"


@pytest.mark.slow
def test_a_lost_object_that_no_machine_has_is_taken_out_so_that_it_is_made_again(
    machine: Machine, address: str, store: dict[str, str]
) -> None:
    promote(first := machine("first"), unit="rows", other="more rows")
    first.push()
    lost = first.published()["extracts/table/v1"].files[EXTRACT.format("unit")][0].sha256
    client(store).delete_object(Bucket=BUCKET, Key=objects(address, store)[f"objects/{lost[:2]}/{lost}"])
    second = machine("second")
    with pytest.raises(DamagedError, match="is missing"):
        read(second, EXTRACT.format("unit"))
    inspection.repair(second, [found for found in inspection.look(second) if found.damage])
    assert verified.damage(machine("third").root / EXTRACT.format("unit")) == "is missing"
    assert read(machine("third"), EXTRACT.format("other")) == "more rows"
    promote(second, unit="rows")
    second.push()
    assert read(machine("third"), EXTRACT.format("unit")) == "rows"


@pytest.mark.slow
def test_damaged_lines_of_a_manifest_are_stored_again_only_by_a_machine_that_has_read_them(
    machine: Machine, address: str, store: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "2020.csv").write_text("id\n1\n", encoding="utf-8")
    Archive((first := machine("first")).root).keep_file("local", tmp_path / "2020.csv")
    first.push()
    [(batch,)] = first.published()["archive/local"].files.values()
    key = objects(address, store)[f"objects/{batch.sha256[:2]}/{batch.sha256}"]
    client(store).put_object(Bucket=BUCKET, Key=key, Body=b"x")
    second = WorkingCopy.made(address, tmp_path / "second", files=False)
    with pytest.raises(DamagedError, match="on a machine that has worked with the root before"):
        inspection.repair(second, [found for found in inspection.look(second) if found.damage])
    inspection.repair(first, [found for found in inspection.look(first) if found.damage])
    assert [entry.address for entry in Archive(machine("third").root).entries("local")] == ["file:2020.csv"]


@pytest.mark.slow
def test_a_damaged_pointer_stops_with_its_address(machine: Machine, address: str, store: dict[str, str]) -> None:
    promote(first := machine("first"), core="patents")
    first.push()
    key = objects(address, store)["pointers/core/patents/data_year=2020.json"]
    client(store).put_object(Bucket=BUCKET, Key=key, Body=b'{"files": {}, "self_sha256": "0"}')
    with pytest.raises(DamagedError, match=rf"{key} is damaged.*delete it"):
        machine("second")
    client(store).delete_object(Bucket=BUCKET, Key=key)
    machine("first").push()
    assert read(machine("second"), CORE) == "patents"


@pytest.mark.slow
def test_objects_without_a_name_are_removed_once_they_are_old(machine: Machine) -> None:
    copy = machine("first")
    for content in ("replaced", "in use"):
        promote(copy, core=content, unit=content)
        copy.push()
    now = datetime.now(UTC)
    assert inspection.unnamed(copy, now, timedelta(days=7)) == {}
    old = inspection.unnamed(copy, now + timedelta(days=8), timedelta(days=7))
    assert list(old.values()) == [len("replaced")]
    for sha256 in old:
        copy.bucket.remove(sha256)
    assert [found.damage for found in inspection.look(copy)] == ["", ""]


@pytest.mark.slow
def test_a_run_stores_again_what_only_an_earlier_pointer_named(machine: Machine) -> None:
    promote(copy := machine("first"), core="one")
    copy.push()
    promote(copy, core="two")
    copy.push()
    for sha256 in inspection.unnamed(copy, datetime.now(UTC) + timedelta(days=8), timedelta(days=7)):
        copy.bucket.remove(sha256)
    promote(copy, core="one")
    copy.push()
    assert read(machine("second"), CORE) == "one"


@pytest.mark.parametrize("address", ["gs://clusters/gii_data", "s3://", "https://example.org/gii"])
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(InputError, match=r"is not an address that a root can have.*s3://BUCKET/PATH"):
        opened(address)


@pytest.mark.slow
def test_a_bucket_that_is_not_there_or_does_not_answer_is_one_message(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(GiiError, match=r"Cannot list pointers under s3://no-such-bucket/gii.*does not exist"):
        WorkingCopy.made("s3://no-such-bucket/gii", tmp_path / "nowhere")
    for name, value in environment("http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()  # it would go on with the server before
    with pytest.raises(TransientError, match=r"Cannot list pointers .*http://127\.0\.0\.1:9.*What was published"):
        machine("first")


@pytest.mark.parametrize("name", ["../elsewhere", "/etc/elsewhere", "core/../../elsewhere", "core\\elsewhere", ""])
def test_a_pointer_names_no_file_outside_the_root(name: str) -> None:
    content = Pointer({name: (Named("a" * 64, 1),)}).content()
    with pytest.raises(DamagedError, match="does not lie under a root"):
        Pointer.read(content, "s3://clusters/gii_data/pointers/core.json")


def test_a_folder_is_a_root_as_before(tmp_path: Path) -> None:
    assert opened(tmp_path) == tmp_path
    assert WorkingCopy.of(tmp_path / "core") is None
    assert not verified.here(tmp_path / "rates.json")
