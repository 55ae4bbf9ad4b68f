"""An institution is where its affiliation is printed, and organisations tell places of one name apart."""

from __future__ import annotations

import duckdb

from gii_pipeline.geocoding import Gazetteer, locate
from gii_pipeline.sources.readers.rows import institution_rows
from gii_pipeline_tests.geocoding.people import ROR, outcomes, people


def test_an_affiliation_of_several_institutions_is_in_the_city_that_it_prints(
    con: duckdb.DuckDBPyConnection, gazetteer: Gazetteer
) -> None:
    """An institution that the text puts elsewhere goes there; one whose city the text names stays where it is."""
    institutions = institution_rows(
        con,
        """(VALUES ('https://ror.org/cnrs', 'CNRS', 'FR', 48.85, 2.35, 2988507),
            ('https://ror.org/lyon', 'University of Lyon', 'FR', 45.75, 4.85, 2996944),
            ('https://ror.org/buffalo', 'University at Buffalo', 'US', 42.89, -78.88, 5110629)
        ) AS t(id, name, economy, latitude, longitude, geonameid)""",
        institution_id="id",
        **{name: name for name in ("name", "economy", "latitude", "longitude", "geonameid")},
    )
    affiliations = {
        "council": ("cnrs", "FR", "CNRS, Univ Lyon, UMR 5276, F-69622 Lyon, France"),
        "university": ("lyon", "FR", "CNRS, Univ Lyon, UMR 5276, F-69622 Lyon, France"),
        "two addresses": ("lyon", "FR", "Univ Lyon, Lyon, France; CNRS, Toulouse, France"),
        "two economies": ("cnrs", "FR", "CNRS, Lyon, France; Univ Lausanne, Lausanne, Switzerland"),
        "name of a state": ("buffalo", "US", "University at Buffalo, State University of New York"),
        "not in the list": ("x", "FR", "Lab X, Univ Lyon, Lyon, France"),
        "its name alone": ("x", "FR", "University of Lyon"),
    }
    rows = [
        {"record_id": record, "institution_id": f"{ROR}{institution}", "economy": economy, "address": address}
        for record, (institution, economy, address) in affiliations.items()
    ]
    located = outcomes(locate(con, people(con, *rows), gazetteer, institutions))
    assert {record: (row[0], row[-1]) for record, row in located.items()} == {
        "council": ("Lyon", "city_not_institution"),
        "university": ("Lyon", "institution"),
        "two addresses": ("Lyon", "institution"),
        "two economies": ("Paris", "institution"),
        "name of a state": ("Buffalo", "institution"),
        "not in the list": ("Lyon", "address_text"),
        "its name alone": (None, "unknown_institution"),
    }


def test_of_places_of_one_name_the_one_with_organisations_is_meant(
    con: duckdb.DuckDBPyConnection, gazetteer: Gazetteer
) -> None:
    institutions = institution_rows(
        con,
        "(SELECT nth, 'https://ror.org/' || nth AS id FROM range(30) AS t(nth))",
        institution_id="id",
        name="'University ' || nth",
        economy="'US'",
        latitude="42.728",
        longitude="-73.692",
    )
    rows = people(con, {"record_id": "Troy", "city": "Troy", "economy": "US"})
    assert outcomes(locate(con, rows, gazetteer))["Troy"][:2] == ("Troy", "MI")
    assert outcomes(locate(con, rows, gazetteer, institutions))["Troy"][:2] == ("Troy", "NY")
