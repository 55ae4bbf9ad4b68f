"""Every part of an address is evidence: each kind of address leads to the place that agrees with the rest of it."""

from __future__ import annotations

import pytest

from gii_pipeline.geocoding import Gazetteer, Resolver
from gii_pipeline.geocoding.sphere import distance_km
from gii_pipeline.geocoding.written import read_fields, read_text


@pytest.fixture(scope="module")
def resolver(gazetteer: Gazetteer) -> Resolver:
    return Resolver(gazetteer)


def _at(resolver: Resolver, place: int | None) -> tuple[float, float]:
    assert place is not None
    return resolver.gazetteer.latitude[place], resolver.gazetteer.longitude[place]


@pytest.mark.parametrize(
    ("address", "economy", "at"),
    [
        pytest.param("Keio Univ, Minato Ku, Tokyo 1088345, Japan", "JP", (35.68, 139.75), id="ward in its city"),
        pytest.param("Haidian District, Beijing, China", "CN", (39.91, 116.40), id="district in its city"),
        pytest.param("Univ X, Tsukuba, Ibaraki 3058577, Japan", "JP", (36.08, 140.11), id="city before region"),
        pytest.param("Univ X, Wuhan 430074, Hubei Province, China", "CN", (30.58, 114.27), id="word for the region"),
        pytest.param("Univ X, Bath, Somerset BA2 7AY, England", "GB", (51.38, -2.36), id="county"),
        pytest.param("Univ X, Glasgow G12 8QQ, Lanark, Scotland", "GB", (55.86, -4.25), id="county of old"),
        pytest.param("Lab, NL-6708 PB Wageningen, Netherlands", "NL", (51.97, 5.67), id="postcode with letters"),
        pytest.param("Strandgade 1, 1401 København K", "DK", (55.68, 12.57), id="district letter"),
        pytest.param("Dept, D 53105 Bonn", "DE", (50.73, 7.10), id="prefix of the country"),
        pytest.param("Univ X, W Lafayette, IN 47907 USA", "US", (40.43, -86.91), id="point of the compass"),
        pytest.param("Univ X, College Stn, TX 77843 USA", "US", (30.63, -96.33), id="abbreviated name"),
        pytest.param("Univ X, St Lucia, Qld 4072, Australia", "AU", (-27.50, 153.00), id="suburb, no economy"),
        pytest.param("Univ X, N-1432 As, Norway", "NO", (59.66, 10.79), id="name of two letters"),
        pytest.param("Albert-Einstein-Allee 11, 89081 Ulm", "DE", (48.40, 9.99), id="name of three letters"),
        pytest.param("San Juan, PR 00936", "US", (18.47, -66.11), id="territory as state"),
        pytest.param(
            "Milton Road, Cambridge Cambridgeshire CB4 0WA", "GB", (52.20, 0.12), id="city and region in one part"
        ),
        pytest.param("MIT, Cambridge, Mass., U.S.A.", None, (42.37, -71.11), id="state as it was abbreviated"),
        pytest.param("Univ Göttingen, Göttingen, Deutschland", None, (51.53, 9.93), id="economy in its own language"),
        pytest.param("10 Main Street, 02139, USA", "US", (42.37, -71.11), id="ZIP code without a city"),
        pytest.param("John Innes Ctr, Norwich NR4 7UH, Norfolk, England", "GB", (52.63, 1.30), id="British postcode"),
        pytest.param("4004 Wesbrook Mall, Vancouver BC V6T 2A3", "CA", (49.25, -123.12), id="Canadian postcode"),
        pytest.param("Univ Limerick, Limerick V94 T9PX", "IE", (52.67, -8.63), id="Eircode"),
        pytest.param("Trinity Coll Dublin, Dublin 2, Ireland", "IE", (53.34, -6.26), id="district of Dublin"),
        pytest.param("3584 CH Utrecht", "NL", (52.09, 5.12), id="Dutch postcode alone"),
        pytest.param("413 46 Göteborg", "SE", (57.71, 11.97), id="Swedish postcode"),
        pytest.param("10 rue X, 31062 TOULOUSE CEDEX 9", "FR", (43.60, 1.44), id="cedex"),
        pytest.param("CEA, F-91191 Gif Sur Yvette, France", "FR", (48.70, 2.13), id="prefix of France"),
        pytest.param("Koc Univ, TR-34450 Sariyer, Turkey", "TR", (41.01, 28.95), id="quarter without a place"),
        pytest.param("Univ, Xian 710061, Shanxi, Peoples R China", "CN", (34.26, 108.94), id="Shaanxi written Shanxi"),
        pytest.param("Commercial Bank, Tai An 271021, Peoples R China", "CN", (36.19, 117.12), id="syllables apart"),
        pytest.param("FORTH, Iraklion 70013, Greece", "GR", (35.33, 25.14), id="city known by a village's name"),
        pytest.param("CONICET, Buenos Aires, Argentina", "AR", (-34.61, -58.38), id="city in a region called so"),
        pytest.param("Chinese Univ, Sha Tin", "HK", (22.38, 114.18), id="town of a city state"),
        pytest.param("Emory Univ, Athens, Georgia", None, (33.96, -83.38), id="state called like an economy"),
        pytest.param("State Univ, Tbilisi, Georgia", None, (41.69, 44.83), id="economy called like a state"),
        pytest.param("NASA, Mt View, CA 94035", "US", (37.39, -122.08), id="mountain, not mount"),
        pytest.param("Univ Fed, Sta. Maria, RS, Brazil", None, (-29.69, -53.81), id="santa"),
        pytest.param("LEGI, St Martin d Heres, France", None, (45.18, 5.76), id="apostrophe left out"),
        pytest.param("Massey Univ, Palmerston Nth, New Zealand", None, (-40.36, 175.61), id="point of old"),
        pytest.param("Stadtarchiv, Rothenburg o.d.T.", "DE", (49.38, 10.19), id="small words and last by letters"),
        pytest.param("Weil a. Rhein", "DE", (47.59, 7.62), id="small word by its letter"),
        pytest.param("Frankfurt a. d. Oder", "DE", (52.35, 14.55), id="another name so"),
        pytest.param(
            "UPM, Serdang 43400, Selangor Darul Ehsan, Malaysia", None, (3.03, 101.72), id="honour of a state"
        ),
        pytest.param(
            "Lab, Kunshan, Suzhou, Jiangsu, Peoples R China", None, (31.38, 120.95), id="town of a prefecture"
        ),
    ],
)
def test_a_text_leads_to_the_city_that_agrees_with_the_rest(
    resolver: Resolver, address: str, economy: str | None, at: tuple[float, float]
) -> None:
    [answer] = resolver.resolve([read_text(address, economy)])
    found = _at(resolver, answer.place)
    assert distance_km([found[0]], [found[1]], [at[0]], [at[1]])[0] < 25, answer


@pytest.mark.parametrize(
    ("city", "admin", "economy", "at"),
    [
        ("Minato-ku, Osaka-shi", None, "JP", (34.69, 135.50)),
        ("Newtown", "CT", "US", (41.41, -73.31)),
        ("Ibaraki", "Osaka", "JP", (34.82, 135.57)),
        ("Salamanca", None, "ES", (40.97, -5.66)),
        ("Saint-Denis", "La Réunion", "FR", (-20.88, 55.45)),
        ("Boston, Massachusetts", None, "US", (42.36, -71.06)),
        ("Yongin", "Gyeonggi-do", "KR", (37.24, 127.18)),
        ("Washington", "Washington, D.C.", "US", (38.90, -77.04)),
        ("Washington", None, "US", (38.90, -77.04)),
        ("Shen-Zhen", "Guangdong", "CN", (22.55, 114.07)),
        ("Dae-jeon", None, "KR", (36.35, 127.38)),
        ("Losangeles", "CA", "US", (34.05, -118.24)),
        ("Chuo-ku", "Fukuoka", "JP", (33.58, 130.39)),
        ("Moscow", "Moscow Oblast", "RU", (55.75, 37.62)),
        ("Annino", "Moscow", "RU", (55.58, 37.60)),
        ("Ocampo", "Hidalgo", "MX", (20.01, -99.24)),
        ("Noumea", "New Caledonia", "FR", (-22.27, 166.45)),
        ("Douglas", "Isle of Man", "GB", (54.15, -4.48)),
        ("Willemstad", "Curacao", "NL", (12.11, -68.93)),
        ("Nuuk", "Greenland", "DK", (64.18, -51.72)),
        ("Mariehamn", "Åland", "FI", (60.10, 19.94)),
        ("Minsk", None, "RU", (53.90, 27.57)),
        ("Ljubljana", None, "RS", (46.05, 14.51)),
        ("Sint Maarten", "North Holland", "NL", (52.77, 4.74)),
        ("SS2", "Kuala Lumpur", "MY", (3.12, 101.62)),
        ("Yiwu City, Jinhua City", "Zhejiang", "CN", (29.31, 120.08)),
        ("Sesto Fiorentino, Firenze", None, "IT", (43.83, 11.20)),
        ("Minato-ku, Tokyo", None, "JP", (35.68, 139.75)),
        ("Kyo-to", None, "JP", (35.02, 135.75)),
        ("Kanpur Nagar", "Uttar Pradesh", "IN", (26.46, 80.35)),
        ("Gandhi Nagar", "Gujarat", "IN", (23.22, 72.68)),
        ("Taoyuan Hsien", None, "TW", (24.99, 121.30)),
        ("Songpa-gu", None, "KR", (37.57, 127.00)),
        ("Saint-Denis", "93", "FR", (48.94, 2.36)),
        ("Munich", "2", "DE", (48.14, 11.58)),
        ("Makkah", None, "SA", (21.43, 39.83)),
        ("Winston Salem", "N C", "US", (36.10, -80.24)),
        ("Bebington", "Cheshire", "GB", (53.35, -3.02)),
        (None, "Alderney", "GG", (49.71, -2.20)),
        (None, None, "SM", (43.94, 12.45)),
    ],
)
def test_fields_lead_to_the_place_of_that_very_name_in_the_region(
    resolver: Resolver, city: str | None, admin: str | None, economy: str, at: tuple[float, float]
) -> None:
    [answer] = resolver.resolve([read_fields(city, admin, economy, None)])
    found = _at(resolver, answer.place)
    assert distance_km([found[0]], [found[1]], [at[0]], [at[1]])[0] < 25, answer


@pytest.mark.parametrize(
    ("city", "economy"),
    [
        ("Henan", "CN"),
        ("Hubei", "CN"),
        ("Ishikawa", "JP"),
        ("Mie-ken", "JP"),
        ("Somerset", "GB"),
        ("Tabasco", "MX"),
        ("Sühbaatar", "MN"),
        ("Moscow Oblast", "RU"),
        ("Zagreb County", "HR"),
        ("Basel-Landschaft", "CH"),
        ("Selangor", "MY"),
        ("Berkshire", "GB"),
    ],
)
def test_a_region_alone_is_no_city(resolver: Resolver, city: str, economy: str) -> None:
    answers = resolver.resolve([read_fields(city, None, economy, None), read_text(f"{city} 450046", economy)])
    assert [(answer.place, answer.method) for answer in answers] == [(None, "no_city")] * 2


def test_a_namesake_outside_the_county_is_no_answer(resolver: Resolver) -> None:
    """Bootle in Cumbria is not in the gazetteer; the one of Merseyside is 55 km beyond its places."""
    [answer] = resolver.resolve([read_fields("Bootle", "Cumbria", "GB", None)])
    assert (answer.place, answer.method) == (None, "unknown_city")


def test_a_point_decides_between_places_of_one_name(resolver: Resolver) -> None:
    written = read_fields("Springfield", None, "US", None)
    written.point = (39.80, -89.64)
    [answer] = resolver.resolve([written])
    assert resolver.gazetteer.places.iloc[answer.place or 0]["admin"] == "IL"


def test_addresses_resolved_together_get_the_answers_that_each_gets_alone(gazetteer: Gazetteer) -> None:
    texts = [
        ("Dept Chem, Chaoyang District, Beijing, China", "CN"),
        ("Dept Phys, Chaoyang District, Beijing, China", "CN"),
        ("Dept Phys, Chaoyang, Liaoning, China", "CN"),
        ("Lab 1, Cambridge, MA 02139 USA", None),
        ("Lab 1, Cambridge CB2 1TN, England", None),
        ("Lab 2, Springfield, USA", None),
        ("Lab 2, Springfield, IL USA", None),
        ("Hubei, China", None),
        ("Nowhere At All, France", None),
    ]
    together = Resolver(gazetteer)
    written = [read_text(*text) for text in texts]
    answers = together.resolve(written)
    assert together.resolve(written) == answers
    assert [Resolver(gazetteer).resolve([each])[0] for each in written] == answers
    assert answers[0] == answers[1] != answers[2]
