from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from gii_pipeline.clusters import naming
from gii_pipeline.geocoding import Gazetteer
from gii_pipeline.geocoding.sphere import distance_km
from gii_pipeline.ranking import published


def _members(*rows: tuple[int, str | None, str | None, float]) -> pd.DataFrame:
    members = pd.DataFrame(rows, columns=["cluster", "place", "economy", "people"])
    return members.assign(own_latitude=35.676, own_longitude=-139.7)


def _name(*rows: tuple[str | None, str | None, float], places: int = 3, min_share: float = 0.1) -> str:
    members = _members(*((0, *row) for row in rows))
    return str(naming.names(members, places=places, min_share=min_share)[0])


def _economies(*rows: tuple[str | None, str | None, float], min_share: float = 0.05) -> str:
    return str(naming.economies(_members(*((0, *row) for row in rows)), min_share=min_share)[0])


def test_a_name_joins_up_to_three_places_by_en_dashes_the_heaviest_first() -> None:
    places = [("Hong Kong", "HK", 30.0), ("Shenzhen", "CN", 40.0), ("Guangzhou", "CN", 20.0), ("Foshan", "CN", 15.0)]
    assert _name(*places) == "Shenzhen–Hong Kong–Guangzhou"
    assert _name(*places, places=1) == "Shenzhen"


def test_the_weight_of_a_place_is_that_of_all_its_locations() -> None:
    assert _name(("Lyon", "FR", 6.0), ("Grenoble", "FR", 4.0), ("Grenoble", "FR", 3.0)) == "Grenoble–Lyon"


def test_a_place_below_the_share_is_not_named_and_the_heaviest_always_is() -> None:
    assert _name(("Tokyo", "JP", 91.0), ("Chiba", "JP", 9.0)) == "Tokyo"
    assert _name(*((f"Town {letter}", "DE", 1.0) for letter in "ABCDEFGHIJKL")) == "Town A"


def test_places_of_the_same_weight_go_by_the_alphabet() -> None:
    assert _name(("Osaka", "JP", 5.0), ("Kyoto", "JP", 5.0), ("Kobe", "JP", 5.0)) == "Kobe–Kyoto–Osaka"


def test_a_place_on_both_sides_of_a_border_is_named_once() -> None:
    assert _name(("Rheinfelden", "CH", 5.0), ("Rheinfelden", "DE", 4.0), ("Basel", "CH", 3.0)) == "Rheinfelden–Basel"


@pytest.mark.parametrize(
    ("places", "name"),
    [
        pytest.param([("Shanghai", "CN", 60.0), ("Puxi", "CN", 40.0)], "Shanghai", id="quarter"),
        pytest.param([("New York City", "US", 50.0), ("Brooklyn", "US", 50.0)], "New York City", id="borough"),
        pytest.param([("Quezon City", "PH", 60.0), ("Manila", "PH", 40.0)], "Manila", id="usual name"),
        pytest.param([("Quezon City", "PH", 60.0)], "Manila", id="usual name, the city itself not there"),
        pytest.param([("Zürich (Kreis 11)", "CH", 5.0), ("Zürich", "CH", 4.0)], "Zürich", id="numbered quarter"),
        pytest.param([("Lyon 08", "FR", 5.0), ("Grenoble", "FR", 4.0)], "Lyon–Grenoble", id="numbered alone"),
        pytest.param([("Chaoyang", "CN", 5.0), ("Beijing", "CN", 4.0)], "Beijing", id="shared name, city there"),
        pytest.param([("Chaoyang", "CN", 5.0), ("Fuxin", "CN", 4.0)], "Chaoyang–Fuxin", id="shared name, another city"),
        pytest.param([("Chūō Ku", "JP", 5.0), ("Sapporo", "JP", 4.0)], "Sapporo", id="part of several cities"),
        pytest.param([("Boston", "US", 5.0), ("Cambridge", "US", 4.0)], "Boston–Cambridge", id="two cities"),
    ],
)
def test_a_part_of_a_city_counts_for_its_city(places: list[tuple[str, str, float]], name: str) -> None:
    assert _name(*places) == name


def test_the_cities_of_the_published_names_stay_apart() -> None:
    """All names of clusters that the project has in print: 20 of its own table, and two forms of earlier editions.

    The full tables of WIPO print more; they are not free to copy, and no name is written from memory here.
    """
    rows = pd.read_csv(Path(published.__file__).with_suffix(".csv"), comment="#")[["cluster", "economies"]]
    earlier = [("San Jose–San Francisco", "US"), ("Shenzhen–Hong Kong", "CN/HK")]
    rows = pd.concat([rows.dropna().drop_duplicates(), pd.DataFrame(earlier, columns=rows.columns)])
    assert len(rows) == 22
    for written, economies in rows.itertuples(index=False, name=None):
        cities = re.sub(", [A-Z]{2}", "", written).split("–")
        codes = [*economies.split("/"), *[economies.split("/")[0]] * len(cities)]
        places = [(city, codes[nth], 90.0 - nth) for nth, city in enumerate(cities)]
        assert _name(*places) == "–".join(cities), written


def test_a_part_of_a_city_that_is_in_the_name_is_no_second_city() -> None:
    parts = [(part, economy, city) for (economy, part), cities in naming._parts_of_cities().items() for city in cities]
    assert len(parts) > 500
    rows = [(n, *place) for n, (part, at, city) in enumerate(parts) for place in ((city, at, 60.0), (part, at, 40.0))]
    names = naming.names(_members(*rows), places=3, min_share=0.1)
    assert names.tolist() == [city for _, _, city in parts]


def test_a_part_that_is_called_alone_is_nowhere_else_in_its_economy(gazetteer: Gazetteer) -> None:
    places = gazetteer.places
    rows = places.groupby(["economy", "name"]).indices
    elsewhere = []
    for (economy, part), cities in naming._parts_of_cities().items():
        for city in (city for city, alone in cities.items() if alone and (economy, city) in rows):
            named = places.iloc[rows.get((economy, part), [])]
            at = places.iloc[rows[economy, city]].nlargest(1, "population")
            latitude, longitude = (at[axis].tolist() * len(named) for axis in ("latitude", "longitude"))
            away = distance_km(latitude, longitude, named["latitude"], named["longitude"])
            elsewhere += [(economy, part, city)] if (away > 90).any() else []
    assert elsewhere == []


def test_unknown_places_have_weight_but_no_name() -> None:
    assert _name((None, "JP", 95.0), ("", "JP", 3.0), ("Tokyo", "JP", 2.0)) == "Tokyo"
    assert _name((None, "JP", 95.0)) == "35.68°N 139.70°W"


def test_economies_with_a_sizeable_part_are_named_the_largest_first() -> None:
    assert _economies(("Singapore", "SG", 80.0), ("Johor Bahru", "MY", 20.0)) == "SG/MY"
    assert _economies(("Singapore", "SG", 96.0), ("Johor Bahru", "MY", 4.0)) == "SG"


def test_a_cluster_whose_locations_have_no_economy_is_of_an_unknown_one() -> None:
    assert _economies(("Somewhere", None, 1.0)) == naming.UNKNOWN_ECONOMY


def test_every_cluster_has_its_own_name() -> None:
    members = _members((0, "Basel", "CH", 1.0), (1, "Bern", "CH", 1.0), (2, None, None, 1.0))
    assert naming.names(members, places=3, min_share=0.1).tolist() == ["Basel", "Bern", "35.68°N 139.70°W"]
    assert naming.economies(members, min_share=0.1).tolist() == ["CH", "CH", "ZZ"]
