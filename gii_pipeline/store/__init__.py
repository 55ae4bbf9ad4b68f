"""The store: where tables lie under one root, and how a table comes to lie there.

Belongs here: paths of partitions, deterministic Parquet, staging and promotion, and the lock that says what a table
was made from.
Does not: what is in a table (contracts), or whether it may be promoted (the caller validates the staged file first).
"""

from gii_pipeline.store.layout import (
    COMPOSITION_TABLES,
    EDITION_TABLES,
    FOLLOWING_TABLES,
    Store,
    split_label,
)
from gii_pipeline.store.lock import LOCK_KEY, Lock, Made, made, note, read_footer, read_lock
from gii_pipeline.store.parquet import no_pattern, read_parquet, write_batches, write_parquet

__all__ = [
    "COMPOSITION_TABLES",
    "EDITION_TABLES",
    "FOLLOWING_TABLES",
    "LOCK_KEY",
    "Lock",
    "Made",
    "Store",
    "made",
    "no_pattern",
    "note",
    "read_footer",
    "read_lock",
    "read_parquet",
    "split_label",
    "write_batches",
    "write_parquet",
]
