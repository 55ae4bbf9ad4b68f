"""Judging a table that a function made as the store would."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from gii_pipeline import contracts
from gii_pipeline.editions import Edition


def typed(name: str, frame: pd.DataFrame) -> pa.Table:
    """The frame with its contract's columns and types, or an error if they differ."""
    schema = contracts.load(name).arrow_schema
    assert list(frame.columns) == schema.names
    return pa.Table.from_pandas(frame, schema=schema, preserve_index=False)


def broken_rules(name: str, frame: pd.DataFrame, edition: Edition, **references: pd.DataFrame) -> list[str]:
    """The rules of the table's contract that it breaks, or that could not be judged."""
    verdict = contracts.validate(
        typed(name, frame),
        contracts.load(name),
        references={other: typed(other, rows) for other, rows in references.items()},
        partition=edition.label,
    )
    return [result.rule for result in verdict.results if result.status != "passed"]
