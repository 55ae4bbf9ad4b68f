"""A written place name leads to the one place that it means."""

from __future__ import annotations

import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import pandas as pd
import pytest

from gii_pipeline.defs.pipeline import Pipeline
from gii_pipeline.errors import InputError
from gii_pipeline.geocoding import Gazetteer, Resolver, economies, places, places_in
from gii_pipeline.geocoding.gazetteer import NOTHING
from gii_pipeline.geocoding.names import plain, segments
from gii_pipeline.geocoding.regions import NAME, region_forms, shipped_admins, written_by_sources
from gii_pipeline.geocoding.sphere import distance_km
from gii_pipeline.geocoding.written import read_fields
from gii_pipeline.profiles import read_profile


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        pytest.param(("San Jose", "CA", "US"), ("San Jose", "CA"), id="state code"),
        pytest.param(("San Jose", "California", "US"), ("San Jose", "CA"), id="state name"),
        pytest.param(("San José", None, "CR"), ("San José", "San José"), id="same name elsewhere"),
        pytest.param(("Zurich", None, "CH"), ("Zürich", "Zurich"), id="accent left out"),
        pytest.param(("São Paulo", None, "BR"), ("São Paulo", "São Paulo"), id="accent"),
        pytest.param(("Duesseldorf", None, "DE"), ("Düsseldorf", "North Rhine-Westphalia"), id="umlaut spelled out"),
        pytest.param(("東京", None, "JP"), ("Tokyo", "Tokyo"), id="Japanese"),
        pytest.param(("北京", None, "CN"), ("Beijing", "Beijing"), id="Chinese"),
        pytest.param(("서울", None, "KR"), ("Seoul", "Seoul"), id="Korean"),
        pytest.param(("Москва", None, "RU"), ("Moscow", "Moscow"), id="Cyrillic"),
        pytest.param(("القاهرة", None, "EG"), ("Cairo", "Cairo"), id="Arabic"),
        pytest.param(("St Louis", "MO", "US"), ("St. Louis", "MO"), id="abbreviation"),
        pytest.param(("Saint Louis", "MO", "US"), ("St. Louis", "MO"), id="abbreviation spelled out"),
        pytest.param(("Ft. Worth", "TX", "US"), ("Fort Worth", "TX"), id="fort"),
        pytest.param(("Bombay", None, "IN"), ("Mumbai", "Maharashtra"), id="old name of Mumbai"),
        pytest.param(("Bangalore", None, "IN"), ("Bengaluru", "Karnataka"), id="old name of Bengaluru"),
        pytest.param(("Peking", None, "CN"), ("Beijing", "Beijing"), id="old name of Beijing"),
        pytest.param(("Leningrad", None, "RU"), ("Saint Petersburg", "St.-Petersburg"), id="old name of St Petersburg"),
        pytest.param(("Springfield", "MA", "US"), ("Springfield", "MA"), id="region decides"),
        pytest.param(("Springfield", "IL", "US"), ("Springfield", "IL"), id="region decides otherwise"),
        pytest.param(("Portland", None, "US"), ("Portland", "OR"), id="population decides"),
        pytest.param(("Cambridge", None, "GB"), ("Cambridge", "England"), id="by economy"),
        pytest.param(("Munich", "2", "DE"), ("Munich", "Bavaria"), id="region code without its zero"),
        pytest.param(("North Billerica", "MA", "US"), ("Billerica", "MA"), id="part of a town"),
        pytest.param(("Ponte Vedra", "FL", "US"), ("Ponte Vedra Beach", "FL"), id="short name"),
        pytest.param(("Moffett Field", "CA", "US"), ("Mountain View", "CA"), id="alias"),
        pytest.param(("Suzhou Shi", None, "CN"), ("Suzhou", "Jiangsu"), id="suffix"),
        pytest.param(("Kowloon", None, "CN"), ("Kowloon", "Kowloon City"), id="filed under a related economy"),
        pytest.param(("Federal", None, "AR"), ("Federal", "Entre Rios"), id="part of the name of a region"),
        pytest.param(("Boston, Massachusetts", None, "US"), ("Boston", "MA"), id="region in the city's field"),
    ],
)
def test_a_name_leads_to_its_place(
    gazetteer: Gazetteer, asked: tuple[str, str | None, str], place: tuple[str, str | None]
) -> None:
    found = Resolver(gazetteer).find(*asked)
    assert found is not None
    assert (found.place, found.admin) == place


@pytest.mark.parametrize(
    ("city", "admin", "latitude", "longitude"),
    [
        ("San Jose", "CA", 37.34, -121.89),
        ("San Francisco", "CA", 37.77, -122.42),
        ("New York", "NY", 40.71, -74.01),
        ("Boston", "MA", 42.36, -71.06),
        ("Los Angeles", "CA", 34.05, -118.24),
    ],
)
def test_the_largest_places_of_deals_lie_where_they_are(
    gazetteer: Gazetteer, city: str, admin: str, latitude: float, longitude: float
) -> None:
    found = Resolver(gazetteer).find(city, admin, "US")
    assert found is not None
    assert distance_km([found.latitude], [found.longitude], [latitude], [longitude])[0] < 3


def test_a_place_in_another_state_than_the_one_given_is_no_answer(gazetteer: Gazetteer) -> None:
    assert Resolver(gazetteer).find("Wynnewood", "OK", "US") is not None
    assert Resolver(gazetteer).find("Wynnewood", "AK", "US") is None


def test_methods_say_how_a_place_was_found_or_why_it_was_not(gazetteer: Gazetteer) -> None:
    asked = [
        ("Austin", "TX", "US"),
        ("Austin", None, "US"),
        (None, None, "SG"),
        (None, None, "FR"),
        ("Qqqqq", None, "FR"),
    ]
    answers = Resolver(gazetteer).resolve([read_fields(*written, None) for written in asked])
    assert [answer.method for answer in answers] == ["city_admin", "city", "city_state", "no_address", "unknown_city"]


def _dump(folder: Path) -> Path:
    lines = [
        ("1", "Twin", "Twin", "", "10.0", "20.0", "P", "PPL", "FR", "", "11", "", "", "", "900"),
        ("2", "Twin", "Twin", "", "44.0", "5.0", "P", "PPL", "FR", "", "93", "", "", "", "900"),
        ("3", "Größe", "Grosse", "Groesse,Grande,大", "45.0", "6.0", "P", "PPL", "FR", "", "84", "", "", "", "5000"),
        ("4", "Lac", "Lac", "", "45.0", "6.0", "H", "LK", "FR", "", "84", "", "", "", "0"),
    ]
    text = "".join("\t".join([*line, "", "", "Europe/Paris", "2026-01-01"]) + "\n" for line in lines)
    path = folder / "cities500.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cities500.txt", text)
    return path


def test_a_geonames_dump_is_a_gazetteer(tmp_path: Path) -> None:
    dumped = Gazetteer.from_dump(_dump(tmp_path))
    found = Resolver(dumped).find("大", None, "FR")
    assert found is not None
    assert (found.geonameid, found.place, found.admin) == (3, "Größe", "Auvergne-Rhône-Alpes")
    assert Resolver(dumped).find("Lac", None, "FR") is None


def test_level_places_are_ambiguous_until_a_region_is_given(tmp_path: Path) -> None:
    dumped = Gazetteer.from_dump(_dump(tmp_path))
    asked = [read_fields("Twin", None, "FR", None), read_fields("Twin", "93", "FR", None)]
    assert [answer.method for answer in Resolver(dumped).resolve(asked)] == ["ambiguous_city", "city_admin"]
    found = Resolver(dumped).find("Twin", "93", "FR")
    assert found is not None
    assert found.geonameid == 2


def test_regions_of_a_dump_are_named_by_its_own_file(tmp_path: Path) -> None:
    codes = tmp_path / "admin1CodesASCII.txt"
    codes.write_text("FR.84\tRhône\tRhone\t1\n", encoding="utf-8")
    found = Resolver(Gazetteer.from_dump(_dump(tmp_path), codes)).find("Grosse", "Rhône", "FR")
    assert found is not None
    assert (found.admin, found.method) == ("Rhône", "city_admin")
    codes.write_text("not a line", encoding="utf-8")
    with pytest.raises(InputError, match=r"admin1CodesASCII.txt, line 1"):
        Gazetteer.from_dump(_dump(tmp_path), codes)


def test_roots_share_an_index_of_places_and_of_runs_that_start_at_once_one_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, dump = tmp_path / "shared", _dump(tmp_path)
    reading = Mock(wraps=places._read_dump)
    monkeypatch.setattr(places, "_read_dump", reading)
    monkeypatch.setenv("GII_CACHE", str(shared))
    profile = read_profile("open")
    own = profile.model_copy(update={"gazetteer": profile.gazetteer.model_copy(update={"path": dump})})
    monkeypatch.setattr("gii_pipeline.defs.pipeline.read_profile", lambda _: own)
    pipelines = []
    for name in ("one", "other"):
        monkeypatch.setenv("GII_ROOT", str(tmp_path / name))
        pipelines.append(Pipeline.from_environment())
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda pipeline: pipeline.gazetteer.places.index.tolist(), pipelines))
    assert found == [[1, 2, 3]] * 2
    assert reading.call_count == 1
    assert list(shared.glob("*.places.parquet"))
    assert not (tmp_path / "one").exists()


def test_a_dump_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    broken = tmp_path / "cities500.txt"
    broken.write_text("1\tonly three\tcolumns\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"cities500.txt"):
        Gazetteer.from_dump(broken)
    with pytest.raises(InputError, match="500, 1000, 5000 or 15000"):
        Gazetteer.default(min_population=7)


def test_a_dump_is_counted_as_it_is_published(tmp_path: Path) -> None:
    line = _dump_line("1", "Twin", "10.0", "P")
    with zipfile.ZipFile(tmp_path / "IN.zip", "w") as archive:
        archive.writestr("readme.txt", "what the columns are")
        archive.writestr("IN.txt", line + _dump_line("2", "River", "10.0", "H"))
    assert places_in(tmp_path / "IN.zip") == 1


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"IN.txt": "1\ttwo\n"}, "Expected Number of Columns: 19"),
        ({"A.txt": "x", "B.txt": "x"}, "expected a single file of places, .* found A.txt, B.txt"),
        ({"rivers.txt": "RIVER"}, "no populated place"),
        ({"north.txt": "NORTH"}, "north"),
        ({"far.txt": "FAR"}, "1 of 1 places have no latitude and longitude"),
    ],
)
def test_a_file_that_is_no_dump_of_places_is_refused_by_what_is_wrong(
    tmp_path: Path, files: dict[str, str], says: str
) -> None:
    lines = {"RIVER": ("10.0", "H"), "NORTH": ("north", "P"), "FAR": ("95.0", "P")}
    with zipfile.ZipFile(tmp_path / "places.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, _dump_line("1", "Twin", *lines[text]) if text in lines else text)
    with pytest.raises(InputError, match=says):
        places_in(tmp_path / "places.zip")


def _dump_line(geonameid: str, name: str, latitude: str, feature_class: str) -> str:
    fields = [geonameid, name, name, "", latitude, "20.0", feature_class, "PPL", "FR", "", "11", "", "", "", "900"]
    return "\t".join([*fields, "", "", "Europe/Paris", "2026-01-01"]) + "\n"


def test_the_nearest_place_of_a_point_is_found_across_the_antimeridian(gazetteer: Gazetteer) -> None:
    [nearest], [km] = gazetteer.nearest([-16.8], [180.0])
    assert gazetteer.places.loc[nearest, "economy"] == "FJ"
    assert km < 120


def test_every_addition_is_in_the_gazetteer_in_its_economy_and_each_further_name_is_that_of_a_place_near(
    gazetteer: Gazetteer,
) -> None:
    added = places.additions()
    own = added[added["geonameid"].notna()]
    there = gazetteer.places.loc[own["geonameid"].astype("int64")]
    assert (there["economy"].to_numpy() == own["economy"].to_numpy()).all()
    assert (distance_km(own["latitude"], own["longitude"], there["latitude"], there["longitude"]) < 1).all()
    names = added[added["geonameid"].isna()]
    at = zip(names["economy"], names["name"], names["latitude"].tolist(), names["longitude"].tolist(), strict=True)
    for economy, name, latitude, longitude in at:
        key = f"{economy}|{plain(name)}"
        rows = [place for place, _ in gazetteer.named([key])[key].places]
        named = gazetteer.places.iloc[rows]
        away = distance_km([latitude] * len(rows), [longitude] * len(rows), named["latitude"], named["longitude"])
        assert min(away) < 25, name


def test_every_region_that_sources_write_means_regions_that_have_places(gazetteer: Gazetteer) -> None:
    rows = list(written_by_sources())
    assert len({(economy, written) for economy, written, _ in rows}) == len(rows) > 250
    keys = {f"{economy}|{plain(name)}": name for economy, _, meant in rows for name in meant}
    named = gazetteer.named(list(keys))
    inhabited = {*gazetteer.first, *gazetteer.second}
    empty = [name for key, name in keys.items() if not inhabited & {of for of, _ in named.get(key, NOTHING).regions}]
    assert empty == []


def test_a_region_that_sources_write_has_the_towns_of_addresses_that_write_it(
    gazetteer: Gazetteer, cases: Path
) -> None:
    """Each with a town beside it that is the only one of its name: Salford, Lancs."""
    forms = {(economy, plain(written)) for economy, written, _ in written_by_sources()}
    beside: set[tuple[str, str, str]] = set()
    for address in pd.read_csv(cases / "places/wos_addresses.csv")["address"]:
        parts = [plain(part) for part in segments(address, last=4)]
        economy = economies.alpha2(parts[0])
        beside |= {(economy, one, other) for one in parts for other in parts if economy and (economy, one) in forms}
    named = gazetteer.named([f"{economy}|{form}" for economy, *both in beside for form in both])
    outside, checked = set(), set()
    for economy, region, town in beside:
        own = [place for place, tier in named.get(f"{economy}|{town}", NOTHING).places if tier == places.OWN]
        regions = {of for of, _ in named[f"{economy}|{region}"].regions}
        if len(own) == 1 and gazetteer.population[own[0]] > 15_000:
            checked.add((economy, region))
            outside |= set() if any(gazetteer.lies_in(own[0], of) for of in regions) else {(region, town)}
    assert len(checked) > 40
    assert sorted(outside) == [("nf", "saint john"), ("vic", "canberra")]  # St John's is meant; Canberra is none's


def test_the_province_of_a_town_in_viet_nam_is_the_one_of_its_name_of_old(gazetteer: Gazetteer) -> None:
    """The reform of 2025 left 34 of 63; addresses have the others for years to come."""
    asked = [("Hai Duong", "Hai Duong"), ("Quy Nhon", "Binh Dinh"), ("Bien Hoa", "Dong Nai"), ("Vinh", "Nghe An")]
    found = [Resolver(gazetteer).find(city, admin, "VN") for city, admin in asked]
    assert [at and at.method for at in found] == ["city_admin"] * 4
    alone = Resolver(gazetteer).find("Hai Duong", None, "VN")
    assert alone is not None
    assert alone.place == "Hải Dương"


def test_additions_from_ror_are_where_and_in_the_region_that_ror_says(real_data: Path) -> None:
    regions = region_forms(shipped_admins())
    first_order = regions[(regions["region"].str.count(r"\.") == 1) & (regions["strength"] <= NAME)]
    named = first_order.groupby(["economy", "form"])["region"].agg(set).to_dict()
    ror = pd.read_csv(
        real_data / "ror_records/ror_organizations_51370.csv.gz", dtype={"geonames_id": "Int64"}, keep_default_na=False,
        na_values=[""],
    ).drop_duplicates("geonames_id").set_index("geonames_id")  # fmt: skip
    own = places.additions().dropna(subset="geonameid")
    said = ror.loc[own["geonameid"]]
    assert (said["country_code"].to_numpy() == own["economy"].to_numpy()).all()
    assert (distance_km(own["latitude"], own["longitude"], said["lat"], said["lng"]) < 1).all()
    wrong = [
        str(name)
        for name, economy, admin1, region in zip(
            own["name"], own["economy"], own["admin1"], said["subdivision_name"], strict=True
        )
        if isinstance(region, str)
        and (meant := named.get((economy, plain(region))))
        and f"{economy}.{admin1}" not in meant
    ]
    assert sorted(wrong) == ["Ishiagu", "Malabe", "Molete", "Oko"]  # ROR names a region that their points are not in
