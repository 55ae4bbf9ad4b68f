"""The made-up institutions: two at every place, as ROR and OpenAlex would list them.

Belongs here: their numbers, identifiers and names, and the ROR dump.
Does not: who works there (see `works`).
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gii_pipeline.sandbox.notice import NOTICE, TITLE
from gii_pipeline.sandbox.world import World

PER_PLACE = 2
ROR_RELEASE = "v2.8-2026-06-02-ror-data"
ZIP_DATE = (2026, 6, 2, 0, 0, 0)
DISTRICT_GEONAMEID = 90_000_000
_NAMES = ("Made-Up University of {}", "Made-Up Institute of {}")
_ROR_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True)
class Institution:
    """One institution; its place is row `number // PER_PLACE` of the world's places."""

    number: int
    place: str
    admin: str
    economy: str
    geonameid: int
    latitude: float
    longitude: float

    @property
    def name(self) -> str:
        return _NAMES[self.number % PER_PLACE].format(self.place)

    @property
    def openalex(self) -> str:
        return f"https://openalex.org/I{4_000_000_000 + self.number}"

    @property
    def ror(self) -> str:
        """A ROR address: 0, six digits of base 32, and two that check them (ISO 7064 MOD 97-10)."""
        digits = "".join(_ROR_DIGITS[self.number >> shift & 31] for shift in range(25, -1, -5))
        return f"https://ror.org/0{digits}{98 - self.number * 100 % 97:02d}"

    @property
    def kind(self) -> str:
        return ("education", "facility")[self.number % PER_PLACE]


def institutions(world: World) -> Iterator[Institution]:
    """Every institution of the world, place by place.

    A district of a place bears an identifier that GeoNames does not have, so that its own point counts.
    """
    columns = ("place", "admin", "economy", "geonameid", "latitude", "longitude", "role")
    rows = zip(*(world.geography.places[name] for name in columns), strict=True)
    for row, (place, admin, economy, geonameid, latitude, longitude, role) in enumerate(rows):
        known = DISTRICT_GEONAMEID + row if role == "district" else geonameid
        for nth in range(PER_PLACE):
            yield Institution(row * PER_PLACE + nth, place, admin, economy, known, latitude, longitude)


def write_ror_dump(world: World, path: Path) -> None:
    """The ROR data dump of the world: a zip with one JSON array of records of schema 2, and the notice."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(zipfile.ZipInfo("README.txt", ZIP_DATE), f"{TITLE}\n\n{NOTICE}\n")
        member = zipfile.ZipInfo(f"{ROR_RELEASE}.json", ZIP_DATE)
        member.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(member, "w", force_zip64=True) as file:
            for number, institution in enumerate(institutions(world)):
                file.write(b"[\n" if number == 0 else b",\n")
                file.write(json.dumps(_ror_record(institution), ensure_ascii=False).encode())
            file.write(b"\n]\n")


def openalex_institution(institution: Institution) -> dict[str, Any]:
    """The institution as the OpenAlex API and snapshot give it."""
    return {
        "id": institution.openalex,
        "ror": institution.ror,
        "display_name": institution.name,
        "country_code": institution.economy,
        "type": institution.kind,
        "lineage": [institution.openalex],
        "geo": {
            "city": institution.place,
            "geonames_city_id": str(institution.geonameid),
            "region": None,
            "country_code": institution.economy,
            "latitude": institution.latitude,
            "longitude": institution.longitude,
        },
    }


def _ror_record(institution: Institution) -> dict[str, Any]:
    place = {
        "name": institution.place,
        "lat": institution.latitude,
        "lng": institution.longitude,
        "country_code": institution.economy,
        "country_subdivision_code": institution.admin,
    }
    changed = {"date": "2026-06-02", "schema_version": "2.1"}
    return {
        "admin": {"created": changed, "last_modified": changed},
        "established": None,
        "external_ids": [],
        "id": institution.ror,
        "links": [],
        "locations": [{"geonames_details": place, "geonames_id": institution.geonameid}],
        "names": [{"lang": "en", "types": ["ror_display", "label"], "value": institution.name}],
        "relationships": [],
        "status": "active",
        "types": [institution.kind],
    }
