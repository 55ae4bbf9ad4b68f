"""People → located people: every distinct address is located once, then joined back to the people who gave it.

Belongs here: reading the rows once into a temporary Parquet file, the distinct addresses, the join, and reporting
economies that nobody knows. Does not: how an address is located (see `addresses`).
"""

from __future__ import annotations

import logging
import secrets
from functools import partial
from pathlib import Path
from typing import Final

import duckdb
import pandas as pd
import pyarrow as pa

from gii_pipeline.errors import InputError
from gii_pipeline.geocoding.addresses import ADDRESS_COLUMNS, locate_addresses
from gii_pipeline.geocoding.economies import alpha2
from gii_pipeline.geocoding.gazetteer import Gazetteer
from gii_pipeline.geocoding.kept import KeptAnswers
from gii_pipeline.geocoding.location_id import pack
from gii_pipeline.geocoding.names import plain
from gii_pipeline.geocoding.overrides import read_overrides
from gii_pipeline.sources import INSTITUTION_COLUMNS, PEOPLE_COLUMNS, explained
from gii_pipeline.sources.readers import files as reading

_FOUND_COLUMNS: Final = {
    "location_id": pa.int64(),
    "place": pa.string(),
    "admin": pa.string(),
    "economy": pa.string(),
    "precision": pa.string(),
    "geocoding": pa.string(),
}
UNKNOWN_ECONOMIES_PCT: Final = 1.0
_NOT_BY_CHANCE: Final = 10
"""A share of fewer people than these refuses nothing: one odd code in a small table is a large share."""
logger = logging.getLogger(__name__)
_GEOCODING: Final = """
    CASE WHEN rows.dropped IS NOT NULL THEN 'dropped' WHEN rows.person_seq = 0 THEN 'no_people' ELSE found.geocoding END
"""


def locate(
    con: duckdb.DuckDBPyConnection,
    people: duckdb.DuckDBPyRelation,
    places: Gazetteer,
    institutions: duckdb.DuckDBPyRelation | None = None,
    overrides: pd.DataFrame | None = None,
    *,
    source: str = "the source's files",
    unknown_economies_pct: float = UNKNOWN_ECONOMIES_PCT,
    stored: bool = False,
    kept_in: Path | None = None,
) -> duckdb.DuckDBPyRelation:
    """Locate everyone: each distinct address once, joined back to the people who gave it.

    Returns record_id, year, record_type, dropped, person_seq, address_seq, people, people_truncated, fraction, address,
    and location_id, place, admin, economy, precision, geocoding, lazily.
    people: PEOPLE rows of a reader, read here and only here; or out of stored extracts (`stored`), read wherever they
    are needed. institutions: institution rows of a reader. overrides: see
    `overrides.read_overrides`. source: what error messages call the files. kept_in: a folder of answers that earlier
    runs and years gave (see `kept`).
    place, admin and economy are the gazetteer's names. Rows of dropped records stay, with geocoding `dropped`.
    An economy that nobody knows is an outcome; overrides may explain it, or say that it is none.
    Raises InputError where a file is broken, or where more than unknown_economies_pct of the people have one and no
    coordinates.
    """
    rows = people if stored else _kept(con, people, source)
    addresses = _distinct_addresses(rows)
    overrides = read_overrides(None) if overrides is None else overrides
    economies = _economies(addresses, overrides)
    _refuse_unknown(addresses, economies, overrides, source, unknown_economies_pct)
    with explained("the institutions"):
        known = institutions.df() if institutions is not None else pd.DataFrame(columns=list(INSTITUTION_COLUMNS))
    addresses_there = addresses.assign(economy=economies)
    by_rules = partial(locate_addresses, gazetteer=places, institutions=known, overrides=overrides)
    if kept_in is None:
        located = by_rules(addresses_there)
    else:
        located = KeptAnswers(kept_in, places, known, overrides).locate(addresses_there, by_rules)
    return _joined(con, rows, _found(addresses, located))


def _kept(con: duckdb.DuckDBPyConnection, people: duckdb.DuckDBPyRelation, source: str) -> duckdb.DuckDBPyRelation:
    """The rows in a temporary Parquet file, so that the raw files are read and parsed once."""
    path = str(reading.scratch(con) / f"people-{secrets.token_hex(8)}.parquet")
    with explained(source):
        people.write_parquet(path, compression="zstd")
    return con.read_parquet(reading.literal(path), hive_partitioning=False)


def _distinct_addresses(rows: duckdb.DuckDBPyRelation) -> pd.DataFrame:
    """The ADDRESS_COLUMNS as the source gave them, rows (how many have the address) and the record_id of one."""
    columns = ", ".join(ADDRESS_COLUMNS)
    counted = rows.filter("dropped IS NULL AND person_seq > 0")
    distinct = counted.aggregate(f"{columns}, count(*) AS rows, min(record_id) AS record_id", columns)
    frame: pd.DataFrame = distinct.order(columns).df()
    return frame


def _economies(addresses: pd.DataFrame, overrides: pd.DataFrame) -> pd.Series[str]:
    """The alpha-2 code of each address's economy, by the overrides first; null where it is not known."""
    meant = overrides[overrides["economy"].notna()].set_index("form")["economy"].to_dict()
    none = _stand_for_none(overrides)
    codes = {
        code: None if plain(code) in none else alpha2(meant.get(plain(code), code))
        for code in addresses["economy"].dropna().unique()
    }
    return addresses["economy"].map(codes).astype("str")


def _stand_for_none(overrides: pd.DataFrame) -> set[str]:
    """What the overrides say of nothing but that it is there."""
    return set(overrides["form"][overrides.drop(columns="form").isna().all(axis=1)])


def _refuse_unknown(
    addresses: pd.DataFrame, economies: pd.Series[str], overrides: pd.DataFrame, source: str, limit_pct: float
) -> None:
    """Log which economies are not known and how many people have them; refuse the table above the limit."""
    unknown = addresses[addresses["economy"].notna() & economies.isna()]
    unknown = unknown[~unknown["economy"].map(plain).isin(_stand_for_none(overrides))]
    if unknown.empty:
        return
    codes = (
        unknown.groupby("economy").agg(people=("rows", "sum"), record=("record_id", "min")).sort_values("people")[::-1]
    )
    listed = "; ".join(
        f"{code!r} ({row.people} people, e.g. record {row.record})" for code, row in codes.head(10).iterrows()
    )
    lost = int(unknown["rows"][unknown["latitude"].isna()].sum())
    share_pct = 100 * lost / addresses["rows"].sum()
    message = (
        f"{source}: {len(codes)} economy codes are unknown: {listed}. {lost} of these people have no "
        f"coordinates either ({share_pct:.2g} % of all). "
        "Correct them in the file, or add a line to the profile's gazetteer.overrides with the code as "
        "`address` and its ISO 3166-1 alpha-2 code as `economy`; leave `economy` empty if the code means no "
        "economy"
    )
    if lost >= _NOT_BY_CHANCE and share_pct > limit_pct:
        raise InputError(f"{message}. The limit is {limit_pct:g} % (gazetteer.unknown_economies_pct of the profile)")
    logger.warning(message)


def _found(addresses: pd.DataFrame, located: pd.DataFrame) -> pa.Table:
    """The distinct addresses (columns `a_…`) with where they lie."""
    given = addresses[ADDRESS_COLUMNS].add_prefix("a_")
    has_point = located["latitude"].notna().to_numpy()
    point = located[["latitude", "longitude"]].astype("float64").fillna(0)
    location_id = pa.array(pack(point["latitude"], point["longitude"]), mask=~has_point)
    columns = {f"a_{name}": pa.array(given[f"a_{name}"], from_pandas=True) for name in ADDRESS_COLUMNS}
    columns["location_id"] = location_id
    for name, kind in list(_FOUND_COLUMNS.items())[1:]:
        columns[name] = pa.array(located[name].to_numpy(dtype=object), type=kind, from_pandas=True)
    return pa.table(columns)


def _joined(con: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, found: pa.Table) -> duckdb.DuckDBPyRelation:
    kept = [name for name in PEOPLE_COLUMNS if name not in ADDRESS_COLUMNS or name == "address"]
    same = " AND ".join(f"rows.{name} IS NOT DISTINCT FROM found.a_{name}" for name in ADDRESS_COLUMNS)
    joined = rows.set_alias("rows").join(con.from_arrow(found).set_alias("found"), same, how="left")
    columns = [
        *(f"rows.{name}" for name in kept),
        *(
            f"CASE WHEN rows.dropped IS NULL AND rows.person_seq > 0 THEN found.{name} END AS {name}"
            for name in _FOUND_COLUMNS
            if name != "geocoding"
        ),
        f"{_GEOCODING} AS geocoding",
    ]
    return joined.select(", ".join(columns))
