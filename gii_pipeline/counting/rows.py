"""Which rows of a core table count in an edition.

Belongs here: an edition's windows and record types (METHOD.md, section 1).
Does not: what is counted.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis.expr.types as ir

from gii_pipeline.editions import Edition, MetricSettings
from gii_pipeline.errors import InputError


def in_window(rows: ir.Table, metric: MetricSettings) -> ir.Table:
    """The rows of a core table that count: of the window's years and of the metric's record types."""
    window = metric.window.value
    rows = rows.filter(rows.data_year.between(window.first_year, window.last_year))
    types = metric.record_types.value
    return rows if types is None else rows.filter(rows.record_type.isin(types))


def rows_of(core: Mapping[str, ir.Table], edition: Edition, metric: str) -> ir.Table:
    """A metric's rows that count in the edition, or InputError if it has no core table."""
    if metric not in core:
        raise InputError(
            f"Edition {edition.label} counts {metric}, and there is no core table for it. Given: {', '.join(core)}."
        )
    return in_window(core[metric], edition.metrics[metric])


def is_located(rows: ir.Table) -> ir.BooleanColumn:
    """Whether each row has a location."""
    return rows.location_id.notnull()


def is_alone(rows: ir.Table) -> ir.BooleanColumn:
    """Whether each row is its record's only one: a record's fractions are above 0 and add up to 1 (contract).

    Of rows whose fractions were weighted, a column `alone` holds what they were before.
    """
    alone: ir.BooleanColumn = rows.alone if "alone" in rows.columns else rows.fraction == 1
    return alone
