"""The technical fields of a patent: WIPO's 35, from its IPC symbols or from numbers that a source gives ready made.

Belongs here: the concordance as SQL. The table is `technology_fields.csv`: the prefix of an IPC symbol (class, subclass
or main group) and its field, after WIPO's IPC Technology Concordance (U. Schmoch: Concept of a Technology
Classification for Country Comparisons, 2008, as updated since); of two prefixes the longer counts.
Does not: which symbols a patent has (see the reader of each source).
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from gii_pipeline.sources.readers import files as reading

_TABLE: Final = Path(str(files("gii_pipeline.sources").joinpath("technology_fields.csv")))
_SYMBOL: Final = r"^([A-H][0-9]{2})([A-Z])? *([0-9]{1,4})?"


def concordance() -> str:
    """SQL for the table: ipc, number and field."""
    types = "{ipc: 'VARCHAR', field_number: 'INTEGER', field: 'VARCHAR', sector: 'VARCHAR'}"
    return (
        f"(SELECT ipc, field_number AS number, field FROM read_csv({reading.quoted(reading.literal(_TABLE))}, "
        f"header = true, columns = {types}, auto_detect = false, hive_partitioning = false))"
    )


def fields_by_symbol(symbols: str, key: str) -> str:
    """SQL for the columns key and `fields` out of rows of key and `symbol`, an IPC symbol in whatever spelling.

    A field weighs as many distinct symbols as are in it. A symbol of no field counts for none; a patent of which no
    symbol is known has no row.
    """
    class_, letter, main = (f"regexp_extract(upper(symbol), '{_SYMBOL}', {group})" for group in (1, 2, 3))
    parts = f"""(
        SELECT DISTINCT {key}, symbol, {class_} AS class, {letter} AS letter,
            try_cast({main} AS INTEGER)::VARCHAR AS main
        FROM {symbols} WHERE symbol IS NOT NULL
    )"""
    known = concordance()
    found = f"""(
        SELECT {key}, coalesce(g.field, s.field, c.field) AS field, count(*) AS symbols FROM {parts} p
            LEFT JOIN {known} g ON g.ipc = p.class || p.letter || p.main AND p.letter <> ''
            LEFT JOIN {known} s ON s.ipc = p.class || p.letter AND p.letter <> ''
            LEFT JOIN {known} c ON c.ipc = p.class
        WHERE coalesce(g.field, s.field, c.field) IS NOT NULL GROUP BY ALL
    )"""
    return _weighted(found, key, "symbols")


def fields_by_number(numbers: str, key: str) -> str:
    """SQL for the columns key and `fields` out of rows of key, `number` (of one of the 35 fields) and `weight`."""
    found = f"""(
        SELECT {key}, f.field, sum(weight) AS weight
        FROM {numbers} n JOIN (SELECT DISTINCT number, field FROM {concordance()}) f USING (number) GROUP BY ALL
    )"""
    return _weighted(found, key, "weight")


def _weighted(found: str, key: str, weight: str) -> str:
    return f"""(
        SELECT {key}, list({{name: field, weight: part}} ORDER BY part DESC, field) AS fields FROM (
            SELECT {key}, field, {weight} / sum({weight}) OVER (PARTITION BY {key}) AS part FROM {found}
        ) GROUP BY {key}
    )"""
