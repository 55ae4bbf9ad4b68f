"""Web of Science: exports of full records (`records`), tab-delimited or as tagged plain text, in any encoding.

Belongs here: the field tags, and the authors' addresses out of C1 ("[Author; Author] Organisation, City, Country; …").
Does not: names. They only join an author (AF, AU) to the addresses of C1.

An author with several addresses splits their part equally. Where C1 has no brackets (records before 2008) it does not
say who is where: every author then has every address. An author whom C1 gives no address has that of RP, where they
are its author. An article that is not in an issue yet has the year of its early access.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

import duckdb

from gii_pipeline.sources.readers import dates, delimited, wos_tagged
from gii_pipeline.sources.readers import files as reading
from gii_pipeline.sources.readers.organisations import first_part_of
from gii_pipeline.sources.readers.publication_types import WEB_OF_SCIENCE, publication_type
from gii_pipeline.sources.readers.rows import Need, Options, not_of_types, people_rows

_REQUIRED: Final = ("UT", "PY", "DT", "AU", "C1")
_OPTIONAL: Final = ("AF", "WE", "RP", "EA", "PD", "WC", "SC", "DA")
_IN_WORDS: Final = {
    "UT": "UT (Unique WOS ID)", "PY": "Publication Year", "DT": "Document Type", "AU": "Authors", "C1": "Addresses",
    "AF": "Author Full Names", "WE": "Web of Science Index", "RP": "Reprint Addresses", "EA": "Early Access Date",
    "PD": "Publication Date", "WC": "WoS Categories", "SC": "Research Areas", "DA": "Date of Export",
}  # fmt: skip
"""Tag -> the heading of the same column in the export for Excel."""
_BRACKETS: Final = r"\[([^\]]*)\]\s*([^\[]*)"
_REPRINT: Final = r"([^()]+?)\s*\((?:corresponding|reprint) author\)\s*,?\s*([^;()]*)"
_MERGED_WITH: Final = "'early access', 'retracted publication'"  # they say nothing of what kind a paper is


class WebOfScienceOptions(Options):
    """types: types that count, in our words or Web of Science's. indexes: editions that count, as WE writes them.

    All by default.
    """

    choosing: ClassVar[frozenset[str]] = frozenset({"types", "indexes"})
    values: ClassVar[Mapping[str, str]] = {"types": "", "indexes": "index:"}
    needs: ClassVar[Mapping[str, Need]] = {
        "indexes": Need("records", "the column WE", "export `Full Record`, which includes it, or leave out the option")
    }

    types: tuple[str, ...] | None = None
    indexes: tuple[str, ...] | None = None

    def drops(self) -> Mapping[str, str]:
        """other_type, other_index."""
        indexes = ", ".join(reading.quoted(f"index:{index}") for index in self.indexes or ())
        rules = {
            "other_type": not_of_types(self.types) if self.types is not None else "",
            "other_index": f"NOT list_has_any(traits, [{indexes}]::VARCHAR[])" if self.indexes is not None else "",
        }
        return {reason: rule for reason, rule in rules.items() if rule}


def lacks(con: duckdb.DuckDBPyConnection, path: Path, field: str) -> bool:
    """Whether no record of the file has the field, the last word of what `Options.needs` calls it."""
    records = _records(con, {"records": [path]})
    tag = reading.column(field.rsplit(maxsplit=1)[-1])
    return (
        bool(con.sql(f"SELECT 1 FROM ({records}) LIMIT 1").fetchall())
        and not con.sql(f"SELECT 1 FROM ({records}) WHERE {tag} IS NOT NULL LIMIT 1").fetchall()
    )


def people(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]], options: WebOfScienceOptions
) -> duckdb.DuckDBPyRelation:
    """PEOPLE rows, one an author × address; `dropped` is no_id or no_date.

    The type is the first of those that DT lists.
    """
    del options
    source = f"""(
        WITH records AS MATERIALIZED (
            SELECT *, row_number() OVER () AS record, {_authors()} AS authors, {_listed("AU")} AS short,
                CASE WHEN C1 NOT LIKE '%[%' THEN {_addresses("C1")} END AS plain
            FROM ({_records(con, files)})
        ), authors AS (
            SELECT record, unnest(authors) AS name, unnest(generate_series(1, len(authors))) AS nth, short
            FROM records
        ), named AS (
            SELECT record, nth, {_key("name")} AS name, {_key("short[nth]")} AS short FROM authors
        ), {_belonging("here", "C1", _BRACKETS)}, {_belonging("reprint", "RP", _REPRINT)},
        found AS (
            SELECT n.record, n.nth, coalesce(h.addresses, s.addresses, p.addresses, q.addresses) AS theirs
            FROM named n
                LEFT JOIN here h ON h.record = n.record AND h.name = n.name
                LEFT JOIN here s ON s.record = n.record AND s.name = n.short
                LEFT JOIN reprint p ON p.record = n.record AND p.name = n.name
                LEFT JOIN reprint q ON q.record = n.record AND q.name = n.short
        ), people AS (
            SELECT r.*, f.nth, coalesce(nullif(coalesce(r.plain, f.theirs), []), [NULL]) AS addresses
            FROM records r LEFT JOIN found f USING (record)
        )
        SELECT *, unnest(addresses) AS written, unnest(generate_series(1, len(addresses))) AS address_seq FROM people
    )"""
    rows = f"(SELECT *, {_economy('written')} AS economy FROM {source})"
    year = "coalesce(try_cast(PY AS INTEGER), try_cast(regexp_extract(EA, '[0-9]{4}') AS INTEGER))"
    return people_rows(
        con,
        rows,
        record_id="upper(UT)",
        year=year,
        record_type=publication_type(_first_type(), WEB_OF_SCIENCE),
        dropped=f"CASE WHEN UT IS NULL THEN 'no_id' WHEN {year} IS NULL THEN 'no_date' END",
        person_seq="coalesce(nth, 0)",
        address_seq="address_seq",
        people="coalesce(len(authors), 0)",
        fraction="1 / (greatest(coalesce(len(authors), 0), 1) * len(addresses))",
        economy="economy",
        address="written",
        source_type="DT",
        year_text=f"CASE WHEN {year} IS NULL THEN coalesce(PY, EA, PD) END",
        changed=dates.moment("DA"),
        source_rows="(coalesce(nth, 0) <= 1 AND address_seq = 1)::INTEGER",
        traits=f"""list_concat(list_transform(coalesce({_listed("WE")}, []), lambda i: 'index:' || i),
            CASE WHEN DT ILIKE '%retracted publication%' THEN ['retracted'] ELSE [] END)""",
        organisations=first_part_of("written", "economy"),
        fields=f"""CASE WHEN len({_fields()}) > 0 THEN
            list_transform({_fields()}, lambda f: {{name: f, weight: 1 / len({_fields()})}}) END""",
    )


def _records(con: duckdb.DuckDBPyConnection, files: Mapping[str, list[Path]]) -> str:
    """SQL for the records of all files, one row per record."""
    parts = []
    for path in reading.named(files, "records"):
        table = path
        if reading.magic(path) not in {"parquet", "zip"} and wos_tagged.is_tagged(path):
            table = wos_tagged.as_table(con, path, [*_REQUIRED, *_OPTIONAL])
        names = {tag: (tag, _IN_WORDS[tag]) for tag in (*_REQUIRED, *_OPTIONAL)}
        parts.append(delimited.renamed(con, [table], names, optional=_OPTIONAL, ids=["UT"]))
    return " UNION ALL ".join(parts)


def _authors() -> str:
    """SQL for the authors in full, in short where there are not as many full names."""
    full, short = _listed("AF"), _listed("AU")
    return f"CASE WHEN AU IS NULL OR len({full}) = len({short}) THEN {full} ELSE {short} END"


def _belonging(name: str, column: str, pattern: str) -> str:
    """SQL for a table of the addresses of each author that a column names: record, name, addresses in its order."""
    pairs = f"list_zip(regexp_extract_all({column}, '{pattern}', 1), regexp_extract_all({column}, '{pattern}', 2))"
    return f"""{name}_groups AS (
        SELECT record, unnest(groups) AS pair, unnest(generate_series(1, len(groups))) AS nth
        FROM (SELECT record, {pairs} AS groups FROM records WHERE {column} IS NOT NULL)
    ), {name}_names AS (
        SELECT record, nth, unnest({_listed("pair[1]")}) AS name FROM {name}_groups
    ), {name}_addresses AS (
        SELECT record, nth, unnest(addresses) AS address, unnest(generate_series(1, len(addresses))) AS place
        FROM (SELECT *, {_addresses("pair[2]")} AS addresses FROM {name}_groups)
    ), {name} AS (
        SELECT record, name, list(address ORDER BY nth, place) AS addresses FROM (
            SELECT record, {_key("name")} AS name, address, min(nth) AS nth, min(place) AS place
            FROM {name}_names JOIN {name}_addresses USING (record, nth) GROUP BY ALL
        ) GROUP BY record, name
    )"""


def _key(name: str) -> str:
    """SQL for a name as it is compared: without case, accents and punctuation."""
    return f"trim(regexp_replace(lower(strip_accents({name})), '[^\\p{{L}}\\p{{N}}]+', ' ', 'g'))"


def _listed(text: str) -> str:
    """SQL for the parts of a field that are separated by semicolons."""
    return f"list_filter(list_transform(string_split({text}, ';'), lambda x: trim(x)), lambda x: x <> '')"


def _addresses(text: str) -> str:
    """SQL for addresses separated by semicolons, without the full stop at their end."""
    return f"list_transform({_listed(text)}, lambda x: rtrim(x, '. '))"


def _economy(address: str) -> str:
    """SQL for the economy that an address ends with; "CA 94720 USA" ends with USA."""
    last = f"trim(string_split({address}, ',')[-1])"
    return f"CASE WHEN regexp_matches({last}, '(^|\\s)USA$') THEN 'USA' ELSE {last} END"


def _first_type() -> str:
    """SQL for the word of DT that says what kind a paper is: `Article` in whatever place, or the first."""
    kinds = f"list_filter({_listed('DT')}, lambda t: lower(t) NOT IN ({_MERGED_WITH}))"
    article = f"list_filter({kinds}, lambda t: lower(t) = 'article')"
    return f"coalesce({article}[1], {kinds}[1], {_listed('DT')}[1])"


def _fields() -> str:
    """SQL for the categories of a record, or its research areas."""
    return f"coalesce({_listed('WC')}, {_listed('SC')}, [])"
