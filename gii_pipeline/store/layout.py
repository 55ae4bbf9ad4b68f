"""The layout of a root: which table lies where, staged how, promoted how.

Belongs here: paths and the rename that makes a finished file visible.
Does not: file formats, contracts.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from filelock import FileLock, Timeout

from gii_pipeline import verified
from gii_pipeline.errors import InputError, MissingYearsError

FOLLOWING_TABLES = ("locations", "geocoding_quality", "ingest_ledger")
"""The core tables that follow from the record tables of their data year."""
COMPOSITION_TABLES = ("leaders", "fields", "collaboration", "partners", "metrics_by_year", "economy_totals", "origin")
EDITION_TABLES = (
    "points",
    "clusters",
    "cluster_members",
    "cluster_footprints",
    "cluster_metrics",
    "ranking_size",
    "ranking_intensity",
    "contributions",
    "rank_changes",
    "rank_stability",
    "rank_variants",
    "agreement",
    "coverage",
    *COMPOSITION_TABLES,
)
PART = "part-0.parquet"
ALIVE = ".alive"


def split_label(label: str) -> tuple[int, int]:
    """Edition and method of an edition's label: `2025` -> (2025, 2025), `2024@2025` -> (2024, 2025)."""
    edition, _, method = label.partition("@")
    return int(edition), int(method or edition)


@dataclass(frozen=True)
class Store:
    """The tables under one root. A partition is one file; a reader sees the old one or the new one, never a part."""

    root: Path

    def core(self, table: str, data_year: int) -> Path:
        return self.root / "core" / table / f"data_year={data_year}" / PART

    def edition(self, table: str, label: str) -> Path:
        edition, method = split_label(label)
        return self.root / "editions" / table / f"edition={edition}" / f"method={method}" / PART

    def partition(self, table: str, partition: str) -> Path:
        """The file of a table's partition: a data year for a core table, an edition's label for an edition table."""
        return self.edition(table, partition) if table in EDITION_TABLES else self.core(table, int(partition))

    def raw(self, name: str, data_year: int | None = None) -> Path:
        """The list of archive entries that a data year of a source is read from."""
        return self.root / "raw" / name / ("inputs.json" if data_year is None else f"data_year={data_year}/inputs.json")

    @property
    def extracts(self) -> Path:
        """What readers gave for the files of the archive."""
        return self.root / "extracts"

    def quarantine(self, table: str, partition: str) -> Path:
        """Where the rows that broke a contract lie, for `gii explain`."""
        return self.root / "quarantine" / table / f"{partition}.parquet"

    @property
    def data_docs(self) -> Path:
        """The pages of Great Expectations, one per table and partition."""
        return self.root / "data_docs"

    def core_years(self, table: str, years: Iterable[int]) -> list[Path]:
        """The files of `years`, each as it was written.

        MissingYearsError names every year that is not there, DamagedError a file that has changed since.
        """
        years = sorted(years)
        missing = [year for year in years if not self.core(table, year).is_file()]
        if missing:
            named = ",".join(map(str, missing))
            raise MissingYearsError(f"core table `{table}` lacks data years {named}. Run `gii ingest --years {named}`.")
        return [self.verified(table, str(year)) for year in years]

    def verified(self, table: str, partition: str) -> Path:
        """The file of a table's partition, as it was written; DamagedError when it has changed since."""
        return verified.check(self.partition(table, partition), self.remedy(table, partition))

    def remedy(self, table: str, partition: str) -> str:
        """What makes a damaged partition again."""
        if table not in EDITION_TABLES:
            return f"Run `gii ingest --years {partition}` to make it again."
        edition, method = split_label(partition)
        under = "" if edition == method else f" --method {method}"
        return f"Run `gii run --edition {edition}{under}` to make it again."

    def existing_edition(self, table: str, label: str) -> Path:
        """The file of an edition's table, as it was written."""
        path = self.edition(table, label)
        if not path.is_file():
            raise InputError(
                f"Edition {label} has no table `{table}` under {self.root}. Run `gii run --edition {label}`."
            )
        return self.verified(table, label)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder beside the tables, on the same file system, that is gone afterwards.

        What a killed process left is swept when the next one stages: a folder is alive while its lock is held.
        """
        parent = self.root / ".staging"
        parent.mkdir(parents=True, exist_ok=True)
        with self.lock("staging"):
            for left in parent.iterdir():
                _sweep(left)
            folder = Path(mkdtemp(dir=parent))
            alive = FileLock(folder / ALIVE)
            alive.acquire()
        try:
            yield folder
        finally:
            alive.release()
            shutil.rmtree(folder, ignore_errors=True)

    def lock(self, name: str) -> FileLock:
        """Held by one process at a time, by name."""
        folder = self.root / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{name}.lock")

    @staticmethod
    def promote(staged: Mapping[Path, Path]) -> None:
        """Make staged files (staged -> target) visible, each by one atomic rename, after all are on the disk."""
        for path, target in staged.items():
            verified.sync(path)
            target.parent.mkdir(parents=True, exist_ok=True)
        for path, target in staged.items():
            verified.replace(path, target)


def _sweep(folder: Path) -> None:
    """Remove a staging folder that no living process holds."""
    try:
        with FileLock(folder / ALIVE, blocking=False):
            pass
    except Timeout:
        return
    shutil.rmtree(folder, ignore_errors=True)
