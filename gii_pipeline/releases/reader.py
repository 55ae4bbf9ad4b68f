"""Readers: an opened release, its tables as pandas, Arrow or GeoDataFrame.

Belongs here: opening and verifying a version. Does not: making one.

Opening reads one small file; pandas and geopandas are imported when a table is requested.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gii_pipeline.errors import InputError, ReleaseError
from gii_pipeline.releases.info import WORLD
from gii_pipeline.releases.package import check_itself
from gii_pipeline.releases.shelf import (
    LATEST,
    PACKAGE,
    Version,
    embargo,
    resolve,
    today,
    version_folder,
    withdrawn,
)
from gii_pipeline.releases.storage import Folder, file_sha256, folder, read_bytes, storage_errors

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import pyarrow as pa

    from gii_pipeline.registry import Registry
    from gii_pipeline.releases.portrait import Portrait

LOCK_FILE = "sources.lock.json"


@dataclass(frozen=True)
class Release:
    """One version, opened.

    package: its `datapackage.json`. withdrawn: why it was withdrawn, or None. embargo: the day from which on it may be
    published, or None.
    """

    version: Version
    folder: Folder
    package: Mapping[str, Any]
    withdrawn: str | None = None
    embargo: str | None = None

    @property
    def label(self) -> str:
        """The edition: `2025`, or `2024@2025`."""
        return self.version.label

    @property
    def notes(self) -> tuple[str, ...]:
        """What the release has no source for, or leaves out, a sentence each."""
        return tuple(self.package.get("notes", ()))

    @property
    def whole(self) -> str:
        """What shares are of: the world, or the country of a national slice."""
        return str(self.package.get("whole", WORLD))

    @property
    def maturity(self) -> str:
        return str(self.package["maturity"])

    @cached_property
    def lock(self) -> dict[str, Any]:
        """`sources.lock.json`: what the release was made from and by."""
        return dict(json.loads(self.bytes(LOCK_FILE)))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The edition's settings, each value with its tag and source; {} when the release was made without."""
        settings: Mapping[str, Any] = self.package["settings"]
        return settings

    @property
    def registry(self) -> Registry:
        """What the metrics that the tables have columns of are called."""
        from gii_pipeline.registry import from_plain, shipped  # noqa: PLC0415

        return from_plain(self.package["metrics"], PACKAGE) if "metrics" in self.package else shipped()

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(r["name"] for r in self.package["resources"] if r["path"].endswith(".parquet"))

    def bytes(self, path: str) -> bytes:
        """A file of the release as it was published; ReleaseError when it does not exist or has changed since."""
        with storage_errors(f"read {path} of", self.folder):
            content = read_bytes(self.folder / path)
        self._compare(path, hashlib.sha256(content).hexdigest())
        return content

    def check(self, path: str) -> None:
        """Raise ReleaseError where a file of the release is not as it was published."""
        with storage_errors(f"read {path} of", self.folder):
            self._compare(path, file_sha256(self.folder / path))

    def _compare(self, path: str, sha256: str) -> None:
        published = next((r["hash"] for r in self.package["resources"] if r["path"] == path), None)
        if published is not None and published != f"sha256:{sha256}":
            raise ReleaseError(
                f"{self.folder / path} is damaged: its bytes differ from the published ones. Restore it from a "
                f"copy of {self.version}, or withdraw the version and make the next one. "
                f"`gii release verify {self.version}` lists every damaged file."
            )

    def arrow(self, name: str) -> pa.Table:
        """A table as Arrow, with descriptions and units in its fields' metadata."""
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        if name not in self.tables:
            raise InputError(f"{self.version} has no table {name!r}. It has {', '.join(self.tables)}.")
        try:
            return pq.ParquetFile(arrow_file(self.bytes(f"{name}.parquet"))).read()
        except (pa.ArrowException, OSError) as error:
            raise ReleaseError(
                f"{self.version}: {name}.parquet cannot be read ({error}). "
                f"`gii release verify {self.version}` lists the damaged files."
            ) from error

    def table(self, name: str) -> pd.DataFrame:
        """A table as pandas. Nullable integers are `Int32` or `Int64`, whether or not this edition has nulls there."""
        return to_pandas(self.arrow(name), self._required(name))

    def _required(self, name: str) -> frozenset[str]:
        """The columns that never hold a null, by the table's contract."""
        fields = next(r["schema"]["fields"] for r in self.package["resources"] if r["name"] == name)
        return frozenset(f["name"] for f in fields if f.get("constraints", {}).get("required"))

    def cluster(self, wanted: str) -> Portrait:
        """The portrait of a cluster, ranked or not: leaders, fields, partners, growth in each metric.

        wanted: its name, its cluster_id, or words that fit no other cluster.
        """
        from gii_pipeline.releases.portrait import portraits  # noqa: PLC0415
        from gii_pipeline.releases.search import one  # noqa: PLC0415

        clusters = self.table("clusters").set_index("cluster_id")
        best = clusters.loc[self.table("ranking_size")["cluster_id"]]
        names = {str(key): str(name) for rows in (best, clusters) for key, name in rows["name"].items()}
        economies = {str(key): str(codes) for key, codes in clusters["economies"].items()}
        return portraits(self)[one(wanted, names, economies, "cluster", self.label)]

    def geo(self, name: str = "cluster_footprints") -> gpd.GeoDataFrame:
        """A table with a geometry as a GeoDataFrame, longitude and latitude (OGC:CRS84)."""
        import geopandas as gpd  # noqa: PLC0415

        if "geometry" not in self.arrow(name).column_names:
            raise InputError(f"Table {name} has no geometry. `cluster_footprints` has.")
        return gpd.read_parquet(arrow_file(self.bytes(f"{name}.parquet")))


def arrow_file(content: bytes) -> pa.NativeFile:
    """The bytes as a file in Arrow's own memory.

    Arrow's threads may drop what they read after the main thread has its table. Where that is a Python object and the
    interpreter ends in this moment, the process aborts.
    """
    import pyarrow as pa  # noqa: PLC0415

    memory = pa.BufferOutputStream()
    memory.write(content)
    return pa.BufferReader(memory.getvalue())


def to_pandas(table: pa.Table, required: frozenset[str] = frozenset()) -> pd.DataFrame:
    """A table as pandas, whose dtypes do not depend on which values happen to be null.

    required: columns without nulls; integers are numpy's there, and `Int32` or `Int64` elsewhere.
    """
    import pandas as pd  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    nullable = {pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype()}
    columns = {
        name: table[name].to_pandas(types_mapper=None if name in required else nullable.get)
        for name in table.column_names
    }
    return pd.DataFrame(columns)


def open_release(root: Folder | str, version: str = LATEST) -> Release:
    """Open a release under `root`: a folder, or an address such as `s3://bucket/gii`.

    version: `latest` (the newest edition by its own method), an edition (`2025`, `2024@2025`: its newest revision), or
    a version (`v2025.1`). Versions that are withdrawn or under an embargo open by their own name only, with a warning.
    Raises ReleaseError when there is no such version, or it is unfinished or damaged; InputError for no name.
    """
    root = folder(root)
    release = open_version(root, resolve(root, version))
    if release.withdrawn is not None:
        warnings.warn(f"{release.version} was withdrawn: {release.withdrawn}", UserWarning, stacklevel=2)
    if release.embargo is not None and release.embargo > today():
        warnings.warn(f"{release.version} may not be published before {release.embargo}", UserWarning, stacklevel=2)
    return release


def open_version(root: Folder, version: Version) -> Release:
    """Open a version that is known to be there, withdrawn or not."""
    opened = version_folder(root, version)
    with storage_errors(f"open {version} under", root):
        package = check_itself(read_bytes(opened / PACKAGE), str(opened / PACKAGE))
        reason, waits = withdrawn(root, version), embargo(root, version)
    if not package["resources"]:
        raise ReleaseError(
            f"{version} under {root} was discarded before it was finished and has no tables. Open another version."
        )
    return Release(version, opened, package, reason, waits)
