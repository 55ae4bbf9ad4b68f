"""Profiles: the shipped ones are whole, and what is wrong in one is named with its file."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from gii_pipeline.archive import Archive
from gii_pipeline.errors import InputError
from gii_pipeline.profiles import Profile, read_profile
from gii_pipeline.profiles.reading import shipped
from gii_pipeline.sources import SOURCES
from gii_pipeline.sources.checking import check_profile
from gii_pipeline.sources.gathering import changed_files, gather

PROFILE = """
name: mine
title: My own records
data: records
metrics:
  pct_applications:
    reader: local
    files: {people: patents.csv}
population:
  rasters: {2020: [west.tif, /elsewhere/east.tif]}
"""
METRICS = {"pct_applications", "scientific_publications", "vc_deals"}


def written(folder: Path, text: str = PROFILE, **changes: str) -> Path:
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    path = folder / "mine.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return path


def checked(path: Path) -> Profile:
    profile = read_profile(path)
    check_profile(profile, str(path))
    return profile


@pytest.mark.parametrize("name", ["sandbox", "open", "licensed"])
def test_a_shipped_profile_is_whole_without_any_setting_of_the_environment(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("GII_OPENALEX", "GII_ROR_URL", "GII_LICENSED_DATA", "GII_REGPAT_EDITION"):
        monkeypatch.delenv(variable, raising=False)

    profile = read_profile(name)

    check_profile(profile, name)
    assert profile.name == name
    assert set(profile.metrics) == METRICS
    assert all(SOURCES[source.reader].metric == metric for metric, source in profile.metrics.items())
    assert profile.made_up == (name == "sandbox")


def test_the_shipped_profiles_are_these_three() -> None:
    assert shipped() == ["licensed", "open", "sandbox"]


def test_no_key_is_part_of_a_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients read keys from the environment when they ask: what a profile holds may be shown and hashed."""
    for variable in ("OPENALEX_API_KEY", "CRUNCHBASE_API_KEY", "USPTO_API_KEY", "SEC_CONTACT", "GII_SANDBOX_KEY"):
        monkeypatch.setenv(variable, "the-secret-itself")

    assert not any("the-secret-itself" in read_profile(name).model_dump_json() for name in shipped())


def test_open_asks_the_api_of_openalex_when_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GII_OPENALEX", "openalex_api")

    profile = read_profile("open")

    check_profile(profile, "open")
    assert profile.metrics["scientific_publications"].fetches()["works"].fetch == "openalex_api"


def test_the_data_of_a_shipped_profile_lie_in_the_current_folder_or_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GII_LICENSED_DATA", raising=False)
    files = read_profile("licensed").metrics["pct_applications"].local_files()
    assert files == {"inventors": (tmp_path / "licensed_data/regpat/202602_PCT_Inv_reg.txt",)}

    monkeypatch.setenv("GII_LICENSED_DATA", "/data/of/ours")
    monkeypatch.setenv("GII_REGPAT_EDITION", "202608")
    files = read_profile("licensed").metrics["pct_applications"].local_files()
    assert files == {"inventors": (Path("/data/of/ours/regpat/202608_PCT_Inv_reg.txt"),)}


def test_paths_are_relative_to_the_data_folder_beside_the_profile(tmp_path: Path) -> None:
    profile = checked(written(tmp_path))

    assert profile.metrics["pct_applications"].files == {"people": (tmp_path / "records/patents.csv",)}
    assert profile.population
    assert profile.population.rasters == {2020: (tmp_path / "records/west.tif", Path("/elsewhere/east.tif"))}


def test_the_environment_fills_in_what_a_profile_leaves_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, **{"records": "${MY_RECORDS:-records}", "patents.csv": '"${MY_FILE}"'})
    monkeypatch.delenv("MY_FILE", raising=False)

    with pytest.raises(InputError, match=rf"{path} needs the environment variable MY_FILE, which is not set"):
        read_profile(path)
    monkeypatch.setenv("MY_FILE", "a.csv")
    assert read_profile(path).metrics["pct_applications"].files == {"people": (tmp_path / "records/a.csv",)}
    monkeypatch.setenv("MY_RECORDS", "/r")
    assert read_profile(path).metrics["pct_applications"].files == {"people": (Path("/r/a.csv"),)}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title: My own records", "titel: My own records", r"titel: Extra inputs.*"),
        ("title: My own records\n", "", "title: Field required"),
        ("    reader: local\n", "", "metrics.pct_applications.reader: Field required"),
        ("rasters: {2020: [west.tif, /elsewhere/east.tif]}", "rasters: {}", "population.rasters: .*at least 1"),
        ("files: {people: patents.csv}", "files: {people: 7}", "metrics.pct_applications.files.people"),
        ("name: mine", "name: [", "is not valid YAML"),
    ],
)
def test_a_field_that_is_unknown_missing_or_wrong_is_named_with_the_file(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = written(tmp_path, **{old: new})

    with pytest.raises(InputError, match=rf"(?s){path}.*{said}"):
        read_profile(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("reader: local", "reader: lokal", r"pct_applications.reader: there is no reader 'lokal'. Known: .*regpat"),
        ("reader: local", "reader: regpat", r"needs `inventors` \(PCT_Inv_reg.txt\)"),
        ("reader: local", "reader: ror", r"files.people: the reader `ror` has no such role. Known: organizations"),
        ("{people: patents.csv}", "{people: {fetch: ftp}}", r"people.fetch: there is no client 'ftp'. Known: .*url"),
        ("{people: patents.csv}", "{people: {fetch: file_url}}", r"client `file_url`: url: Field required"),
        ("reader: local", "reader: local\n    options: {year: 3}", r"the reader `local` \(known: .*rows.*\).*year"),
        ("[west.tif, /elsewhere/east.tif]", "{fetch: tiles}", r"rasters.2020.fetch: there is no client 'tiles'"),
        (
            "reader: local\n    files: {people: patents.csv}",
            "reader: sec_form_d\n    files: {sets: a.zip}",
            "pct_applications.reader: `sec_form_d` reads vc_deals",
        ),
    ],
)  # fmt: skip
def test_a_reader_role_client_or_option_that_does_not_exist_is_named_with_the_file(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = written(tmp_path, **{old: new})

    with pytest.raises(InputError, match=rf"(?s)The profile {path} refers to things that do not exist.*{said}"):
        checked(path)


def test_every_fault_of_a_profile_is_named_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, **{"reader: local": "reader: lokal", "[west.tif, /elsewhere/east.tif]": "{fetch: tiles}"})

    with pytest.raises(InputError, match=r"(?s)'lokal'.*'tiles'"):
        checked(path)


def test_a_profile_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"There is no profile at {tmp_path}/none.yaml"):
        read_profile(tmp_path / "none.yaml")
    with pytest.raises(InputError, match=r"no profile 'opn'. Shipped: licensed, open, sandbox; or pass"):
        read_profile("opn")
    (tmp_path / "list.yaml").write_text("- a\n")
    with pytest.raises(InputError, match=r"list.yaml: a profile is a YAML mapping, not a list"):
        read_profile(tmp_path / "list.yaml")


def test_a_file_that_a_profile_names_and_that_is_not_there_is_named(tmp_path: Path) -> None:
    source = checked(written(tmp_path)).metrics["pct_applications"]

    with pytest.raises(InputError, match=rf"{tmp_path}/records/patents.csv is not a file.*`local`"):
        gather(Archive(tmp_path / "root"), source, 2020)


def test_a_pattern_stands_for_all_files_that_fit_it(tmp_path: Path) -> None:
    source = checked(written(tmp_path, **{"patents.csv": "patents-*.csv"})).metrics["pct_applications"]
    (tmp_path / "records").mkdir()
    archive, pin = Archive(tmp_path / "root"), tmp_path / "pin.json"
    with pytest.raises(InputError, match=r"No file matches .*patents-\*\.csv"):
        gather(archive, source, 2020)
    for number in (2, 1):
        (tmp_path / f"records/patents-{number}.csv").write_text(f"{number}\n")

    gathered = gather(archive, source, 2020)

    assert [entry.name for entry in gathered["people"]] == ["patents-1.csv", "patents-2.csv"]
    assert changed_files(archive, source, pin) == "nothing is pinned"


ONE_METRIC = """
name: deals
title: Deals
metrics:
  vc_deals:
    reader: table
    files: {people: deals.csv}
"""


def test_metrics_without_a_source_are_left_out_of_every_edition(tmp_path: Path) -> None:
    book = checked(written(tmp_path, ONE_METRIC)).book
    edition = book[2025]
    assert list(edition.metrics) == ["vc_deals"]
    assert edition.left_out == ("pct_applications", "scientific_publications")
    assert edition.metrics["vc_deals"].in_density.value
    assert (edition.min_weight.value, edition.min_weight.tag) == (20, "A")
    assert book[2026].left_out == edition.left_out
    with pytest.raises(InputError, match="Edition 2020 counts pct_applications, scientific_publications, and the"):
        book.edition("2020")


def test_an_edition_keeps_its_threshold_while_some_metric_that_makes_density_is_left(tmp_path: Path) -> None:
    edition = checked(written(tmp_path)).book[2025]
    assert list(edition.metrics) == ["pct_applications"]
    assert edition.min_weight.value == 4500
