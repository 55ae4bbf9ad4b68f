"""Readers: how the files of each source become PEOPLE rows, as DuckDB SQL that reads lazily and by column.

Belongs here: one short module a source, with one function `people(con, files, options)` (or `institutions`).
Does not: fetching the files, or where an address lies. Names of inventors and authors never leave a reader.
"""
