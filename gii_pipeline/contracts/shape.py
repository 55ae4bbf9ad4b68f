"""The shape of a table against its contract: columns missing, extra, renamed, retyped, or out of order.

Belongs here: comparing names and types, exactly.
Does not: values. A table of the wrong shape is not looked into.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from gii_pipeline.contracts.model import Contract

LIKENESS = 0.6


def problems(schema: pa.Schema, contract: Contract) -> list[dict[str, str]]:
    """What is wrong with the columns of a table, each as `column` and `problem`. Nullability is a matter of values."""
    found = list(_differences(schema, contract))
    in_order = [c.name for c in contract.columns]
    if not found and schema.names != in_order:
        found = [{"column": "all", "problem": f"in the order {schema.names}, the contract says {in_order}"}]
    return found


def _differences(schema: pa.Schema, contract: Contract) -> Iterator[dict[str, str]]:
    declared = {c.name: c.type for c in contract.columns}
    missing = [name for name in declared if name not in schema.names]
    extra = [name for name in schema.names if name not in declared]
    for name in sorted({n for n in schema.names if schema.names.count(n) > 1}):
        yield {"column": name, "problem": "occurs more than once"}
    for name in missing:
        like = _renamed(name, extra, schema, contract)
        yield {"column": name, "problem": f"missing, perhaps renamed to {like}" if like else "missing"}
    for name in extra:
        yield {"column": name, "problem": "not in the contract"}
    for name, wanted in declared.items():
        if schema.names.count(name) == 1 and str(schema.field(name).type) != wanted:
            yield {"column": name, "problem": f"is {schema.field(name).type}, the contract says {wanted}"}


def _renamed(missing: str, extra: list[str], schema: pa.Schema, contract: Contract) -> str | None:
    """The extra column that stands in for the missing one: at its place, or with a name much like it."""
    position = [c.name for c in contract.columns].index(missing)
    if position < len(schema.names) and schema.names[position] in extra:
        return str(schema.names[position])
    return next(iter(difflib.get_close_matches(missing, extra, n=1, cutoff=LIKENESS)), None)
