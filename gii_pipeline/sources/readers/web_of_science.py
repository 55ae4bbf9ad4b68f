"""Web of Science: tab-delimited exports of full records (`records`), UTF-8 or UTF-16.

Belongs here: the field tags, and the authors' addresses out of C1 ("[Author; Author] Organisation, City, Country; …").
Does not: names. They only join an author (AF) to the addresses of C1.

An author with several addresses splits their part equally. Where C1 has no brackets (records before 2008) it does not
say who is where: every author then has every address. Of an address only its end is kept, the city, the region where
there is one, and the economy, since the organisation before it names no place.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.rows import Options, kind, people_rows

_WITH_REGION = "'USA', 'Canada', 'Australia', 'India', 'Brazil', 'Mexico'"
_BRACKETS = r"\[([^\]]*)\]\s*([^\[]*)"


class WebOfScienceOptions(Options):
    """types: document types that count (`Article`); indexes: editions that count, as WE writes them. All by default."""

    types: tuple[str, ...] | None = None
    indexes: tuple[str, ...] | None = None


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: WebOfScienceOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an author × address; `dropped` is no_date, other_type or other_index.

    The type is the first of those that DT lists. A record that was exported twice counts once.
    """
    optional = ("AF", "WE")
    paths = reading.named(files, "records")
    records = reading.table(con, paths, ["UT", "PY", "DT", "AU", "C1"], optional=optional, delimiter="\t")
    # Every author with the list of their addresses; no address is [NULL].
    authors = f"""(
        SELECT UT, PY, DT, {_dropped(options)} AS dropped, len(authors) AS people,
            unnest(CASE WHEN len(authors) > 0 THEN authors ELSE [NULL] END) AS author,
            unnest(generate_series(1, greatest(len(authors), 1))) AS nth, groups, plain
        FROM (
            SELECT *, {_listed("coalesce(AF, AU)")} AS authors,
                list_zip(regexp_extract_all(C1, '{_BRACKETS}', 1), regexp_extract_all(C1, '{_BRACKETS}', 2)) AS groups,
                CASE WHEN C1 NOT LIKE '%[%' THEN {_listed("C1")} END AS plain
            FROM ({records}) QUALIFY row_number() OVER (PARTITION BY UT ORDER BY C1 NULLS LAST) = 1
        )
    )"""
    theirs = f"list_filter(groups, lambda g: list_contains({_listed('g[1]')}, author))"
    addresses = f"""(
        SELECT *, unnest(found) AS written, unnest(generate_series(1, len(found))) AS address_seq,
            len(found) AS addresses
        FROM (SELECT *, coalesce(nullif(coalesce(
            plain, list_transform({theirs}, lambda g: trim(g[2], '; '))), []), [NULL]) AS found FROM {authors})
    )"""
    return people_rows(
        con,
        f"(SELECT *, {_parts('written')} AS parts FROM {addresses})",
        record_id="UT",
        year="try_cast(PY AS INTEGER)",
        record_type=kind("split_part(DT, ';', 1)", "record"),
        dropped="dropped",
        person_seq="CASE WHEN author IS NULL THEN 0 ELSE nth END",
        address_seq="address_seq",
        people="coalesce(people, 0)",
        fraction="1 / (greatest(people, 1) * addresses)",
        economy="parts[-1]",
        address=f"array_to_string(parts[CASE WHEN parts[-1] IN ({_WITH_REGION}) THEN -3 ELSE -2 END:], ', ')",
    )


def _dropped(options: WebOfScienceOptions) -> str:
    rules = ["WHEN try_cast(PY AS INTEGER) IS NULL THEN 'no_date'"]
    for column, wanted, reason in (("DT", options.types, "other_type"), ("WE", options.indexes, "other_index")):
        if wanted is not None:
            names = ", ".join(map(reading.quoted, wanted))
            rules.append(f"WHEN NOT list_has_any(coalesce({_listed(column)}, []), [{names}]) THEN '{reason}'")
    return f"CASE {' '.join(rules)} END"


def _listed(text: str) -> str:
    """SQL for the parts of a field that are separated by semicolons."""
    return f"list_filter(list_transform(string_split({text}, ';'), lambda x: trim(x)), lambda x: x <> '')"


def _parts(address: str) -> str:
    """SQL for the parts of an address; "CA 94720 USA" are two, and a final full stop is none."""
    separated = f"regexp_replace(rtrim({address}, '. '), '\\s+USA$', ', USA')"
    return f"list_transform(string_split({separated}, ','), lambda x: trim(x))"
